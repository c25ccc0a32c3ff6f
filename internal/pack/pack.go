// Package pack makes values small that are kept for long and rarely looked at: about a sixth of what they take.
package pack

import (
	"bytes"
	"compress/flate"
	"reflect"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// Pack packs the exported fields of a value. Encodings for which a pointer to zero is nothing (encoding/gob), or that
// leave out fields (encoding/json), would turn what is zero into what is unknown.
func Pack(value any) ([]byte, error) {
	var packed bytes.Buffer
	small, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err == nil {
		err = msgpack.NewEncoder(small).Encode(value)
	}
	if err == nil {
		err = small.Close()
	}
	return bytes.Clone(packed.Bytes()), err
}

// Unpack is the value that was packed.
func Unpack[T any](packed []byte) (value T, err error) {
	err = msgpack.NewDecoder(flate.NewReader(bytes.NewReader(packed))).Decode(&value)
	return value, err
}

// Times are in UTC everywhere; the library would return them in the host's time zone.
func init() {
	msgpack.Register(time.Time{},
		func(e *msgpack.Encoder, v reflect.Value) error { return e.EncodeTime(v.Interface().(time.Time)) },
		func(d *msgpack.Decoder, v reflect.Value) error {
			at, err := d.DecodeTime()
			v.Set(reflect.ValueOf(at.UTC()))
			return err
		})
}
