package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// decodeJSON reads an AWS JSON document. Unlike encoding/json it compares the names of
// members exactly. A null member counts as absent.
func decodeJSON(p Protocol, body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return serialization("the body is not valid JSON: %v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return serialization("the body has data after its JSON document")
	}
	if _, ok := tree.(map[string]any); !ok {
		return serialization("the body is not a JSON object")
	}
	return assigner{p}.assign("", tree, reflect.ValueOf(into).Elem())
}

// encodeJSON goes by way of CBOR, which keeps timestamps apart from text: JSON has numbers
// for them, unlike encoding/json.
func encodeJSON(out any) ([]byte, error) {
	raw, err := encodeCBOR(out)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := cborTree.Unmarshal(raw, &tree); err != nil {
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

// The modes are immutable and safe for concurrent use. Their options are constant, so
// building them cannot fail. Structs have no cbor tags: the package falls back on json tags.
var (
	cborTree = must(cbor.DecOptions{
		DefaultMapType:  reflect.TypeFor[map[string]any](),
		DupMapKey:       cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels: 16,
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

// decodeCBOR reads an RPC v2 document. Timestamps must carry tag 1.
func decodeCBOR(body []byte, into any) error {
	if len(body) == 0 {
		body = []byte{0xa0}
	}
	if major := body[0] >> 5; major != 5 {
		return serialization("the body is not a CBOR map")
	}
	var tree map[string]any
	if err := cborTree.Unmarshal(body, &tree); err != nil {
		return serialization("the body is not valid CBOR: %v", err)
	}
	return assigner{CBOR}.assign("", tree, reflect.ValueOf(into).Elem())
}

func encodeCBOR(out any) ([]byte, error) {
	if out == nil {
		return []byte{0xa0}, nil
	}
	return cborOut.Marshal(out)
}
