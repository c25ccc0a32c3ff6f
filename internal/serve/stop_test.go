package serve_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// stopsEach is how many times a daemon of a world is stopped in the middle of what it does.
const stopsEach = 10

// A daemon that is stopped in the middle of a cycle loses nothing: what Personalize
// has accepted is reported, and what is left undone comes with the next start. In the end all
// is as if it had never been stopped.
func TestStoppedAnywhere(t *testing.T) {
	span := size(8*time.Hour, 4*time.Hour)
	state, sent, _ := lone(t, acting, span)
	random := rand.New(rand.NewPCG(2026, 40))
	for range size(4, 1) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, shop())
			var countdown atomic.Int64
			now := make(chan struct{}, 1)
			w.before = func(string) {
				if countdown.Add(-1) == 0 {
					now <- struct{}{}
				}
			}
			d := w.daemon(w.options(acting))
			w.live(5 * time.Minute)
			w.aws.ConfirmAll()
			for range stopsEach {
				// At one of the next few hundred requests, whatever it is.
				countdown.Store(1 + random.Int64N(300))
				for waiting := true; waiting; {
					select {
					case <-now:
						waiting = false
					case <-time.After(time.Minute):
						w.aws.Tick()
					}
				}
				d.stop()
				d = w.daemon(w.options(acting))
			}
			countdown.Store(0)
			w.live(span)
			d.stop()
			if diff := cmp.Diff(state, w.state()); diff != "" {
				t.Errorf("what stands in AWS: %s", diff)
			}
			if diff := cmp.Diff(sent, w.sent()); diff != "" {
				t.Errorf("what was sent: %s", diff)
			}
			w.memory.Shut()
		})
	}
}

// What Personalize has accepted when the daemon is to stop is reported all the same, at
// the very moment of each kind of change.
func TestStoppedAtTheChangeItself(t *testing.T) {
	for operation, detailType := range map[string]events.DetailType{
		"UpdateCampaign": events.CampaignUpdated, "UpdateRecommender": events.RecommenderUpdated,
		"DeleteCampaign": events.CampaignDeleted, "StopRecommender": events.RecommenderStopped,
	} {
		t.Run(operation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, shop())
				reached, stopping := make(chan struct{}), make(chan struct{})
				var once atomic.Bool
				w.before = func(name string) {
					if strings.HasSuffix(name, "."+operation+"/") && once.CompareAndSwap(false, true) {
						close(reached)
						<-stopping // the request is served while the daemon is being stopped
					}
				}
				d := w.daemon(w.options(acting))
				for waiting := true; waiting; {
					select {
					case <-reached:
						waiting = false
					case <-time.After(time.Minute):
						w.aws.Tick()
					}
				}
				go func() {
					time.Sleep(time.Second)
					close(stopping)
				}()
				d.stop()
				if w.aws.Calls()["personalize."+operation] != 1 || count(w.sent(), detailType) != 1 {
					t.Errorf("%d calls; sent: %v", w.aws.Calls()["personalize."+operation], w.sent())
				}
				w.memory.Shut()
			})
		})
	}
}

func count(sent map[string]int, detailType events.DetailType) int {
	n := 0
	for what, times := range sent {
		if strings.HasPrefix(what, string(detailType)+" ") {
			n += times
		}
	}
	return n
}

// A daemon at which something hangs for good says that it is stuck, after three cycles, and
// does not keep who stops it waiting for ever.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		release := make(chan struct{})
		o := w.options(map[string]string{"HourlyChecks": "always"})
		o.AuditLog = func(context.Context, events.Audit) error { <-release; return nil }
		d := w.daemon(o)
		w.live(14 * time.Minute)
		if status, body := d.get("/healthz"); status != 200 {
			t.Errorf("after 14 minutes: %d %s", status, body)
		}
		w.live(2 * time.Minute)
		if status, body := d.get("/healthz"); status != 503 || !strings.Contains(body, "no cycle has ended for 16m") {
			t.Errorf("after 16 minutes: %d %s", status, body)
		}
		begin := time.Now()
		if err := d.Stop(context.Background()); err == nil || time.Since(begin) > 2*time.Minute {
			t.Errorf("stopped after %v: %v", time.Since(begin), err)
		}
		if err := d.Stop(context.Background()); err == nil {
			t.Error("the second Stop returns no error")
		}
		close(release)
		d.pipe.hangUp()
		w.memory.Shut()
	})
}

// An AWS that cannot be reached makes the daemon not ready, but no restart would help.
func TestAWSOutOfReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		w.aws.AddFault(localaws.Fault{Service: "personalize", Kind: localaws.Hang})
		d := w.daemon(w.options(nil))
		w.live(40 * time.Minute)
		if status, body := d.get("/healthz"); status != 200 {
			t.Errorf("healthz: %d %s", status, body)
		}
		if status, body := d.get("/readyz"); status != 503 || !strings.Contains(body, "no cycle has succeeded yet") {
			t.Errorf("readyz: %d %s", status, body)
		}
		w.aws.ClearFaults()
		w.live(6 * time.Minute)
		if status, body := d.get("/readyz"); status != 200 {
			t.Errorf("readyz afterwards: %d %s", status, body)
		}
		const measured = "personalize_monitor_resource_utilization_ratio{"
		if _, body := d.get("/metrics"); !strings.Contains(body, measured) {
			t.Errorf("afterwards nothing is measured:\n%s", body)
		}
		// What is out of reach again, and no copy of the estate is left, is not shown as it was.
		w.aws.AddFault(localaws.Fault{Service: "personalize", Kind: localaws.Hang})
		w.live(40 * time.Minute)
		if _, body := d.get("/metrics"); strings.Contains(body, measured) {
			t.Errorf("what was measured before stands in\n%s", body)
		}
		d.stop()
		w.memory.Shut()
	})
}

// The first cycle has created alarms and has the dashboard built for that: once, however long
// it takes to be written.
func TestDashboardIsBuiltOnceAfterTheFirstCycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		w.before = func(name string) {
			if strings.HasSuffix(name, "/PutDashboard") {
				time.Sleep(20 * time.Second)
			}
		}
		time.Sleep(10 * time.Minute) // past the hourly build
		d := w.daemon(w.options(acting))
		w.live(3 * time.Minute)
		if n := w.aws.Calls()["cloudwatch.PutDashboard"]; n != 1 || d.memory.Status().LastDashboard.IsZero() {
			t.Errorf("the dashboard was written %d times", n)
		}
		d.stop()
		w.memory.Shut()
	})
}

// Late data are shown until they arrive: at first there are none of a monitor that has just been installed.
func TestLateDataAreAGauge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		estate := shop()
		estate.Monitored = 0
		w := newWorld(t, estate)
		d := w.daemon(w.options(acting))
		const line = `personalize_monitor_data_late{region="us-east-1"} 1`
		for _, late := range []bool{true, false} {
			w.live(time.Minute)
			if _, body := d.get("/metrics"); strings.Contains(body, line) != late {
				t.Errorf("late: %t, but\n%s", late, body)
			}
			w.live(5 * time.Minute)
		}
		d.stop()
		w.memory.Shut()
	})
}

// What is gone from the estate is gone from the metrics, and the decision is counted.
func TestGoneResourcesVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		d := w.daemon(w.options(acting))
		const gone, stays = `name="unused"`, `name="steady"`
		w.live(time.Minute)
		if _, body := d.get("/metrics"); !strings.Contains(body, gone) || !strings.Contains(body, stays) {
			t.Errorf("at first:\n%s", body)
		}
		w.live(8 * time.Hour)
		_, body := d.get("/metrics")
		if strings.Contains(body, gone) || !strings.Contains(body, stays) {
			t.Errorf("after it was deleted:\n%s", body)
		}
		for _, line := range []string{
			`personalize_monitor_decisions_total{action="delete",outcome="done"} 1`,
			`personalize_monitor_decisions_total{action="stop",outcome="done"} 1`,
			`personalize_monitor_events_total{detail_type="PersonalizeCampaignDeleted"} 1`,
			`personalize_monitor_resources{kind="recommender",region="us-east-1"} 1`,
		} {
			if !strings.Contains(body, line+"\n") {
				t.Errorf("%s is missing in\n%s", line, body)
			}
		}
		s := d.memory.Snapshot()
		if s.Status.LastDashboard.IsZero() || len(s.Audits) == 0 || len(s.Events) == 0 || len(s.Cycles) < 90 || len(s.Result.Resources) != 3 {
			t.Errorf("what a page can read: %+v, %d records, %d events, %d cycles", s.Status, len(s.Audits), len(s.Events), len(s.Cycles))
		}
		if len(s.Resources) != 3 || len(s.Others) != 1 || !s.Alarms.Known || len(s.Alarms.Old) > 0 || len(s.Alarms.List) < 6 || len(s.Checks) != 3 {
			t.Errorf("%d monitored, %d others, %d alarms, %d checks", len(s.Resources), len(s.Others), len(s.Alarms.List), len(s.Checks))
		}
		changed, version := d.memory.Changed(), d.memory.Version()
		w.live(6 * time.Minute)
		<-changed
		if d.memory.Version() <= version {
			t.Error("a change is not reported")
		}
		d.stop()
		w.memory.Shut()
	})
}

// In a dry run nothing is written, claims included, and it is reported what would have been.
func TestDryRunWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		before := w.state()
		o := w.options(acting)
		o.DryRun = true
		d := w.daemon(o)
		w.live(90 * time.Minute)
		d.stop()
		for name, line := range before {
			if w.state()[name] != line {
				t.Errorf("%s was %s and is %s", name, line, w.state()[name])
			}
		}
		for operation := range w.aws.Calls() {
			if _, verb, _ := strings.Cut(operation, "."); !strings.HasPrefix(verb, "Get") && !strings.HasPrefix(verb, "List") && !strings.HasPrefix(verb, "Describe") {
				t.Errorf("%s was called", operation)
			}
		}
		if len(d.memory.Snapshot().Audits) == 0 {
			t.Error("no record of what would have been done")
		}
		w.memory.Shut()
	})
}
