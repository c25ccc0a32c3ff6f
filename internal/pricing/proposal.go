package pricing

import (
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Proposal is the use of a resource, and what it would have been with a saving.
type Proposal struct {
	Use   Use
	After *Use // nil if nothing can be saved
}

// ProposalOf makes the Proposal of a metered resource.
func ProposalOf(t Table, r model.Resource, m billing.Metered, s billing.Saving) Proposal {
	p := Proposal{Use: UseOf(t, r, m)}
	switch {
	case !p.Use.Priced() || !s.Action.Changes():
	case s.NewMin > 0:
		p.After = new(p.Use.Lowered(m, s.NewMin))
	default:
		// What no one calls any more costs its minimum, whatever the demand of the span was.
		p.Use.Month = p.Use.AtMinimum(r.MinTPS)
		p.After = new(p.Use.Removed(m))
	}
	return p
}
