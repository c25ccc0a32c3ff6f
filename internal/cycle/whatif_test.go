package cycle_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
	"github.com/personalize-monitor/personalize-monitor/internal/whatif"
)

// whatIf wires a new process that compares minimums.
func (b *bed) whatIf() *cycle.WhatIf {
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", b.net), Clock: b.clock})
	b.tb.Cleanup(clients.Close)
	meter, found := traffic.New(traffic.Options{Clients: clients, Clock: b.clock}), inventory.New(inventory.Options{Clients: clients, Clock: b.clock})
	return cycle.NewWhatIf(cycle.LedgerOptions{
		Inventory: found, Meter: meter, Gaps: cycle.NewRegionGaps(meter, found.List), Clock: b.clock, Prices: fixedPrices,
		Calls: clients.Calls, Region: home,
	})
}

// replays are a campaign and a recommender with the same traffic, watched for a long time.
func replays(traffic localaws.EstateTraffic, campaign, recommender int) localaws.Estate {
	return localaws.Estate{Monitored: 62 * 24 * time.Hour, Regions: []localaws.EstateRegion{{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{
		Name: "shop", Domain: "ECOMMERCE",
		Campaigns: []localaws.EstateCampaign{{MinTPS: campaign, EstateEndpoint: localaws.EstateEndpoint{
			Name: "c", Age: 70 * 24 * time.Hour, Recipe: "aws-user-personalization", Traffic: traffic,
		}}},
		Recommenders: []localaws.EstateRecommender{{MinRPS: recommender, EstateEndpoint: localaws.EstateEndpoint{
			Name: "r", Age: 70 * 24 * time.Hour, Recipe: "aws-ecomm-recommended-for-you", Traffic: traffic,
		}}},
	}}}}}
}

// option is what a minimum means, straight from the rows of a CSV and by means of its own.
func (s sums) option(minimum float64, unit int64) (perMonth, above float64, cold, known int) {
	billed, over := 0.0, 0
	for at := s.begin; at < s.end; at += unit {
		actual := 0.0
		for slot := at / 300; slot < (at+unit)/300; slot++ {
			actual += s.counts[slot]
			if s.counts[slot] > minimum*300 {
				over++
			}
		}
		billed += max(minimum, actual/float64(unit)) * float64(unit) / 3600
	}
	for slot := s.begin/300 + 3; slot < s.end/300; slot++ {
		known++
		n := s.counts[slot]
		if n > minimum*300 && n > 1.5*s.counts[slot-1] && n > 1.5*s.counts[slot-2] && n > 1.5*s.counts[slot-3] {
			cold++
		}
	}
	hours := float64(s.end-s.begin) / 3600
	return billed * 730 / hours, float64(over) * 300 / float64(s.end-s.begin) * 100, cold, known
}

// sums are counts of 5-minute slots from a whole hour to another one.
type sums struct {
	counts     map[int64]float64
	begin, end int64
}

// What-if on replayed traffic shows what the CSV shows, minimum by minimum.
func TestWhatIfOnRealTraffic(t *testing.T) {
	const scale = 40
	for _, name := range []string{"Twitter_volume_AMZN.csv", "Twitter_volume_AAPL.csv"} {
		data, rows := readTrace(t, name)
		trace, err := localaws.ParseTrace(data, name)
		if err != nil {
			t.Fatal(err)
		}
		b := newBed(t, replays(localaws.EstateTraffic{Trace: trace, Scale: scale}, 25, 9))
		for _, days := range []int{14, 33, 54} { // the rows are of 55 days
			got, err := b.whatIf().Run(context.Background(), values(t, nil), days)
			if err != nil || len(got.Problems) > 0 || len(got.Resources) != 2 {
				t.Fatalf("%v, %+v", err, got)
			}
			end := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
			s := sums{counts: map[int64]float64{}, begin: end.Unix() - int64(days)*86400 + 3600, end: end.Unix() - 6*3600}
			for _, r := range rows {
				s.counts[r.at.Add(end.Sub(rows[len(rows)-1].at.Add(5*time.Minute))).Unix()/300] += r.count * scale
			}
			for _, e := range got.Resources {
				unit, price := int64(300), 2.0
				if e.Kind == model.Recommender {
					unit, price = 3600, 0
				}
				checkWhatIf(t, e, s, unit, price)
				if e.Schedule != nil {
					t.Errorf("%s: a schedule is proposed: %+v", name, e.Schedule)
				}
			}
		}
	}
}

func checkWhatIf(t *testing.T, e report.WhatIfEntry, s sums, unit int64, price float64) {
	t.Helper()
	if hours := float64(s.end-s.begin) / 3600; e.Hours != hours || e.Known != hours {
		t.Errorf("%s: %v of %v h, want %v", e.Kind, e.Known, e.Hours, hours)
	}
	used := 0.0
	var steps []float64
	for slot := s.begin / 300; slot < s.end/300; slot++ {
		used += s.counts[slot] / 3600
		steps = append(steps, s.counts[slot]/300)
	}
	slices.Sort(steps)
	perMonth := used * 730 / e.Hours
	close6(t, "used a month", *e.Used, perMonth)
	lowest, _, most, _ := s.option(1, unit)
	for _, o := range e.Options {
		tpsHours, above, cold, known := s.option(float64(o.Minimum), unit)
		close6(t, "TPS-hours a month", o.TPSHours, tpsHours)
		close6(t, "steps above", o.Above, above)
		if o.ColdSteps.Cold != cold || o.ColdSteps.Known != known {
			t.Errorf("%s at %d: %+v, the CSV has %d of %d", e.Kind, o.Minimum, o.ColdSteps, cold, known)
		}
		close6(t, "cold steps a week", *o.ColdSteps.PerWeek, float64(cold)*2016/float64(known))
		if (o.PerColdStep != nil) != (cold < most) {
			t.Errorf("%s at %d: %v for each cold step", e.Kind, o.Minimum, o.PerColdStep)
		} else if o.PerColdStep != nil {
			close6(t, "for each cold step", *o.PerColdStep, (tpsHours-lowest)*e.Hours/730/float64(most-cold))
		}
		if (o.Estimate != nil) != (price > 0) {
			t.Errorf("%s at %d: estimate %v", e.Kind, o.Minimum, o.Estimate)
		} else if price > 0 {
			close6(t, "estimate", *o.Estimate, price*tpsHours)
		}
		for why, share := range map[whatif.Reason]float64{whatif.P50: 0.5, whatif.P90: 0.9, whatif.P995: 0.995} {
			want := math.Ceil(steps[int(math.Ceil(share*float64(len(steps))))-1])
			if slices.Contains(o.Reasons, why) && float64(o.Minimum) != max(1, want) {
				t.Errorf("%s: %s is %d, the CSV has %v", e.Kind, why, o.Minimum, want)
			}
		}
		for why, share := range map[whatif.Reason]float64{whatif.Waste1: 1.01, whatif.Waste5: 1.05} {
			next, _, _, _ := s.option(float64(o.Minimum+1), unit)
			if slices.Contains(o.Reasons, why) && (tpsHours > share*perMonth || next <= share*perMonth) {
				t.Errorf("%s: %d is not the highest within %v", e.Kind, o.Minimum, share)
			}
		}
	}
	for _, why := range []whatif.Reason{whatif.Present, whatif.Lowest, whatif.Watermark, whatif.P50, whatif.P90, whatif.P995} {
		if !slices.ContainsFunc(e.Options, func(o whatif.Option) bool { return slices.Contains(o.Reasons, why) }) {
			t.Errorf("%s: no option is %s", e.Kind, why)
		}
	}
}

func TestWhatIfReportsWhatCouldNotBeRead(t *testing.T) {
	b := newBed(t, replays(localaws.EstateTraffic{Shape: "constant", TPS: 5}, 4, 4))
	b.aws.AddFault(localaws.Fault{Operation: "GetMetricData", Kind: localaws.Partial})
	got, err := b.whatIf().Run(context.Background(), values(t, nil), 14)
	if err != nil || len(got.Problems) == 0 || !got.Failed() {
		t.Fatalf("%v, %+v", err, got)
	}
	for _, e := range got.Resources {
		if len(e.Options) > 0 || e.Known != 0 || e.Used != nil || e.Note != "its requests could not be read completely" {
			t.Errorf("%+v", e)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.whatIf().Run(ctx, values(t, nil), 14); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	b.aws.AddFault(localaws.Fault{Service: "personalize", Code: "AccessDeniedException"})
	if _, err := b.whatIf().Run(context.Background(), values(t, nil), 14); !errors.Is(err, cycle.ErrNothingMeasured) {
		t.Error(err)
	}
}

// lunchRush is three times the traffic for two hours of each of 60 days.
func lunchRush(t *testing.T) localaws.EstateTraffic {
	t.Helper()
	text := strings.Builder{}
	text.WriteString("timestamp,value\n")
	end := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for at := end.AddDate(0, 0, -60); at.Before(end); at = at.Add(5 * time.Minute) {
		count := 20 * 300
		if at.Hour() == 9 || at.Hour() == 10 {
			count *= 3
		}
		fmt.Fprintf(&text, "%s,%d\n", at.Format(time.DateTime), count)
	}
	trace, err := localaws.ParseTrace([]byte(text.String()), "lunch")
	if err != nil {
		t.Fatal(err)
	}
	return localaws.EstateTraffic{Trace: trace, Repeat: true}
}

// A rush at the same hours of each day is reported with the schedule that covers it. The 56 days are
// read once a week in a process that goes on, and again at once if they could not be read.
func TestReportProposesSchedulesOnceAWeek(t *testing.T) {
	b := newBed(t, replays(lunchRush(t), 4, 4))
	l := b.ledger()
	run := func(days int) (report.Ledger, int) {
		t.Helper()
		out, err := l.Run(context.Background(), cycle.LedgerInput{Params: values(t, nil), Days: days})
		if err != nil {
			t.Fatal(err)
		}
		return out, out.MetricsGot
	}
	if out, n := run(13); n != 7 || entry(t, out, "c").Schedule != nil {
		t.Errorf("over 13 days: %d series, %+v", n, entry(t, out, "c").Schedule)
	}
	b.aws.AddFault(localaws.Fault{Operation: "GetMetricData", Kind: localaws.Partial, Skip: 2}) // after those of the 14 days
	if out, _ := run(14); entry(t, out, "c").Schedule != nil || !strings.Contains(entry(t, out, "c").ScheduleNote, "could not be read") {
		t.Errorf("of what could not be read: %+v %s", entry(t, out, "c").Schedule, entry(t, out, "c").ScheduleNote)
	}
	b.aws.ClearFaults()
	out, first := run(14)
	for _, name := range []string{"c", "r"} {
		e := entry(t, out, name)
		if e.Schedule == nil || e.Schedule.ColdSteps*2 > e.Schedule.ColdStepsAtBase || e.Schedule.TPSHoursPercent > 107.5 || e.ScheduleNote != "" ||
			e.Schedule.Text != "base=19 daily@09:00-10:00=60" && e.Schedule.Text != "base=20 daily@09:00-10:00=60" {
			t.Errorf("%s: %+v %s", name, e.Schedule, e.ScheduleNote)
		}
	}
	b.clock.Advance(6 * 24 * time.Hour)
	out, second := run(14)
	if entry(t, out, "c").Schedule == nil {
		t.Error("the schedule is forgotten after six days")
	}
	b.clock.Advance(24 * time.Hour)
	if _, third := run(14); first != 5+4 || second != 5 || third != 5+4 {
		t.Errorf("%d, %d and %d series were read", first, second, third)
	}
}

// The page of one endpoint reads its 56 days once an hour.
func TestWhatIfOfOneIsRememberedForTheHour(t *testing.T) {
	b := newBed(t, replays(lunchRush(t), 4, 4))
	w := b.whatIf()
	out, err := w.Run(context.Background(), values(t, nil), 56)
	if err != nil {
		t.Fatal(err)
	}
	var c report.WhatIfEntry
	for _, e := range out.Resources {
		if e.Name == "c" {
			c = e
		}
	}
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", b.net), Clock: b.clock})
	defer clients.Close()
	found := inventory.New(inventory.Options{Clients: clients, Clock: b.clock}).Discover(
		context.Background(), cycle.Scope(values(t, nil), home), nil, func(int, int) {})
	r := found.Resources[slices.IndexFunc(found.Resources, func(r model.Resource) bool { return r.Name == "c" })]
	ask := func(r model.Resource) (report.WhatIfEntry, int) {
		t.Helper()
		b.aws.ResetCalls()
		e, _ := w.Of(context.Background(), r, 2*time.Minute)
		return e, b.aws.Calls()["cloudwatch.GetMetricData"]
	}
	differs := func(e report.WhatIfEntry) string {
		if len(e.Steps) < 10 {
			return fmt.Sprintf("%d steps for a slider", len(e.Steps))
		}
		e.Steps = nil // an entry of all resources has none
		return cmp.Diff(c, e)
	}
	if e, n := ask(r); n != 1 || c.Schedule == nil || differs(e) != "" {
		t.Errorf("%d calls:\n%s", n, differs(e))
	}
	if e, n := ask(r); n != 0 || differs(e) != "" {
		t.Errorf("asked again: %d calls", n)
	}
	raised := r
	raised.MinTPS = 90
	if e, n := ask(raised); n != 1 || e.Min != 90 {
		t.Errorf("with another minimum: %d calls, %d TPS", n, e.Min)
	}
	b.clock.Advance(time.Hour)
	b.aws.AddFault(localaws.Fault{Operation: "GetMetricData", Kind: localaws.Partial})
	if e, n := ask(r); n == 0 || len(e.Options) > 0 || e.Note == "" {
		t.Errorf("of what could not be read: %d calls, %+v", n, e)
	}
	b.aws.ClearFaults()
	if e, n := ask(r); n != 1 || len(e.Options) == 0 {
		t.Errorf("once it can be read: %d calls, %+v", n, e)
	}
}
