package localaws

import (
	"math"
	"strings"
	"testing"
	"time"
)

// always serves since long ago.
var always = []interval{since(noon.AddDate(-1, 0, 0))}

// steadily is traffic without an end, to a resource that was always there.
func steadily(conf EstateTraffic, seed uint64) *traffic {
	return &traffic{conf: &conf, seed: seed, served: &always, end: openEnd}
}

// during is what the traffic attempts in the five minutes from start.
func (t *traffic) during(start time.Time) float64 { return t.attempts(start.Unix() / stepSeconds) }

func TestShapes(t *testing.T) {
	day := noon.Truncate(24 * time.Hour)
	tests := []struct {
		name  string
		conf  EstateTraffic
		start time.Time
		want  float64
	}{
		{"constant traffic is the rate times 300 seconds", EstateTraffic{Shape: "constant", TPS: 20}, noon, 6000},
		{"calls are whole", EstateTraffic{Shape: "constant", TPS: 0.011}, noon, 3},
		{"a daily cycle is at its peak at the peak hour", EstateTraffic{Shape: "daily", TPS: 10, PeakTPS: 14, PeakHour: 20}, day.Add(20 * time.Hour), 4200},
		{"and lowest twelve hours later", EstateTraffic{Shape: "daily", TPS: 10, PeakTPS: 14, PeakHour: 20}, day.Add(8 * time.Hour), 1800},
		{"stopped traffic is there before its end", EstateTraffic{Shape: "stopped", TPS: 2}, noon.Add(-2*time.Hour - step), 600},
		{"and not from its end on", EstateTraffic{Shape: "stopped", TPS: 2}, noon.Add(-2 * time.Hour), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := steadily(tt.conf, 1)
			if tt.conf.Shape == shapeStopped {
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
	tr := steadily(EstateTraffic{Shape: "daily", TPS: 42, PeakTPS: 60, PeakHour: 19}, 1)
	sum := 0.0
	for i := range 288 {
		sum += tr.during(noon.Add(time.Duration(i) * step))
	}
	if got := sum / 288 / 300; math.Abs(got-42) > 0.01 {
		t.Errorf("mean %v, want 42", got)
	}
}

func TestSpikesComeOnceInEachStretch(t *testing.T) {
	tr := steadily(EstateTraffic{Shape: "spikes", TPS: 1, PeakTPS: 50, Every: 6 * time.Hour, Lasting: 15 * time.Minute}, 9)
	places := map[int]bool{}
	for stretch := range 20 {
		begin := noon.Truncate(6 * time.Hour).Add(time.Duration(stretch) * 6 * time.Hour)
		high, first := 0, -1
		for i := range 72 {
			if tr.during(begin.Add(time.Duration(i)*step)) > 300 {
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
	conf := EstateTraffic{Shape: "constant", TPS: 100, JitterPercent: 10}
	a, b := steadily(conf, seedOf(1, "a")), steadily(conf, seedOf(1, "b"))
	low, high, same := math.Inf(1), 0.0, 0
	for i := range 2000 {
		at := noon.Add(time.Duration(i) * step)
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
	tr := steadily(EstateTraffic{Shape: "constant", TPS: 10, Percent4xx: 2, Percent5xx: 1, LatencyMillis: 40}, 1)
	m := tr.metrics(metricRecommendations)
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
	served := []interval{{noon.UnixMilli(), noon.Add(7 * time.Minute).UnixMilli()}, since(noon.Add(20 * time.Minute))}
	tr := steadily(EstateTraffic{Shape: "constant", TPS: 1}, 1)
	tr.served = &served
	for i, want := range []float64{0, 300, 120, 0, 0, 300} {
		if got := tr.during(noon.Add(time.Duration(i-1) * step)); got != want {
			t.Errorf("minute %d: %v calls, want %v", (i-1)*5, got, want)
		}
	}
}

func TestMetricOfRecipe(t *testing.T) {
	tests := []struct {
		recipe  string
		visible bool
		want    string
	}{
		{"aws-user-personalization-v2", false, "GetRecommendations"},
		{"aws-personalized-ranking", false, "GetPersonalizedRanking"},
		{"aws-personalized-ranking-v2", false, "GetPersonalizedRanking"},
		{"aws-next-best-action", false, ""},
		{"aws-next-best-action", true, "GetActionRecommendations"},
		{"aws-vod-top-picks", false, "GetRecommendations"},
		{"aws-recipe-of-tomorrow", false, "GetRecommendations"},
	}
	for _, tt := range tests {
		if got := metricOf(tt.recipe, tt.visible); got != tt.want {
			t.Errorf("metricOf(%s, %t) = %q, want %q", tt.recipe, tt.visible, got, tt.want)
		}
	}
}

func TestParseTraceRefuses(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"an empty file", "", "t.csv:1:"},
		{"another header", "time,value\n2026-01-01 00:00:00,1\n", "t.csv:1:"},
		{"no rows", "timestamp,value\n", "no rows"},
		{"a negative value", "timestamp,value\n2026-01-01 00:00:00,1\n2026-01-01 00:05:00,-1\n", "t.csv:3:"},
		{"NaN", "timestamp,value\n2026-01-01 00:00:00,NaN\n", "t.csv:2:"},
		{"infinity", "timestamp,value\n2026-01-01 00:00:00,Inf\n", "t.csv:2:"},
		{"no value", "timestamp,value\n2026-01-01 00:00:00,\n", "t.csv:2:"},
		{"a date only", "timestamp,value\n2026-01-01,1\n", "t.csv:2:"},
		{"a third column", "timestamp,value\n2026-01-01 00:00:00,1,2\n", "t.csv:2:"},
		{"rows out of order", "timestamp,value\n2026-01-01 00:05:00,1\n2026-01-01 00:00:00,1\n", "t.csv:3:"},
		{"hours apart", "timestamp,value\n2026-01-01 00:00:00,1\n2026-01-01 01:00:00,1\n", "the rows are 1h0m0s apart"},
		{"centuries", "timestamp,value\n0001-01-01 00:00:00,1\n2026-01-01 00:00:00,1\n", "ten years"},
		{"a stray quote", "timestamp,value\n2026-01-01 00:00:00,\"1\n", "t.csv"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseTrace([]byte(tt.file), "t.csv")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestTracePeriods(t *testing.T) {
	// The last row begins a period; the others fall into the one that their stamp is in.
	tr, err := ParseTrace([]byte("timestamp,value\n"+
		"2026-01-01T00:00:00Z,5\n"+ // 20 minutes before: 4 periods
		"2026-01-01 00:09:59,7\n"+ // 10:01 before: in the third period before
		"2026-01-01 00:10:00,0\n"+
		"2026-01-01 00:15:01,1.5\r\n"+ // both in the period before the last one
		"2026-01-01 00:19:59,2\n"+
		"2026-01-01 00:20:00,3\n"), "t.csv")
	if err != nil {
		t.Fatal(err)
	}
	for period, want := range map[int64]float64{-5: 0, -4: 5, -3: 7, -2: 0, -1: 3.5, 0: 3, 1: 0} {
		if got := tr.at(period, false); got != want {
			t.Errorf("period %d: %v, want %v", period, got, want)
		}
	}
	for period, want := range map[int64]float64{1: 5, 2: 7, 3: 0, 4: 3.5, 5: 3, 6: 5, 11: 5} {
		if got := tr.at(period, true); got != want {
			t.Errorf("repeated, period %d: %v, want %v", period, got, want)
		}
	}
	if tr.Span() != 25*time.Minute || tr.Mean() != 18.5/6 {
		t.Errorf("span %v, mean %v", tr.Span(), tr.Mean())
	}
}

func FuzzParseTrace(f *testing.F) {
	f.Add(smallTrace)
	f.Add("timestamp,value\n2026-01-01T00:00:00+02:00,1e3\n")
	f.Add("\xef\xbb\xbftimestamp,value\n2026-01-01 00:00,0\n")
	f.Fuzz(func(t *testing.T, file string) {
		tr, err := ParseTrace([]byte(file), "t.csv")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "t.csv") {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		sum := 0.0
		for _, row := range tr.rows {
			if row.count <= 0 || row.period > 0 {
				t.Fatalf("row %+v", row)
			}
			sum += tr.at(row.period, false)
		}
		if sum < 0 || math.IsNaN(tr.Mean()) || tr.Span() < step {
			t.Errorf("sum %v, mean %v, span %v", sum, tr.Mean(), tr.Span())
		}
		tr.at(1<<40, true)
	})
}

func BenchmarkTrafficValue(b *testing.B) {
	m := trafficMetric{steadily(EstateTraffic{Shape: "daily", TPS: 42, PeakTPS: 60, JitterPercent: 5}, 3), ""}
	for i := 0; b.Loop(); i++ {
		m.Value(noon.Add(time.Duration(i%4032) * step))
	}
}

func BenchmarkLoadEstate(b *testing.B) {
	e := Estate{Regions: []EstateRegion{{Name: "eu-west-1", DatasetGroups: []EstateDatasetGroup{{
		Name: "g", Campaigns: []EstateCampaign{{EstateEndpoint: EstateEndpoint{
			Name: "c", Recipe: "aws-sims", Copies: 10_000, Traffic: EstateTraffic{Shape: "constant", TPS: 3},
		}}},
	}}}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(e); err != nil {
			b.Fatal(err)
		}
	}
}
