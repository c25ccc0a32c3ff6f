package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sort"
)

// Token is the content of a listing's opaque token: the call it continues and the key of
// the last returned item. A listing goes on after that key, so items that appear or
// disappear between two pages neither repeat nor hide others.
type Token struct {
	Call  string `json:"c"`
	After string `json:"a"`
	First bool   `json:"f,omitempty"` // no item was returned yet
}

func (c *Call) tokenScope() string {
	return c.Service + "." + c.Operation + "." + c.Region + "." + c.Account
}

// WriteToken encodes a token of this call.
func (c *Call) WriteToken(t Token) string {
	t.Call = c.tokenScope()
	raw, err := json.Marshal(t)
	if err != nil {
		return "" // cannot happen: strings and a bool
	}
	return base64.URLEncoding.EncodeToString(raw)
}

// ReadToken decodes a token. ok is false if it is not one of the same operation, region and
// account.
func (c *Call) ReadToken(token string) (t Token, ok bool) {
	raw, err := base64.URLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(raw, &t) != nil {
		return t, false
	}
	return t, t.Call == c.tokenScope()
}

// Page cuts one page out of items, which are sorted by key, and returns it with the token
// for the next one, empty after the last. size is the largest page. ok is false if ReadToken
// rejects the token; an empty token is the first page.
func Page[T any](c *Call, items []T, key func(T) string, token string, size int) (out []T, next string, ok bool) {
	if token != "" {
		t, valid := c.ReadToken(token)
		if !valid {
			return nil, "", false
		}
		if !t.First {
			items = items[sort.Search(len(items), func(i int) bool { return key(items[i]) > t.After }):]
		}
	}
	if c.EmptyPage {
		if token == "" {
			token = c.WriteToken(Token{First: true})
		}
		return nil, token, true
	}
	if len(items) <= size {
		return items, "", true
	}
	return items[:size], c.WriteToken(Token{After: key(items[size-1])}), true
}

// Paging is how a service pages its listings.
type Paging struct {
	Most     int   // the largest page
	Default  int   // the page without a limit; 0 means Most
	BadToken error // for an invalid token
	// BadLimit makes the error for a limit that breaks a rule; see Constraint.
	BadLimit func(value, rule string) error
}

// PageOf cuts a page out of items as the service does.
func PageOf[T any](c *Call, p Paging, items []T, key func(T) string, token *string, limit *int32) (page []T, next string, err error) {
	size, err := p.Size(limit)
	if err != nil {
		return nil, "", err
	}
	page, next, ok := Page(c, items, key, Value(token), size)
	if !ok || (token != nil && *token == "") {
		return nil, "", p.BadToken
	}
	return page, next, nil
}

// Size returns the size of a page with the limit, which must be from 1 to Most; nil is the
// default.
func (p Paging) Size(limit *int32) (int, error) {
	switch {
	case limit == nil && p.Default > 0:
		return p.Default, nil
	case limit == nil:
		return p.Most, nil
	case *limit < 1 || int(*limit) > p.Most:
		return 0, p.BadLimit(fmt.Sprint(*limit), fmt.Sprintf("have a value from 1 to %d", p.Most))
	}
	return int(*limit), nil
}
