package actions

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// fullDisk is an audit log that fails while it is full, and keeps the outcomes it writes.
type fullDisk struct {
	full     bool
	outcomes []string
}

func (d *fullDisk) into(o *testOptions) {
	o.AuditLog = func(_ context.Context, record events.Audit) error {
		if d.full {
			return errors.New("no space left on device")
		}
		d.outcomes = append(d.outcomes, record.Outcome)
		return nil
	}
}

// lostRecords is the sum of the metric of lost audit records.
func (w *world) lostRecords() float64 {
	w.T.Helper()
	out, err := w.Raw.CloudWatch(home).GetMetricStatistics(ctxAll, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String(model.NamespaceMonitor), MetricName: aws.String(model.MetricAuditRecordsLost), Period: aws.Int32(3600),
		StartTime: aws.Time(testTime.Add(-2 * time.Hour)), EndTime: aws.Time(testTime.Add(2 * time.Hour)), Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
	})
	w.Must(err)
	sum := 0.0
	for _, point := range out.Datapoints {
		sum += *point.Sum
	}
	return sum
}

// Every stop and deletion is recorded first. While no record can be written, none is made, whether
// the monitor or a person requests it.
func TestNothingIsStoppedOrDeletedWithoutARecord(t *testing.T) {
	tests := []struct {
		name string
		act  model.Action
		req  func(t *testing.T) events.Request
		op   string
	}{
		{"an automatic deletion", model.ActionDelete, func(t *testing.T) events.Request {
			return automatic(t, model.ActionDelete, "campaign/home", 0, 0)
		}, "personalize.DeleteCampaign"},
		{"an automatic stop", model.ActionStop, func(t *testing.T) events.Request {
			return automatic(t, model.ActionStop, "recommender/for-you", 0, 0)
		}, "personalize.StopRecommender"},
		{"a person's deletion", model.ActionDelete, func(t *testing.T) events.Request { return ask(t, "campaign/home", 0) }, "personalize.DeleteCampaign"},
		{"a person's stop", model.ActionStop, func(t *testing.T) events.Request { return ask(t, "recommender/for-you", 0) }, "personalize.StopRecommender"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, disk := newShop(t), &fullDisk{full: true}
			a, _ := w.actor(disk.into, confirming(rules.VerdictOf(tt.act)))
			for range 2 {
				w.Writes()
				answer, err := a.Do(ctxAll, tt.act, tt.req(t))
				w.Must(err)
				if answer.Outcome != writer.Refused || !strings.Contains(answer.Why, "audit record could not be written") || answer.Restore != "" {
					t.Errorf("%+v", answer)
				}
				if len(answer.Problems) == 0 || answer.Problems[0].Operation != audit.OpRecord ||
					!strings.Contains(answer.Problems[0].Error(), "("+string(tt.act)+", begun) is lost") {
					t.Errorf("problems %v", answer.Problems)
				}
				if calls := w.actions(); calls[tt.op] > 0 || calls["events.PutEvents"] > 0 {
					t.Errorf("writes %v", calls)
				}
			}
			if n := w.lostRecords(); n != 4 { // begun and refused
				t.Errorf("%v lost records counted", n)
			}

			disk.full = false
			answer, err := a.Do(ctxAll, tt.act, tt.req(t))
			w.wantAnswer(answer, err, writer.Done, "is being")
			if got := strings.Join(disk.outcomes, ","); got != "begun,done" {
				t.Errorf("recorded %s", got)
			}
		})
	}
}

// The record of an accepted change that is lost is a problem; the change can be undone, and its
// notification has the record.
func TestALostRecordIsAProblem(t *testing.T) {
	for _, full := range []bool{true, false} {
		w, disk := newShop(t), &fullDisk{full: full}
		a, _ := w.actor(disk.into)
		answer, err := a.Do(ctxAll, model.ActionUpdate, ask(t, "campaign/home", 7))
		w.Must(err)
		lost := len(answer.Problems) == 1 && answer.Problems[0].Operation == audit.OpRecord &&
			strings.HasSuffix(answer.Sentence, "failures after that: 1.")
		if answer.Outcome != writer.Done || lost != full || (w.lostRecords() == 1) != full || len(w.sent()) != 1 {
			t.Errorf("full: %t: %+v, %v counted", full, answer, w.lostRecords())
		}
		// So is that nothing had to be done.
		answer, err = a.Do(ctxAll, model.ActionStart, ask(t, "recommender/for-you", 0))
		w.Must(err)
		if answer.Outcome != writer.AlreadySo || (len(answer.Problems) == 1) != full {
			t.Errorf("full: %t: %+v", full, answer)
		}
	}
}

// A dry run stops and deletes nothing, and records that alone.
func TestADryRunHasNoRecordBeforehand(t *testing.T) {
	w, disk := newShop(t), &fullDisk{}
	a, _ := w.actor(disk.into, dryRun)
	answer, err := a.Do(ctxAll, model.ActionDelete, ask(t, "campaign/home", 0))
	w.wantAnswer(answer, err, writer.DryRun, "would be deleted")
	if len(disk.outcomes) != 1 || disk.outcomes[0] != events.OutcomeDryRun {
		t.Errorf("recorded %v", disk.outcomes)
	}
}
