package cycle_test

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// tracesVariable names the folder of real request counts that some tests replay.
const tracesVariable = "PERSONALIZE_MONITOR_TRACES"

// row is one line of a CSV of request counts.
type row struct {
	at    time.Time
	count float64
}

// readTrace reads a CSV by means of its own, not the program's.
func readTrace(t *testing.T, name string) (data []byte, rows []row) {
	t.Helper()
	dir := os.Getenv(tracesVariable)
	if dir == "" {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not set", tracesVariable)
		}
		t.Skipf("%s is not set; it names a folder of request counts to replay", tracesVariable)
	}
	path := filepath.Join(dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		at, err := time.Parse(time.DateTime, line[0])
		if err != nil {
			t.Fatal(err)
		}
		count, err := strconv.ParseFloat(line[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row{at, count})
	}
	return data, rows
}

// watermark is the lowest hourly average that was reached three times, each a day after the one
// before, in the 14 days before end, rounded down, when the end of the last row is moved to end. Only whole hours
// count that ended 6 hours ago and have rows, as have those before and after.
func watermark(rows []row, scale float64, end time.Time) int {
	shift := end.Sub(rows[len(rows)-1].at.Add(5 * time.Minute))
	sums := map[time.Time]float64{}
	for _, r := range rows {
		sums[r.at.Add(shift).Truncate(5*time.Minute).Truncate(time.Hour)] += r.count * scale
	}
	known := map[time.Time]float64{}
	last := end.Add(-6 * time.Hour).Truncate(time.Hour)
	for hour := end.Truncate(time.Hour).Add(-14*24*time.Hour + time.Hour); hour.Before(last); hour = hour.Add(time.Hour) {
		if sums[hour] > 0 && sums[hour.Add(-time.Hour)] > 0 && sums[hour.Add(time.Hour)] > 0 && !hour.Before(rows[0].at.Add(shift)) {
			known[hour] = sums[hour] / 3600
		}
	}
	lowest := math.Inf(1)
	for _, level := range known {
		times, next := 0, time.Time{}
		for hour := last.Add(-15 * 24 * time.Hour); hour.Before(last); hour = hour.Add(time.Hour) {
			if rate, ok := known[hour]; ok && rate <= level && !hour.Before(next) {
				times, next = times+1, hour.Add(24*time.Hour)
			}
		}
		if times >= 3 {
			lowest = min(lowest, level)
		}
	}
	return int(lowest)
}

// Three campaigns replay real traffic. Their averages are those of the CSV's last row,
// and step by step their minimums come to rest on the low watermark of the CSV.
func TestRealTraffic(t *testing.T) {
	for _, name := range []string{"elb_request_count_8c0756.csv", "Twitter_volume_AAPL.csv", "Twitter_volume_AMZN.csv"} {
		t.Run(name, func(t *testing.T) {
			data, rows := readTrace(t, name)
			sum := 0.0
			for _, r := range rows {
				sum += r.count
			}
			scale := 20 * 300 / (sum / float64(len(rows)))
			trace, err := localaws.ParseTrace(data, name)
			if err != nil {
				t.Fatal(err)
			}
			cycleWith := func(minTPS int) report.Resource {
				b := newBed(t, localaws.Estate{Regions: []localaws.EstateRegion{{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{
					Name: "shop",
					Campaigns: []localaws.EstateCampaign{{
						EstateEndpoint: localaws.EstateEndpoint{
							Name: "replay", Recipe: "aws-user-personalization", Traffic: localaws.EstateTraffic{Trace: trace, Scale: scale},
						},
						MinTPS: minTPS,
					}},
				}}}}})
				return byName(t, b.run(map[string]string{config.HourlyChecks: "always"}), "replay")
			}
			low := watermark(rows, scale, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
			rest := max(1, low)

			first := cycleWith(50)
			want := rows[len(rows)-1].count * scale / 300
			if first.Average == nil || math.Abs(*first.Average-want) > 1e-6*want {
				t.Errorf("average %v, want %.6f", first.Average, want)
			}
			chain := []int{50}
			for len(chain) < 40 {
				r := cycleWith(chain[len(chain)-1])
				if r.Decision != rules.StepDown {
					break
				}
				chain = append(chain, r.NewMin)
			}
			if got := chain[len(chain)-1]; got != rest || len(chain) == 1 {
				t.Errorf("the chain %v ends at %d, the watermark is %d", chain, got, low)
			}
			t.Logf("watermark %d, chain %v", low, chain)

			if r := cycleWith(rest + 1); r.Decision != rules.StepDown || r.NewMin != rest {
				t.Errorf("one above the watermark: %s to %d (%s)", r.Decision, r.NewMin, r.Reason)
			}
			if r := cycleWith(rest); r.Decision != rules.None {
				t.Errorf("on the watermark: %s to %d (%s)", r.Decision, r.NewMin, r.Reason)
			}
		})
	}
}
