package events

import (
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
