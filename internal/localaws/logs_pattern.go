package localaws

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// logPattern is a filter pattern of CloudWatch Logs (user guide, "Filter pattern syntax"):
// terms, quoted phrases, terms to exclude (-) and optional ones (?); or, in braces, conditions
// on the properties of a JSON message. Regular expressions (%…%) and patterns for columns
// ([…]) are refused.
type logPattern interface{ match(message string) bool }

// parseLogPattern reads a pattern. An empty one matches everything.
func parseLogPattern(text string) (logPattern, error) {
	text = strings.TrimSpace(text)
	switch {
	case !utf8.ValidString(text):
		return nil, errors.New("it is not UTF-8")
	case strings.HasPrefix(text, "{"):
		inner, ok := strings.CutSuffix(text[1:], "}")
		if !ok {
			return nil, errors.New("it begins with { and does not end with }")
		}
		return parseJSONPattern(inner)
	case strings.HasPrefix(text, "["):
		return nil, errors.New("patterns for columns ([…]) are not supported by this endpoint")
	case strings.HasPrefix(text, "%"):
		return nil, errors.New("regular expressions (%…%) are not supported by this endpoint")
	}
	return parseTerms(text)
}

// terms match a message that holds all and none of the excluded ones, and at least one of
// the optional ones, if there are any.
type terms struct{ all, none, any []string }

func (t terms) match(message string) bool {
	for _, term := range t.all {
		if !strings.Contains(message, term) {
			return false
		}
	}
	for _, term := range t.none {
		if strings.Contains(message, term) {
			return false
		}
	}
	for _, term := range t.any {
		if strings.Contains(message, term) {
			return true
		}
	}
	return len(t.any) == 0
}

// plainTerm is what a term may be without quotation marks.
var plainTerm = lazy(`^[\p{L}\p{N}_]+$`)

func parseTerms(text string) (logPattern, error) {
	var t terms
	for text != "" {
		into := &t.all
		switch text[0] {
		case '-':
			into, text = &t.none, text[1:]
		case '?':
			into, text = &t.any, text[1:]
		}
		term, rest, err := cutTerm(text)
		if err != nil {
			return nil, err
		}
		*into = append(*into, term)
		text = strings.TrimLeft(rest, " \t\r\n")
	}
	if len(t.any) > 0 && len(t.all)+len(t.none) > 0 {
		return nil, errors.New("optional terms (?) beside others are ignored by CloudWatch Logs; this endpoint refuses them")
	}
	return t, nil
}

// cutTerm takes the first term off a text.
func cutTerm(text string) (term, rest string, err error) {
	if strings.HasPrefix(text, `"`) {
		term, rest, err = cutQuoted(text)
		switch {
		case err != nil:
			return "", "", err
		case term == "":
			return "", "", errors.New("an empty phrase")
		case rest != "" && !strings.ContainsAny(rest[:1], " \t\r\n"):
			return "", "", fmt.Errorf("there is no space after the phrase %q", term)
		}
		return term, rest, nil
	}
	end := strings.IndexAny(text, " \t\r\n")
	if end < 0 {
		end = len(text)
	}
	if term = text[:end]; !plainTerm().MatchString(term) {
		return "", "", fmt.Errorf("the term %q has characters that need quotation marks around it", term)
	}
	return term, text[end:], nil
}

// cutQuoted takes a phrase in quotation marks off a text; a backslash takes the meaning
// from the next character.
func cutQuoted(text string) (phrase, rest string, err error) {
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return out.String(), text[i+1:], nil
		case '\\':
			if i++; i == len(text) {
				return "", "", errors.New("a phrase without its second quotation mark")
			}
		}
		out.WriteByte(text[i])
	}
	return "", "", errors.New("a phrase without its second quotation mark")
}
