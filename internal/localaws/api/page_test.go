package api

import (
	"errors"
	"strings"
	"testing"
)

// FuzzPageToken gives any token to a listing: it is refused, or the page is a part of
// the list.
func FuzzPageToken(f *testing.F) {
	c := &Call{Service: "personalize", Operation: "ListCampaigns", Home: Home{"123456789012", "eu-west-1"}, Model: &Model{BadToken: errors.New("bad")}}
	f.Add("")
	f.Add(c.WriteToken(Token{After: "b"}))
	f.Add(c.WriteToken(Token{First: true}))
	f.Add("e30=")
	items := []string{"a", "b", "c", "d"}
	f.Fuzz(func(t *testing.T, token string) {
		out, next, err := Page(c, items, func(s string) string { return s }, &token, nil, 2)
		if err != nil && (out != nil || next != "") {
			t.Errorf("refused, and yet %v %q", out, next)
		}
		if len(out) > 2 || !strings.Contains("abcd", strings.Join(out, "")) {
			t.Errorf("page %v", out)
		}
		if next != "" && next == token && len(out) > 0 {
			t.Errorf("%q leads to itself", token)
		}
	})
}
