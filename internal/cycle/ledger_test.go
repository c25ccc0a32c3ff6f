package cycle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/report/page"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
)

// fixedPrices cost 2 dollars a TPS-hour of a campaign in the home region, and nothing else.
func fixedPrices(context.Context, []string) (pricing.Table, []model.Problem) {
	return pricing.NewTable([]pricing.Price{{
		Region: home, Product: pricing.Campaign, Tiers: []pricing.Tier{{PerTPSHour: 2}}, Currency: "USD", Date: "2026-01-01", Source: "test",
	}}, nil, 0), nil
}

// ledger wires a new process that makes ledgers.
func (b *bed) ledger() *cycle.Ledger {
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", b.net), Clock: b.clock})
	b.tb.Cleanup(clients.Close)
	meter, found := traffic.New(traffic.Options{Clients: clients, Clock: b.clock}), inventory.New(inventory.Options{Clients: clients, Clock: b.clock})
	return cycle.NewLedger(cycle.LedgerOptions{
		Inventory: found, Meter: meter, Gaps: cycle.NewRegionGaps(meter, found.List),
		Clock: b.clock, Prices: fixedPrices, Calls: clients.Calls, Region: home, Hourly: true,
	})
}

// account makes a ledger, which must succeed.
func (b *bed) account(days int, changes map[string]string) report.Ledger {
	b.tb.Helper()
	out, err := b.ledger().Run(context.Background(), cycle.LedgerInput{Params: values(b.tb, changes), Days: days})
	if err != nil {
		b.tb.Fatal(err)
	}
	return out
}

func entry(tb testing.TB, l report.Ledger, name string) report.Entry {
	tb.Helper()
	for _, e := range l.Resources {
		if e.Name == name {
			return e
		}
	}
	tb.Fatalf("no resource %s in the report", name)
	return report.Entry{}
}

// sheet is what the bill says, straight from the rows of a CSV and by means of its own.
type sheet struct {
	paid, used, saved, perMonth float64
	idle                        float64
	mean, p50, p95              float64
	lowest, highest             float64
	newMin, jumps, sudden       int
	cold, coldNow, coldKnown    int
}

// bill adds up the days before end, when the end of the last row is moved to it. A
// campaign counts max(minimum, average) every five minutes, a recommender every hour.
func bill(rows []row, scale float64, kind model.Kind, minimum, days int, end time.Time) sheet {
	shift := end.Sub(rows[len(rows)-1].at.Add(5 * time.Minute))
	counts := map[int64]float64{}
	for _, r := range rows {
		counts[r.at.Add(shift).Unix()/300] += r.count * scale
	}
	born := rows[0].at.Add(shift).Unix()
	unit := int64(300)
	if kind == model.Recommender {
		unit = 3600
	}
	first := max(end.Unix()-int64(days)*86400, (born+unit-1)/unit*unit)
	hourly := func(hour int64) float64 {
		sum := 0.0
		for slot := hour / 300; slot < hour/300+12; slot++ {
			sum += counts[slot]
		}
		return sum
	}

	var s sheet
	low := math.Inf(1)
	for hour := max(end.Unix()-14*86400, (born+3599)/3600*3600); hour < end.Unix(); hour += 3600 {
		low = min(low, hourly(hour)/3600)
	}
	s.newMin = max(1, int(low))
	lower := 0.0
	for at := first; at < end.Unix(); at += unit {
		actual := 0.0
		for slot := at / 300; slot < (at+unit)/300; slot++ {
			actual += counts[slot]
		}
		hours := float64(unit) / 3600
		s.paid += max(float64(minimum), actual/float64(unit)) * hours
		lower += max(float64(s.newMin), actual/float64(unit)) * hours
		s.used += actual / 3600
	}
	s.saved = s.paid - lower
	s.perMonth = s.saved * 730 / (float64(end.Unix()-first) / 3600)
	s.mean = s.used / (float64(end.Unix()-first) / 3600 * float64(minimum)) * 100
	var ratios []float64
	for slot := first / 300; slot < end.Unix()/300; slot++ {
		ratios = append(ratios, counts[slot]/300/float64(minimum)*100)
		if counts[slot] == 0 {
			s.idle += 5.0 / 60
		}
		if twice := float64(2*s.newMin) * 300; slot > first/300 && counts[slot] > twice && counts[slot-1] <= twice {
			s.jumps++
			if counts[slot-1] <= twice/2 {
				s.sudden++
			}
		}
	}
	s.cold, s.coldKnown = countCold(counts, first, born, end, s.newMin)
	s.coldNow, _ = countCold(counts, first, born, end, minimum)
	slices.Sort(ratios)
	s.p50 = ratios[int(math.Ceil(0.50*float64(len(ratios))))-1]
	s.p95 = ratios[int(math.Ceil(0.95*float64(len(ratios))))-1]
	s.lowest = math.Inf(1)
	for hour := (first + 3599) / 3600 * 3600; hour < end.Unix(); hour += 3600 {
		ratio := hourly(hour) / 3600 / float64(minimum) * 100
		s.lowest, s.highest = min(s.lowest, ratio), max(s.highest, ratio)
	}
	return s
}

// countCold counts the cold steps since a time, of the whole hours that ended six hours ago and
// began an hour after the look-back or the first row did: every step above the minimum and above
// 1.5 times each of the three before it.
func countCold(counts map[int64]float64, first, born int64, end time.Time, minimum int) (cold, known int) {
	begin := max((first+3599)/3600*3600, end.Unix()-14*86400+3600, (born+3599)/3600*3600)
	for slot := begin/300 + 3; slot < (end.Unix()-6*3600)/300; slot++ {
		known++
		n := counts[slot]
		if n > float64(minimum)*300 && n > 1.5*counts[slot-1] && n > 1.5*counts[slot-2] && n > 1.5*counts[slot-3] {
			cold++
		}
	}
	return cold, known
}

// together is what a campaign and a recommender with the same traffic did, added up.
type together struct {
	provisioned, actual, peak               float64
	mean, p50, p95, lowestHour, highestHour float64
}

// billTogether adds both up straight from the rows, step by step from when the first of
// them is metered.
func billTogether(rows []row, scale float64, minimums map[model.Kind]int, days int, end time.Time) together {
	shift := end.Sub(rows[len(rows)-1].at.Add(5 * time.Minute))
	counts := map[int64]float64{}
	for _, r := range rows {
		counts[r.at.Add(shift).Unix()/300] += r.count * scale
	}
	begin, born := end.Unix()-int64(days)*86400, rows[0].at.Add(shift).Unix()
	had, did := map[int64]float64{}, map[int64]float64{} // by slot
	for kind, unit := range map[model.Kind]int64{model.Campaign: 300, model.Recommender: 3600} {
		for at := max(begin, (born+unit-1)/unit*unit); at < end.Unix(); at += 300 {
			had[at/300] += float64(minimums[kind]) * 300
			did[at/300] += counts[at/300]
		}
	}
	var out together
	var ratios []float64
	hadAll, didAll := 0.0, 0.0
	out.lowestHour = math.Inf(1)
	for slot, minimum := range had {
		hadAll += minimum
		didAll += did[slot]
		out.peak = max(out.peak, did[slot]/300)
		ratios = append(ratios, did[slot]/minimum*100)
		if slot%12 != 0 {
			continue
		}
		hadHour, didHour := 0.0, 0.0
		for s := slot; s < slot+12; s++ {
			hadHour += had[s]
			didHour += did[s]
		}
		out.lowestHour, out.highestHour = min(out.lowestHour, didHour/hadHour*100), max(out.highestHour, didHour/hadHour*100)
	}
	slices.Sort(ratios)
	n := float64(len(ratios))
	out.provisioned, out.actual, out.mean = hadAll/300/n, didAll/300/n, didAll/hadAll*100
	out.p50, out.p95 = ratios[int(math.Ceil(0.50*n))-1], ratios[int(math.Ceil(0.95*n))-1]
	return out
}

func (w together) check(t *testing.T, got *billing.Throughput) {
	t.Helper()
	if got == nil {
		t.Fatal("nothing is told of all together")
	}
	u := got.Utilization
	for what, pair := range map[string][2]float64{
		"provisioned": {got.Provisioned, w.provisioned}, "actual": {got.Actual, w.actual}, "peak": {got.Peak, w.peak},
		"mean": {*u.Mean, w.mean}, "p50": {*u.P50, w.p50}, "p95": {*u.P95, w.p95},
		"lowest hour": {*u.LowestHour, w.lowestHour}, "highest hour": {*u.HighestHour, w.highestHour},
	} {
		close6(t, what+" of all together", pair[0], pair[1])
	}
}

// A report on replayed traffic says what the CSV says.
func TestReportOnRealTraffic(t *testing.T) {
	minimums := map[model.Kind]int{model.Campaign: 25, model.Recommender: 9}
	for name, monitored := range map[string]time.Duration{
		"elb_request_count_8c0756.csv": neverMonitored, "Twitter_volume_AAPL.csv": 20 * 24 * time.Hour, "Twitter_volume_AMZN.csv": 20 * 24 * time.Hour,
	} {
		for _, days := range []int{1, 3, 14} {
			t.Run(fmt.Sprintf("%s/%d", name, days), func(t *testing.T) {
				data, rows := readTrace(t, name)
				trace, err := localaws.ParseTrace(data, name)
				if err != nil {
					t.Fatal(err)
				}
				const scale = 40
				replay := localaws.EstateTraffic{Trace: trace, Scale: scale}
				b := newBed(t, localaws.Estate{Monitored: monitored, Regions: []localaws.EstateRegion{{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{
					Name: "shop", Domain: "ECOMMERCE",
					Campaigns: []localaws.EstateCampaign{{MinTPS: minimums[model.Campaign], EstateEndpoint: localaws.EstateEndpoint{
						Name: "c", Recipe: "aws-user-personalization", Traffic: replay,
					}}},
					Recommenders: []localaws.EstateRecommender{{MinRPS: minimums[model.Recommender], EstateEndpoint: localaws.EstateEndpoint{
						Name: "r", Recipe: "aws-ecomm-recommended-for-you", Traffic: replay,
					}}},
				}}}}})
				got := b.account(days, nil)
				end := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
				var all billing.TPSHours
				idle, jumps := 0.0, 0
				for _, kind := range []model.Kind{model.Campaign, model.Recommender} {
					want := bill(rows, scale, kind, minimums[kind], days, end)
					e := entry(t, got, string(kind[0]))
					want.check(t, e)
					all.Paid += want.paid
					all.Used += want.used
					idle += want.idle
					jumps += want.jumps
				}
				billTogether(rows, scale, minimums, days, end).check(t, got.Totals.Throughput)
				close6(t, "idle in total", got.Totals.IdleHours, idle)
				if got.Totals.Saving.Jumps != jumps {
					t.Errorf("%d jumps in total, the CSV says %d", got.Totals.Saving.Jumps, jumps)
				}
				close6(t, "paid in total", got.Totals.TPSHours.Paid, all.Paid)
				close6(t, "used in total", got.Totals.TPSHours.Used, all.Used)
				close6(t, "wasted in total", got.Totals.TPSHours.Wasted, all.Paid-all.Used)
				if len(got.Problems) > 0 || (got.Totals.MinKnown == 0) != (monitored == neverMonitored) {
					t.Errorf("problems %v, minimum known for %v%%", got.Problems, got.Totals.MinKnown)
				}
			})
		}
	}
}

func close6(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*max(1, math.Abs(want)) {
		t.Errorf("%s: %v, the CSV says %v", what, got, want)
	}
}

func (s sheet) check(t *testing.T, e report.Entry) {
	t.Helper()
	if e.Usage == nil || e.Saving == nil {
		t.Fatalf("%s: nothing known: %s", e.Kind, e.Note)
	}
	u, kind := e.Usage, string(e.Kind)+" "
	close6(t, kind+"paid", u.TPSHours.Paid, s.paid)
	close6(t, kind+"used", u.TPSHours.Used, s.used)
	close6(t, kind+"wasted", u.TPSHours.Wasted, s.paid-s.used)
	close6(t, kind+"idle", *u.IdleHours, s.idle)
	close6(t, kind+"mean", *u.Utilization.Mean, s.mean)
	close6(t, kind+"p50", *u.Utilization.P50, s.p50)
	close6(t, kind+"p95", *u.Utilization.P95, s.p95)
	close6(t, kind+"lowest hour", *u.Utilization.LowestHour, s.lowest)
	close6(t, kind+"highest hour", *u.Utilization.HighestHour, s.highest)
	close6(t, kind+"saved", e.Saving.TPSHours, s.saved)
	close6(t, kind+"saved a month", e.Saving.PerMonth, s.perMonth)
	if e.Saving.NewMin != s.newMin || e.Saving.Jumps != s.jumps || e.Saving.Sudden != s.sudden {
		t.Errorf("%sto %d, jumps %d and %d; the CSV says %d, %d and %d", kind, e.Saving.NewMin, e.Saving.Jumps, e.Saving.Sudden, s.newMin, s.jumps, s.sudden)
	}
	cold := e.Saving.Cold
	if cold.Then.Cold != s.cold || cold.Now.Cold != s.coldNow || cold.Then.Known != s.coldKnown || cold.Now.Known != s.coldKnown || s.cold == 0 {
		t.Errorf("%scold steps %+v, now %+v; the CSV has %d, now %d, of %d", kind, cold.Then, cold.Now, s.cold, s.coldNow, s.coldKnown)
	}
	if e.Kind == model.Campaign {
		close6(t, "estimate", e.Estimate.Paid, 2*s.paid)
		close6(t, "estimate of the saving", e.Estimate.SavedPerMonth, 2*s.perMonth)
	} else if e.Estimate != nil {
		t.Error("an estimate without a price")
	}
}

// put publishes a metric of ours for each 5 minutes of some hours before 12:00.
func (b *bed) put(metric, dimension, arn string, hoursAgo, hours int, value float64) {
	b.tb.Helper()
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", b.net), Clock: b.clock})
	defer clients.Close()
	at := b.clock.Now().Truncate(time.Hour).Add(-time.Duration(hoursAgo) * time.Hour)
	var data []types.MetricDatum
	for range hours * 12 {
		datum := types.MetricDatum{MetricName: aws.String(metric), Timestamp: aws.Time(at), Value: aws.Float64(value)}
		if dimension != "" {
			datum.Dimensions = []types.Dimension{{Name: aws.String(dimension), Value: aws.String(arn)}}
		}
		data = append(data, datum)
		at = at.Add(5 * time.Minute)
	}
	_, err := clients.CloudWatch(home).PutMetricData(context.Background(), &cloudwatch.PutMetricDataInput{
		Namespace: aws.String(model.NamespaceMonitor), MetricData: data,
	})
	if err != nil {
		b.tb.Fatal(err)
	}
}

// The past minimum comes from our own series, and a recommender that was seen to be
// stopped cost nothing meanwhile.
func TestReportGoesByThePastMinimum(t *testing.T) {
	estate := flat(2, home)
	estate.Monitored = neverMonitored
	b := newBed(t, estate)
	arn := "arn:aws:personalize:" + home + ":" + account + ":"
	b.put("minProvisionedTPS", "CampaignArn", arn+"campaign/c", 12, 6, 30)
	b.put("minRecommendationRequestsPerSecond", "RecommenderArn", arn+"recommender/r", 12, 6, 3)
	b.put("monitoredResourceCount", "", "", 12, 12, 2)
	got := b.account(1, nil)
	c, r := entry(t, got, "c"), entry(t, got, "r")
	if c.Usage.MinKnown != 25 || math.Abs(c.Usage.TPSHours.Paid-(6*30+18*2.2)) > 1e-6 {
		t.Errorf("campaign: %+v", *c.Usage)
	}
	// It was called all the time, so it was not stopped, only not seen.
	if r.Usage.StoppedHours != 0 || math.Abs(r.Usage.TPSHours.Paid-(6*3+18*2.2)) > 1e-6 {
		t.Errorf("recommender: %+v", *r.Usage)
	}
	if math.Abs(got.Totals.MinKnown-25) > 1e-9 || !strings.Contains(strings.Join(got.Notes, "\n"), "known from the monitor's own metrics for 25.0% of the time") {
		t.Errorf("known for %v%%, notes %q", got.Totals.MinKnown, got.Notes)
	}
}

func TestReportFindsWhatIsIdle(t *testing.T) {
	description := flat(2, home)
	group := &description.Regions[0].DatasetGroups[0]
	group.Campaigns[0].Traffic = localaws.EstateTraffic{Shape: "stopped", TPS: 5, Since: 80 * time.Hour}
	group.Recommenders[0].Traffic = localaws.EstateTraffic{Shape: "constant", TPS: 5, Percent4xx: 100}
	description.Monitored = 20 * 24 * time.Hour
	b := newBed(t, description)
	used := map[string]string{config.UsedIdleThresholdHours: "48"}
	got := b.account(4, used)
	c, r := entry(t, got, "c"), entry(t, got, "r")
	if c.Saving == nil || c.Saving.Action != rules.Delete || c.Saving.PerMonth != 2*730 || math.Abs(*c.Usage.IdleHours-80) > 0.1 {
		t.Errorf("campaign: %+v, %s", c.Saving, c.Note)
	}
	if r.Saving == nil || r.Saving.Action != rules.StepDown || !strings.Contains(r.Note, "not idle") || *r.Usage.IdleHours != 0 || r.Usage.IdleSince != nil {
		t.Errorf("recommender called in vain: %+v, %s", r.Saving, r.Note)
	}
	if e := entry(t, b.account(4, nil), "c"); e.Saving == nil || e.Saving.Action != rules.StepDown || !strings.Contains(e.Note, "not removed within 192 h") {
		t.Errorf("a silence that may be usual: %+v, %s", e.Saving, e.Note)
	}
	used[config.IdleThresholdHours] = "100"
	if e := entry(t, b.account(4, used), "c"); e.Saving == nil || e.Saving.Action != rules.StepDown {
		t.Errorf("idle for less than the idle time: %+v, %s", e.Saving, e.Note)
	}
}

func TestReportTellsWhatCouldNotBeRead(t *testing.T) {
	b := newBed(t, flat(4, home, "eu-west-1"))
	where := map[string]string{"Regions": home + ",eu-west-1"}
	whole := b.account(2, where)
	b.aws.AddFault(localaws.Fault{Operation: "GetMetricData", Region: "eu-west-1", Kind: localaws.Partial})
	part := b.account(2, where)
	if len(part.Resources) != 8 || part.Totals.Unread != 4 || len(part.Problems) == 0 {
		t.Fatalf("%d resources, %d unread, problems %v", len(part.Resources), part.Totals.Unread, part.Problems)
	}
	close6(t, "the half that was read", part.Totals.TPSHours.Paid, whole.Totals.TPSHours.Paid/2)
	for _, e := range part.Resources {
		if (e.Region == home) != (e.Usage != nil) || e.Region != home && !strings.Contains(e.Note, "could not be read") {
			t.Errorf("%s in %s: %+v %s", e.Name, e.Region, e.Usage, e.Note)
		}
	}
	if !strings.Contains(strings.Join(part.Notes, "\n"), "4 resources could not be metered and are in no sum") {
		t.Errorf("notes %q", part.Notes)
	}
}

func TestReportOfARegionThatCannotBeListed(t *testing.T) {
	b := newBed(t, flat(2, home))
	b.aws.AddFault(localaws.Fault{Service: "personalize", Code: "AccessDeniedException"})
	_, err := b.ledger().Run(context.Background(), cycle.LedgerInput{Params: values(t, nil), Days: 1})
	if !errors.Is(err, cycle.ErrNothingMeasured) {
		t.Error(err)
	}
}

// Of the hours of each resource only those wanted are kept, without the rest behind them,
// and all together are as they are of whole ones.
func TestReportKeepsTheHoursThatAreWanted(t *testing.T) {
	b := newBed(t, flat(4, home))
	all := b.account(14, nil)
	got, err := b.ledger().Run(context.Background(), cycle.LedgerInput{Params: values(t, nil), Days: 14, LastHours: 72})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range got.Resources {
		whole := entry(t, all, e.Name).Hourly
		want := whole[len(whole)-72:]
		if diff := cmp.Diff(want, e.Hourly); diff != "" || cap(e.Hourly) > 2*len(e.Hourly) {
			t.Errorf("%s: %d hours, room for %d:\n%s", e.Name, len(e.Hourly), cap(e.Hourly), diff)
		}
	}
	for most, want := range map[int]int{4 * 72: 72, 4 * 30: 30, 1: 2} {
		few, err := b.ledger().Run(context.Background(), cycle.LedgerInput{Params: values(t, nil), Days: 14, LastHours: 72, MostHours: most})
		if err != nil || len(few.Resources[0].Hourly) != want {
			t.Errorf("%d hours of each if %d are kept of all: %v", len(few.Resources[0].Hourly), most, err)
		}
	}
	if diff := cmp.Diff(all.Hourly, got.Hourly, cmpopts.EquateApprox(0, 1e-9)); diff != "" || len(got.Hourly[model.Campaign]) != 14*24 {
		t.Errorf("all together: %d hours\n%s", len(got.Hourly[model.Campaign]), diff)
	}
	sum := 0.0
	for _, e := range all.Resources {
		if e.Kind == model.Campaign {
			sum += e.Hourly[10].Provisioned
		}
	}
	if sum == 0 || all.Hourly[model.Campaign][10].Provisioned != sum {
		t.Errorf("%v provisioned together, want %v", all.Hourly[model.Campaign][10].Provisioned, sum)
	}
}

// However few resources are metered together, the report is the same.
func TestAReportInSmallPartsIsTheSame(t *testing.T) {
	b := newBed(t, flat(4, home))
	var made []report.Ledger
	var steps []int
	for _, atOnce := range []int{0, 1} {
		b.aws.ResetCalls()
		one, err := b.ledger().Run(context.Background(), cycle.LedgerInput{Params: values(t, nil), Days: 14, LastHours: 72, AtOnce: atOnce})
		if err != nil {
			t.Fatal(err)
		}
		made, steps = append(made, one), append(steps, b.aws.Calls()["cloudwatch.GetMetricData"])
	}
	if diff := cmp.Diff(made[0].Resources, made[1].Resources); diff != "" || len(made[0].Resources) != 4 {
		t.Error(diff)
	}
	if steps[1] <= steps[0] {
		t.Errorf("%d calls one by one, %d together", steps[1], steps[0])
	}
}

func TestReportOfAnEmptyAccount(t *testing.T) {
	got := newBed(t, localaws.Estate{Regions: []localaws.EstateRegion{{Name: home}}}).account(14, nil)
	if len(got.Resources)+len(got.Problems)+len(got.Notes)+len(got.Prices) != 0 || got.MetricsGot != 0 {
		t.Errorf("%+v", got)
	}
}

func TestReportIsNotFinishedWhenInterrupted(t *testing.T) {
	b := newBed(t, flat(4, home))
	ctx, cancel := context.WithCancel(context.Background())
	l := b.ledger()
	l.Progress = func(step string, _, _ int) {
		if step == "discover" {
			cancel()
		}
	}
	if out, err := l.Run(ctx, cycle.LedgerInput{Params: values(t, nil), Days: 14}); !errors.Is(err, context.Canceled) || len(out.Resources) > 0 {
		t.Errorf("%v with %d resources", err, len(out.Resources))
	}
}

// In the same calls go as many series as fit: 25 of 14 days.
func TestReportAsksInBulk(t *testing.T) {
	b := newBed(t, flat(100, home))
	b.aws.ResetCalls()
	got := b.account(14, nil)
	// 200 series of 4,032 datapoints at 25 a call, and one for when the monitor ran.
	if n := b.aws.Calls()["cloudwatch.GetMetricData"]; n != 9 || got.Calls["cloudwatch.GetMetricData"] != n || got.MetricsGot != 201 {
		t.Errorf("%d calls, %d told, %d series", n, got.Calls["cloudwatch.GetMetricData"], got.MetricsGot)
	}
	if writes := b.aws.Calls(); writes["cloudwatch.PutMetricData"]+writes["events.PutEvents"] > 0 {
		t.Errorf("a report writes: %v", writes)
	}
}

// plan tells what each decision would save, by the same rules.
func TestPlanTellsWhatDecisionsSave(t *testing.T) {
	description := flat(4, home)
	group := &description.Regions[0].DatasetGroups[0]
	group.Campaigns[0].MinTPS, group.Campaigns[0].Recipe = 20, "aws-similar-items"
	group.Recommenders[0].Traffic = localaws.EstateTraffic{Shape: "stopped", TPS: 5, Since: 10 * 24 * time.Hour}
	description.Monitored = 20 * 24 * time.Hour
	b := newBed(t, description)
	b.dryRun = true
	b.restart(b.clock)
	b.cycle.Prices = fixedPrices
	got := b.run(map[string]string{"HourlyChecks": "always", "AutoDeleteOrStopIdleResources": "yes"})
	c, r := byName(t, got, "c-1"), byName(t, got, "r-1")
	if c.Saving == nil || c.Saving.NewMin != 15 || c.NewMin != 15 || math.Abs(c.Saving.TPSHours-5*336) > 1e-6 || c.Estimate == nil {
		t.Fatalf("campaign: %+v %+v", c.Saving, c.Estimate)
	}
	close6(t, "estimate", c.Estimate.SavedPerMonth, 2*5*730)
	if r.Decision != rules.Stop || r.Saving == nil || r.Saving.PerMonth != 2*730 || r.Estimate != nil {
		t.Errorf("recommender: %s %+v %+v", r.Decision, r.Saving, r.Estimate)
	}
	b.cycle.Prices = nil
	if r := byName(t, b.run(map[string]string{"HourlyChecks": "always"}), "c-1"); r.Saving != nil {
		t.Error("a run has better things to do")
	}
}

// BenchmarkReport makes a report of 14 days through the wire.
//
//	go test ./internal/cycle -run '^$' -bench 'Report/^1000$' -benchtime 1x
func BenchmarkReport(b *testing.B) {
	five := []string{home, "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1"}
	for _, resources := range []int{100, 1000, 10000} {
		b.Run(strconv.Itoa(resources), func(b *testing.B) {
			regions := five
			if resources < 10000 {
				regions = five[:1]
			}
			bed := newBed(b, flat(resources/len(regions), regions...))
			b.ReportAllocs()
			for b.Loop() {
				bed.aws.ResetCalls()
				got := bed.account(14, map[string]string{"Regions": strings.Join(regions, ",")})
				if len(got.Resources) != resources || got.Totals.Unread > 0 {
					b.Fatalf("%d resources, %d unread: %v", len(got.Resources), got.Totals.Unread, got.Problems)
				}
				var text bytes.Buffer
				if err := page.Write(&text, got); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(text.Len()), "page-bytes")
				b.ReportMetric(float64(total(bed.aws.Calls())), "calls/op")
			}
		})
	}
}
