package wire

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/fxamacker/cbor/v2"
)

// The modes are immutable and safe for concurrent use. Their options are constant, so
// building them cannot fail. Structs have no cbor tags: the package falls back on json tags.
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
	case errors.As(err, &unknown): // the error does not name the field
		var tree map[string]any
		if err := cborTree.Unmarshal(body, &tree); err != nil {
			return unhandled(CBOR, "?")
		}
		return unhandled(CBOR, unknownMember("", tree, reflect.TypeOf(into)))
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

// unknownMember returns the path of the first member that the type does not declare, "" if
// there is none.
func unknownMember(path string, node any, t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := node.(type) {
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return ""
		}
		fields := fieldsOf(t)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			index, ok := fields[name]
			if !ok {
				return join(path, name)
			}
			if found := unknownMember(join(path, name), v[name], t.FieldByIndex(index).Type); found != "" {
				return found
			}
		}
	case []any:
		if t.Kind() != reflect.Slice {
			return ""
		}
		for i, item := range v {
			if found := unknownMember(join(path, strconv.Itoa(i+1)), item, t.Elem()); found != "" {
				return found
			}
		}
	}
	return ""
}
