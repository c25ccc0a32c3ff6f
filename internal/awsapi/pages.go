package awsapi

import (
	"errors"
	"fmt"
)

// Bounds of a listing. AWS may answer an empty page and the same token once more, which
// is no fault; a listing that goes round, or on and on, is one.
const (
	maxTokenRepeats = 3
	maxPages        = 10_000
)

// Pages follows the page tokens of one listing and notices when it does not come to an
// end. The zero value stands before the first page.
type Pages struct {
	count int
	seen  map[string]int
}

// More takes the token that came with a page and tells whether there is another page.
// Whether a page was empty does not matter. It is an error if the same token keeps
// coming or there is no end to the pages.
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
		return false, errors.New("the listing repeats itself: the same page token keeps coming")
	case p.count >= maxPages:
		return false, fmt.Errorf("the listing has no end: %d pages read", maxPages)
	}
	return true, nil
}
