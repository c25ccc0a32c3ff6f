package model

// Switch says whether something happens automatically. The zero value counts as Off.
type Switch string

// The positions of a switch. DryRun decides, logs and notifies as On does, and changes
// nothing.
const (
	Off    Switch = "No"
	On     Switch = "Yes"
	DryRun Switch = "DryRun"
)

// Is reports whether the switch is in the position; the zero value is Off.
// guard: a switch that is not set is off; each:1-2
func (s Switch) Is(position Switch) bool { return s == position || s == "" && position == Off }

// Mode says when the hourly checks of a resource are made.
type Mode string

// The modes of HourlyChecks.
const (
	Auto   Mode = "auto"   // each resource once an hour, in its own slot
	Always Mode = "always" // every resource, now
	Never  Mode = "never"
)
