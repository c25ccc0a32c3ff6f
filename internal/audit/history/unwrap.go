package history

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// maxWrapping is how many times a line may be wrapped: the journal has lines of docker, for example.
const maxWrapping = 3

// decodedLine is what a line holds.
type decodedLine struct {
	records []decodedRecord
	object  bool // the line is JSON
	wrapped bool // it holds lines of a log
}

// decodedRecord is a record, or why it is not one: events.ErrNoAudit, or that it cannot be read.
type decodedRecord struct {
	audit events.Audit
	err   error
}

// errLeftOut is the error for a message of more than 4,096 bytes, in whose place journalctl -o json has
// null (systemd's documentation of its JSON format).
var errLeftOut = errors.New("the journal has left out a long message, which may be an audit record; read it with journalctl --all")

// unwrap decodes a line. If it has no record, but holds lines of a log, those are decoded instead.
func unwrap(line []byte) decodedLine { return unwrapAt(line, maxWrapping) }

func unwrapAt(line []byte, depth int) decodedLine {
	a, err := decode(line)
	own := decodedLine{records: []decodedRecord{{a, err}}}
	if err == nil || depth == 0 {
		return own
	}
	inner, object := logLines(line)
	own.object = object
	if len(inner) == 0 {
		return own
	}
	result := decodedLine{object: object, wrapped: true}
	for _, one := range inner {
		if one == nil {
			result.records = append(result.records, decodedRecord{err: errLeftOut})
			continue
		}
		result.records = append(result.records, unwrapAt(bytes.TrimSpace(one), depth-1).records...)
	}
	return result
}

// wrapper is an object that holds a line of a log: docker's json-file driver has it under log, the
// journal (journalctl -o json) under MESSAGE, as bytes if it has control characters, and
// aws logs filter-log-events under message, with all events of a page under events.
type wrapper struct {
	Log     *string         `json:"log"`
	Message json.RawMessage `json:"message"` // this or MESSAGE, as the decoder ignores the case
	Cursor  *string         `json:"__CURSOR"`
	Events  []struct {
		Message string `json:"message"`
	} `json:"events"`
}

// messageKey begins a line of the indented output of aws logs filter-log-events.
var messageKey = []byte(`"message": "`)

// logLines are the lines of a log that a line holds, nil for one that was left out. The object is true
// for a line of JSON.
func logLines(line []byte) (lines [][]byte, object bool) {
	if bytes.HasPrefix(line, messageKey) { // one line of an indented object
		line = append(append([]byte("{"), bytes.TrimSuffix(line, []byte(","))...), '}')
	}
	if !bytes.HasPrefix(line, []byte("{")) || !json.Valid(line) {
		return nil, false
	}
	var w wrapper
	_ = json.Unmarshal(line, &w) // what has other types stays empty
	for _, e := range w.Events {
		lines = append(lines, []byte(e.Message))
	}
	if w.Log != nil {
		lines = append(lines, []byte(*w.Log))
	}
	var text string
	var codes []octet
	switch {
	case len(w.Message) == 0:
	case string(w.Message) == "null" && w.Cursor != nil:
		lines = append(lines, nil)
	case json.Unmarshal(w.Message, &text) == nil && string(w.Message) != "null":
		lines = append(lines, []byte(text))
	case json.Unmarshal(w.Message, &codes) == nil && len(codes) > 0:
		message := make([]byte, len(codes))
		for i, c := range codes {
			message[i] = byte(c)
		}
		lines = append(lines, message)
	}
	return lines, true
}

// octet is a byte that JSON has as a number; a []byte would be read from base64.
type octet uint8
