package api

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
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
	return c.Service + "." + c.Operation + "." + c.Region + "." + c.Account + "." + c.Scope
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

// ReadToken decodes a token. The error is the service's BadToken if it is not one of the same
// operation, region and account.
func (c *Call) ReadToken(token string) (t Token, err error) {
	raw, err := base64.URLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(raw, &t) != nil || t.Call != c.tokenScope() {
		return t, c.Model.BadToken
	}
	return t, nil
}

// Page cuts one page out of items, which are sorted by key, and returns it with the token
// for the next one, empty after the last. Without a token it is the first page, without a limit
// it has at most size items. The error is that of ReadToken.
func Page[T any](c *Call, items []T, key func(T) string, token *string, limit *int32, size int32) (page []T, next string, err error) {
	if token != nil {
		t, err := c.ReadToken(*token)
		if err != nil {
			return nil, "", err
		}
		if !t.First {
			items = items[sort.Search(len(items), func(i int) bool { return key(items[i]) > t.After }):]
		}
	}
	if c.EmptyPage {
		return nil, cmp.Or(Value(token), c.WriteToken(Token{First: true})), nil
	}
	n := int(cmp.Or(Value(limit), size))
	if len(items) <= n {
		return items, "", nil
	}
	return items[:n], c.WriteToken(Token{After: key(items[n-1])}), nil
}

// Listing is the output of a listing: its items, and the token of the next page if there is one.
func Listing(member string, items any, tokenMember, next string) Out {
	out := Out{member: items}
	if next != "" {
		out[tokenMember] = next
	}
	return out
}
