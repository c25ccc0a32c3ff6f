package wire

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// The modes are immutable and safe for concurrent use. Their options are constants, so
// building them cannot fail after the first test run.
var (
	cborIn = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		TimeTag:           cbor.DecTagRequired,
		MaxNestedLevels:   16,
	}.DecMode())
	cborTree = must(cbor.DecOptions{
		DefaultMapType:  reflect.TypeFor[map[string]any](),
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
	err := cborIn.Unmarshal(body, into)
	var unknown *cbor.UnknownFieldError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown):
		return unhandled("cbor", unknownMember(body, into))
	default:
		return serialization("the body does not fit the input: %v", err)
	}
}

func encodeCBOR(out any) ([]byte, error) {
	if out == nil {
		return []byte{0xa0}, nil
	}
	return cborOut.Marshal(out)
}

// unknownMember names the first member of the body that the struct does not declare,
// for the decoder tells only that there is one.
func unknownMember(body []byte, into any) string {
	var tree map[string]any
	if err := cborTree.Unmarshal(body, &tree); err != nil {
		return "?"
	}
	path, _ := findUnknown("", tree, reflect.TypeOf(into))
	return path
}

func findUnknown(path string, node any, t reflect.Type) (string, bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := node.(type) {
	case map[string]any:
		return findUnknownIn(path, v, t)
	case []any:
		if t.Kind() != reflect.Slice {
			return "", false
		}
		for i, item := range v {
			if found, ok := findUnknown(fmt.Sprintf("%s.%d", path, i+1), item, t.Elem()); ok {
				return found, true
			}
		}
	}
	return "", false
}

func findUnknownIn(path string, members map[string]any, t reflect.Type) (string, bool) {
	if t.Kind() != reflect.Struct {
		return "", false
	}
	fields := assigner{tag: "cbor"}.fields(t)
	for _, name := range sortedKeys(members) {
		i, ok := fields[name]
		if !ok {
			return join(path, name), true
		}
		if found, ok := findUnknown(join(path, name), members[name], t.Field(i).Type); ok {
			return found, true
		}
	}
	return "", false
}
