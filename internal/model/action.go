package model

// Action is what can be done to a resource. Its value is the name of the command, of the
// Lambda function and of the action in audit records. The zero value is no action.
type Action string

// The actions. Starting a recommender undoes stopping it; restoring creates a deleted
// campaign again. No event of ours requests these two.
const (
	ActionUpdate  Action = "update-tps"
	ActionDelete  Action = "delete-campaign"
	ActionStop    Action = "stop-recommender"
	ActionStart   Action = "start-recommender"
	ActionRestore Action = "restore"
)

// Ends reports whether the action takes a resource out of service.
func (a Action) Ends() bool { return a == ActionDelete || a == ActionStop }
