package web

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
)

// whatIfView is what other minimums of a resource would cost and risk.
type whatIfView struct {
	report.WhatIfEntry
	Rows    []whatIfRow
	Slider  []trialStep
	Fault   string // why it is missing or incomplete
	Pending bool   // it is still being read
	Self    string // link to the page, for the next look
	Command string // that sets a minimum, without the number
}

// whatIfRow is an option as it is shown.
type whatIfRow struct {
	whatif.Option
	Cost, Change money  // a month, and against now; unknown without a price
	Link         string // to the form that sets it; empty for a schedule
	Level        risk
	Now          bool // the present minimum
}

// trialStep is a minimum at which the slider can stand, with its texts.
type trialStep struct {
	Minimum int    `json:"min"`
	Cost    string `json:"cost"`
	Change  string `json:"change"` // empty for the present minimum, or if it is unknown
	Cheaper bool   `json:"cheaper,omitempty"`
	Hours   string `json:"hours"`
	Above   string `json:"above"`
	Cold    string `json:"cold"`
	Risk    string `json:"risk"`
	Tone    string `json:"tone"`
	Now     bool   `json:"now,omitempty"`
}

// patience is how long a page waits for a what-if, which may read the metrics of 56 days. Without it the
// page is shown at once, and what is read meanwhile is there at the next look.
const patience = 200 * time.Millisecond

// comparisons reads what-ifs beside the pages that show them.
type comparisons struct {
	source    WhatIf
	delay     time.Duration
	beginning sync.Mutex // none is begun twice
	begun     bounded[string, *comparison]
	reading   errgroup.Group // those that are being read, comparisonsAtOnce at most
}

// maxComparisons bounds those that were read and never looked at, and comparisonsAtOnce those that are read
// at the same time: each reads the metrics of weeks, whoever opens the pages of all endpoints.
const (
	maxComparisons    = 64
	comparisonsAtOnce = 8
)

// comparison is a what-if that is being read, or was.
type comparison struct {
	done     chan struct{} // closed once the rest is there
	entry    report.WhatIfEntry
	problems []model.Problem
}

func newComparisons(o Options) *comparisons {
	c := &comparisons{source: o.WhatIf, delay: o.MetricDelay, begun: bounded[string, *comparison]{limit: maxComparisons}}
	c.reading.SetLimit(comparisonsAtOnce)
	return c
}

// begin starts to read the what-if of a resource, or returns one that was begun and not looked at since.
// Without room it starts nothing, and the page looks again.
func (c *comparisons) begin(ctx context.Context, r model.Resource) *comparison {
	c.beginning.Lock()
	defer c.beginning.Unlock()
	if old, ok := c.begun.get(comparisonKey(r)); ok {
		return old
	}
	one := &comparison{done: make(chan struct{})}
	if c.reading.TryGo(func() error {
		defer close(one.done)
		one.entry, one.problems = c.source.Of(context.WithoutCancel(ctx), r, c.delay) // whoever looks next wants it too
		return nil
	}) {
		c.begun.put(comparisonKey(r), one)
	}
	return one
}

func comparisonKey(r model.Resource) string { return fmt.Sprint(r.ARN, r.MinTPS, r.Created.UnixNano()) }

// view is what is there of a what-if after a short wait.
func (c *comparisons) view(ctx context.Context, r model.Resource, one *comparison, flags string) *whatIfView {
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case <-one.done:
		c.begun.take(comparisonKey(r)) // the source remembers what is complete; the rest is read again
		return whatIfViewOf(r, one.entry, one.problems, flags)
	case <-wait.C:
	case <-ctx.Done():
	}
	return &whatIfView{Pending: true, Self: link("/resource", keyARN, r.ARN.String()) + "#what-if"}
}

func whatIfViewOf(r model.Resource, entry report.WhatIfEntry, problems []model.Problem, flags string) *whatIfView {
	entry.Schedule = entry.Schedule.WithFlags(flags)
	view := &whatIfView{WhatIfEntry: entry, Command: "personalize-monitor " + string(model.ActionUpdate) + flags + " " + r.ARN.String()}
	var present money
	if i := slices.IndexFunc(entry.Options, isPresent); i >= 0 {
		present = whatIfRowOf(entry.Options[i], entry.Price, money{}).Cost
		for _, o := range entry.Steps {
			view.Slider = append(view.Slider, trialStepOf(whatIfRowOf(o, entry.Price, present), o.Minimum == r.MinTPS))
		}
	}
	for _, o := range entry.Options {
		row := whatIfRowOf(o, entry.Price, present)
		if o.Schedule == "" {
			row.Link = link("/resource", keyARN, r.ARN.String(), keyMin, strconv.Itoa(o.Minimum)) + "#change"
		}
		view.Rows = append(view.Rows, row)
	}
	if len(problems) > 0 {
		view.Fault = problems[0].Error()
	}
	return view
}

func isPresent(o whatif.Option) bool { return slices.Contains(o.Reasons, whatif.Present) }

// whatIfRowOf compares an option with what the present minimum costs.
func whatIfRowOf(o whatif.Option, price *report.WhatIfPrice, present money) whatIfRow {
	row := whatIfRow{Option: o, Now: isPresent(o), Level: risk{Word: "unknown"}}
	if o.Estimate != nil && price != nil {
		row.Cost = money{*o.Estimate, price.Currency}
	}
	if !row.Now {
		row.Change = row.Cost.less(present)
	}
	if o.Risk != billing.RiskUnknown && o.Risk != "" && o.ColdSteps.PerWeek != nil {
		row.Level = riskOf(string(o.Risk), model.Figure(*o.ColdSteps.PerWeek))
	}
	return row
}

// Share is how many steps have a demand above the minimum.
func (r whatIfRow) Share() string { return report.Number(&r.Above, 1, " %") }

// trialStepOf is a row as the slider shows it.
func trialStepOf(row whatIfRow, now bool) trialStep {
	step := trialStep{
		Minimum: row.Minimum, Cost: row.Cost.String(), Hours: model.Figure(row.TPSHours), Above: row.Share(),
		Cold: known(row.ColdSteps.PerWeek, model.Figure), Risk: row.Level.Word, Tone: row.Level.Tone, Now: now,
	}
	if !now && row.Change.Known() {
		step.Change, step.Cheaper = row.Change.Signed(), row.Change.Amount < 0
	}
	return step
}

// Chosen is the step at which the slider stands at first: what is proposed to a person, or the present minimum.
func (v *whatIfView) Chosen(minimum int) int {
	return max(0, slices.IndexFunc(v.Slider, func(s trialStep) bool { return s.Minimum == minimum }))
}
