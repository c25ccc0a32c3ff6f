package report

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Subject is the campaign or recommender that a record of a report is about.
type Subject struct {
	ARN          string       `json:"arn"`
	Kind         model.Kind   `json:"kind"`
	Name         string       `json:"name"`
	Region       string       `json:"region"`
	DatasetGroup string       `json:"datasetGroup"` // name; empty if it could not be read
	Recipe       string       `json:"recipe"`       // name; empty if it could not be read
	Status       model.Status `json:"status"`
	Min          int          `json:"min"` // TPS or RPS; the present one
	// The account is named if the report covers several.
	Account     string `json:"account,omitempty"` // ID
	AccountName string `json:"accountName,omitempty"`
}

// SubjectOf describes a resource.
func SubjectOf(r model.Resource) Subject {
	return Subject{
		ARN: r.ARN.Shared(), Kind: r.Kind, Name: r.Name, Region: r.Region(), DatasetGroup: r.DatasetGroup.Name(), Recipe: r.Recipe,
		Status: r.Status, Min: r.MinTPS,
	}
}

func (s Subject) fields() []string {
	return Fields(s.ARN, s.Kind, s.Name, s.Region, s.DatasetGroup, s.Recipe, s.Status, s.Min)
}

// Resource is one campaign or recommender with what was measured and decided.
type Resource struct {
	Subject
	Average *float64 `json:"average"` // TPS or RPS; nil if unreadable
	// Invisible means that no metric counts the requests of its recipe. There is no average
	// then, although nothing failed.
	Invisible   bool               `json:"-"`
	Utilization *float64           `json:"utilization"` // percent; nil if unreadable
	Checked     bool               `json:"checked"`     // whether the hourly checks were done
	Decision    rules.Verdict      `json:"decision"`
	NewMin      int                `json:"newMin,omitempty"` // with a step-down only
	Reason      string             `json:"reason"`
	Codes       []rules.ReasonCode `json:"-"`                // of the reason, for pages
	Health      *Health            `json:"health,omitempty"` // only where the step-down rule read the demand
	// Saving is what the decision would save, and Estimate the money that the last 14 days
	// and the saving are worth. Only a plan has them.
	Saving   *billing.Saving `json:"saving,omitempty"`
	Estimate *Estimate       `json:"estimate,omitempty"`
	// Outcome is that of a decision which the cycle itself executed: done, already so, dry
	// run, refused or failed.
	Outcome string `json:"outcome,omitempty"`
	// Would is the decision that a parameter with the value DryRun kept from being made, and
	// WouldMin the new minimum of a step-down.
	Would    rules.Verdict `json:"would,omitempty"`
	WouldMin int           `json:"wouldMin,omitempty"`
	// Restore is the command that undoes what the cycle itself executed.
	Restore string `json:"restore,omitempty"`
}

// Alarms counts the changes of alarms, in a dry run those that would be made.
type Alarms struct {
	Created int `json:"created"`
	Updated int `json:"updated"`
	Deleted int `json:"deleted"`
	Kept    int `json:"kept"` // as they were
	Left    int `json:"left"` // changes that did not fit and wait for the next cycle
}

// Event is one event that was sent, or in a dry run would be.
type Event struct {
	DetailType string `json:"detailType"`
	Resource   string `json:"resource"` // ARN; empty for a general rebuild of the dashboard
	// The account is named if the result covers several.
	Account     string `json:"account,omitempty"` // ID
	AccountName string `json:"accountName,omitempty"`
}

// Result is what one cycle measured, decided and did. Its JSON keys are stable.
type Result struct {
	Window    model.Window    `json:"window"`
	Resources []Resource      `json:"resources"`
	Alarms    Alarms          `json:"alarms"`
	Events    []Event         `json:"events"`
	Problems  []model.Problem `json:"problems"`
	// DataLate are the regions in which nothing is changed, because their data are late.
	DataLate         []rules.LateRegion `json:"dataLate,omitempty"`
	MetricsPublished int                `json:"metricsPublished"`
	Calls            map[string]int     `json:"calls"` // by service.Operation
	DurationMs       int64              `json:"durationMs"`
	DryRun           bool               `json:"dryRun"`             // nothing was written; the rest is what would have been
	Accounts         []Account          `json:"accounts,omitempty"` // if it covers several
}

// Changes reports whether there is a change: a decision to act on a resource, or an alarm
// that is created, updated, deleted or left for the next cycle. Kept alarms, events and
// metrics do not count.
func (r Result) Changes() bool {
	a := r.Alarms
	return a.Created+a.Updated+a.Deleted+a.Left > 0 ||
		slices.ContainsFunc(r.Resources, func(one Resource) bool { return one.Decision.Changes() })
}

// Failed reports whether a resource or region had a problem.
func (r Result) Failed() bool { return len(r.Problems) > 0 }

// normalized is the result in the order and form in which it is written: resources by region,
// kind and name, events by type and resource, problems by region and resource, times in UTC,
// no list nil.
func (r Result) normalized() Result {
	r.Window = model.NewWindow(r.Window.Start, r.Window.End)
	r.Resources, r.Events, r.Problems = list(r.Resources), list(r.Events), list(r.Problems)
	slices.SortStableFunc(r.Resources, func(a, b Resource) int { return cmp.Compare(a.ARN, b.ARN) })
	slices.SortStableFunc(r.Events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.DetailType, b.DetailType), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Account, b.Account))
	})
	slices.SortStableFunc(r.Problems, model.CompareProblems)
	if r.Calls == nil {
		r.Calls = map[string]int{}
	}
	return r
}

// plainResult is a Result without its methods, for the encoder.
type plainResult Result

// Asides implements Report.
func (r Result) Asides() []string {
	var lines []string
	for _, late := range r.DataLate {
		lines = append(lines, late.String())
	}
	return append(lines, problemLines(r.Problems)...)
}

// JSON implements Report.
func (r Result) JSON() any { return plainResult(r.normalized()) }

// MarshalJSON writes the result in its order, empty lists as [].
func (r Result) MarshalJSON() ([]byte, error) { return json.Marshal(r.JSON()) }

// resultColumns names the columns of the CSV as the JSON names its keys.
var resultColumns = []string{
	"arn", "kind", "name", "region", "datasetGroup", "recipe", "status",
	"min", "average", "utilization", "checked", "decision", "newMin", "reason",
	"tpsHoursSaved", "tpsHoursSavedPerMonth", "estimateCurrency", "pricePerTPSHour", "priceDate", "priceSource",
	"estimateSaved", "estimateSavedPerMonth", "would", "wouldMin", "outcome", "restore",
	"healthHours", "healthKnown", "healthSilent", "healthUnknown",
	"coldStepsPerWeek", "coldStepsPerWeekNow", "risk",
}

// CSV implements Report. What is null or left out in the JSON is an empty field.
func (r Result) CSV() [][]string {
	rows := [][]string{accountColumns(resultColumns, r.Accounts)}
	for _, one := range r.normalized().Resources {
		saved, cold, priced := make([]any, 2), make([]any, 3), make([]any, 6)
		if s := one.Saving; s != nil {
			saved = []any{s.TPSHours, s.PerMonth}
			if s.Cold != nil {
				cold = []any{s.ColdPerWeek, s.ColdPerWeekNow, s.Cold.Risk}
			}
		}
		if e := one.Estimate; e != nil {
			priced = []any{e.Currency, e.PerTPSHour, e.PriceDate, e.PriceSource, e.Saved, e.SavedPerMonth}
		}
		rows = append(rows, slices.Concat(
			one.fields(), Fields(one.Average, one.Utilization, one.Checked, one.Decision, positive(one.NewMin), one.Reason),
			Fields(saved...), Fields(priced...), Fields(one.Would, positive(one.WouldMin), one.Outcome, one.Restore),
			Fields(one.Health.cells()...), Fields(cold...), one.accountFields(),
		))
	}
	return rows
}
