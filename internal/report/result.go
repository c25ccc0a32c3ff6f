// Package report is the end of the line discover → measure → decide → act → report: the
// result of a cycle as a value, and its three forms for people and programs.
package report

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// decisions in the order in which the summary counts them.
var decisions = []rules.Verdict{rules.None, rules.StepDown, rules.Stop, rules.Delete, rules.Refused}

// Window is the span of time that was measured, half open.
type Window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Resource is one campaign or recommender with what was measured and decided.
type Resource struct {
	ARN          string       `json:"arn"`
	Kind         model.Kind   `json:"kind"`
	Name         string       `json:"name"`
	Region       string       `json:"region"`
	DatasetGroup string       `json:"datasetGroup"` // name; empty if it could not be read
	Recipe       string       `json:"recipe"`       // name; empty if it could not be read
	Status       model.Status `json:"status"`
	Min          int          `json:"min"`     // TPS or RPS
	Average      *float64     `json:"average"` // TPS or RPS; nil if unreadable
	// Invisible tells that nothing counts the traffic of its recipe, which is why there is
	// no average: nothing failed.
	Invisible   bool          `json:"-"`
	Utilization *float64      `json:"utilization"` // percent; nil if unreadable
	Checked     bool          `json:"checked"`     // whether the hourly checks were done
	Decision    rules.Verdict `json:"decision"`
	NewMin      int           `json:"newMin,omitempty"` // with a step-down only
	Reason      string        `json:"reason"`
	// Saving is what the decision would save, where plan found out, and Estimate what the
	// last 14 days and the saving are worth.
	Saving   *Saving   `json:"saving,omitempty"`
	Estimate *Estimate `json:"estimate,omitempty"`
	// Outcome is what came of the decision where it was carried out by the cycle itself:
	// done, already so, dry run, refused or failed.
	Outcome string `json:"outcome,omitempty"`
	// Would is what would have been decided, but for a parameter that says DryRun, and
	// WouldMin the minimum of a step-down.
	Would    rules.Verdict `json:"would,omitempty"`
	WouldMin int           `json:"wouldMin,omitempty"`
	// Restore is the command that undoes what was carried out by the cycle itself.
	Restore string `json:"restore,omitempty"`
}

// Alarms counts what was done with alarms, or would have been in a dry run.
type Alarms struct {
	Created int `json:"created"`
	Updated int `json:"updated"`
	Deleted int `json:"deleted"`
	Kept    int `json:"kept"` // as they were
	Left    int `json:"left"` // changes that did not fit and wait for the next cycle
}

// Event is one event that was sent, or would have been in a dry run.
type Event struct {
	DetailType string `json:"detailType"`
	Resource   string `json:"resource"` // ARN; empty for a general rebuild of the dashboard
}

// Result is what one cycle saw, decided and did. Its JSON keys are stable.
type Result struct {
	Window           Window          `json:"window"`
	Resources        []Resource      `json:"resources"`
	Alarms           Alarms          `json:"alarms"`
	Events           []Event         `json:"events"`
	Problems         []model.Problem `json:"problems"`
	MetricsPublished int             `json:"metricsPublished"`
	Calls            map[string]int  `json:"calls"` // by service.Operation
	DurationMs       int64           `json:"durationMs"`
	DryRun           bool            `json:"dryRun"` // nothing was written; the rest tells what would have been
}

// Changes tells whether the result holds a change: a decision to act on a resource, or
// an alarm that is created, updated, deleted or waits for one of these. Kept alarms,
// events and metrics are none.
func (r Result) Changes() bool {
	if r.Alarms.changed()+r.Alarms.Left > 0 {
		return true
	}
	return slices.ContainsFunc(r.Resources, func(one Resource) bool {
		return one.Decision.Changes()
	})
}

// changed is the number of alarms written or removed.
func (a Alarms) changed() int { return a.Created + a.Updated + a.Deleted }

// Failed tells whether some resource or region had a problem.
func (r Result) Failed() bool { return len(r.Problems) > 0 }

// settled is the result in the order and form in which all writers show it: resources
// by region, kind and name, events by type and resource, problems by region and
// resource, times in UTC, no list nil.
func (r Result) settled() Result {
	r.Window = Window{Start: r.Window.Start.UTC(), End: r.Window.End.UTC()}
	r.Resources = append([]Resource{}, r.Resources...)
	slices.SortStableFunc(r.Resources, func(a, b Resource) int { return cmp.Compare(a.ARN, b.ARN) })
	r.Events = append([]Event{}, r.Events...)
	slices.SortStableFunc(r.Events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.DetailType, b.DetailType), cmp.Compare(a.Resource, b.Resource))
	})
	r.Problems = append([]model.Problem{}, r.Problems...)
	slices.SortStableFunc(r.Problems, model.CompareProblems)
	if r.Calls == nil {
		r.Calls = map[string]int{}
	}
	return r
}

// plainResult is a Result without its methods, for the encoder.
type plainResult Result

// MarshalJSON writes the result in its settled order, empty lists as [].
func (r Result) MarshalJSON() ([]byte, error) { return json.Marshal(plainResult(r.settled())) }

// WriteJSON writes the result as one indented object. It is an error if a number is
// none, or if w fails.
func (r Result) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(plainResult(r.settled()))
}
