package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/advice"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
)

// Ledger is what was provisioned, used and paid for over a span of days, and what could be
// saved. Its JSON keys are stable. TPS-hours are exact as far as the minimum is known; money
// is an estimate, by the price model of each product.
type Ledger struct {
	Window    model.Window `json:"window"`
	Days      int          `json:"days"`
	Resources []Entry      `json:"resources"`
	Totals    Totals       `json:"totals"`
	// Training is that of the last 30 days, whatever Days; null if it was not read.
	Training *training.Report `json:"training"`
	Prices   []pricing.Price  `json:"prices"` // that estimates rest on
	Notes    []string         `json:"notes"`  // the limits of the figures
	Reading
	// CoarseUntil is until when data are kept by the hour alone; null if none of the window is so old.
	CoarseUntil *time.Time `json:"byHourUntil,omitempty"`
	GroupBy     Grouping   `json:"-"`
	// IdleAfter is for how long an endpoint had no call at the end of its span if it counts as idle.
	IdleAfter time.Duration `json:"-"`
	Groups    *Groups       `json:"groups,omitempty"` // absent unless requested
	// Summary answers what was spent and what to do about it.
	Summary advice.Summary `json:"summary"`
	// Recommendations are what to do, the largest saving first; null in a span in the past.
	Recommendations []advice.Proposal `json:"recommendations"`
	Month           *Month            `json:"month,omitempty"` // absent unless requested
	// Trained is the training in the window by solution and day, for FOCUS, as far as it was read:
	// since TrainedSince.
	Trained      []TrainedDay `json:"-"`
	TrainedSince time.Time    `json:"-"`
	// TrainingCost is that of the Month, or without one of the Window; nil if not all of it is known.
	TrainingCost *advice.TrainingCost `json:"-"`

	// Whole is what all endpoints carried together, for reports over several accounts.
	Whole *billing.Whole `json:"-"`
	// Hourly are the hours of all resources of a kind together, for charts; nil if they were
	// not kept. The entries may have fewer.
	Hourly map[model.Kind][]billing.Hour `json:"-"`
}

// Entry is one resource of a Ledger.
type Entry struct {
	Subject
	Created  time.Time       `json:"created"`
	Usage    *billing.Usage  `json:"usage"`    // null if it could not be read
	Saving   *billing.Saving `json:"saving"`   // null if nothing can be saved
	Estimate *Estimate       `json:"estimate"` // null if there is no price or nothing to price
	Note     string          `json:"note"`     // why nothing can be saved or is known, or the basis of the saving
	Health   *rules.Load     `json:"health"`   // null if nothing could be read
	// Schedule is one that would avoid cold steps; null if none is proven. ScheduleNote is why, empty if
	// the last 14 days have too few cold steps or were not looked at.
	Schedule     *ProposedSchedule `json:"scheduleProposal"`
	ScheduleNote string            `json:"scheduleNote"`
	// Tags are those of the resource, absent unless they were requested and could be read.
	Tags  map[string]string `json:"tags,omitzero"`
	Payer string            `json:"-"` // as in model.Account

	// Proposal is what the Estimate is made from, with those of all other entries; nil if nothing could be read.
	Proposal *pricing.Proposal `json:"-"`
	Hourly   []billing.Hour    `json:"-"` // for charts
	Spark    []chart.SparkHour `json:"-"` // for a small drawing, of a ledger that is kept: see Keep
	NotIdle  rules.ReasonCode  `json:"-"` // as in billing.Saving
}

// use is what the entry is billed for; the zero Use if nothing could be read.
func (e Entry) use() pricing.Use {
	if e.Proposal == nil {
		return pricing.Use{}
	}
	return e.Proposal.Use
}

// SavingOf is a saving as it is shown, or nil if nothing is saved.
func SavingOf(s billing.Saving) *billing.Saving {
	if !s.Action.Changes() {
		return nil
	}
	return &s
}

// EntryOf is an entry with all that is known of a resource but its Estimate; see Priced. The
// schedule may be nil, with the reason.
func EntryOf(
	r model.Resource, u billing.Metered, s billing.Saving, p pricing.Proposal, schedule *whatif.Proposal, why string,
) Entry {
	e := Entry{Subject: SubjectOf(r), Created: r.Created.UTC(), Note: s.Reason, Schedule: ProposedScheduleOf(r, schedule), ScheduleNote: why}
	if !u.Readable {
		e.Note = u.Why
		return e
	}
	used := u.Usage // a copy: a pointer into u would keep its series in memory
	e.Usage = &used
	e.Saving, e.Health, e.NotIdle = SavingOf(s), HealthOf(s.Observed), s.NotIdle
	if u.Assumption != "" {
		e.Note += "; " + u.Assumption
	}
	e.Hourly, e.Proposal = u.Hourly, &p
	return e
}

// Keep makes a ledger small that is kept to be shown: it drops what estimates and bills are made from, and keeps the
// last hours of every resource for a small drawing alone.
func (l *Ledger) Keep() {
	for i := range l.Resources {
		e := &l.Resources[i]
		e.Proposal, e.Spark, e.Hourly = nil, chart.SparkHoursOf(e.Hourly), nil
	}
}

// Normalize puts the ledger into the order in which it is written, and adds it up.
func (l *Ledger) Normalize() {
	l.Window = model.NewWindow(l.Window.Start, l.Window.End)
	l.Resources, l.Reading = list(l.Resources), l.Reading.normalized()
	slices.SortStableFunc(l.Resources, func(a, b Entry) int { return cmp.Compare(a.ARN, b.ARN) })
	together := l.Totals.Throughput
	l.Totals = totalsOf(l.Resources, l.IdleAfter)
	l.Totals.Throughput = together
	l.Prices = pricesUsed(l.Resources)
	l.Groups = groupsOf(l.Resources, l.GroupBy, l.IdleAfter)
	l.Summary = l.summary()
	l.Notes = l.notes()
}

// Asides implements Report.
func (l Ledger) Asides() []string {
	lines := problemLines(l.Problems, l.Notes...)
	if l.Training != nil {
		lines = append(lines, "training: "+trainingText(l.Training.Totals))
	}
	return lines
}

// JSON implements Report.
func (l Ledger) JSON() any {
	l.Normalize()
	return l
}

const ledgerColumns = subjectColumns + ` created
	start=usage.window.start end=usage.window.end hours=usage.hours stoppedHours=usage.stoppedHours
	minKnownPercent=usage.minKnownPercent requests=usage.requests
	provisioned=usage.provisioned actual=usage.actual peak=usage.peak
	utilizationMean=usage.utilization.mean utilizationP50=usage.utilization.p50 utilizationP95=usage.utilization.p95
	utilizationLowestHour=usage.utilization.lowestHour utilizationHighestHour=usage.utilization.highestHour
	idleHours=usage.idleHours idleSince=usage.idleSince
	tpsHoursPaid=usage.tpsHours.paid tpsHoursUsed=usage.tpsHours.used tpsHoursWasted=usage.tpsHours.wasted
	action=saving.action newMin=saving.newMin tpsHoursSaved=saving.tpsHours tpsHoursSavedPerMonth=saving.tpsHoursPerMonth
	jumps=saving.jumps sudden=saving.sudden jumpsNow=saving.jumpsNow
	coldSteps=cold.then.cold coldStepsPerWeek=cold.then.perWeek coldStepsNow=cold.now.cold coldStepsPerWeekNow=cold.now.perWeek
	coldStepsKnown=cold.then.known worstRiseAt=cold.then.worst.at worstRiseFrom=cold.then.worst.from worstRiseTo=cold.then.worst.to
	risk=cold.risk
	` + priceColumns + `
	estimatePaid=estimate.paid estimateWasted=estimate.wasted estimateSaved=estimate.saved
	estimateSavedPerMonth=estimate.savedPerMonth estimatePerMonth=estimate.perMonth ` + healthColumns + `
	schedule=scheduleProposal.schedule scheduleColdSteps=scheduleProposal.coldSteps
	scheduleColdStepsAtBase=scheduleProposal.coldStepsAtBase scheduleTPSHoursPercent=scheduleProposal.tpsHoursPercent
	scheduleNote note`

// CSV implements Report.
func (l Ledger) CSV() [][]string {
	l.Normalize()
	if l.Groups != nil {
		return l.Groups.rows()
	}
	type record struct {
		Entry
		Cold *billing.ColdExposure `json:"cold"` // if it is known
	}
	records := make([]record, len(l.Resources))
	for i, e := range l.Resources {
		records[i] = record{e, e.cold()}
	}
	return rowsOf(ledgerColumns+accountColumns(l.Accounts), records)
}

// cold is the exposure of the saving; nil if it is not known.
func (e Entry) cold() *billing.ColdExposure {
	if e.Saving == nil || e.Saving.Cold == nil || e.Saving.Cold.Risk == billing.RiskUnknown {
		return nil
	}
	return e.Saving.Cold
}

// Totals add up what could be read; Unread resources are in none of the sums.
type Totals struct {
	Resources int              `json:"resources"`
	Unread    int              `json:"unread"`
	TPSHours  billing.TPSHours `json:"tpsHours"`
	// Throughput is that of all together, step by step; null if nothing could be read.
	Throughput *billing.Throughput   `json:"throughput"`
	ByKind     []KindTotal           `json:"byKind"`
	Hours      float64               `json:"hours"`           // of all resources in which they ran
	IdleHours  float64               `json:"idleHours"`       // of these, those without a call, as far as that is known
	MinKnown   float64               `json:"minKnownPercent"` // of all hours of all resources
	Idle       int                   `json:"idle"`            // resources without a call in the last IdleThresholdHours of the span
	Saving     billing.Savings       `json:"saving"`
	Actions    map[rules.Verdict]int `json:"actions"`
	Estimates  []EstimateTotal       `json:"estimates"` // by currency
	Unpriced   int                   `json:"unpriced"`  // resources read for which there is no price
}

// KindTotal adds up one kind.
type KindTotal struct {
	Kind      model.Kind       `json:"kind"`
	Resources int              `json:"resources"` // that could be read
	TPSHours  billing.TPSHours `json:"tpsHours"`
	Saving    billing.Savings  `json:"saving"`
}

// EstimateTotal adds up estimates in one currency.
type EstimateTotal struct {
	Currency  string `json:"currency"`
	Resources int    `json:"resources"`
	Money
}

// totalsOf adds up entries, the throughput of all together aside.
func totalsOf(entries []Entry, idleAfter time.Duration) Totals {
	t := Totals{Resources: len(entries), ByKind: []KindTotal{}, Actions: map[rules.Verdict]int{}, Estimates: []EstimateTotal{}}
	kinds, currencies, known := map[model.Kind]KindTotal{}, map[string]EstimateTotal{}, 0.0
	for _, e := range entries {
		u := e.Usage
		if u == nil {
			t.Unread++
			continue
		}
		t.Hours += u.Hours
		if u.IdleHours != nil {
			t.IdleHours += *u.IdleHours
		}
		known += u.Hours * u.MinKnown / 100
		if u.IdleSince != nil && u.Window.End.Sub(*u.IdleSince) >= idleAfter {
			t.Idle++
		}
		kind := kinds[e.Kind]
		kind.Resources++
		t.TPSHours.Add(u.TPSHours)
		kind.TPSHours.Add(u.TPSHours)
		if e.Saving != nil {
			t.Actions[e.Saving.Action]++
			t.Saving.Add(e.Saving.Savings)
			kind.Saving.Add(e.Saving.Savings)
		}
		kinds[e.Kind] = kind
		if e.Estimate == nil {
			t.Unpriced++
			continue
		}
		sum := currencies[e.Estimate.Currency]
		sum.Resources++
		sum.add(e.Estimate.Money)
		currencies[e.Estimate.Currency] = sum
	}
	if t.Hours > 0 {
		t.MinKnown = known / t.Hours * 100
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		sum := kinds[kind]
		sum.Kind = kind
		t.ByKind = append(t.ByKind, sum)
	}
	for _, currency := range slices.Sorted(maps.Keys(currencies)) {
		sum := currencies[currency]
		sum.Currency = currency
		t.Estimates = append(t.Estimates, sum)
	}
	return t
}

func (l Ledger) notes() []string {
	notes := []string{}
	if missing := append(unread(l.Accounts), l.gaps()...); len(missing) > 0 {
		notes = append(notes, "Not read, and in no total: "+strings.Join(missing, ", ")+".")
	}
	if len(l.Resources) == 0 {
		return notes
	}
	t := l.Totals
	if t.Unread > 0 {
		verb := "are"
		if t.Unread == 1 {
			verb = "is"
		}
		notes = append(notes, fmt.Sprintf("%s could not be metered and %s in no sum.", model.Plural(t.Unread, "resource"), verb))
	}
	if read := t.Resources - t.Unread; read > 0 && t.MinKnown < 99.95 {
		notes = append(notes, fmt.Sprintf("The past minimum is known from the monitor's own metrics for %.1f%% of the time; "+
			"for the rest what is known from before and after is assumed.", t.MinKnown))
	}
	if l.CoarseUntil != nil {
		notes = append(notes, fmt.Sprintf("Before %s CloudWatch has data by the hour only. Peaks within an hour are not seen there, "+
			"so campaigns were paid for somewhat more than shown.", l.CoarseUntil.Format("2006-01-02 15:04 UTC")))
	}
	if text := healthNote(l.Resources); text != "" {
		notes = append(notes, text)
	}
	if n := count(l.Resources, func(e Entry) bool { return e.ScheduleNote != "" })[true]; n > 0 {
		notes = append(notes, fmt.Sprintf("No schedule is proposed for %s with cold steps; what-if shows why for each.",
			model.Plural(n, "resource")))
	}
	notes = append(notes, "Resources that were deleted, stopped or created in between are not known to this report, "+
		"only those that are active now; time before a resource was created is left out.")
	if len(t.Estimates) > 0 {
		notes = append(notes, "Money figures are estimates by the prices shown, without free tiers, taxes and contracts; TPS-hours are metered.")
		notes = append(notes, assumptionNotes(l.Resources)...)
	}
	if t.Unpriced > 0 {
		notes = append(notes, fmt.Sprintf("There is no price for %s (%s), and so no estimate; "+
			"give prices with --prices, or ask AWS with --live-prices.",
			model.Plural(t.Unpriced, "resource"), strings.Join(unpriced(l.Resources), ", ")))
	}
	return notes
}

func unpriced(entries []Entry) []string {
	var names []string
	for _, e := range entries {
		if e.Usage != nil && e.Estimate == nil {
			names = append(names, string(pricing.ProductOf(e.Kind, e.Recipe))+" in "+e.Region)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if more := len(names) - 6; more > 0 {
		names = append(names[:6], fmt.Sprintf("%d more", more))
	}
	return names
}

// HealthOf is how much is known of the demand, by what a rule read; nil if it read nothing.
func HealthOf(l rules.Load) *rules.Load {
	if l.Hours == 0 {
		return nil
	}
	return &l
}

const healthColumns = "healthHours=health.hours healthKnown=health.known healthSilent=health.silent healthUnknown=health.unknown"

// healthNote sums up the hours that are not known; empty if all are.
func healthNote(entries []Entry) string {
	total, unknown, resources := 0, 0, 0
	for _, e := range entries {
		if e.Health == nil {
			continue
		}
		total += e.Health.Hours
		if n := e.Health.Hours - e.Health.Known; n > 0 {
			unknown, resources = unknown+n, resources+1
		}
	}
	if unknown == 0 {
		return ""
	}
	return fmt.Sprintf("The demand of %d of %d whole hours is not known (%s); nothing is decided by them.",
		unknown, total, model.Plural(resources, "resource"))
}
