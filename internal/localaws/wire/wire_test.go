package wire

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"errors"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
)

// thing has a field of every kind, in all protocols.
type thing struct {
	Name  *string           `json:"Name"`
	On    bool              `json:"On"`
	Count *int32            `json:"Count"`
	Rate  float64           `json:"Rate"`
	At    *Time             `json:"At"`
	List  []string          `json:"List"`
	Parts []part            `json:"Parts"`
	Tags  map[string]string `json:"Tags"`
	Inner *part             `json:"Inner"`
}

type part struct {
	Key   string `json:"Key"`
	Value string `json:"Value"`
}

func ptr[T any](v T) *T { return &v }

func whole() thing {
	return thing{
		Name: ptr("n"), On: true, Count: ptr(int32(7)), Rate: 0.5,
		At:   &Time{time.Date(2026, 3, 1, 12, 0, 0, 500e6, time.UTC)},
		List: []string{"a", "b"}, Parts: []part{{"k", "v"}, {"l", "w"}},
		Tags: map[string]string{"x": "1", "y": "2"}, Inner: &part{Key: "i"},
	}
}

// document is the whole as a client sends it.
func document() map[string]any {
	w := whole()
	return map[string]any{
		"Name": w.Name, "On": w.On, "Count": w.Count, "Rate": w.Rate, "At": w.At.Time, "List": w.List, "Parts": w.Parts,
		"Tags": w.Tags, "Inner": map[string]any{"Key": "i"},
	}
}

func codeOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T) is not an *Error", err, err)
	}
	return e.Code
}

// A value of another kind than the member's is refused as such, however deep it is, by both protocols.
func TestValuesOfEveryKindForEveryMember(t *testing.T) {
	values := []any{
		"x", 7, 7.5, true,
		[]any{},
		[]any{"x"},
		[]any{[]any{"x"}},
		[]any{map[string]any{"Key": "k"}},
		map[string]any{},
		map[string]any{"Key": "k"},
		map[string]any{"Key": []any{"x"}},
		map[string]any{"Key": map[string]any{"x": "y"}},
	}
	fits := map[string]int{"Name": 1, "On": 1, "Count": 1, "Rate": 2, "At": 0, "List": 2, "Parts": 2, "Tags": 2, "Inner": 2}
	for _, member := range slices.Sorted(maps.Keys(fits)) {
		for protocol, marshal := range map[string]func(any) ([]byte, error){"JSON": json.Marshal, "CBOR": cborOut.Marshal} {
			want := fits[member]
			if member == "At" && protocol == "JSON" {
				want = 2 // a number, and one with a fraction; CBOR has a type of its own for times
			}
			accepted := 0
			for _, value := range values {
				body, err := marshal(map[string]any{member: value})
				if err != nil {
					t.Fatal(err)
				}
				decode := decodeJSON
				if protocol == "CBOR" {
					decode = decodeCBOR
				}
				var got thing
				switch code := codeOf(t, decode(body, &got)); code {
				case "":
					accepted++
				case "SerializationException":
				default:
					t.Errorf("%s: %s as %v: %s", protocol, member, value, code)
				}
			}
			if accepted != want {
				t.Errorf("%s: %d kinds of value fit %s, want %d", protocol, accepted, member, want)
			}
		}
	}
}

func TestDecodeJSON(t *testing.T) {
	const all = `{"Name":"n","On":true,"Count":7,"Rate":0.5,"At":1772366400.5,"List":["a","b"],
		"Parts":[{"Key":"k","Value":"v"},{"Key":"l","Value":"w"}],"Tags":{"x":"1","y":"2"},"Inner":{"Key":"i"}}`
	tests := []struct {
		name, body, code string
		want             thing
	}{
		{name: "every kind of member", body: all, want: whole()},
		{name: "no body is an empty object", body: ""},
		{name: "null is absence", body: `{"Name":null,"List":null,"Count":null}`},
		{name: "an empty list is not absence", body: `{"List":[]}`, want: thing{List: []string{}}},
		{name: "unknown member", body: `{"nope":1}`, code: "ValidationException"},
		{name: "unknown member inside a list", body: `{"Parts":[{"Key":"a"},{"nope":1}]}`, code: "ValidationException"},
		{name: "names are case-sensitive", body: `{"name":"n"}`, code: "ValidationException"},
		{name: "text for a number", body: `{"Count":"7"}`, code: "SerializationException"},
		{name: "number for text", body: `{"Name":7}`, code: "SerializationException"},
		{name: "fraction for a whole number", body: `{"Count":7.5}`, code: "SerializationException"},
		{name: "largest whole number", body: `{"Count":2147483647}`, want: thing{Count: ptr(int32(math.MaxInt32))}},
		{name: "one more than the largest", body: `{"Count":2147483648}`, code: "SerializationException"},
		{name: "number for a boolean", body: `{"On":1}`, code: "SerializationException"},
		{name: "object for a list", body: `{"List":{}}`, code: "SerializationException"},
		{name: "list for an object", body: `{"Inner":[]}`, code: "SerializationException"},
		{name: "text for a timestamp", body: `{"At":"2026-03-01T12:00:00Z"}`, code: "SerializationException"},
		{name: "timestamp out of range", body: `{"At":1e300}`, code: "SerializationException"},
		{name: "not an object", body: `[]`, code: "SerializationException"},
		{name: "not JSON", body: `{`, code: "SerializationException"},
		{name: "more than one document", body: `{} {}`, code: "SerializationException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got thing
			err := decodeJSON([]byte(tt.body), &got)
			if code := codeOf(t, err); code != tt.code {
				t.Fatalf("code %q (%v), want %q", code, err, tt.code)
			}
			if diff := cmp.Diff(tt.want, got); err == nil && diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeForm(t *testing.T) {
	type thing struct {
		Name  *string           `json:"Name"`
		On    bool              `json:"On,string"`
		Count *int32            `json:"Count,string"`
		List  []string          `json:"List"`
		Parts []part            `json:"Parts"`
		Tags  map[string]string `json:"Tags"`
		Inner *part             `json:"Inner"`
	}
	w := whole()
	const all = "Name=n&On=true&Count=7&List.member.1=a&List.member.2=b" +
		"&Parts.member.1.Key=k&Parts.member.1.Value=v&Parts.member.2.Key=l&Parts.member.2.Value=w" +
		"&Tags.entry.1.key=x&Tags.entry.1.value=1&Tags.entry.2.key=y&Tags.entry.2.value=2&Inner.Key=i"
	tests := []struct {
		name, form, code string
		want             thing
	}{
		{name: "every kind of parameter", form: all, want: thing{w.Name, w.On, w.Count, w.List, w.Parts, w.Tags, w.Inner}},
		{name: "an empty list is absence", form: "List="},
		{name: "an empty text in a list", form: "Parts.member.1.Key=k&Parts.member.1.Value=", want: thing{Parts: []part{{Key: "k"}}}},
		{name: "unknown parameter", form: "Nope=1", code: "ValidationException"},
		{name: "unknown parameter in a structure", form: "Inner.Nope=1", code: "ValidationException"},
		{name: "list not numbered from 1", form: "List.member.0=a", code: "SerializationException"},
		{name: "list with a gap", form: "List.member.1=a&List.member.3=b", code: "SerializationException"},
		{name: "list with a number written otherwise", form: "List.member.01=a", code: "SerializationException"},
		{name: "list without member", form: "List.1=a", code: "SerializationException"},
		{name: "map without value", form: "Tags.entry.1.key=x", code: "SerializationException"},
		{name: "map with a key twice", form: "Tags.entry.1.key=x&Tags.entry.1.value=1&Tags.entry.2.key=x&Tags.entry.2.value=2", code: "SerializationException"},
		{name: "a value and a structure at once", form: "Inner=1&Inner.Key=2", code: "SerializationException"},
		{name: "structure for a text", form: "Name.x=1", code: "SerializationException"},
		{name: "text for a number", form: "Count=x", code: "SerializationException"},
		{name: "boolean in capitals", form: "On=True", code: "SerializationException"},
		{name: "nested too deeply", form: strings.Repeat("a.", 20) + "=1", code: "SerializationException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			form, err := url.ParseQuery(tt.form)
			if err != nil {
				t.Fatal(err)
			}
			var got thing
			err = decodeForm(form, &got)
			if code := codeOf(t, err); code != tt.code {
				t.Fatalf("code %q (%v), want %q", code, err, tt.code)
			}
			if diff := cmp.Diff(tt.want, got); err == nil && diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeCBOR(t *testing.T) {
	encode := func(v any) []byte {
		b, err := cborOut.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	type doc = map[string]any
	tests := []struct {
		name, code string
		body       []byte
		want       thing
	}{
		{name: "every kind of member", body: encode(document()), want: whole()},
		{name: "no body is an empty map", body: nil},
		{name: "a map of unknown length", body: []byte("\xbf\x64Name\x61n\xff"), want: thing{Name: ptr("n")}},
		{name: "null is absence", body: encode(doc{"Name": nil, "Count": nil})},
		{name: "a whole number for a float", body: encode(doc{"Rate": 3}), want: thing{Rate: 3}},
		{name: "unknown member", body: encode(doc{"Nope": 1}), code: "ValidationException"},
		{name: "unknown member inside a list", body: encode(doc{"Parts": []doc{{"Nope": 1}}}), code: "ValidationException"},
		{name: "names are case-sensitive", body: encode(doc{"name": "n"}), code: "ValidationException"},
		{name: "text for a number", body: encode(doc{"Count": "7"}), code: "SerializationException"},
		{name: "one more than the largest whole number", body: encode(doc{"Count": int64(math.MaxInt32) + 1}), code: "SerializationException"},
		{name: "timestamp without its tag", body: encode(doc{"At": 1772366400}), code: "SerializationException"},
		{name: "timestamp as text with tag 0", body: []byte("\xa1\x62At\xc0\x74" + "2026-03-01T12:00:00Z"), want: thing{At: &Time{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}},
		{name: "a name twice", body: []byte("\xa2\x64Name\x61a\x64Name\x61b"), code: "SerializationException"},
		{name: "not a map", body: []byte{0x80}, code: "SerializationException"},
		{name: "cut off", body: encode(document())[:20], code: "SerializationException"},
		{name: "data after the map", body: []byte{0xa0, 0xa0}, code: "SerializationException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got thing
			err := decodeCBOR(tt.body, &got)
			if code := codeOf(t, err); code != tt.code {
				t.Fatalf("code %q (%v), want %q", code, err, tt.code)
			}
			if diff := cmp.Diff(tt.want, got); err == nil && diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnknownCBORMemberIsNamedWithItsPath(t *testing.T) {
	body, err := cborOut.Marshal(map[string]any{"Parts": []any{map[string]any{"Key": "a"}, map[string]any{"Colour": "red"}}})
	if err != nil {
		t.Fatal(err)
	}
	var into thing
	if err := decodeCBOR(body, &into); err == nil || !strings.Contains(err.Error(), `"Parts.2.Colour"`) {
		t.Errorf("error %v does not name Parts.2.Colour", err)
	}
}

// post makes a request with a body and headers given in pairs.
func post(path, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func zipped(body string) string {
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	_, _ = zw.Write([]byte(body))
	_ = zw.Close()
	return buf.String()
}

func TestRead(t *testing.T) {
	jsonHeaders := []string{"X-Amz-Target", "AmazonPersonalize.ListCampaigns", "Content-Type", "application/x-amz-json-1.1"}
	const rpc = "/service/Granite/operation/PutMetricData"
	cborHeaders := []string{"Smithy-Protocol", "rpc-v2-cbor", "Content-Type", "application/cbor"}
	form := []string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}
	get := httptest.NewRequest(http.MethodGet, "/", nil)
	get.Header.Set("X-Amz-Target", "AmazonPersonalize.ListCampaigns")
	tests := []struct {
		name      string
		r         *http.Request
		code      string
		protocol  Protocol
		target    string
		operation string
		size      int
	}{
		{"JSON", post("/", "{}", jsonHeaders...), "", JSON, "AmazonPersonalize", "ListCampaigns", 2},
		{"JSON 1.0", post("/", "{}", "X-Amz-Target", "Granite.ListMetrics", "Content-Type", "application/x-amz-json-1.0"), "", JSON10, "Granite", "ListMetrics", 2},
		{"CBOR", post(rpc, "\xa0", cborHeaders...), "", CBOR, "Granite", "PutMetricData", 1},
		{"CBOR without a body", post(rpc, "", "Smithy-Protocol", "rpc-v2-cbor"), "", CBOR, "Granite", "PutMetricData", 0},
		{"compressed CBOR", post(rpc, zipped("\xa0"), append(cborHeaders, "Content-Encoding", "gzip")...), "", CBOR, "Granite", "PutMetricData", 1},
		{"query", post("/", "Action=Publish&Version=2010-03-31", form...), "", Query, "2010-03-31", "Publish", 33},
		{"a GET", get, "UnknownOperationException", JSON, "AmazonPersonalize", "ListCampaigns", 0},
		{"no protocol at all", post("/", ""), "UnknownOperationException", JSON, "", "", 0},
		{"RPC path with another protocol", post(rpc, "{}", "Smithy-Protocol", "rpc-v2-json"), "UnknownOperationException", CBOR, "Granite", "PutMetricData", 0},
		{"JSON target with another content type", post("/", "{}", "X-Amz-Target", "A.B", "Content-Type", "text/plain"), "SerializationException", JSON, "A", "B", 0},
		{"CBOR with a JSON body", post(rpc, "{}", "Smithy-Protocol", "rpc-v2-cbor", "Content-Type", "application/json"), "SerializationException", CBOR, "Granite", "PutMetricData", 0},
		{"not really compressed", post(rpc, "\xa0", append(cborHeaders, "Content-Encoding", "gzip")...), "SerializationException", CBOR, "Granite", "PutMetricData", 0},
		{"unknown compression", post(rpc, "\xa0", append(cborHeaders, "Content-Encoding", "br")...), "SerializationException", CBOR, "Granite", "PutMetricData", 0},
		{"largest body", post("/", strings.Repeat(" ", MaxBody), jsonHeaders...), "", JSON, "AmazonPersonalize", "ListCampaigns", MaxBody},
		{"one byte more", post("/", strings.Repeat(" ", MaxBody+1), jsonHeaders...), "RequestEntityTooLarge", JSON, "AmazonPersonalize", "ListCampaigns", 0},
		{"too large once decompressed", post(rpc, zipped(strings.Repeat(" ", MaxBody+1)), append(cborHeaders, "Content-Encoding", "gzip")...), "RequestEntityTooLarge", CBOR, "Granite", "PutMetricData", 0},
		{"query without action", post("/", "Version=1", form...), "MissingAction", Query, "1", "", 9},
		{"query with a parameter twice", post("/", "Action=A&X=1&X=2", form...), "InvalidParameterCombination", Query, "", "", 16},
		{"query that is no form", post("/", "Action=%zz", form...), "MalformedQueryString", Query, "", "", 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := Read(tt.r)
			if code := codeOf(t, err); code != tt.code {
				t.Fatalf("code %q (%v), want %q", code, err, tt.code)
			}
			if req.Protocol != tt.protocol || req.Target != tt.target || req.Operation != tt.operation || len(req.Body()) != tt.size {
				t.Errorf("got %v %q %q of %d bytes", req.Protocol, req.Target, req.Operation, len(req.Body()))
			}
		})
	}
}

func TestEncode(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 250e6, time.UTC)
	out := struct {
		ARN  string    `json:"arn" xml:"TopicArn"`
		At   time.Time `json:"at" xml:"-"`
		List []string  `json:"list" xml:"List>member"`
	}{"<a&b>", at, []string{"x", "y"}}
	tests := []struct {
		name     string
		protocol Protocol
		out      any
		want     string
	}{
		{"JSON", JSON, out, `{"arn":"<a&b>","at":1772366400.250,"list":["x","y"]}`},
		{"JSON without output", JSON, nil, `{}`},
		{"CBOR without output", CBOR, nil, "\xa0"},
		{"query", Query, out, `<OpResponse xmlns="urn:x"><OpResult><TopicArn>&lt;a&amp;b&gt;</TopicArn>` +
			`<List><member>x</member><member>y</member></List></OpResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></OpResponse>`},
		{"query without output", Query, nil, `<OpResponse xmlns="urn:x"><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></OpResponse>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Encode(&Request{Protocol: tt.protocol, Operation: "Op"}, "urn:x", "id", tt.out)
			if err != nil || string(got) != tt.want {
				t.Errorf("got  %s (%v)\nwant %s", got, err, tt.want)
			}
		})
	}
}

func TestJSON10RoundTrip(t *testing.T) {
	in := &Request{Protocol: JSON10, body: []byte(`{"Name":"n","On":true,"Count":7,"Rate":0.5,"At":1772366400.5,"List":["a","b"],
		"Parts":[{"Key":"k","Value":"v"},{"Key":"l","Value":"w"}],"Tags":{"x":"1","y":"2"},"Inner":{"Key":"i"}}`)}
	var got thing
	if err := in.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole(), got); diff != "" {
		t.Error(diff)
	}
	out, err := Encode(in, "", "", document())
	if err != nil {
		t.Fatal(err)
	}
	got = thing{}
	if err := (&Request{Protocol: JSON10, body: out}).Decode(&got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if diff := cmp.Diff(whole(), got); diff != "" {
		t.Error(diff)
	}
	w := httptest.NewRecorder()
	WriteError(w, in, "id", &Error{Code: "NoShape", Query: "NoQuery", Message: "m"})
	if w.Header().Get("X-Amzn-Query-Error") != "NoQuery;Sender" || !strings.Contains(w.Body.String(), `"__type":"NoShape"`) {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
}

func TestWriteError(t *testing.T) {
	e := &Error{Code: "NoShape", Query: "NoQuery", Message: "m", Status: 404, Members: map[string]any{"Extra": "x"}}
	write := func(p Protocol) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		WriteError(w, &Request{Protocol: p}, "id", e)
		return w
	}
	t.Run("JSON", func(t *testing.T) {
		w := write(JSON)
		var doc map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if doc["__type"] != "NoShape" || doc["message"] != "m" || doc["Extra"] != "x" || w.Code != 404 || w.Header().Get("X-Amzn-Errortype") != "NoShape" {
			t.Errorf("%d %v %v", w.Code, w.Header(), doc)
		}
	})
	t.Run("CBOR", func(t *testing.T) {
		w := write(CBOR)
		var doc map[string]string
		if err := cbor.Unmarshal(w.Body.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if doc["__type"] != "NoShape" || doc["message"] != "m" || doc["Extra"] != "x" || w.Header().Get("X-Amzn-Query-Error") != "NoQuery;Sender" {
			t.Errorf("%v %v", w.Header(), doc)
		}
	})
	t.Run("query", func(t *testing.T) {
		w := write(Query)
		var doc xmlError
		if err := xml.Unmarshal(w.Body.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Code != "NoQuery" || doc.Message != "m" || doc.Type != "Sender" || doc.RequestID != "id" {
			t.Errorf("%+v", doc)
		}
	})
}
