package awsapi

import (
	"errors"
	"fmt"
)

// Bounds of a listing. AWS may return an empty page and the same token again, which is no
// fault; a listing that loops, or does not end, is one.
const (
	maxTokenRepeats = 3
	maxPages        = 10_000
)

// Pages follows the page tokens of one listing and detects one that does not end. The
// zero value is before the first page.
type Pages struct {
	count int
	seen  map[string]int
}

// More takes the token of a page and reports whether there is another page, empty pages
// included. It is an error if the same token keeps coming or the pages do not end.
func (p *Pages) More(token string) (bool, error) {
	if token == "" {
		return false, nil
	}
	if p.seen == nil {
		p.seen = map[string]int{}
	}
	p.count++
	p.seen[token]++
	switch {
	case p.seen[token] > maxTokenRepeats:
		return false, errors.New("the listing repeats itself: AWS keeps returning the same page token")
	case p.count >= maxPages:
		return false, fmt.Errorf("the listing has no end: %d pages read", maxPages)
	}
	return true, nil
}

// ReadPages reads one page after the other until there is no next token. Each read gets
// the token of its page, nil for the first.
func ReadPages(read func(token *string) (next *string, err error)) error {
	var pages Pages
	var token *string
	for {
		next, err := read(token)
		if err != nil || next == nil {
			return err
		}
		more, err := pages.More(*next)
		if !more {
			return err
		}
		token = next
	}
}
