package serve

import (
	"fmt"
	"sync"
	"weak"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/pack"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// keptLedger is the ledger that a memory keeps: whole, or packed into a sixth of the memory for as long as no one
// looks at it.
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
	packed, err := pack.Pack(ledgerLists{l.Resources, l.Recommendations})
	if err != nil {
		return nil, fmt.Errorf("pack the bill of %d endpoints: %w", len(l.Resources), err)
	}
	l.Resources, l.Recommendations = nil, nil
	return &keptLedger{rest: l, packed: packed}, nil
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
	lists, err := pack.Unpack[ledgerLists](k.packed)
	if err != nil {
		return nil, fmt.Errorf("unpack the bill: %w", err)
	}
	l := k.rest
	l.Resources, l.Recommendations = lists.Resources, lists.Recommendations
	k.last = weak.Make(&l)
	return &l, nil
}
