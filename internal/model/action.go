package model

// Action is what can be done to a resource. Its value is the name of the command, of the
// Lambda function and of the action in audit records. The zero value is no action.
type Action string

// The actions. Starting a recommender undoes stopping it; restoring creates a deleted
// campaign again; pausing and resuming the automatic training of a solution undo each other. No
// event of ours requests these four.
const (
	ActionUpdate  Action = "update-tps"
	ActionDelete  Action = "delete-campaign"
	ActionStop    Action = "stop-recommender"
	ActionStart   Action = "start-recommender"
	ActionRestore Action = "restore"
	ActionPause   Action = "pause-training"
	ActionResume  Action = "resume-training"
)

// Ends reports whether the action takes a resource out of service.
func (a Action) Ends() bool { return a == ActionDelete || a == ActionStop }

// Training reports whether the action is about the automatic training of a solution.
func (a Action) Training() bool { return a == ActionPause || a == ActionResume }

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
