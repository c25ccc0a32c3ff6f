package wire

import (
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

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
