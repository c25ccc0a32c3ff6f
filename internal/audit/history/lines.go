package history

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// maxLine is the longest line that is read, in bytes. CloudWatch Logs accepts events of up to
// 1 MB; longer lines are skipped.
const maxLine = 4 << 20

// ReadLines reads the records of a file, or of something else with that name, into the
// history: a record, a log line or an event on each line. Lines without a record are skipped.
// The error is the reader's, or that ctx has ended.
func (h *History) ReadLines(ctx context.Context, name string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<16)
	for number := 1; ; number++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, long, err := nextLine(in)
		where := func() string { return name + ":" + strconv.Itoa(number) }
		switch {
		case long && (mentionsAudit(line) || mentionsWrapped(line)):
			h.mu.Lock()
			h.fault(Fault{Where: where(), Err: fmt.Errorf("the line has more than %d MB", maxLine>>20)})
			h.mu.Unlock()
		case !long && len(line) > 0:
			h.addLine(line, where)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// nextLine reads a line without its end. Of one that is too long it returns the beginning. The
// last line comes with io.EOF.
func nextLine(in *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if room := maxLine - len(line); len(part) > room {
			part, long = part[:room], true
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

// decode reads the record of a line: as events.DecodeAudit accepts it, in a log line in text
// form, or after something else, such as the time that aws logs tail prints before each line.
// The error for a line without a record is events.ErrNoAudit. A line that cannot be read but
// looks as if it had a record, such as a torn one, is another error.
func decode(line []byte) (events.Audit, error) {
	if !mentionsAudit(line) {
		if (bytes.HasPrefix(line, []byte(recordStart)) || mentionsWrapped(line)) && !json.Valid(line) {
			return events.Audit{}, errTorn
		}
		return events.Audit{}, events.ErrNoAudit
	}
	if text, ok := fromText(line); ok {
		return events.DecodeAudit(text)
	}
	start := bytes.IndexByte(line, '{')
	if start < 0 {
		return events.Audit{}, events.ErrNoAudit
	}
	object := bytes.TrimSpace(line[start:])
	var keys map[string]json.RawMessage
	if json.Unmarshal(object, &keys) == nil && !mayHold(keys) {
		return events.Audit{}, events.ErrNoAudit
	}
	return events.DecodeAudit(object)
}

// recordStart is how a record begins in a file, and a log line that may have one.
const recordStart = `{"time":"`

// errTorn is the error of a line whose end was not written, as on a full disk.
var errTorn = errors.New("the line is not complete; it may have been an audit record")

// mentionsAudit reports quickly whether a line may hold a record, which is not wrapped.
func mentionsAudit(line []byte) bool {
	for _, word := range []string{`"audit"`, `"Audit"`, `"outcome"`, textKey} {
		if bytes.Contains(line, []byte(word)) {
			return true
		}
	}
	return false
}

// mentionsWrapped reports quickly whether a line is an object that may hold a line of a log with a record.
func mentionsWrapped(line []byte) bool {
	return bytes.HasPrefix(line, []byte("{")) &&
		(bytes.Contains(line, []byte(`\"audit\"`)) || bytes.Contains(line, []byte(`\"outcome\"`)))
}

// mayHold reports whether an object is or holds a record. Other objects may have an outcome,
// too.
func mayHold(keys map[string]json.RawMessage) bool {
	if detail, ok := keys["detail"]; ok {
		var inner map[string]json.RawMessage
		if json.Unmarshal(detail, &inner) != nil {
			return false
		}
		keys = inner
	}
	for _, key := range []string{"audit", "Audit"} {
		if raw, ok := keys[key]; ok {
			return len(raw) > 0 && raw[0] == '{'
		}
	}
	_, outcome := keys["outcome"]
	_, arn := keys["arn"]
	_, logged := keys["msg"]
	return outcome && arn && !logged
}

// textKey is how a record begins in a log line in text form.
const textKey = `audit="{`

// fromText returns the record of a log line in text form, where it is quoted.
func fromText(line []byte) ([]byte, bool) {
	at := bytes.Index(line, []byte(textKey))
	if at < 0 {
		return nil, false
	}
	quoted, err := strconv.QuotedPrefix(string(line[at+len(textKey)-2:]))
	if err != nil {
		return nil, false
	}
	text, err := strconv.Unquote(quoted)
	return []byte(text), err == nil
}

// maxWrapping is how many times a line may be wrapped: the journal has lines of docker, for example.
const maxWrapping = 3

// decoded is what a line holds.
type decoded struct {
	records []events.Audit
	faults  []error // why records cannot be read
	object  bool    // the line is JSON
	wrapped bool    // it holds lines of a log
}

// errLeftOut is the error for a message of more than 4,096 bytes, in whose place journalctl -o json has
// null (systemd's documentation of its JSON format).
var errLeftOut = errors.New("the journal has left out a long message, which may be an audit record; read it with journalctl --all")

// unwrap decodes a line. If it has no record, but holds lines of a log, those are decoded instead, which may be
// wrapped so many times.
func unwrap(line []byte, times int) (d decoded) {
	a, err := decode(line)
	if err == nil {
		d.records = []events.Audit{a}
		return d
	}
	var inner [][]byte
	if times > 0 {
		inner, d.object = logLines(line)
	}
	d.wrapped = len(inner) > 0
	if !d.wrapped && !errors.Is(err, events.ErrNoAudit) {
		d.faults = []error{err}
	}
	for _, one := range inner {
		if one == nil {
			d.faults = append(d.faults, errLeftOut)
			continue
		}
		within := unwrap(bytes.TrimSpace(one), times-1)
		d.records, d.faults = append(d.records, within.records...), append(d.faults, within.faults...)
	}
	return d
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
