package cycle_test

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// latency is how long every call takes in the benchmarks.
const latency = 20 * time.Millisecond

// slowNetwork delays every call.
type slowNetwork struct{ http.RoundTripper }

func (n slowNetwork) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(latency)
	return n.RoundTripper.RoundTrip(r)
}

// waitingClock shows the time of a test clock plus the real time that has passed, and
// really waits.
type waitingClock struct {
	*model.VirtualClock
	began time.Time
}

func (c waitingClock) Now() time.Time { return c.VirtualClock.Now().Add(time.Since(c.began)) }

func (c waitingClock) Sleep(ctx context.Context, d time.Duration) error {
	return model.SystemClock{}.Sleep(ctx, d)
}

// BenchmarkCycle runs one cycle at 20 ms a call, alarms present: cold, as in a new
// process, and warm, in the window after another cycle. The largest estate is spread over
// five regions, as no single one holds so many; making its 20,000 alarms takes minutes.
//
//	go test ./internal/cycle -run '^$' -bench 'Cycle/^1000$' -benchtime 3x
func BenchmarkCycle(b *testing.B) {
	five := []string{home, "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1"}
	for _, size := range []struct {
		resources int
		regions   []string
	}{{10, five[:1]}, {100, five[:1]}, {1000, five[:1]}, {10000, five}} {
		b.Run(strconv.Itoa(size.resources), func(b *testing.B) {
			bed := newBed(b, flat(size.resources/len(size.regions), size.regions...))
			where := map[string]string{"Regions": strings.Join(size.regions, ",")}
			bed.settleAlarms(where)
			bed.net = slowNetwork{&http.Transport{MaxIdleConnsPerHost: 128}}
			b.Run("cold", func(b *testing.B) { bed.measure(b, where, false) })
			b.Run("warm", func(b *testing.B) { bed.measure(b, where, true) })
		})
	}
}

// measure times single cycles and reports the calls they made. Cold ones each begin
// with a new monitor that remembers nothing.
func (b *bed) measure(tb *testing.B, where map[string]string, warm bool) {
	tb.ReportAllocs()
	tb.StopTimer()
	b.tb = tb
	quiet := map[string]string{"Regions": where["Regions"], config.HourlyChecks: "never"}
	due := map[string]string{"Regions": where["Regions"], config.HourlyChecks: "auto"}
	if warm {
		b.next()
		b.restart(waitingClock{b.clock, time.Now()})
		b.run(map[string]string{"Regions": where["Regions"], config.HourlyChecks: "always"}) // reads what a process remembers
	}
	calls := 0
	for range tb.N {
		b.next()
		changes := due
		if !warm {
			b.restart(waitingClock{b.clock, time.Now()})
			changes = quiet
		}
		b.aws.ResetCalls()
		tb.StartTimer()
		result := b.run(changes)
		tb.StopTimer()
		calls += total(b.aws.Calls())
		if len(result.Problems) > 0 || result.Alarms.Created+result.Alarms.Updated > 0 {
			tb.Fatalf("alarms %+v, problems %v", result.Alarms, result.Problems)
		}
	}
	tb.ReportMetric(float64(calls)/float64(tb.N), "calls/op")
}

// BenchmarkLedger makes a report of 14 days, by a new process: the calls, the time, most of which the
// embedded AWS takes, and the memory. 10,000 endpoints are spread over five regions.
//
//	go test ./internal/cycle -run '^$' -bench 'Ledger/^10000$' -benchtime 1x
func BenchmarkLedger(b *testing.B) {
	five := []string{home, "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1"}
	for _, size := range []struct {
		resources int
		regions   []string
	}{{100, five[:1]}, {1000, five[:1]}, {10000, five}} {
		b.Run(strconv.Itoa(size.resources), func(b *testing.B) {
			b.ReportAllocs()
			bed := newBedInMemory(b, flat(size.resources/len(size.regions), size.regions...))
			where := map[string]string{"Regions": strings.Join(size.regions, ",")}
			before := heap()
			for b.Loop() {
				bed.aws.ResetCalls()
				made, err := bed.ledger().Run(context.Background(), cycle.LedgerInput{Params: values(b, where), Days: 14})
				if err != nil || len(made.Resources) != size.resources || made.Totals.Unread > 0 {
					b.Fatalf("%d resources, %d not read: %v", len(made.Resources), made.Totals.Unread, err)
				}
				b.ReportMetric(float64(total(bed.aws.Calls())), "calls")
				b.ReportMetric(float64(heap()-before)/float64(size.resources), "held-B/resource")
				runtime.KeepAlive(made)
			}
		})
	}
}

// BenchmarkLedgerMemory tells how much memory a ledger of 14 days takes as long as it is
// shown: with all hours of each resource, and what a page keeps.
//
//	go test ./internal/cycle -run '^$' -bench LedgerMemory -benchtime 1x
func BenchmarkLedgerMemory(b *testing.B) {
	const resources = 1000
	bed := newBed(b, flat(resources, home))
	for _, hours := range []int{0, 72} {
		b.Run("hours="+strconv.Itoa(hours), func(b *testing.B) {
			for range b.N {
				before := heap()
				made, err := bed.ledger().Run(context.Background(), cycle.LedgerInput{Params: values(b, nil), Days: 14, LastHours: hours})
				if err != nil {
					b.Fatal(err)
				}
				if hours > 0 {
					made.Keep()
				}
				b.ReportMetric(float64(heap()-before)/resources, "B/resource")
				runtime.KeepAlive(made)
			}
		})
	}
}

// BenchmarkKept measures how much memory a daemon keeps of each endpoint between two cycles, once all have
// been checked: with what its page shows, and without the ledger.
//
//	go test ./internal/cycle -run '^$' -bench Kept -benchtime 1x
func BenchmarkKept(b *testing.B) {
	const resources = 2000
	bed := newBedInMemory(b, flat(resources, home))
	bed.settleAlarms(nil)
	for range b.N {
		memory := serve.NewMemory()
		bed.observer = memory
		bed.restart(bed.clock)
		for _, checks := range []string{"always", "auto"} {
			result := bed.run(map[string]string{config.HourlyChecks: checks})
			memory.AddCycle(serve.CycleRecord{Role: serve.Leading}, result, bed.clock.Now())
			bed.next()
		}
		kept := heap()
		runtime.KeepAlive(memory)
		bed.cycle, bed.actions, bed.writer, bed.rechecker, bed.observer = nil, nil, nil, nil, nil
		b.ReportMetric(float64(kept-heap())/resources, "B/endpoint")
	}
}

// heap is how much memory is in use, in bytes.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
