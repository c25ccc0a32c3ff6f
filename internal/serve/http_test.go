package serve_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/savings"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// onPort is a daemon on a port of this machine, in front of an embedded AWS on another one.
type onPort struct {
	*serve.Daemon
	t      testing.TB
	aws    *localaws.Server
	memory *serve.Memory
	log    *logged
	url    string
	client *http.Client
}

// newReal starts a daemon and waits for its first cycle.
func newReal(t testing.TB, description localaws.Estate, change func(*serve.Options)) *onPort {
	t.Helper()
	clock := newStillClock()
	server, err := localaws.New(description, localaws.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	t.Cleanup(endpoint.Close)
	values, err := config.Resolve(config.Sources{Defaults: map[string]string{
		config.AutoCreateIdleAlarms: "No", config.AutoCreateUtilizationAlarms: "No", // they would take their time, at 3 a second
		config.NotificationEndpoint: "somebody@example.com",
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := &onPort{t: t, aws: server, memory: serve.NewMemory(), log: &logged{}, client: &http.Client{Timeout: time.Minute}}
	o := complete(serve.Options{
		Config: awsapi.LocalConfig(home, endpoint.URL, "AKIASECRETACCESSKEY", nil), Params: values, Deployment: "cli", Version: "1.2.3", Clock: clock,
		Logger: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Guard: testGuard(t, "127.0.0.1:0", ""), Memory: r.memory,
	})
	if change != nil {
		change(&o)
	}
	if r.Daemon, err = serve.New(o); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		r.client.CloseIdleConnections()
	})
	r.url = "http://" + r.Addr().String()
	for changed := r.memory.Changed(); !r.memory.Status().Ready(); changed = r.memory.Changed() {
		<-changed // a cycle ends some time
	}
	return r
}

// ask makes a request, and gives status and body.
func (r *onPort) ask(method, path, host, authorization string) (int, string) {
	r.t.Helper()
	request, err := http.NewRequest(method, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Host = host
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := r.client.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestWhoIsAnswered(t *testing.T) {
	r := newReal(t, shop(), func(o *serve.Options) { o.Guard = testGuard(t, "127.0.0.1:0", secret, "monitor.example.com") })
	bearer := "Bearer " + secret
	for _, c := range []struct {
		method, path, host, authorization string
		want                              int
	}{
		{"GET", "/metrics", "", bearer, 200},
		{"GET", "/metrics", "localhost:8090", bearer, 200},
		{"GET", "/metrics", "10.1.2.3", bearer, 200},
		{"GET", "/metrics", "[::1]:8090", bearer, 200},
		{"GET", "/metrics", "Monitor.Example.com.:8090", bearer, 200},
		{"GET", "/metrics", "evil.example.com", bearer, 421},
		{"GET", "/metrics", "localhost.evil.example.com", bearer, 421},
		{"DELETE", "/metrics", "", bearer, 405},
		{"GET", "/metrics", "", "", 401},
		{"GET", "/metrics", "", "Bearer " + secret[1:], 401},
		{"GET", "/metrics", "", "Bearer ", 401},
		{"GET", "/metrics", "", "Basic " + secret, 401},
		{"GET", "/", "", bearer, 404},
		{"GET", "/nothing", "", bearer, 404},
		{"POST", "/metrics", "", bearer, 405},
		{"POST", "/healthz", "", "", 405},
		{"GET", "/healthz", "10.1.2.3:8090", "", 200},
		{"GET", "/healthz", "any.name.of.a.probe", "", 200},
		{"HEAD", "/readyz", "", "", 200},
	} {
		if got, body := r.ask(c.method, c.path, c.host, c.authorization); got != c.want {
			t.Errorf("%s %s at %q with %q: %d, want %d: %s", c.method, c.path, c.host, c.authorization, got, c.want, body)
		}
	}
}

// After ten wrong tokens, further ones from the address are rejected for a minute; the right one,
// which others behind the same proxy have, is not.
func TestGuessingIsLimited(t *testing.T) {
	r := newReal(t, shop(), func(o *serve.Options) { o.Guard = testGuard(t, "127.0.0.1:0", secret) })
	for i := range 10 {
		if got, _ := r.ask("GET", "/metrics", "", "Bearer guess"); got != 401 {
			t.Errorf("guess %d: %d", i, got)
		}
	}
	if got, _ := r.ask("GET", "/metrics", "", "Bearer guess"); got != 429 {
		t.Errorf("one more guess: %d", got)
	}
	if got, _ := r.ask("GET", "/metrics", "", "Bearer "+secret); got != 200 {
		t.Errorf("the right token after the guesses: %d", got)
	}
	if got, _ := r.ask("GET", "/readyz", "", ""); got != 200 {
		t.Errorf("a probe: %d", got)
	}
}

// The page asks for the token itself, stands behind the check of the host name, and is
// notified when it is over.
func TestPage(t *testing.T) {
	page := &closingPage{closed: make(chan struct{})}
	r := newReal(t, shop(), func(o *serve.Options) {
		o.Guard = testGuard(t, "127.0.0.1:0", secret)
		o.Page = func([]*app.App) (serve.Page, error) { return page, nil }
	})
	if status, body := r.ask("POST", "/action", "", ""); status != 200 || body != "the page" {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := r.ask("GET", "/", "evil.example.com", ""); status != 421 {
		t.Errorf("under a foreign name: %d", status)
	}
	if err := r.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	<-page.closed
}

type closingPage struct{ closed chan struct{} }

func (p *closingPage) ServeHTTP(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the page") }
func (p *closingPage) Close()                                           { close(p.closed) }
func (p *closingPage) Wait()                                            { <-p.closed }

// What nobody may know stands nowhere that can be read.
func TestNothingSecretIsShown(t *testing.T) {
	r := newReal(t, shop(), func(o *serve.Options) { o.Guard = testGuard(t, "127.0.0.1:0", secret) })
	var shown strings.Builder
	for _, path := range []string{"/", "/metrics", "/healthz", "/readyz", "/nothing"} {
		_, body := r.ask("GET", path, "", "Bearer "+secret)
		shown.WriteString(body)
	}
	if strings.Contains(shown.String(), "somebody@example.com") {
		t.Error("an address is shown")
	}
	shown.WriteString(r.log.String())
	for _, word := range []string{secret, "AKIASECRETACCESSKEY", "SecretAccessKey"} {
		if strings.Contains(shown.String(), word) {
			t.Errorf("%s is shown", word)
		}
	}
}

// Invalid settings are rejected before anything is done.
func TestInvalidOptions(t *testing.T) {
	for name, change := range map[string]func(*serve.Options){
		"no address": func(o *serve.Options) { o.Guard = nil },
		"no region":  func(o *serve.Options) { o.Config.Region = "" },
		"a broken page": func(o *serve.Options) {
			o.Page = func([]*app.App) (serve.Page, error) { return nil, errors.New("broken") }
		},
	} {
		o := complete(serve.Options{Config: awsapi.LocalConfig(home, "http://127.0.0.1:1", "LOCAL", nil), Params: mustParams(t), Guard: testGuard(t, "127.0.0.1:0", "")})
		change(&o)
		if _, err := serve.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Two daemons side by side in one process share nothing: each has its own AWS, its own
// numbers, its own end. A port that is taken fails the start and leaves nothing behind.
func TestSideBySide(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("two", func(t *testing.T) {
		one := newReal(t, shop(), nil)
		other := shop()
		other.Regions[0].DatasetGroups[0].Campaigns = other.Regions[0].DatasetGroups[0].Campaigns[:1]
		two := newReal(t, other, nil)
		if a, b := series(one, "_resource_minimum"), series(two, "_resource_minimum"); len(a) != 5 || len(b) != 3 {
			t.Errorf("%d and %d resources", len(a), len(b))
		}
		third, err := serve.New(complete(serve.Options{
			Config: awsapi.LocalConfig(home, "http://127.0.0.1:1", "LOCAL", nil), Params: mustParams(t), Guard: testGuard(t, two.Addr().String(), ""),
		}))
		if err != nil {
			t.Fatal(err)
		}
		if err := third.Start(context.Background()); err == nil || !strings.Contains(err.Error(), "address already in use") {
			t.Errorf("on a port that is taken: %v", err)
		}
		for range 2 {
			if err := third.Stop(context.Background()); err != nil {
				t.Error(err)
			}
			if err := one.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		}
		if err := one.Start(context.Background()); err == nil {
			t.Error("it was started again")
		}
		if status, _ := two.ask("GET", "/readyz", "", ""); status != 200 {
			t.Errorf("the other one says %d", status)
		}
		if _, err := net.DialTimeout("tcp", one.Addr().String(), time.Minute); err == nil {
			t.Error("it still listens")
		}
	})
}

func mustParams(t testing.TB) config.Values {
	t.Helper()
	values, err := config.Resolve(config.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// series are the time series whose names contain a word, with their values.
func series(r *onPort, word string) map[string]string {
	_, body := r.ask("GET", "/metrics", "", "")
	out := map[string]string{}
	for line := range strings.Lines(body) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if i := strings.LastIndex(strings.TrimSpace(line), " "); i > 0 {
			name, value = line[:i], strings.TrimSpace(line[i:])
		}
		if ok && !strings.HasPrefix(line, "#") && strings.Contains(name, word) {
			out[name] = value
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	r := newReal(t, shop(), nil)
	_, body := r.ask("GET", "/metrics", "", "")
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	for word, want := range map[string]string{
		`_resource_minimum_requests_per_second{arn="arn:aws:personalize:us-east-1:000000000000:campaign/oversized",kind="campaign",name="oversized",region="us-east-1"}`: "20",
		`_resource_utilization_ratio{arn="arn:aws:personalize:us-east-1:000000000000:campaign/unused",kind="campaign",name="unused",region="us-east-1"}`:                 "0",
		`_resource_average_requests_per_second{arn="arn:aws:personalize:us-east-1:000000000000:campaign/unused",kind="campaign",name="unused",region="us-east-1"}`:       "0",
		`_resources{kind="recommender",region="us-east-1"}`:             "2",
		`_cycles_total{outcome="done"}`:                                 "1",
		`_cycle_duration_seconds_count`:                                 "1",
		`_leading`:                                                      "1",
		`_build_info{goversion=`:                                        "1",
		`_aws_calls_total{operation="GetCallerIdentity",service="sts"}`: "1",
		`_decisions_total{action="delete",outcome="done"}`:              "0",
	} {
		found := series(r, word)
		if len(found) != 1 || !slices.Contains(slices.Collect(maps.Values(found)), want) {
			t.Errorf("%s: %v, want %s", word, found, want)
		}
	}
}

// What actions have saved is a counter: it is absent while it is unknown, and never falls.
func TestSavingsAreCounted(t *testing.T) {
	r := newReal(t, shop(), nil)
	saw := func(step, stop *float64) {
		action := func(what model.Action, hours *float64) savings.Action {
			return savings.Action{Action: what, Amount: savings.Amount{TPSHours: hours}}
		}
		r.memory.SawSavings(report.Saved{Ledger: savings.Ledger{Actions: []savings.Action{
			action(model.ActionUpdate, step), action(model.ActionUpdate, step), action(model.ActionStop, stop),
		}}})
	}
	if found := series(r, "_saved_tps_hours_total"); len(found) > 0 {
		t.Errorf("known before a ledger was made: %v", found)
	}
	for _, c := range []struct {
		step, stop *float64
		want       map[string]string
	}{
		{new(1.5), nil, map[string]string{"update-tps": "3"}},
		{new(2.5), new(4.0), map[string]string{"update-tps": "5", "stop-recommender": "4"}},
		{new(1.0), nil, map[string]string{"update-tps": "5", "stop-recommender": "4"}},
	} {
		saw(c.step, c.stop)
		found := series(r, "_saved_tps_hours_total")
		if len(found) != len(c.want) {
			t.Errorf("%v, want %v", found, c.want)
		}
		for action, want := range c.want {
			if got := series(r, `_saved_tps_hours_total{action="`+action+`"}`); len(got) != 1 || !slices.Contains(slices.Collect(maps.Values(got)), want) {
				t.Errorf("%s: %v, want %s", action, got, want)
			}
		}
	}
}

// Audit records that cannot be written are counted; none is, if they can.
func TestLostAuditRecordsAreCounted(t *testing.T) {
	for _, full := range []bool{true, false} {
		r := newReal(t, shop(), func(o *serve.Options) {
			o.Params.HourlyChecks = model.Always
			o.AuditLog = func(context.Context, events.Audit) error {
				if full {
					return errors.New("no space left on device")
				}
				return nil
			}
		})
		found := series(r, "_audit_records_lost_total")
		want := "2" // two step-downs
		if !full {
			want = "0"
		}
		if len(found) != 1 || !slices.Contains(slices.Collect(maps.Values(found)), want) {
			t.Errorf("full: %t: %v", full, found)
		}
	}
}

// promtool, which comes with Prometheus, has nothing to say about the metrics.
func TestPromtoolAccepts(t *testing.T) {
	promtool := installed(t, "promtool")
	r := newReal(t, shop(), nil)
	_, body := r.ask("GET", "/metrics", "", "")
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(body)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// The alerts of the example name the account that they are about: another one that is well does not hide it.
func TestAlertsOfSeveralAccounts(t *testing.T) {
	promtool := installed(t, "promtool")
	file := filepath.Join(t.TempDir(), "alerts.yml")
	text := "rule_files: ['" + absolute(t, "../../examples/prometheus/personalize-monitor.rules.yml") + `']
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: # two daemons, of which one leads; an account that cannot be read, and one whose data are late
      - {series: 'personalize_monitor_last_success_timestamp_seconds{account="222222222222", instance="a"}', values: '0+60x90'}
      - {series: 'personalize_monitor_last_success_timestamp_seconds{account="222222222222", instance="b"}', values: '0+0x90'}
      - {series: 'personalize_monitor_last_success_timestamp_seconds{account="333333333333", instance="a"}', values: '0+60x10 600+0x80'}
      - {series: 'personalize_monitor_leading{account="222222222222", instance="a"}', values: '1+0x90'}
      - {series: 'personalize_monitor_leading{account="222222222222", instance="b"}', values: '0+0x90'}
      - {series: 'personalize_monitor_leading{account="333333333333", instance="a"}', values: '0+0x90'}
      # In a third account the daemon that led cannot tell whether it still does.
      - {series: 'personalize_monitor_last_success_timestamp_seconds{account="444444444444", instance="a"}', values: '0+60x10 600+0x80'}
      - {series: 'personalize_monitor_last_success_timestamp_seconds{account="444444444444", instance="b"}', values: '0+60x90'}
      - {series: 'personalize_monitor_leading{account="444444444444", instance="a"}', values: '1+0x10 _x80'}
      - {series: 'personalize_monitor_leading{account="444444444444", instance="b"}', values: '0+0x90'}
      - {series: 'personalize_monitor_data_late{account="222222222222", instance="a", region="us-east-1"}', values: '1+0x90'}
      - {series: 'personalize_monitor_problems_total{account="222222222222", instance="a", operation="ListCampaigns", region="us-east-1"}', values: '0+0x90'}
      - {series: 'personalize_monitor_problems_total{account="333333333333", instance="a", operation="ListCampaigns", region="us-east-1"}', values: '0+1x90'}
    alert_rule_test:
      - eval_time: 80m
        alertname: PersonalizeMonitorBlind
        exp_alerts:
          - exp_labels: {account: '333333333333'}
            exp_annotations: {summary: Nothing could be measured for a quarter of an hour in account 333333333333.}
      - eval_time: 80m
        alertname: PersonalizeMonitorNobodyLeads
        exp_alerts:
          - exp_labels: {account: '333333333333'}
            exp_annotations: {summary: 'Daemons are running, but none of them leads in account 333333333333.'}
      - eval_time: 80m
        alertname: PersonalizeMonitorDataLate
        exp_alerts:
          - exp_labels: {account: '222222222222', region: us-east-1}
            exp_annotations: {summary: 'CloudWatch data of us-east-1 of account 222222222222 are late, so nothing is changed there.'}
      - eval_time: 80m
        alertname: PersonalizeMonitorProblems
        exp_alerts:
          - exp_labels: {account: '333333333333', operation: ListCampaigns, region: us-east-1}
            exp_annotations: {summary: ListCampaigns keeps failing in us-east-1 of account 333333333333.}
  - interval: 1m
    input_series: # one account
      - {series: 'personalize_monitor_last_success_timestamp_seconds{instance="a"}', values: '0+0x90'}
      - {series: 'personalize_monitor_leading{instance="a"}', values: '1+0x90'}
    alert_rule_test:
      - eval_time: 80m
        alertname: PersonalizeMonitorBlind
        exp_alerts: [{exp_annotations: {summary: Nothing could be measured for a quarter of an hour.}}]
      - {eval_time: 80m, alertname: PersonalizeMonitorNobodyLeads}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}

// A real Prometheus with the configuration from examples scrapes the daemon, token and all.
func TestPrometheusScrapes(t *testing.T) {
	prometheus := installed(t, "prometheus")
	r := newReal(t, shop(), func(o *serve.Options) { o.Guard = testGuard(t, "127.0.0.1:0", secret) })
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../examples/prometheus/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer("127.0.0.1:8090", r.Addr().String(), "/etc/prometheus/personalize-monitor.token", token,
		"scrape_interval: 1m", "scrape_interval: 1s", "scrape_timeout: 30s", "scrape_timeout: 1s",
		"/etc/prometheus/personalize-monitor.rules.yml", absolute(t, "../../examples/prometheus/personalize-monitor.rules.yml")).Replace(string(example))
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	server := exec.Command(prometheus, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	var out logged
	server.Stdout, server.Stderr = &out, &out
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}()
	const query = `count(personalize_monitor_resource_minimum_requests_per_second{job="personalize-monitor"}) == 5`
	ask := "http://" + address + "/api/v1/query?query=" + strings.NewReplacer(" ", "+", `"`, "%22", "{", "%7B", "}", "%7D", "=", "%3D").Replace(query)
	for give := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		if response, err := http.Get(ask); err == nil {
			body, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if strings.Contains(string(body), `"5"]`) {
				return
			}
		}
		if time.Now().After(give) {
			t.Fatalf("Prometheus has not got the metrics:\n%s", out.String())
		}
	}
}

func absolute(t testing.TB, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// installed finds a program of the Debian package prometheus. In CI it must be there.
func installed(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed: apt-get install prometheus", name)
	}
	t.Skipf("%s is not installed: apt-get install prometheus", name)
	return ""
}
