package serve_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// acting are parameters under which everything that can be done is done.
var acting = map[string]string{
	"AutoDeleteOrStopIdleResources": "Yes", "NotificationEndpoint": "ml@example.com", "IdleThresholdHours": "2",
}

// lone is what one undisturbed daemon does over some time.
func lone(t *testing.T, settings map[string]string, span time.Duration) (state map[string]string, sent, mails map[string]int) {
	return undisturbed(t, shop(), func(w *world) serve.Options { return w.options(settings) }, span)
}

// undisturbed is what one daemon with these options does over some time.
func undisturbed(
	t *testing.T, estate localaws.Estate, options func(*world) serve.Options, span time.Duration,
) (state map[string]string, sent, mails map[string]int) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, estate)
		d := w.daemon(options(w))
		w.live(5 * time.Minute)
		w.aws.ConfirmAll()
		w.live(span)
		d.stop()
		state, sent, mails = w.state(), w.sent(), w.mails()
		w.memory.Shut()
	})
	return state, sent, mails
}

// Two daemons of one deployment, over days: each thing is done once and sent once, and in
// the end all is as one daemon alone would have left it.
func TestTwoDaemonsActOnceAndTellOnce(t *testing.T) {
	span := size(26*time.Hour, 5*time.Hour)
	state, sent, mails := lone(t, acting, span)
	if len(sent) < 6 {
		t.Fatalf("too little happens to compare: %v", sent)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		one, two := w.daemon(w.options(acting)), w.daemon(w.options(acting))
		w.live(5 * time.Minute)
		w.aws.ConfirmAll()
		w.live(span)
		leading := 0
		for _, d := range []*running{one, two} {
			leads := d.memory.Status().Role == serve.Leading
			if leads {
				leading++
			}
			if _, body := d.get("/metrics"); strings.Contains(body, "\npersonalize_monitor_alarm_changes_left 0\n") != leads {
				t.Errorf("leading: %t; what of the alarms is left is known:\n%s", leads, body)
			}
			for _, r := range d.memory.Snapshot().Result.Resources {
				if standby := strings.Contains(r.Reason, "the daemon that leads makes the hourly checks"); standby == leads {
					t.Errorf("leading: %t; %s: %s", leads, r.Name, r.Reason)
				}
			}
			d.stop()
		}
		if leading != 1 {
			t.Errorf("%d daemons lead", leading)
		}
		w.wantSame(t, state, sent, mails)
		w.memory.Shut()
	})
}

// The one that leads is lost again and again, in order or by force, and another takes over
// within the next cycle; still nothing is done or sent twice.
func TestLeadersComeAndGo(t *testing.T) {
	span := size(9*time.Hour, 4*time.Hour)
	state, sent, _ := lone(t, acting, span)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		daemons := []*running{w.daemon(w.options(acting)), w.daemon(w.options(acting))}
		w.live(5 * time.Minute)
		w.aws.ConfirmAll()
		begin := time.Now()
		for i := 0; time.Since(begin) < span; i++ {
			w.live(47*time.Minute + time.Duration(i)*31*time.Second)
			old := i % 2
			daemons[old].stop()
			daemons[old] = w.daemon(w.options(acting))
		}
		for _, d := range daemons {
			d.stop()
		}
		if diff := cmp.Diff(state, w.state()); diff != "" {
			t.Errorf("what stands in AWS: %s", diff)
		}
		if diff := cmp.Diff(sent, w.sent()); diff != "" {
			t.Errorf("what was sent: %s", diff)
		}
		w.memory.Shut()
	})
}

// Daemons that cannot agree both lead. What they do to resources, and tell of it, is done
// once all the same: the second look and Personalize see to that.
func TestDaemonsThatCannotAgreeActOnce(t *testing.T) {
	span := size(9*time.Hour, 4*time.Hour)
	state, sent, _ := lone(t, acting, span)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		// At each tick neither may read the lease. What they do is counted in other tags of the topic.
		denied := localaws.Fault{Service: "sns", Operation: "ListTagsForResource", Code: "AuthorizationError", Status: 403, Times: 2}
		w.aws.AddFault(denied)
		one, two := w.daemon(w.options(acting)), w.daemon(w.options(acting))
		w.live(5*time.Minute - time.Second)
		w.aws.ConfirmAll()
		for end := time.Now().Add(span); time.Now().Before(end); {
			w.aws.AddFault(denied)
			w.live(5 * time.Minute)
		}
		for _, d := range []*running{one, two} {
			if d.memory.Status().Role != serve.Leading || !strings.Contains(d.log.String(), "run one daemon at a time") {
				t.Errorf("role %s; the log does not say that there should be one", d.memory.Status().Role)
			}
			d.stop()
		}
		if diff := cmp.Diff(state, w.state()); diff != "" {
			t.Errorf("what stands in AWS: %s", diff)
		}
		if diff := cmp.Diff(sent, w.sent()); diff != "" {
			t.Errorf("what was sent: %s", diff)
		}
		w.memory.Shut()
	})
}

// Daemons that may not use the tags of the topic measure, and do nothing automatic: it could not
// be counted.
func TestWithoutTagsNothingIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		w.aws.AddFault(localaws.Fault{Service: "sns", Operation: "ListTagsForResource", Code: "AuthorizationError", Status: 403})
		d := w.daemon(w.options(acting))
		w.live(4 * time.Hour)
		status := d.memory.Status()
		d.stop()
		if sent := w.sent(); len(sent) > 0 {
			t.Errorf("sent %v", sent)
		}
		for operation, n := range w.aws.Calls() {
			for _, change := range []string{"UpdateCampaign", "UpdateRecommender", "DeleteCampaign", "StopRecommender"} {
				if operation == "personalize."+change {
					t.Errorf("%s was called %d times", operation, n)
				}
			}
		}
		if status.Role != serve.Leading {
			t.Errorf("role %s", status.Role)
		}
		w.memory.Shut()
	})
}

// A rehearsal is reported once a day, however many daemons there are and however often they
// begin anew.
func TestRehearsalsAreToldOnceADay(t *testing.T) {
	rehearsing := map[string]string{
		"AutoDeleteOrStopIdleResources": "DryRun", "AutoAdjustMinTPS": "DryRun", "NotificationEndpoint": "ml@example.com", "IdleThresholdHours": "2",
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(20 * time.Hour) // midnight comes soon
		w := newWorld(t, shop())
		one, two := w.daemon(w.options(rehearsing)), w.daemon(w.options(rehearsing))
		restarts := size(26, 6)
		for range restarts {
			w.live(time.Hour + 2*time.Minute)
			one.stop()
			one, two = two, w.daemon(w.options(rehearsing))
		}
		one.stop()
		two.stop()
		sent, days := w.sent(), map[string]bool{}
		for what := range sent {
			days[what[strings.LastIndex(what, " ")+1:]] = true
		}
		if len(sent) == 0 || restarts > 24 && (len(sent) < 4 || len(days) < 2) {
			t.Errorf("too little was sent: %v", sent)
		}
		for what, n := range sent {
			if n != 1 {
				t.Errorf("%s: sent %d times", what, n)
			}
		}
		w.memory.Shut()
	})
}
