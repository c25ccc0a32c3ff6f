package probe

import (
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/permissions"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
	"github.com/personalize-monitor/personalize-monitor/test/iam"
)

// Every action that a use reads with is called or simulated: no name of an action is misspelled here.
func TestReadersAreActionsOfTheTable(t *testing.T) {
	known := map[string]bool{}
	for _, use := range append(permissions.Uses(), permissions.Functions()...) {
		for _, s := range permissions.For(use, permissions.Options{}) {
			for _, action := range s.Actions {
				known[action] = true
			}
		}
	}
	w, _ := awsbed.New(t).Writer()
	for action := range readers(w, awsbed.Home, "*") {
		if !known[action] || !iam.Reads(action) {
			t.Errorf("%s is no action that a use reads with", action)
		}
	}
}
