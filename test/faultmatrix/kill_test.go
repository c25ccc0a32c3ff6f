package faultmatrix

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Environment variables of a process that is to be killed.
const (
	envJob      = "FAULTMATRIX_JOB" // name of the scenario
	envEndpoint = "FAULTMATRIX_ENDPOINT"
	envNow      = "FAULTMATRIX_NOW"
	envEvent    = "FAULTMATRIX_EVENT"
)

// TestMain makes the test binary the process that is killed.
func TestMain(m *testing.M) {
	if name := os.Getenv(envJob); name != "" {
		victim(name)
		return
	}
	debug.SetGCPercent(400) // each cell builds a world and drops it
	os.Exit(m.Run())
}

// victim runs one job against the endpoint of the process that started it, at its time.
func victim(name string) {
	now, err := time.Parse(time.RFC3339, os.Getenv(envNow))
	if err != nil {
		panic(err)
	}
	b := &bed{
		env: settings(), clock: model.NewVirtualClock(now), log: os.Stderr, event: os.Getenv(envEvent),
		reach: reach(os.Getenv(envEndpoint), nil),
	}
	for _, s := range scenarios() {
		if s.name == name {
			s.run(b)
		}
	}
}

// TestKilledAnywhere kills real processes at random points of their jobs, right before or right after AWS has served a request. The
// runs that follow restore the state of a run that is not killed. Data of the window and a notification may be lost; then the logs
// name them.
func TestKilledAnywhere(t *testing.T) {
	jobs := map[string]*killed{}
	var names []string
	for _, s := range scenarios() {
		if slices.Contains([]string{"dashboard", "start-recommender", "monitor, later", "history", "rebuild the dashboard", "report --live-prices", "report, training", "pause-training"}, s.name) {
			continue // other jobs do the same
		}
		jobs[s.name] = newKilled(t, s)
		names = append(names, s.name, s.name)
	}
	// The whole cycle has more points than all other jobs.
	names = append(names, "run --act", "run --act", "run --act", "run --act", "run --act", "run --act")
	kills := 200
	if testing.Short() {
		kills = 10
	}
	random := rand.New(rand.NewPCG(2026, uint64(kills)))
	for i := range kills {
		job := jobs[names[i%len(names)]]
		at, after := 1+random.IntN(job.requests), random.IntN(2) == 0
		t.Run(fmt.Sprintf("%03d %s, request %d of %d, after it %v", i, job.name, at, job.requests, after), func(t *testing.T) {
			t.Parallel()
			job.kill(t, at, after)
		})
	}
}

// killed is a job whose process is killed, and how it runs otherwise.
type killed struct {
	scenario
	want     trace
	requests int
}

func newKilled(t *testing.T, s scenario) *killed {
	k := &killed{scenario: s}
	b := virtualBed(t, s)
	k.want = s.drive(b, nil, nil)
	b.mustOut(k.want.stages[0].out)
	for _, n := range k.want.calls {
		k.requests += n
	}
	return k
}

// virtualBed is a bed on a virtual clock, which processes can share.
func virtualBed(t testing.TB, s scenario) *bed {
	t.Helper()
	clock := model.NewVirtualClock(time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC))
	b := &bed{t: t, env: settings(), clock: clock}
	var err error
	b.aws, err = localaws.New(s.estate(), localaws.WithClock(clock), localaws.WithLogger(callsOf(b)))
	b.noError(err)
	memory := localaws.InMemory(b.aws)
	t.Cleanup(memory.Shut)
	b.reach = reach(memory.URL(), memory.Transport())
	return b
}

// kill runs the job in a process, kills it, and checks the runs that follow.
func (k *killed) kill(t *testing.T, at int, after bool) {
	b := virtualBed(t, k.scenario)
	var log string
	s := k.scenario
	s.run = func(b *bed) outcome {
		log = b.runAndKill(k.name, at, after)
		return outcome{err: errKilled, text: log}
	}
	following := &bytes.Buffer{}
	prepare := s.prepare
	s.prepare = func(b *bed) {
		if prepare != nil {
			prepare(b)
		}
		b.log = following
	}
	got := s.drive(b, nil, &trace{stages: make([]stage, len(k.want.stages))})
	for _, wrong := range wrongActions(k.want, got) {
		t.Error(wrong)
	}
	last := len(got.stages) - 1
	for _, difference := range differences(got.stages[last].things, k.want.stages[last].things) {
		t.Errorf("not repaired: %s", difference)
	}
	k.checkLost(t, got, log+following.String())
	if t.Failed() {
		t.Logf("the log of the killed process:\n%s\nof those that followed:\n%s", log, following)
	}
}

var errKilled = errors.New("killed")

// checkLost checks that the logs name what is lost for good: data of the window, and notifications.
func (k *killed) checkLost(t *testing.T, got trace, log string) {
	if k.measures && len(got.stages[0].data) < len(k.want.stages[0].data) && !strings.Contains(log, "data of that time are missing") {
		t.Errorf("%d of %d data are missing, and no log names them", len(k.want.stages[0].data)-len(got.stages[0].data), len(k.want.stages[0].data))
	}
	var sent []string
	for _, s := range got.stages {
		sent = append(sent, s.sent...)
	}
	lost := 0
	for _, s := range k.want.stages[:1] {
		for _, event := range s.sent {
			detailType, resource, _ := strings.Cut(event, " ")
			isNotice := strings.HasPrefix(detailType, "Personalize")
			if !isNotice || slices.Contains(sent, event) {
				continue
			}
			lost++
			if !strings.Contains(log, `"msg":"about to act"`) || !strings.Contains(log, resource) {
				t.Errorf("%s was never sent, and no log names the action", event)
			}
		}
	}
	if lost > k.atOnce() {
		t.Errorf("%d notifications were lost", lost)
	}
}

// atOnce is how many actions a job executes in parallel, each of which can be interrupted.
func (k *killed) atOnce() int {
	if k.measures {
		return 8
	}
	return 1
}

// runAndKill runs a job in a process, kills it at a request, and returns its log.
func (b *bed) runAndKill(job string, at int, after bool) string {
	m := &killer{aws: b.aws, at: int64(at), after: after}
	endpoint := httptest.NewServer(m)
	defer endpoint.Close()
	var log bytes.Buffer
	m.victim = exec.Command(os.Args[0]) //nolint:gosec // this very test
	m.victim.Env = append(os.Environ(), envJob+"="+job, envEndpoint+"="+endpoint.URL,
		envNow+"="+b.clock.Now().Format(time.RFC3339), envEvent+"="+b.event)
	m.victim.Stderr = &log
	m.mu.Lock()
	err := m.victim.Start()
	m.mu.Unlock()
	b.noError(err)
	_ = m.victim.Wait() // it was killed, or ended before the request
	return log.String()
}

// killer serves the embedded AWS to a process, and kills the process.
type killer struct {
	aws   http.Handler
	at    int64
	after bool

	mu     sync.Mutex // held while the victim starts
	victim *exec.Cmd
	served atomic.Int64
	dead   atomic.Bool
}

func (m *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mine := m.served.Add(1) == m.at
	if mine && m.after {
		m.aws.ServeHTTP(httptest.NewRecorder(), r)
	}
	if mine {
		m.dead.Store(true)
		m.mu.Lock()
		defer m.mu.Unlock()
		_ = m.victim.Process.Kill() // SIGKILL; the process runs, as it sent the request
	}
	if m.dead.Load() {
		panic(http.ErrAbortHandler) // no one reads the answer
	}
	m.aws.ServeHTTP(w, r)
}
