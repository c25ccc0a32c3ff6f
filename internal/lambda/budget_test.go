package lambda

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// lost is a delay of metrics that never arrive.
const lost = time.Duration(-1)

// lateMetrics passes requests on to an AWS in which metrics arrive late, and notes when
// campaigns are deleted and updated.
type lateMetrics struct {
	next, elsewhere http.Handler // elsewhere accepts metrics in place of next
	clock           *model.VirtualClock
	delay           time.Duration

	mu      sync.Mutex
	waiting []func() // in the order of arriveAt
	arrive  []time.Time
	calls   map[string][]time.Time // that succeeded, by operation
}

func (l *lateMetrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := path.Base(r.URL.Path)
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		operation = target[strings.LastIndex(target, ".")+1:]
	}
	if operation != "PutMetricData" || l.delay == 0 {
		answer := &answered{ResponseWriter: w}
		l.next.ServeHTTP(answer, r)
		l.mu.Lock()
		defer l.mu.Unlock()
		if answer.status < http.StatusBadRequest {
			l.calls[operation] = append(l.calls[operation], l.clock.Now())
		}
		return
	}
	body, _ := io.ReadAll(r.Body)
	repeat := func() *http.Request {
		again := r.Clone(context.Background())
		again.Body = io.NopCloser(bytes.NewReader(body))
		return again
	}
	l.elsewhere.ServeHTTP(w, repeat())
	if l.delay != lost {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.waiting = append(l.waiting, func() { l.next.ServeHTTP(httptest.NewRecorder(), repeat()) })
		l.arrive = append(l.arrive, l.clock.Now().Add(l.delay))
	}
}

// answered keeps the status of an answer; zero is that of success.
type answered struct {
	http.ResponseWriter
	status int
}

func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// deliver lets the metrics arrive whose time has come.
func (l *lateMetrics) deliver() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.arrive) > 0 && !l.clock.Now().Before(l.arrive[0]) {
		l.waiting[0]()
		l.waiting, l.arrive = l.waiting[1:], l.arrive[1:]
	}
}

// most is the largest number of calls of an operation within an hour, and total that of all.
func (l *lateMetrics) most(operation string) (most, total int) {
	times := l.calls[operation]
	slices.SortFunc(times, time.Time.Compare)
	for i, first := range times {
		n := 0
		for _, at := range times[i:] {
			if at.Sub(first) < time.Hour {
				n++
			}
		}
		most = max(most, n)
	}
	return most, len(times)
}

// fleet are the functions of a deployment, in several copies.
type fleet struct {
	*bed
	functions *httptest.Server // the endpoint of the functions that act
	late      *lateMetrics
	copies    int
	cold      bool // every invocation starts a process
	warm      map[Function][]*bed
}

func newFleet(t *testing.T, estate localaws.Estate, delay time.Duration, copies int, cold bool) *fleet {
	t.Helper()
	b := newBedOn(t, estate, Monitor, map[string]string{
		"Regions": home, "AutoDeleteOrStopIdleResources": "Yes", "HourlyChecks": "always", "AutoCreateIdleAlarms": "No",
		"AutoCreateUtilizationAlarms": "No",
	})
	elsewhere, err := localaws.New(localaws.Estate{}, localaws.WithClock(b.clock))
	if err != nil {
		t.Fatal(err)
	}
	late := &lateMetrics{next: b.aws, elsewhere: elsewhere, clock: b.clock, delay: delay, calls: map[string][]time.Time{}}
	f := &fleet{bed: b, late: late, copies: copies, cold: cold, functions: httptest.NewServer(late), warm: map[Function][]*bed{}}
	t.Cleanup(f.functions.Close)
	return f
}

// copiesOf are the processes of a function that acts.
func (f *fleet) copiesOf(function Function) []*bed {
	if !f.cold && f.warm[function] != nil {
		return f.warm[function]
	}
	var list []*bed
	for range f.copies {
		other := *f.bed
		other.Handler = other.handler(function, func(context.Context, *slog.Logger) (aws.Config, error) {
			return awsapi.LocalConfig(home, f.functions.URL, "LOCAL", nil), nil
		})
		list = append(list, &other)
	}
	f.warm[function] = list
	return list
}

// live runs the monitor every five minutes, and delivers its events, to all copies of their
// functions at the same time.
func (f *fleet) live(length time.Duration) {
	f.t.Helper()
	monitor, delivered := f.as(Monitor), 0
	for end := f.clock.Now().Add(length); f.clock.Now().Before(end); {
		if f.cold {
			monitor = f.as(Monitor)
		}
		monitor.must("{}", "measured")
		list := f.aws.Events()
		var group sync.WaitGroup
		for _, e := range list[delivered:] {
			functions := map[events.DetailType]Function{
				events.DeleteCampaign: DeleteCampaign, events.UpdateCampaign: UpdateTPS,
			}
			function := functions[events.DetailType(e.DetailType)]
			if function == "" {
				continue
			}
			for _, process := range f.copiesOf(function) {
				group.Go(func() {
					if _, err := process.invoke(envelope(e.DetailType, string(e.Detail))); err != nil {
						f.t.Error(err)
					}
				})
			}
		}
		group.Wait()
		delivered = len(list)
		next := f.clock.Now().Truncate(5 * time.Minute).Add(5*time.Minute + 150*time.Second)
		f.clock.Advance(next.Sub(f.clock.Now()))
		f.aws.Tick()
		f.late.deliver()
	}
}

// many is an estate of n campaigns of one kind.
func many(n int, c localaws.EstateCampaign) localaws.Estate {
	group := func(i int) localaws.EstateDatasetGroup {
		return localaws.EstateDatasetGroup{Name: fmt.Sprintf("g%d", i)}
	}
	r := localaws.EstateRegion{Name: home}
	for i := range n {
		if i%4 == 0 {
			r.DatasetGroups = append(r.DatasetGroups, group(i/4))
		}
		one := c
		one.Name, one.Recipe, one.Age = fmt.Sprintf("c-%d", i), "aws-user-personalization-v2", 60*24*time.Hour
		g := &r.DatasetGroups[i/4]
		g.Campaigns = append(g.Campaigns, one)
	}
	return localaws.Estate{Account: account, Monitored: 5 * 24 * time.Hour, Regions: []localaws.EstateRegion{r}}
}

// The budget holds whatever the processes remember and however late their metrics are.
func TestTheBudgetCannotBeOutrun(t *testing.T) {
	for _, tt := range []struct {
		name   string
		delay  time.Duration
		copies int
		cold   bool
	}{
		{"without faults", 0, 1, false},
		{"cold, metrics 20 minutes late", 20 * time.Minute, 1, true},
		{"cold, metrics an hour late", time.Hour, 1, true},
		{"warm, metrics lost", lost, 1, false},
		{"five copies at once, warm, metrics 20 minutes late", 20 * time.Minute, 5, false},
		{"five copies at once, cold, metrics lost", lost, 5, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, many(40, localaws.EstateCampaign{MinTPS: 1}), tt.delay, tt.copies, tt.cold)
			f.live(2*time.Hour + 30*time.Minute)
			most, total := f.late.most("DeleteCampaign")
			if most > 6 {
				t.Errorf("%d deletions in an hour, at most 5 and one by a race are right", most)
			}
			if total < 5 || tt.delay == 0 && total < 10 {
				t.Errorf("only %d deletions in two and a half hours", total)
			}
		})
	}
}

// Step-downs have a budget as well: a fifth of a region's endpoints, at least ten.
func TestStepDownsHaveABudget(t *testing.T) {
	for _, tt := range []struct {
		name              string
		endpoints, copies int
		cold              bool
		want              int // an hour
	}{
		{"few endpoints", 8, 1, false, 8},
		{"forty endpoints", 40, 1, false, 10},
		{"sixty endpoints", 60, 1, true, 12},
		{"five copies at once", 40, 5, true, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := localaws.EstateCampaign{MinTPS: 100}
			c.Traffic = localaws.EstateTraffic{Shape: "constant", TPS: 3}
			f := newFleet(t, many(tt.endpoints, c), 0, tt.copies, tt.cold)
			f.live(50 * time.Minute)
			most, total := f.late.most("UpdateCampaign")
			if most > tt.want+1 || total < tt.want/2 || tt.copies == 1 && total != tt.want {
				t.Errorf("%d step-downs in an hour, %d in all, want %d", most, total, tt.want)
			}
		})
	}
}
