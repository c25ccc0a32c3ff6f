package wire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// The modes are immutable and safe for concurrent use. Their options are constant, so
// building them cannot fail. Structs have no cbor tags: the package falls back on json tags.
var (
	cborIn = must(cbor.DecOptions{
		DefaultMapType:    reflect.TypeFor[map[string]any](),
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		MaxNestedLevels:   16,
		TimeTag:           cbor.DecTagRequired,
	}.DecMode())
	cborOut = must(cbor.EncOptions{
		Time:    cbor.TimeUnixDynamic,
		TimeTag: cbor.EncTagRequired,
	}.EncMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func serialization(format string, args ...any) *Error {
	return &Error{Code: "SerializationException", Message: fmt.Sprintf(format, args...)}
}

func unhandled(path string) *Error {
	return &Error{
		Code: "ValidationException", Query: "ValidationError", Message: fmt.Sprintf("this endpoint does not handle the member %q of the input", path),
	}
}

// Time is a timestamp in an input: seconds since the epoch in JSON, with tag 0 or 1 in CBOR.
type Time struct{ time.Time }

// UnmarshalJSON reads seconds since the epoch, to the millisecond.
func (t *Time) UnmarshalJSON(text []byte) error {
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(math.Abs(seconds) < 1e11) {
		return fmt.Errorf("%s is not a timestamp", text)
	}
	t.Time = time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
	return nil
}

// UnmarshalCBOR reads a tagged time.
func (t *Time) UnmarshalCBOR(data []byte) error {
	err := cborIn.Unmarshal(data, &t.Time)
	t.Time = t.UTC()
	return err
}

// Decode reads the input of the operation into a struct whose json tags hold the names of
// the members as AWS spells them. Members that are absent or null keep the zero value. Timestamps are
// Times. In forms, numbers and booleans have the option string. The error is always an *Error:
// ValidationException for a member that the struct does not declare, SerializationException
// for a wrong type or malformed data.
func (r *Request) Decode(into any) error {
	switch r.Protocol {
	case CBOR:
		return decodeCBOR(r.body, into)
	case Query:
		return decodeForm(r.Form, into)
	default:
		return decodeJSON(r.body, into)
	}
}

// Tree reads the input of the operation into maps, lists and scalars.
func (r *Request) Tree() (tree map[string]any, err error) {
	switch {
	case r.Protocol == Query:
		return formTree(r.Form)
	case len(r.body) == 0:
	case r.Protocol == CBOR:
		err = cborIn.Unmarshal(r.body, &tree)
	default:
		err = json.Unmarshal(r.body, &tree)
	}
	return tree, err
}

func decodeJSON(body []byte, into any) error {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil
	}
	var tree map[string]any
	if err := json.Unmarshal(body, &tree); err != nil || tree == nil {
		return serialization("the body is not a JSON object: %v", err)
	}
	if name := unknownMember(tree, reflect.TypeOf(into)); name != "" { // encoding/json does not compare the case of names
		return unhandled(name)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return serialization("%v", err)
	}
	return nil
}

func decodeCBOR(body []byte, into any) error {
	if len(body) == 0 {
		return nil
	}
	if major := body[0] >> 5; major != 5 {
		return serialization("the body is not a CBOR map")
	}
	err := cborIn.Unmarshal(body, into)
	if _, unknown := errors.AsType[*cbor.UnknownFieldError](err); unknown {
		var tree map[string]any
		if err := cborIn.Unmarshal(body, &tree); err != nil {
			return serialization("%v", err)
		}
		if name := unknownMember(tree, reflect.TypeOf(into)); name != "" {
			return unhandled(name)
		}
	}
	if err != nil {
		return serialization("%v", err)
	}
	return nil
}

// unknownMember returns the path of a member that a type does not declare; empty if it declares all of them. What a node has under a type of
// another kind, such as a list in place of a text, is not looked at: it is decoding that refuses the type.
func unknownMember(node any, t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch node := node.(type) {
	case []any:
		if t.Kind() != reflect.Slice {
			return ""
		}
		for i, item := range node {
			if path := unknownMember(item, t.Elem()); path != "" {
				return strconv.Itoa(i+1) + "." + path
			}
		}
	case map[string]any:
		if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
			return ""
		}
		known := map[string]reflect.Type{}
		for _, f := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			known[name] = f.Type
		}
		delete(known, "") // embedded structs
		for _, name := range slices.Sorted(maps.Keys(node)) {
			if known[name] == nil {
				return name
			}
			if path := unknownMember(node[name], known[name]); path != "" {
				return name + "." + path
			}
		}
	}
	return ""
}

func decodeForm(form url.Values, into any) error {
	tree, err := formTree(form)
	if err != nil {
		return err
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return err // cannot happen: maps, lists and texts
	}
	return decodeJSON(text, into)
}

// maxFormDepth bounds the dots in a parameter's name; real inputs have at most five.
const maxFormDepth = 16

// formTree is a form as a tree. A top-level parameter with an empty value, as empty lists are written, counts as absent.
func formTree(form url.Values) (map[string]any, error) {
	root := map[string]any{}
	for key := range form {
		parts, value := strings.Split(key, "."), form.Get(key)
		switch {
		case len(parts) > maxFormDepth:
			return nil, serialization("the parameter %q is nested too deeply", key)
		case len(parts) == 1 && value == "":
			continue
		}
		tree, isTree := root, true
		for _, part := range parts[:len(parts)-1] {
			if tree[part] == nil {
				tree[part] = map[string]any{}
			}
			if tree, isTree = tree[part].(map[string]any); !isTree {
				break
			}
		}
		last := parts[len(parts)-1]
		if !isTree || tree[last] != nil {
			return nil, serialization("the parameter %q contradicts another one", key)
		}
		tree[last] = value
	}
	var err error
	for name := range root {
		if root[name], err = unwrapped(name, root[name]); err != nil {
			return nil, err
		}
	}
	return root, nil
}

// unwrapped is a part of a form with its lists, which are written Name.member.N, and its maps, which are
// written Name.entry.N.key and Name.entry.N.value.
func unwrapped(path string, node any) (any, error) {
	fields, isTree := node.(map[string]any)
	if !isTree {
		return node, nil
	}
	var err error
	for name := range fields {
		if fields[name], err = unwrapped(path+"."+name, fields[name]); err != nil {
			return nil, err
		}
	}
	if list, ok := fields["member"].(map[string]any); ok && len(fields) == 1 {
		return numbered(path+".member", list)
	}
	list, ok := fields["entry"].(map[string]any)
	if !ok || len(fields) != 1 {
		return fields, nil
	}
	items, err := numbered(path+".entry", list)
	entries := map[string]any{}
	for _, item := range items {
		pair, _ := item.(map[string]any)
		key, ok := pair["key"].(string)
		if !ok || pair["value"] == nil || len(pair) != 2 || entries[key] != nil {
			return nil, serialization("the parameters %s.entry.N are not unique keys and their values", path)
		}
		entries[key] = pair["value"]
	}
	return entries, err
}

// numbered returns the values of the keys 1, 2, … in this order.
func numbered(path string, fields map[string]any) ([]any, error) {
	items := make([]any, len(fields))
	for i := range items {
		item, ok := fields[strconv.Itoa(i+1)]
		if !ok {
			return nil, serialization("the parameters %s.N are not numbered 1 to %d", path, len(items))
		}
		items[i] = item
	}
	return items, nil
}

// Encode renders the output of an operation: nil for none, else a struct with json tags, or
// xml tags for queries.
func Encode(r *Request, xmlns, requestID string, out any) ([]byte, error) {
	switch r.Protocol {
	case CBOR:
		return encodeCBOR(out)
	case Query:
		response := xmlResponse{XMLName: xml.Name{Local: r.Operation + "Response"}, Namespace: xmlns, RequestID: requestID}
		if out != nil {
			response.Result = xmlResult{r.Operation + "Result", out}
		}
		return xml.Marshal(response)
	default:
		return encodeJSON(out)
	}
}

func encodeCBOR(out any) ([]byte, error) {
	if out == nil {
		return []byte{0xa0}, nil
	}
	return cborOut.Marshal(out)
}

// encodeJSON goes by way of CBOR, which keeps timestamps apart from text: JSON has numbers
// for them, unlike encoding/json.
func encodeJSON(out any) ([]byte, error) {
	raw, err := encodeCBOR(out)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := cborIn.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(withNumericTimes(tree)); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// withNumericTimes replaces the timestamps in a tree by seconds since the epoch, with
// milliseconds if there are any.
func withNumericTimes(node any) any {
	switch v := node.(type) {
	case time.Time:
		ms := v.UnixMilli()
		if ms%1000 == 0 {
			return ms / 1000
		}
		return json.Number(fmt.Sprintf("%.3f", float64(ms)/1000))
	case map[string]any:
		for key := range v {
			v[key] = withNumericTimes(v[key])
		}
	case []any:
		for i := range v {
			v[i] = withNumericTimes(v[i])
		}
	}
	return node
}

// xmlResponse is <OpResponse><OpResult>…, without the result if the operation has none.
type xmlResponse struct {
	XMLName   xml.Name
	Namespace string `xml:"xmlns,attr"`
	Result    any
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

type xmlResult struct {
	name string
	out  any
}

// MarshalXML makes an xmlResult an xml.Marshaler.
func (r xmlResult) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(r.out, xml.StartElement{Name: xml.Name{Local: r.name}})
}

type xmlError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}
