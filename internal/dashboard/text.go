package dashboard

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Text is a text of headings and paragraphs.
type Text struct {
	Paragraphs Paragraphs `json:"markdown"`
}

// Paragraphs are Markdown in the body of a dashboard.
type Paragraphs []Paragraph

// Paragraph is a paragraph, or a heading.
type Paragraph struct {
	Level int // of a heading, from 1; else 0
	Parts []Part
}

// Part is a piece of text; a link if Link is set.
type Part struct {
	Text, Link string
	Bold       bool
}

// special matches the characters that mean something in Markdown.
var special = regexp.MustCompile("[\\\\`*_\\[\\]<>|~&!#]")

// MarshalText writes Markdown.
func (list Paragraphs) MarshalText() ([]byte, error) {
	texts := make([]string, len(list))
	for i, p := range list {
		if p.Level > 0 {
			texts[i] = strings.Repeat("#", p.Level) + " "
		}
		for _, part := range p.Parts {
			text := special.ReplaceAllString(part.Text, `\$0`)
			switch {
			case part.Link != "":
				text = "[" + text + "](" + part.Link + ")"
			case part.Bold:
				text = "**" + text + "**"
			}
			texts[i] += text
		}
	}
	return []byte(strings.Join(texts, "\n\n")), nil
}

// addLink adds a link at the end, unless there is no address.
func (p *Paragraph) addLink(text, address string) {
	if address != "" {
		p.Parts = append(p.Parts, Part{Text: " · "}, Part{Text: text, Link: address})
	}
}

func (k groupKey) header() Paragraph {
	name := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) { // line ends among them
			return ' '
		}
		return r
	}, cmp.Or(k.name(), "unknown"))
	header := Paragraph{3, []Part{{Text: "Dataset group " + name + " (" + k.place() + ")"}}}
	// The console has a dollar where the ARN has a slash. An unknown group has no partition, and so no link.
	arn := k.arn.WithResource(k.arn.Type() + "$" + url.PathEscape(k.name()))
	header.addLink("Manage", consoleAddress(arn.Partition(), k.region, "personalize", arn.String()+"/setup"))
	return header
}

var intro = Paragraphs{
	{2, []Part{{Text: "Personalize Monitor"}}},
	{0, []Part{
		{Text: "What the campaigns and recommenders of "},
		{Text: "Amazon Personalize", Link: "https://docs.aws.amazon.com/personalize/latest/dg/what-is-personalize.html"},
		{Text: " do, compared with the minimum that is paid for in any case. " +
			"Utilization under 100 percent is capacity that is paid for and not used."},
	}},
	{0, []Part{
		{Text: "Kept up to date by "},
		{Text: "Personalize Monitor", Link: "https://github.com/personalize-monitor/personalize-monitor"},
		{Text: ". "},
		{Text: "Manual changes to this dashboard are lost.", Bold: true},
	}},
}

// introduction is the text at the top of the nth of all dashboards. It links neighbours.
func introduction(in Input, groups []group, n, all int) Paragraphs {
	last := Paragraph{0, []Part{{Text: "No campaign or recommender is monitored now."}}}
	if len(groups) > 0 {
		if all == 1 {
			return intro
		}
		last.Parts[0].Text = fmt.Sprintf("Dashboard %d of %d", n, all)
		link := func(text string, number int) {
			partition, name := groups[0].resources[0].ARN.Partition(), NumberedName(in.Name, number)
			if 1 <= number && number <= all {
				last.addLink(text, consoleAddress(partition, in.Region, "cloudwatch", "dashboards:name="+name))
			}
		}
		link("previous", n-1)
		link("next", n+1)
	}
	return append(slices.Clip(intro), last)
}

// consoleHosts are the hosts of the AWS console by partition ("Service endpoints" of the
// China and GovCloud user guides). Other partitions get no links.
var consoleHosts = map[string]string{
	"aws":        "console.aws.amazon.com",
	"aws-cn":     "console.amazonaws.cn",
	"aws-us-gov": "console.amazonaws-us-gov.com",
}

// consoleAddress returns the address of a place in the console of a service; empty in a
// partition whose console is unknown. The fragment must be escaped already.
func consoleAddress(partition, region, service, fragment string) string {
	host, ok := consoleHosts[partition]
	if !ok {
		return ""
	}
	return fmt.Sprintf("https://%s/%s/home?region=%s#%s", host, service, url.QueryEscape(region), fragment)
}
