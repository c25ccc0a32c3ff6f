package model

import (
	"bytes"
	"encoding/json"
)

// EncodeJSON writes v as JSON on one line, without the escapes for HTML.
func EncodeJSON(v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSpace(buffer.Bytes()), err
}
