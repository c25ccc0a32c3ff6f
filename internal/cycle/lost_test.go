package cycle_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// A cycle that cannot write its audit records neither deletes nor requests a deletion, and reports
// each record; the same estate with an audit log is cleared.
func TestACycleWithoutRecordsRemovesNothing(t *testing.T) {
	for _, act := range []bool{false, true} {
		for _, full := range []bool{true, false} {
			b := newBed(t, idle(3, home))
			b.act, b.given = act, deleting
			b.auditLog = func(context.Context, events.Audit) error {
				if full {
					return errors.New("no space left on device")
				}
				return nil
			}
			b.restart(b.clock)
			result := b.run(deleting)
			deletions := b.aws.Calls()["personalize.DeleteCampaign"]
			for _, e := range result.Events {
				if e.DetailType == string(events.DeleteCampaign) {
					deletions++
				}
			}
			lost := 0
			for _, p := range result.Problems {
				if p.Operation == audit.OpRecord {
					lost++
				}
			}
			if !full {
				if deletions != 3 || lost > 0 || tally(result, rules.Delete)[home] != 3 {
					t.Errorf("act %t: %d deletions, problems %v", act, deletions, result.Problems)
				}
				continue
			}
			if deletions > 0 || lost < 3 || !result.Failed() || tally(result, rules.Refused)[home] != 3 {
				t.Errorf("act %t: %d deletions, %d records lost, refused %v", act, deletions, lost, tally(result, rules.Refused))
			}
			if why := result.Resources[0].Reason; !strings.Contains(why, "its audit record could not be written") {
				t.Errorf("reason %q", why)
			}
		}
	}
}
