package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"time"
)

// decodeJSON reads an AWS JSON document. Member names are compared exactly, unlike
// encoding/json does; a null member is an absent one. The tag tells where the struct has them.
func decodeJSON(body []byte, tag string, into any) error {
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
		return serialization("the body goes on after its JSON document")
	}
	if _, ok := tree.(map[string]any); !ok {
		return serialization("the body is not a JSON object")
	}
	return assigner{tag: tag}.assign("", tree, reflect.ValueOf(into).Elem())
}

func encodeJSON(out any) ([]byte, error) {
	if out == nil {
		return []byte("{}"), nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// encodeJSON10 renders an output that is declared for CBOR, by way of it.
func encodeJSON10(out any) ([]byte, error) {
	raw, err := encodeCBOR(out)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := cborTree.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	return encodeJSON(stamped(tree))
}

// stamped replaces the timestamps in a tree by the numbers that JSON has for them.
func stamped(node any) any {
	switch v := node.(type) {
	case time.Time:
		return Time{v}
	case map[string]any:
		for key := range v {
			v[key] = stamped(v[key])
		}
	case []any:
		for i := range v {
			v[i] = stamped(v[i])
		}
	}
	return node
}
