package report

import (
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// Health is how much is known of the demand of a resource, by whole hours. Its JSON keys are stable.
type Health struct {
	Hours   int    `json:"hours"`
	Known   int    `json:"known"`
	Silent  int    `json:"silent"`  // of the known ones: watched, without a call
	Unknown string `json:"unknown"` // why the others are not known, and from when on; empty if all are
}

// HealthOf is the health of what a rule read, or nil if it read nothing.
func HealthOf(l rules.Load) *Health {
	if l.Hours == 0 {
		return nil
	}
	return &Health{Hours: l.Hours, Known: l.Known, Silent: l.Silent, Unknown: l.Unknown}
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
