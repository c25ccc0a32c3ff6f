// Package fleet_test measures the daemon over many accounts, as it runs: the embedded AWS in one process, the
// monitor in another, on the real time.
package fleet_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/cli"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// latency is how long each call takes, beside the work of the endpoint.
const latency = 20 * time.Millisecond

// pollEvery is how often the metrics are read: those of 100,000 endpoints take a second of processor time. The
// end of a cycle is a metric, so that it is known exactly.
const pollEvery = 30 * time.Second

// child names what a process of this program is: the embedded AWS, or the monitor.
const child = "FLEET_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(child) {
	case "aws":
		serveAWS(os.Args[1], os.Args[2])
	case "monitor":
		if at := os.Getenv("FLEET_PPROF"); at != "" {
			go func() { _ = http.ListenAndServe(at, nil) }() // net/http/pprof
		}
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		os.Exit(cli.Run(ctx, os.Args[1:], "bench", cli.Streams{Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv}))
	}
	os.Exit(m.Run())
}

// serveAWS serves the embedded AWS of an estate file at an address.
func serveAWS(file, address string) {
	data, err := os.ReadFile(file)
	check(err)
	estate, err := localaws.ParseEstate(data, file, nil)
	check(err)
	server, err := localaws.New(estate)
	check(err)
	check(http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(latency)
		server.ServeHTTP(w, r)
	})))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var fleetRegions = []string{"us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1"}

// BenchmarkAccounts runs the daemon over 20 accounts until its alarms are made and its data are known, and
// reports how long the next tick takes until all accounts are done, of which processor time, and the memory
// that the process has resident then and had at most.
// It takes as long as the ticks do: a quarter of an hour for 6,000 and 20,000 endpoints, whose tick still reads 14 days of a
// twelfth of the endpoints, as all do in the first hour of a process, and an hour and a quarter for 100,000, until that is
// over and their alarms and the ledgers of the page are made.
//
//	go test ./test/fleet -run '^$' -bench 'Accounts/^6000$' -benchtime 1x -timeout 2h
//
// With FLEET_PPROF=127.0.0.1:6161 the monitor serves its profiles there (net/http/pprof).
func BenchmarkAccounts(b *testing.B) {
	for _, size := range []struct{ accounts, regions, endpoints, settle int }{{20, 3, 100, 2}, {20, 5, 200, 2}, {20, 5, 1000, 14}} {
		b.Run(strconv.Itoa(size.accounts*size.regions*size.endpoints), func(b *testing.B) {
			m := startFleet(b, size.accounts, fleetRegions[:size.regions], size.endpoints)
			for range size.settle {
				m.awaitTick(size.accounts)
			}
			for range b.N {
				before := m.cpu
				took, resident := m.awaitTick(size.accounts)
				b.ReportMetric(took.Seconds(), "s/cycle")
				b.ReportMetric(m.cpu-before, "cpu-s/cycle")
				b.ReportMetric(resident/(1<<20), "MiB")
				b.ReportMetric(m.most/(1<<20), "MiB-most")
				b.ReportMetric(resident/float64(size.accounts*size.regions*size.endpoints), "B/endpoint")
			}
		})
	}
}

// fleet is a daemon that watches many accounts.
type fleet struct {
	b     *testing.B
	url   string
	ticks int64 // the last one that was seen, in seconds since 1970

	most float64 // what the process had resident at most, in bytes
	cpu  float64 // what it has used, in seconds
}

// startFleet starts both processes. The demand of each endpoint is its own, and its minimum is right: in the usual
// cycle nothing is to be lowered.
func startFleet(b *testing.B, accounts int, regions []string, endpoints int) *fleet {
	b.Helper()
	var estate, file strings.Builder
	fmt.Fprintf(&estate, "account: \"%012d\"\nmonitored: 30d\nregions: {us-east-1: {}}\naccounts:\n", 1)
	file.WriteString("accounts:\n")
	for a := range accounts {
		id := fmt.Sprintf("%012d", 200000000000+a)
		fmt.Fprintf(&estate, "  - id: %q\n    name: team-%d\n    role: Reader\n    regions:\n", id, a)
		for _, region := range regions {
			fmt.Fprintf(&estate, "      %s:\n        datasetGroups:\n          - name: shop\n            campaigns:\n"+
				"              - {name: home, copies: %d, recipe: aws-user-personalization-v2, minTPS: 3, age: 60d, traffic: {shape: constant, tps: 4, jitterPercent: 5}}\n",
				region, endpoints)
		}
		fmt.Fprintf(&file, "  - {name: team-%d, roleArn: 'arn:aws:iam::%s:role/Reader'}\n", a, id)
	}
	dir := b.TempDir()
	estateFile, accountsFile := filepath.Join(dir, "estate.yaml"), filepath.Join(dir, "accounts.yaml")
	for name, text := range map[string]string{estateFile: estate.String(), accountsFile: file.String()} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	aws, page := freeAddress(b), freeAddress(b)
	start(b, "aws", estateFile, aws)
	await(b, aws)
	start(b, "monitor", "serve", "--accounts", accountsFile, "--regions", strings.Join(regions, ","), "--endpoint-url", "http://"+aws,
		"--listen", page, "--log-level", "warn", "--yes")
	await(b, page)
	return &fleet{b: b, url: "http://" + page + "/metrics"}
}

// start runs a process of this program until the benchmark ends.
func start(b *testing.B, what string, args ...string) {
	b.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), child+"="+what, "AWS_ACCESS_KEY_ID=HUB", "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=us-east-1",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if b.Failed() {
			b.Logf("%s: %s", what, log.Bytes()[max(0, log.Len()-4000):])
		}
	})
}

func freeAddress(b *testing.B) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// await waits until something listens at an address.
func await(b *testing.B, address string) {
	b.Helper()
	for range 1200 {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Fatalf("nothing listens at %s", address)
}

// The metrics that are looked at.
const (
	lastSuccess = "personalize_monitor_last_success_timestamp_seconds"
	residentNow = "process_resident_memory_bytes"
	cpuTotal    = "process_cpu_seconds_total"
)

// awaitTick waits until a cycle of the next tick has ended in every account, and returns how long after the
// tick the last one did, and what the process has resident, in bytes.
func (f *fleet) awaitTick(accounts int) (took time.Duration, resident float64) {
	f.b.Helper()
	for end := time.Now().Add(20 * time.Minute); time.Now().Before(end); time.Sleep(pollEvery) {
		var ended []float64
		for name, values := range f.samples() {
			switch name {
			case lastSuccess:
				ended = values
			case residentNow:
				resident = values[0]
				f.most = max(f.most, resident)
			case cpuTotal:
				f.cpu = values[0]
			}
		}
		last, done := 0.0, 0
		for _, at := range ended {
			if int64(at)/300 > f.ticks/300 {
				done++
				last = max(last, at)
			}
		}
		if done == accounts {
			f.ticks = int64(last)
			return time.Duration((last - float64(f.ticks/300*300)) * float64(time.Second)), resident
		}
	}
	f.b.Fatal("not every account had a cycle within 20 minutes")
	return 0, 0
}

// samples are the values of each metric that is looked at.
func (f *fleet) samples() map[string][]float64 {
	f.b.Helper()
	response, err := http.Get(f.url)
	if err != nil {
		f.b.Fatal(err)
	}
	defer response.Body.Close()
	found := map[string][]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		for _, name := range []string{lastSuccess, residentNow, cpuTotal} {
			if line := lines.Text(); strings.HasPrefix(line, name) {
				value, err := strconv.ParseFloat(line[strings.LastIndex(line, " ")+1:], 64)
				if err != nil {
					f.b.Fatal(err)
				}
				found[name] = append(found[name], value)
			}
		}
	}
	if err := lines.Err(); err != nil {
		f.b.Fatal(err)
	}
	return found
}
