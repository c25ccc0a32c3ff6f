package report

import (
	"fmt"
	"strconv"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

// Schedule is the schedule of a resource, and what it does in the next days. Its JSON keys are
// stable.
type Schedule struct {
	ARN      string          `json:"arn,omitempty"` // empty for a schedule that was only typed
	Schedule string          `json:"schedule"`      // as in the tag; empty without one
	Minimum  int             `json:"minimum,omitempty"`
	Wanted   int             `json:"wanted,omitempty"` // by the schedule, now
	Spans    []schedule.Span `json:"spans"`            // of the preview
	// AboveBase are the TPS-hours of the preview above the base, and Cost what they cost; 0 and nil
	// without a schedule, nil without a price.
	AboveBase float64        `json:"tpsHoursAboveBase"`
	Cost      *ScheduledCost `json:"cost,omitempty"`
	// ReturnTo and ReturnAt are the end of a timed raise; 0 and nil without one.
	ReturnTo int        `json:"returnTo,omitempty"`
	ReturnAt *time.Time `json:"returnAt,omitempty"`
	Notes    []string   `json:"notes"`

	zone *time.Location
	unit string
}

// ScheduledCost is an estimate of what the preview costs above the base.
type ScheduledCost struct {
	Amount   float64 `json:"amount"`
	Currency string  `json:"currency"`
	Price    float64 `json:"pricePerTPSHour"`
}

// PreviewDays is how many days a preview shows.
const PreviewDays = 7

// SchedulePreview is what a schedule does in the days from now on.
func SchedulePreview(s schedule.Schedule, kind model.Kind, now time.Time) Schedule {
	until := now.AddDate(0, 0, PreviewDays)
	return Schedule{
		Schedule: s.String(), Wanted: s.At(now), Spans: s.Spans(now, until), AboveBase: s.AboveBase(now, until),
		zone: s.Zone, unit: kind.RateUnit(),
	}
}

// ScheduleOf is the schedule and the timed raise of a resource. The price is that of its product; zero
// if there is none. What the schedule costs is estimated at its first tier.
func ScheduleOf(r model.Resource, tags map[string]string, price pricing.Price, now time.Time) Schedule {
	out := Schedule{unit: r.Kind.RateUnit(), zone: time.UTC}
	if text, found := tags[schedule.Tag]; found {
		s, err := schedule.Parse(text)
		if err == nil {
			out = SchedulePreview(s, r.Kind, now)
			if !s.Owns(r.MinTPS) {
				out.Notes = append(out.Notes, fmt.Sprintf(
					"Its minimum of %d does not come from the schedule, which raises it and does not lower it.", r.MinTPS))
			}
		} else {
			out.Schedule = text
			out.Notes = append(out.Notes, "The schedule is not understood, and nothing is changed by it: "+err.Error())
		}
		if per := price.PerTPSHour(); per != nil && err == nil {
			out.Cost = &ScheduledCost{out.AboveBase * *per * (1 - price.Discount/100), price.Currency, *per}
		}
	}
	if text, found := tags[schedule.ReturnTag]; found {
		if b, err := schedule.ParseReturn(text); err == nil {
			out.ReturnTo, out.ReturnAt = b.Target, &b.Due
		} else {
			out.Notes = append(out.Notes, "The end of a timed raise is not understood, and nothing is changed by it: "+err.Error())
		}
	}
	out.ARN, out.Minimum = r.ARN.String(), r.MinTPS
	return out
}

// Asides implements Report.
func (s Schedule) Asides() []string { return s.Notes }

// JSON implements Report.
func (s Schedule) JSON() any {
	s.Spans, s.Notes = list(s.Spans), list(s.Notes)
	return s
}

// CSV implements Report.
func (s Schedule) CSV() [][]string {
	type record struct {
		schedule.Span
		ARN string `json:"arn"`
	}
	records := make([]record, len(s.Spans))
	for i, span := range s.Spans {
		records[i] = record{span, s.ARN}
	}
	return rowsOf("arn from until minimum", records)
}

// Table writes the spans in the schedule's own time zone.
func (s Schedule) Table(p Printer) {
	if s.Schedule == "" {
		p.Line("It has no schedule.")
	} else {
		p.Label("Schedule", s.Schedule)
	}
	if s.ARN != "" {
		p.Label("Minimum", fmt.Sprintf("%d %s", s.Minimum, s.unit))
	}
	if s.ReturnAt != nil {
		p.Label("Returns", fmt.Sprintf("to %d at %s UTC", s.ReturnTo, s.ReturnAt.Format("2006-01-02 15:04")))
	}
	if len(s.Spans) > 0 {
		p.Line("")
		g := Grid{Columns: append(titles("FROM ("+s.zone.String()+")", "UNTIL"), numbers("MINIMUM")...)}
		for _, span := range s.Spans {
			const format = "Mon 2006-01-02 15:04"
			from, until := span.From.In(s.zone).Format(format), span.Until.In(s.zone).Format(format)
			g.Rows = append(g.Rows, Row{Cells: Cells(from, until, strconv.Itoa(span.Level))})
		}
		p.Grid(g)
		p.Line("")
		text := fmt.Sprintf("%s TPS-hours in %d days", model.Number(s.AboveBase, 1), PreviewDays)
		if s.Cost != nil {
			text += fmt.Sprintf(", about %s %s", s.Cost.Currency, model.Number(s.Cost.Amount, 2))
		}
		p.Label("Above base", text)
	}
	for _, note := range s.Notes {
		p.Line(note)
	}
}
