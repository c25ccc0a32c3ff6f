package localaws

import (
	"encoding/base64"
	"encoding/json"
	"sort"
)

// pageToken is what a listing's opaque token holds: the call it continues and the key of
// the last item that was delivered. A listing goes on after that key, so items that come
// or go between two pages neither repeat nor hide others.
type pageToken struct {
	Call  string `json:"c"`
	After string `json:"a"`
	First bool   `json:"f,omitempty"` // nothing was delivered yet
}

// page cuts one page out of items, which are sorted by key, and returns it with the token
// for the next one, empty after the last. size is the most items a page may have. ok is
// false if the token is not one that page gave for the same operation, region and account.
func page[T any](c *call, items []T, key func(T) string, token string, size int) (out []T, next string, ok bool) {
	if token != "" {
		t, valid := c.readToken(token)
		if !valid {
			return nil, "", false
		}
		if !t.First {
			items = items[sort.Search(len(items), func(i int) bool { return key(items[i]) > t.After }):]
		}
	}
	if c.emptyPage {
		if token == "" {
			token = c.writeToken(pageToken{First: true})
		}
		return nil, token, true
	}
	if len(items) <= size {
		return items, "", true
	}
	return items[:size], c.writeToken(pageToken{After: key(items[size-1])}), true
}

func (c *call) tokenScope() string {
	return c.service + "." + c.operation + "." + c.region + "." + c.account
}

func (c *call) writeToken(t pageToken) string {
	t.Call = c.tokenScope()
	raw, err := json.Marshal(t)
	if err != nil {
		return "" // cannot happen: strings and a bool
	}
	return base64.URLEncoding.EncodeToString(raw)
}

func (c *call) readToken(token string) (pageToken, bool) {
	var t pageToken
	raw, err := base64.URLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(raw, &t) != nil {
		return t, false
	}
	return t, t.Call == c.tokenScope()
}
