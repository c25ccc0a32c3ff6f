package web

import (
	"regexp"
	"strings"
)

// textLine is a paragraph or heading of a text widget.
type textLine struct {
	Heading bool
	Parts   []textPart
}

// textPart is a piece of text; a link if Link is set.
type textPart struct {
	Text, Link string
	Bold       bool
}

// inline matches what the texts of our dashboards are made of: links to https, and what is
// set in bold. Anything else is text.
var inline = regexp.MustCompile(`\[((?:[^\]\\]|\\.)*)\]\((https://[^\s()]*)\)|\*\*((?:[^*\\]|\\.)+)\*\*`)

// escaped matches an escaped character.
var escaped = regexp.MustCompile(`\\(.)`)

// markdown reads the Markdown of our own text widgets: headings, paragraphs, links, bold.
func markdown(source string) []textLine {
	var lines []textLine
	for _, paragraph := range strings.Split(source, "\n") {
		paragraph = strings.TrimSpace(paragraph)
		if paragraph == "" {
			continue
		}
		text := strings.TrimLeft(paragraph, "#")
		heading := len(text) < len(paragraph) && strings.HasPrefix(text, " ")
		if !heading {
			text = paragraph
		}
		lines = append(lines, textLine{Heading: heading, Parts: parts(strings.TrimSpace(text))})
	}
	return lines
}

func parts(text string) []textPart {
	var list []textPart
	plain := func(s string) {
		if s != "" {
			list = append(list, textPart{Text: unescape(s)})
		}
	}
	at := 0
	for _, m := range inline.FindAllStringSubmatchIndex(text, -1) {
		plain(text[at:m[0]])
		if m[4] >= 0 {
			list = append(list, textPart{Text: unescape(text[m[2]:m[3]]), Link: text[m[4]:m[5]]})
		} else {
			list = append(list, textPart{Text: unescape(text[m[6]:m[7]]), Bold: true})
		}
		at = m[1]
	}
	plain(text[at:])
	return list
}

func unescape(s string) string { return escaped.ReplaceAllString(s, "$1") }
