package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Limits of one PutEvents call (EventBridge API reference and user guide). The service
// now accepts 1 MB; the older limit holds everywhere.
const (
	MaxEntries = 10
	MaxBytes   = 256 * 1024
)

// Entry is an encoded event. Its source is Source.
type Entry struct {
	DetailType DetailType
	Resources  []string
	Detail     json.RawMessage
	Time       time.Time // zero: not given, the bus sets it
}

// Entry encodes the event for the bus. If an UpdateDetail makes it longer than MaxBytes,
// its datapoints are left out: they alone can make it long, and no one needs them to act.
// Any other event keeps its length, for Batch to refuse. It is an error if the detail is
// not a JSON object, or holds what JSON cannot express: NaN, an Audit that is not JSON.
func (e Event) Entry() (Entry, error) {
	detail, err := encode(e.Detail)
	if err != nil {
		return Entry{}, fmt.Errorf("encode the detail of %s: %w", e.DetailType, err)
	}
	entry := Entry{DetailType: e.DetailType, Resources: e.Resources, Detail: detail, Time: e.Time}
	if update, ok := e.Detail.(UpdateDetail); ok && len(update.Datapoints) > 0 && entry.Size() > MaxBytes {
		update.Datapoints = nil
		e.Detail = update
		return e.Entry()
	}
	return entry, nil
}

// encode writes v without the escapes for HTML.
func encode(v any) (json.RawMessage, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	detail := bytes.TrimSpace(buffer.Bytes())
	if len(detail) == 0 || detail[0] != '{' {
		return nil, fmt.Errorf("%T is not a JSON object", v)
	}
	return detail, nil
}

// Size is the size of the entry in bytes as EventBridge counts it ("Calculating the
// size of PutEvents event entries" in its user guide): the UTF-8 text of source, detail
// type, detail and resources, and 14 for a time that is given.
func (e Entry) Size() int {
	size := len(Source) + len(e.DetailType) + len(e.Detail)
	for _, resource := range e.Resources {
		size += len(resource)
	}
	if !e.Time.IsZero() {
		size += 14
	}
	return size
}

// TooLargeError reports an entry that fits into no call, even alone.
type TooLargeError struct {
	Entry Entry
	Limit int // bytes
}

// Error names the event and both sizes.
func (e *TooLargeError) Error() string {
	name := string(e.Entry.DetailType)
	if len(e.Entry.Resources) > 0 {
		name += " about " + e.Entry.Resources[0]
	}
	return fmt.Sprintf("event %s has %d bytes, more than the %d that one call accepts", name, e.Entry.Size(), e.Limit)
}

// Batch cuts entries into calls of at most maxCount entries and maxBytes bytes each,
// keeping their order. Entries larger than maxBytes are left out and returned apart.
// A maxCount below 1 counts as 1.
func Batch(entries []Entry, maxCount, maxBytes int) (calls [][]Entry, refused []*TooLargeError) {
	var call []Entry
	bytes := 0
	for _, entry := range entries {
		size := entry.Size()
		if size > maxBytes {
			refused = append(refused, &TooLargeError{Entry: entry, Limit: maxBytes})
			continue
		}
		if len(call) > 0 && (len(call) >= maxCount || bytes+size > maxBytes) {
			calls = append(calls, call)
			call, bytes = nil, 0
		}
		call = append(call, entry)
		bytes += size
	}
	if len(call) > 0 {
		calls = append(calls, call)
	}
	return calls, refused
}
