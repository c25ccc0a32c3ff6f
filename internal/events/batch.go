package events

import (
	"encoding/json"
	"fmt"
	"time"
)

// Limits of one PutEvents call (EventBridge API reference and user guide). The service
// has come to accept 1 MB; the older limit is kept, as it holds everywhere.
const (
	MaxEntries = 10
	MaxBytes   = 256 * 1024
)

// timeBytes is what a time adds to the size of an entry, however it is written.
const timeBytes = 14

// Entry is an event ready to be put on a bus. Its source is Source.
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
		size += timeBytes
	}
	return size
}

// TooLarge is the error for an entry that fits into no call, even alone.
type TooLarge struct {
	Entry Entry
	Limit int // bytes
}

// Error names the event and both sizes.
func (e *TooLarge) Error() string {
	about := ""
	if len(e.Entry.Resources) > 0 {
		about = " about " + e.Entry.Resources[0]
	}
	return fmt.Sprintf("event %s%s has %d bytes, more than the %d that one call takes", e.Entry.DetailType, about, e.Entry.Size(), e.Limit)
}

// Batch cuts entries into calls of at most maxCount entries and maxBytes bytes each,
// keeping their order. Entries larger than maxBytes are left out and returned apart.
// A maxCount below 1 counts as 1.
func Batch(entries []Entry, maxCount, maxBytes int) (calls [][]Entry, refused []*TooLarge) {
	var call []Entry
	bytes := 0
	for _, entry := range entries {
		size := entry.Size()
		if size > maxBytes {
			refused = append(refused, &TooLarge{Entry: entry, Limit: maxBytes})
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
