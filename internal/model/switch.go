package model

// Switch says whether something is done by itself. The zero value is as good as Off.
type Switch string

// The positions of a switch. Rehearse decides, logs and notifies as On does, and touches
// nothing.
const (
	Off      Switch = "No"
	On       Switch = "Yes"
	Rehearse Switch = "DryRun"
)

// Is tells whether the switch stands so; the zero value is Off.
func (s Switch) Is(position Switch) bool { return s == position || s == "" && position == Off }
