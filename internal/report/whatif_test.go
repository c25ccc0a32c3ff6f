package report

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
)

// whatIfOf has a campaign with a price and a schedule, a recommender without, and one that could not
// be read.
func whatIfOf() WhatIf {
	end := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	m := billing.ReportTimeOf(end.Add(2*time.Minute), 14, 2*time.Minute)
	subject := ledgerOf().Resources[0].Subject
	resource := func(kind model.Kind, name string) model.Resource {
		return model.Resource{
			ARN:  model.NewARN("aws", "personalize", subject.Region, "123456789012", string(kind)+"/"+name),
			Kind: kind, Name: name, Recipe: subject.Recipe, Status: subject.Status, MinTPS: 40, Created: end.AddDate(-1, 0, 0),
		}
	}
	home, row, unread := resource(model.Campaign, "home"), resource(model.Recommender, "=row"), resource(model.Campaign, "unread")
	known := billing.History{Demand: billing.Demand{Kind: model.Campaign, Start: m.Span.Start, Requests: make([]float64, 329*12)}}
	lunch := &whatif.Proposal{
		Schedule: schedule.Schedule{Base: 5, Lead: schedule.DefaultLead, Rules: []schedule.Rule{{Days: schedule.Daily, From: 720, Until: 840, Level: 24}}},
		Base:     billing.Trial{Hours: 336, TPSHours: 2000, Used: 1990, Cold: billing.ColdSteps{Cold: 14, Known: 4000, Steps: 4032}},
		With:     billing.Trial{Hours: 336, TPSHours: 2050, Used: 1990, Cold: billing.ColdSteps{Cold: 1, Known: 4000, Steps: 4032}},
	}
	option := func(o whatif.Option, tpsHours float64, cold int) whatif.Option {
		o.Known, o.Used, o.TPSHours = 300, 3000, tpsHours*billing.HoursPerMonth/300
		o.ColdSteps = billing.ColdSteps{Cold: cold, Known: 3600, Steps: 3948, PerWeek: num(float64(cold) * 0.56)}
		if cold > 0 {
			o.ColdSteps.Worst = &billing.Surge{At: end.Add(-26 * time.Hour), From: 2, To: 1024.02}
		}
		o.Metered = []billing.Hour{{Start: m.Span.Start, Paid: tpsHours, Used: o.Used}}
		return o
	}
	options := []whatif.Option{
		option(whatif.Option{Minimum: 1, Reasons: []whatif.Reason{whatif.Lowest}, Above: 98.7654, Risk: billing.RiskHigh}, 3001.25, 20),
		option(whatif.Option{
			Minimum: 5, Reasons: []whatif.Reason{whatif.Watermark, whatif.Waste1}, Above: 90, Risk: billing.RiskMedium, PerColdStep: num(14.375),
		}, 3030, 18),
		option(whatif.Option{Minimum: 40, Reasons: []whatif.Reason{whatif.Present}, Risk: billing.RiskLow, PerColdStep: num(449.9375)}, 12000, 0),
		option(whatif.Option{
			Minimum: 5, Schedule: lunch.Schedule.String(), Reasons: []whatif.Reason{whatif.Proposed}, Above: 80, Risk: billing.RiskLow, PerColdStep: num(3.264),
		}, 3060, 2),
	}
	prices := pricing.NewTable([]pricing.Price{
		{
			Region: "us-east-1", Product: pricing.Campaign, Tiers: []pricing.Tier{{UpTo: 10_000, PerTPSHour: 0.25}, {PerTPSHour: 0.125}}, Currency: "USD",
			Date: "2026-02-01", Source: "bill of January", Confidence: pricing.Given,
		},
		{
			Region: "us-west-2", Product: pricing.Campaign, Tiers: []pricing.Tier{{PerTPSHour: 9}}, Currency: "USD",
			Date: "2026-02-01", Source: "not used", Confidence: pricing.Given,
		},
	}, nil, 0)
	return WhatIf{
		Window: m.Span, Days: 14,
		Resources: PricedWhatIf([]WhatIfEntry{
			WhatIfEntryOf(unread, billing.HistoryOf(unread, nil, m), nil, nil, "no schedule: its requests could not be read completely", prices),
			WhatIfEntryOf(row, known, options[:3], nil, "no schedule: too little of the demand is known", prices),
			WhatIfEntryOf(home, known, options, lunch, "", prices),
		}),
		Reading: Reading{
			Problems: []model.Problem{{Region: "us-east-1", Operation: "GetMetricData", Err: errors.New("1 series not read")}},
			Calls:    map[string]int{"cloudwatch.GetMetricData": 3}, MetricsGot: 6, DurationMs: 1234,
		},
	}
}

func TestWhatIfForms(t *testing.T) {
	full, empty := whatIfOf(), WhatIf{Window: whatIfOf().Window, Days: 56}
	for name, write := range map[string]func(io.Writer) error{
		"whatif.json":       writing(full, JSON, Style{}),
		"whatif.csv":        writing(full, CSV, Style{}),
		"whatif.txt":        writing(full, Table, Style{}),
		"whatif-80.txt":     writing(full, Table, Style{Width: 80}),
		"whatif-empty.txt":  writing(empty, Table, Style{}),
		"whatif-empty.json": writing(empty, JSON, Style{}),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.Bytes())
		})
	}
}
