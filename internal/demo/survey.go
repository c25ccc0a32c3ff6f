package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// survey is how the estate stands: what the last day came to, and what the rules say.
type survey struct {
	ledger  report.Ledger
	reasons map[string]report.Resource // by ARN
}

// survey looks at everything and writes nothing, as `report` and `plan` do.
func (d *Demo) survey(ctx context.Context) (survey, error) {
	values := d.Params
	values.HourlyChecks = model.Always
	ledger, err := d.app.Ledger(builtinPrices, false).Run(ctx, cycle.LedgerInput{Params: values, Days: 1})
	if err != nil {
		return survey{}, fmt.Errorf("look at the estate: %w", err)
	}
	plan, err := d.app.ReadOnlyCycle().Run(ctx, cycle.Input{Params: values})
	if err != nil {
		return survey{}, fmt.Errorf("look at the estate: %w", err)
	}
	s := survey{ledger: ledger, reasons: map[string]report.Resource{}}
	for _, r := range plan.Resources {
		s.reasons[r.ARN] = r
	}
	if ctx.Err() != nil {
		return survey{}, ctx.Err()
	}
	if len(ledger.Resources) == 0 {
		return survey{}, errors.New("the estate has no active campaigns or recommenders")
	}
	return s, nil
}

// tellYoung tells of what would be thought of as idle or too large if it were older.
func (d *Demo) tellYoung(s survey) {
	for _, e := range s.ledger.Resources {
		r, known := s.reasons[e.ARN]
		if !known || r.Decision != rules.None || r.Utilization == nil || *r.Utilization >= 100 {
			continue
		}
		if now := d.Clock.Now(); now.Sub(e.Created) < idleHours*time.Hour {
			d.happened(Event{Time: now.Truncate(time.Minute), What: Kept, Region: e.Region, Name: e.Name, ARN: e.ARN, Text: r.Reason})
		}
	}
}
