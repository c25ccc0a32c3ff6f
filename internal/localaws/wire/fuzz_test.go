package wire

import (
	"errors"
	"net/url"
	"testing"
	"time"
)

// refusedProperly fails if a decoder returned an error that is not an API error.
func refusedProperly(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if err != nil && !errors.As(err, &e) {
		t.Errorf("error %v (%T) is not an *Error", err, err)
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, ``, `null`, `[[[[`, `{"Name":"n","Count":7,"Rate":1e400}`, `{"At":-62135596801}`, `{"List":["a"],"Tags":{"":""}}`,
		`{"Parts":[{"Key":"k"}],"Inner":{"Value":"v"}}`, `{"At":1e10}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var into thing
		refusedProperly(t, decodeJSON(body, &into))
	})
}

func FuzzDecodeCBOR(f *testing.F) {
	now := time.Unix(1772366400, 0)
	for _, seed := range []any{thing{}, document(), map[string]any{"Nope": []any{1, "x", nil}}, map[string]any{"At": now}} {
		body, err := cborOut.Marshal(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte("\xbf\x64Rate\xf9\x7e\x00\xff"))
	f.Add([]byte("\xa1\x62At\xc1\xfb\x7f\xef\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var into thing
		refusedProperly(t, decodeCBOR(body, &into))
	})
}

func FuzzDecodeForm(f *testing.F) {
	for _, seed := range []string{
		"", "Name=n&Count=7", "List.member.1=a&List.member.2=b", "Tags.entry.1.key=k&Tags.entry.1.value=v",
		"Parts.member.1.Key=k", "Inner=&Inner.Key=x", ".=1&..=2", "List.member.99999999999999999999=x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		form, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		var into thing
		refusedProperly(t, decodeForm(form, &into))
	})
}

func FuzzRead(f *testing.F) {
	f.Add("/", "{}", "X.Y", "", "application/x-amz-json-1.1", "")
	f.Add("/service/S/operation/O", "\xa0", "", "rpc-v2-cbor", "application/cbor", "gzip")
	f.Add("/", "Action=A&Version=V", "", "", "application/x-www-form-urlencoded", "")
	f.Fuzz(func(t *testing.T, path, body, target, protocol, contentType, encoding string) {
		r := post("/", body, "X-Amz-Target", target, "Smithy-Protocol", protocol, "Content-Type", contentType, "Content-Encoding", encoding)
		r.URL.Path = path
		req, err := Read(r)
		refusedProperly(t, err)
		if req == nil {
			t.Fatal("no request")
		}
		if err == nil {
			var into thing
			refusedProperly(t, req.Decode(&into))
		}
	})
}
