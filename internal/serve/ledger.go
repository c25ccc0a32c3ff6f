package serve

import (
	"bytes"
	"compress/flate"
	"fmt"
	"reflect"
	"sync"
	"time"
	"weak"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// keptLedger is the ledger that a memory keeps: whole, or packed into a sixth of the memory for as long as no one
// looks at it. Encodings for which a pointer to zero is nothing (encoding/gob), or that leave out fields
// (encoding/json), would turn what is zero into what is unknown.
type keptLedger struct {
	whole  *report.Ledger
	rest   report.Ledger // a packed ledger without its lists
	packed []byte        // ledgerLists; nil if it is whole

	mu   sync.Mutex
	last weak.Pointer[report.Ledger] // what was unpacked, as long as someone has it
}

// ledgerLists are what a ledger has for each resource.
type ledgerLists struct {
	Resources       []report.Entry
	Recommendations []advice.Proposal
}

func packLedger(l report.Ledger) (*keptLedger, error) {
	var packed bytes.Buffer
	small, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err == nil {
		err = msgpack.NewEncoder(small).Encode(ledgerLists{l.Resources, l.Recommendations})
	}
	if err == nil {
		err = small.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack the bill of %d endpoints: %w", len(l.Resources), err)
	}
	l.Resources, l.Recommendations = nil, nil
	return &keptLedger{rest: l, packed: bytes.Clone(packed.Bytes())}, nil
}

// get returns the ledger, nil before the first one. It is an error if it cannot be unpacked.
func (k *keptLedger) get() (*report.Ledger, error) {
	if k.packed == nil {
		return k.whole, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.last.Value(); l != nil {
		return l, nil
	}
	decoder := msgpack.NewDecoder(flate.NewReader(bytes.NewReader(k.packed)))
	var lists ledgerLists
	if err := decoder.Decode(&lists); err != nil {
		return nil, fmt.Errorf("unpack the bill: %w", err)
	}
	l := k.rest
	l.Resources, l.Recommendations = lists.Resources, lists.Recommendations
	k.last = weak.Make(&l)
	return &l, nil
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
