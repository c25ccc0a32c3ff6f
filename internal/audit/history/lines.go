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

func noAudit(err error) bool { return errors.Is(err, events.ErrNoAudit) }

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
