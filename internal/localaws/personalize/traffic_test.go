package personalize

import (
	"math"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

// always serves since long ago.
var always = []interval{{noon.AddDate(-1, 0, 0).UnixMilli(), openEnd}}

// steadily is traffic without an end, to a resource that was always there.
func steadily(conf estatefile.Traffic, seed uint64) *traffic {
	return &traffic{conf: &conf, seed: seed, served: &always, end: openEnd}
}

// during is what the traffic attempts in the five minutes from start.
func (t *traffic) during(start time.Time) float64 { return t.attempts(start.Unix() / stepSeconds) }

func TestShapes(t *testing.T) {
	day := noon.Truncate(24 * time.Hour)
	tests := []struct {
		name  string
		conf  estatefile.Traffic
		start time.Time
		want  float64
	}{
		{"constant traffic is the rate times 300 seconds", estatefile.Traffic{Shape: "constant", TPS: 20}, noon, 6000},
		{"calls are whole", estatefile.Traffic{Shape: "constant", TPS: 0.011}, noon, 3},
		{"a daily cycle is at its peak at the peak hour", estatefile.Traffic{Shape: "daily", TPS: 10, PeakTPS: 14, PeakHour: 20}, day.Add(20 * time.Hour), 4200},
		{"and lowest twelve hours later", estatefile.Traffic{Shape: "daily", TPS: 10, PeakTPS: 14, PeakHour: 20}, day.Add(8 * time.Hour), 1800},
		{"stopped traffic is there before its end", estatefile.Traffic{Shape: "stopped", TPS: 2}, noon.Add(-2*time.Hour - estatefile.Step), 600},
		{"and not from its end on", estatefile.Traffic{Shape: "stopped", TPS: 2}, noon.Add(-2 * time.Hour), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := steadily(tt.conf, 1)
			if tt.conf.Shape == estatefile.ShapeStopped {
				tr.end = noon.Add(-2 * time.Hour).UnixMilli()
			}
			got := tr.during(tt.start)
			if math.Abs(got-tt.want) > 0.001*tt.want {
				t.Errorf("%v calls, want %v", got, tt.want)
			}
			if _, ok := (trafficMetric{tr, ""}).Value(tt.start); ok != (tt.want > 0) {
				t.Errorf("a datapoint: %t for %v calls", ok, tt.want)
			}
		})
	}
}

func TestDailyTrafficAveragesItsMean(t *testing.T) {
	tr := steadily(estatefile.Traffic{Shape: "daily", TPS: 42, PeakTPS: 60, PeakHour: 19}, 1)
	sum := 0.0
	for i := range 288 {
		sum += tr.during(noon.Add(time.Duration(i) * estatefile.Step))
	}
	if got := sum / 288 / 300; math.Abs(got-42) > 0.01 {
		t.Errorf("mean %v, want 42", got)
	}
}

func TestSpikesComeOnceInEachStretch(t *testing.T) {
	tr := steadily(estatefile.Traffic{Shape: "spikes", TPS: 1, PeakTPS: 50, Every: 6 * time.Hour, Lasting: 15 * time.Minute}, 9)
	places := map[int]bool{}
	for stretch := range 20 {
		begin := noon.Truncate(6 * time.Hour).Add(time.Duration(stretch) * 6 * time.Hour)
		high, first := 0, -1
		for i := range 72 {
			if tr.during(begin.Add(time.Duration(i)*estatefile.Step)) > 300 {
				high++
				if first < 0 {
					first = i
				}
			}
		}
		if high != 3 {
			t.Errorf("stretch %d has %d periods of spike, want 3", stretch, high)
		}
		places[first] = true
	}
	if len(places) < 5 {
		t.Errorf("the spikes come at %d places only", len(places))
	}
}

func TestJitterStaysInBoundsAndRepeats(t *testing.T) {
	conf := estatefile.Traffic{Shape: "constant", TPS: 100, JitterPercent: 10}
	a, b := steadily(conf, seedOf(1, "a")), steadily(conf, seedOf(1, "b"))
	low, high, same := math.Inf(1), 0.0, 0
	for i := range 2000 {
		at := noon.Add(time.Duration(i) * estatefile.Step)
		v := a.during(at)
		low, high = min(low, v), max(high, v)
		if v != a.during(at) {
			t.Fatalf("%v gives different counts", at)
		}
		if v == b.during(at) {
			same++
		}
	}
	if low < 27_000 || high > 33_000 || high-low < 4_000 {
		t.Errorf("from %v to %v; want nearly all of 27000 to 33000", low, high)
	}
	if same > 20 {
		t.Errorf("%d of 2000 counts are the same under another seed", same)
	}
}

func TestFailedCallsAreNotRequests(t *testing.T) {
	tr := steadily(estatefile.Traffic{Shape: "constant", TPS: 10, Percent4xx: 2, Percent5xx: 1, LatencyMillis: 40}, 1)
	m := tr.metrics(estatefile.MetricRecommendations)
	for name, want := range map[string]float64{"GetRecommendations": 2910, "GetRecommendations4xxErrors": 60, "GetRecommendations5xxErrors": 30} {
		if v, ok := m[name].Value(noon); !ok || v != want {
			t.Errorf("%s = %v, %t; want %v", name, v, ok, want)
		}
	}
	if v, ok := m["GetRecommendationsLatency"].Value(noon); !ok || v < 32 || v > 48 {
		t.Errorf("latency %v, %t", v, ok)
	}
	tr.conf.Percent4xx, tr.conf.Percent5xx = 100, 0
	if _, ok := m["GetRecommendations"].Value(noon); ok {
		t.Error("an endpoint that only fails has requests")
	}
	if _, ok := m["GetRecommendationsLatency"].Value(noon); ok {
		t.Error("an endpoint that only fails has a latency")
	}
}

func TestTrafficOnlyWhileServing(t *testing.T) {
	served := []interval{{noon.UnixMilli(), noon.Add(7 * time.Minute).UnixMilli()}, {noon.Add(20 * time.Minute).UnixMilli(), openEnd}}
	tr := steadily(estatefile.Traffic{Shape: "constant", TPS: 1}, 1)
	tr.served = &served
	for i, want := range []float64{0, 300, 120, 0, 0, 300} {
		if got := tr.during(noon.Add(time.Duration(i-1) * estatefile.Step)); got != want {
			t.Errorf("minute %d: %v calls, want %v", (i-1)*5, got, want)
		}
	}
}

func BenchmarkTrafficValue(b *testing.B) {
	m := trafficMetric{steadily(estatefile.Traffic{Shape: "daily", TPS: 42, PeakTPS: 60, JitterPercent: 5}, 3), ""}
	for i := 0; b.Loop(); i++ {
		m.Value(noon.Add(time.Duration(i%4032) * estatefile.Step))
	}
}
