package serve_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/accounts"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

// The two accounts of an estate, which a daemon works in.
const north, south = "222222222222", "333333333333"

// branches is an estate with two accounts of equal endpoints: a minimum to be lowered, and a campaign that
// no one calls.
func branches(faults ...localaws.EstateAccountFault) localaws.Estate {
	regions := shop().Regions
	group := &regions[0].DatasetGroups[0]
	group.Campaigns = slices.Delete(group.Campaigns, 1, 2)
	group.Recommenders = nil
	return localaws.Estate{Account: "111111111111", Monitored: 30 * 24 * time.Hour, Accounts: []localaws.EstateAccount{
		{ID: north, Name: "north", Role: "Reader", Regions: regions},
		{ID: south, Name: "south", Role: "Reader", Regions: regions, Faults: faults},
	}}
}

// several are the options of a daemon in both accounts. Its network can be cut.
func (w *world) several(changes map[string]string) (serve.Options, *cable) {
	o, network := w.options(changes), &cable{transport: w.memory.Transport()}
	o.Config = awsapi.LocalConfig(home, w.memory.URL(), "HUB", network)
	hub := awsapi.New(awsapi.Options{Config: o.Config, Clock: o.Clock})
	settings := accounts.Settings(o.Config, hub)
	for id, name := range map[string]string{north: "north", south: "south"} {
		e := accounts.Entry{Account: model.Account{ID: id, Name: name}, Role: model.NewARN("aws", "iam", "", id, "role/Reader")}
		o.Accounts = append(o.Accounts, serve.Account{Account: e.Account, Config: settings(e), Params: o.Params, Memory: serve.NewMemory()})
	}
	slices.SortFunc(o.Accounts, func(a, b serve.Account) int { return strings.Compare(a.ID, b.ID) })
	return o, network
}

// cable is a network that can be cut. A response to what was sent before is lost.
type cable struct {
	transport http.RoundTripper
	cut       atomic.Bool
}

var errCut = errors.New("the network is cut")

func (c *cable) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.cut.Load() {
		return nil, errCut
	}
	response, err := c.transport.RoundTrip(r)
	if err == nil && c.cut.Load() {
		response.Body.Close()
		return nil, errCut
	}
	return response, err
}

// known is what the page shows of the accounts.
type known []serve.Account

func (k known) Snapshot() web.Snapshot {
	var list []serve.SnapshotOf
	for _, one := range k {
		list = append(list, serve.SnapshotOf{Account: one.Account, Snapshot: one.Memory.Snapshot()})
	}
	return web.Snapshot{Snapshot: serve.Merged(list)}
}
func (k known) Version() uint64          { return k.Snapshot().Version }
func (k known) Changed() <-chan struct{} { return nil }

// page is a page of what is known now.
func (k known) page(t *testing.T, path string) string {
	t.Helper()
	site, err := web.New(web.Options{
		Source: k, Guard: testGuard(t, "127.0.0.1:8090", ""), Clock: model.SystemClock{}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	answer := httptest.NewRecorder()
	site.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8090"+path, nil))
	return answer.Body.String()
}

// cycles are the outcomes of the cycles in an account, the oldest first: how long after the start each began, and its
// error or the number of its problems.
func cycles(a serve.Account, start time.Time) (list []string) {
	for _, c := range slices.Backward(a.Memory.Snapshot().Cycles) {
		text := c.Began.Sub(start).Truncate(time.Minute).String()
		switch {
		case c.Error != "":
			text += " failed"
		case c.Problems > 0:
			text += fmt.Sprintf(" %d problems", c.Problems)
		}
		list = append(list, text)
	}
	return list
}

// every are the cycles of an undisturbed daemon, except that those between two times have failed.
func every(span, from, until time.Duration) (list []string) {
	for at := time.Duration(0); at <= span; at += 5 * time.Minute {
		text := at.String()
		if at >= from && at < until {
			text += " failed"
		}
		list = append(list, text)
	}
	return list
}

// in is the part of a state, or of what was sent, that is of an account.
func in[V any](account string, all map[string]V) map[string]V {
	part := map[string]V{}
	for name, v := range all {
		if strings.Contains(name, account) {
			part[name] = v
		}
	}
	return part
}

// The role of one account is revoked for a while: its sessions are refused, or the role can no longer be assumed when
// the session ends. The other account goes on at its pace. The account is unknown, with the reason, and neither 0 nor as
// it was before; when the role is given back it goes on.
func TestARevokedRoleCostsItsAccountAlone(t *testing.T) {
	const until, why = 70 * time.Minute, "cannot assume the role arn:aws:iam::" + south + ":role/Reader with no external id: AccessDenied"
	for name, tt := range map[string]struct {
		service string        // that is refused; empty: all, and to assume the role
		from    time.Duration // of the failed cycles
		first   string        // why the first of them fails
	}{
		"its sessions are refused": {"", 35 * time.Minute, "no metric data could be read: ListCampaigns us-east-1: AccessDenied"},
		"it cannot be assumed":     {"sts", 55 * time.Minute, why},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fault := localaws.EstateAccountFault{Kind: "denied", Service: tt.service, After: 32 * time.Minute, Lasting: 36 * time.Minute}
				w, start := newWorld(t, branches(fault)), time.Now()
				o, _ := w.several(acting)
				accounts := known(o.Accounts)
				const measured = `personalize_monitor_resource_utilization_ratio{account="` + south
				const leading = `personalize_monitor_leading{account="` + south + `"}`
				const minimum = `personalize_monitor_resource_minimum_requests_per_second{account="` + south
				const row = "arn:aws:personalize:us-east-1:" + south + ":campaign/oversized,"
				d := w.daemon(o)
				w.live(31 * time.Minute)
				if _, body := d.get("/metrics"); !strings.Contains(body, measured) || !strings.Contains(body, leading+" 1\n") {
					t.Fatalf("at first:\n%s", body)
				}
				w.live(tt.from - 30*time.Minute)
				before := in(south, w.state())
				w.live(68*time.Minute - tt.from)
				if status, body := d.get("/readyz"); status != 200 {
					t.Errorf("not ready: %d %s", status, body)
				}
				_, body := d.get("/metrics")
				failed := fmt.Sprintf(`personalize_monitor_cycles_total{account="%s",outcome="failed"} %d`, south, (until-tt.from)/(5*time.Minute))
				if strings.Contains(body, minimum) || strings.Contains(body, measured) || strings.Contains(body, leading) ||
					!strings.Contains(body, strings.Replace(leading, south, north, 1)+" 1\n") ||
					!strings.Contains(body, failed+"\n") || !strings.Contains(body, strings.Replace(measured, south, north, 1)) {
					t.Errorf("while it is revoked, want %s:\n%s", failed, body)
				}
				page := accounts.page(t, "/")
				for _, text := range []string{
					"The last cycle in south (" + south + ") measured nothing.</strong> Its demand now is unknown, and the rest of it is from 2000-01-01 00:",
					why, "1 of 2 accounts", "could not be read.</li>",
				} {
					if !strings.Contains(page, text) {
						t.Errorf("the page lacks %q:\n%s", text, page)
					}
				}
				line := lineWith(accounts.page(t, "/resources?format=csv"), row)
				if !strings.Contains(line, ",unknown,20,,,") && !strings.Contains(line, ",unknown,15,,,") || !strings.Contains(line, "its account could not be read") {
					t.Errorf("the table has %q", line)
				}
				if diff := cmp.Diff(before, in(south, w.state())); diff != "" {
					t.Errorf("changed while it was revoked: %s", diff)
				}
				w.live(23 * time.Minute)
				if _, body := d.get("/metrics"); !strings.Contains(body, measured) || !strings.Contains(body, leading+" 1\n") {
					t.Errorf("given back:\n%s", body)
				}
				if page := accounts.page(t, "/"); strings.Contains(page, "The last cycle in") || !strings.Contains(page, "2 of 2 accounts") {
					t.Errorf("given back:\n%s", page)
				}
				d.stop()
				list := accounts[1].Memory.Snapshot().Cycles
				slices.Reverse(list)
				if i := slices.IndexFunc(list, func(c serve.CycleRecord) bool { return c.Error != "" }); i < 0 || !strings.HasPrefix(list[i].Error, tt.first) {
					t.Errorf("want a cycle that failed as %q: %+v", tt.first, list)
				}
				for i, want := range [][]string{every(90*time.Minute, 0, 0), every(90*time.Minute, tt.from, until)} {
					if diff := cmp.Diff(want, cycles(accounts[i], start)); diff != "" {
						t.Errorf("cycles in %s: %s", accounts[i].Name, diff)
					}
				}
				w.memory.Shut()
			})
		})
	}
}

// lineWith is the line of a text that begins with something.
func lineWith(text, begin string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, begin) {
			return line
		}
	}
	return ""
}

// Sessions are renewed before they expire, and at once if AWS says that they have, or no longer knows them as the role was
// made again: no cycle is lost for that, and none has a problem.
func TestSessionsThatExpireCostNoCycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *world
		w = newWorld(t, branches(), localaws.WithObserver(func(o localaws.Observed) {
			if o.Operation == "AssumeRole" && o.Done {
				w.aws.ClearFaults() // which old sessions have
			}
		}))
		start := time.Now()
		o, _ := w.several(nil)
		d := w.daemon(o)
		for _, code := range []string{"ExpiredTokenException", "UnrecognizedClientException"} {
			w.live(63 * time.Minute)
			w.aws.AddFault(localaws.Fault{Account: south, Code: code, Status: http.StatusForbidden})
		}
		w.live(26 * time.Minute)
		d.stop()
		for _, one := range o.Accounts {
			if diff := cmp.Diff(every(150*time.Minute, 0, 0), cycles(one, start)); diff != "" {
				t.Errorf("cycles in %s: %s", one.Name, diff)
			}
		}
		// At the minutes 0, 55 and 110; in the other account at 0, 55, 65, 120 and 130.
		if n := w.aws.Calls()["sts.AssumeRole"]; n != 8 {
			t.Errorf("roles were assumed %d times, want 8", n)
		}
		if log := d.log.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
			t.Errorf("logged: %s", log)
		}
		w.memory.Shut()
	})
}

// Of two daemons one leads in all accounts. It is cut off, between two cycles or while AWS lowers a minimum for it, and later the
// next one is stopped: each time the other takes over in all accounts, and repeats nothing that was done.
func TestTheNextLeaderRepeatsNothingInAnyAccount(t *testing.T) {
	const span = 202 * time.Minute // no stop is at the time of a cycle
	state, sent, mails := undisturbed(t, branches(), func(w *world) serve.Options {
		o, _ := w.several(acting)
		return o
	}, span)
	if len(in(north, sent)) < 3 || len(in(south, sent)) < 3 {
		t.Fatalf("too little happens to compare: %v", sent)
	}
	for name, atChange := range map[string]bool{"between two cycles": false, "while a minimum is lowered": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				updates := sync.Map{}
				w := newWorld(t, branches(), localaws.WithObserver(func(o localaws.Observed) {
					if o.Operation == "UpdateCampaign" && o.Done {
						if before, again := updates.LoadOrStore(string(o.Body), o.Time); again {
							t.Errorf("%s at %v and at %v", o.Body, before, o.Time)
						}
					}
				}))
				one, network := w.several(acting)
				two, _ := w.several(acting)
				changes := atomic.Bool{}
				w.before = func(operation string) {
					if atChange && strings.HasSuffix(operation, ".UpdateCampaign/") && changes.CompareAndSwap(false, true) {
						network.cut.Store(true)
					}
				}
				first := w.daemon(one)
				w.live(time.Minute)
				second := w.daemon(two)
				w.live(4 * time.Minute)
				w.aws.ConfirmAll()
				w.live(2 * time.Minute)
				if !atChange {
					w.live(60 * time.Minute)
					leads(t, one, serve.Leading)
					leads(t, two, serve.Standby)
					network.cut.Store(true)
				}
				w.live(30 * time.Minute)
				leads(t, two, serve.Leading)
				network.cut.Store(false)
				w.live(30 * time.Minute)
				leads(t, one, serve.Standby)
				second.stop()
				w.live(10 * time.Minute)
				leads(t, one, serve.Leading)
				if atChange { // what was not reported by then is not reported
					repeatsNothing(t, "sent", w.sent(), sent)
					repeatsNothing(t, "mails", w.mails(), mails)
					first.stop()
					w.memory.Shut()
					return
				}
				w.live(span - 132*time.Minute)
				first.stop()
				w.wantSame(t, state, sent, mails)
				w.memory.Shut()
			})
		})
	}
}

// leads checks the role of a daemon in each account.
func leads(t *testing.T, of serve.Options, want serve.Role) {
	t.Helper()
	for _, a := range of.Accounts {
		if role := a.Memory.Status().Role; role != want {
			t.Errorf("in %s: %s, want %s", a.Name, role, want)
		}
	}
}

// repeatsNothing checks that nothing was sent which an undisturbed daemon does not send, or more often.
func repeatsNothing(t *testing.T, what string, got, most map[string]int) {
	t.Helper()
	for text, n := range got {
		if n > most[text] {
			t.Errorf("%s: %d times %q, want at most %d", what, n, text, most[text])
		}
	}
}

// The host's clock is wrong against the endpoints of one account alone: there nothing is decided, and the reason is reported. The
// other account goes on.
func TestAWrongClockInOneAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, branches())
		w.aws.AddFault(localaws.Fault{Account: south, Kind: localaws.Skew, Skew: 20 * time.Minute})
		o, _ := w.several(acting)
		d := w.daemon(o)
		w.live(122 * time.Minute)
		d.stop()
		if sent := w.sent(); len(in(south, sent)) > 0 || len(in(north, sent)) == 0 {
			t.Errorf("sent: %v", sent)
		}
		for _, r := range o.Accounts[1].Memory.Snapshot().Result.Resources {
			if r.Average == nil || r.Decision.Changes() {
				t.Errorf("in south: %+v", r)
			}
		}
		for i, want := range []bool{false, true} {
			s := o.Accounts[i].Memory.Snapshot()
			var problems []string
			for _, p := range s.Result.Problems {
				problems = append(problems, p.Error())
			}
			if text := strings.Join(problems, "\n"); strings.Contains(text, "check the clock") != want || len(problems) > 1 || s.Status.LastError != "" {
				t.Errorf("in %s: %s, problems %s", o.Accounts[i].Name, s.Status.LastError, text)
			}
		}
		w.memory.Shut()
	})
}

// How many endpoints there are is not known where they cannot be listed, although copies of some are. It is neither what it was nor
// what the copies are.
func TestWhatCannotBeListedIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, branches())
		o, _ := w.several(nil)
		d := w.daemon(o)
		count := func(account string) string {
			return `personalize_monitor_resources{account="` + account + `",kind="campaign",region="us-east-1"}`
		}
		w.live(time.Minute)
		if _, body := d.get("/metrics"); !strings.Contains(body, count(south)+" 2\n") {
			t.Errorf("at first:\n%s", body)
		}
		w.aws.AddFault(localaws.Fault{Account: south, Operation: "ListCampaigns", Kind: localaws.Denied})
		w.live(5 * time.Minute)
		_, body := d.get("/metrics")
		if strings.Contains(body, count(south)) || !strings.Contains(body, count(north)+" 2\n") ||
			!strings.Contains(body, `personalize_monitor_resource_minimum_requests_per_second{account="`+south) {
			t.Errorf("then:\n%s", body)
		}
		d.stop()
		w.memory.Shut()
	})
}
