package localaws

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// sums asks CloudWatch for the sums of the campaign c's requests, by start of period.
func (r *rig) sums(t *testing.T, period int32, from, to time.Time) map[time.Time]float64 {
	t.Helper()
	sums := map[time.Time]float64{}
	cw := cloudwatch.NewFromConfig(r.config(testRegion))
	for p := cloudwatch.NewGetMetricDataPaginator(cw, &cloudwatch.GetMetricDataInput{
		StartTime: &from, EndTime: &to, MetricDataQueries: []cwtypes.MetricDataQuery{{
			Id: aws.String("q"), MetricStat: &cwtypes.MetricStat{
				Metric: &cwtypes.Metric{
					Namespace: aws.String("AWS/Personalize"), MetricName: aws.String("GetRecommendations"),
					Dimensions: []cwtypes.Dimension{{Name: aws.String("CampaignArn"), Value: arnOf("campaign/c")}},
				},
				Period: &period, Stat: aws.String("Sum"),
			},
		}},
	}); p.HasMorePages(); {
		for _, result := range ok[*cloudwatch.GetMetricDataOutput](t)(p.NextPage(background)).MetricDataResults {
			for i, at := range result.Timestamps {
				sums[at.UTC()] = result.Values[i]
			}
		}
	}
	return sums
}

func replayOf(t *testing.T, file string, change func(*EstateCampaign)) Estate {
	t.Helper()
	trace, err := ParseTrace([]byte(file), "test.csv")
	if err != nil {
		t.Fatal(err)
	}
	c := EstateCampaign{EstateEndpoint: EstateEndpoint{Name: "c", Recipe: "aws-sims", Traffic: EstateTraffic{Trace: trace, Scale: 70.1}}}
	if change != nil {
		change(&c)
	}
	return Estate{Account: testAccount, Regions: []EstateRegion{{Name: testRegion, DatasetGroups: []EstateDatasetGroup{{Name: "g", Campaigns: []EstateCampaign{c}}}}}}
}

func TestReplayEndsAtTheLatestBoundary(t *testing.T) {
	// Five minutes apart, off the boundaries, with one row missing and one of zero.
	const file = "timestamp,value\n2015-01-01 00:02:53,4\n2015-01-01 00:07:53,0\n2015-01-01 00:12:53,1.5\n2015-01-01 00:22:53,10\n"
	r := newWorld(t, replayOf(t, file, nil), WithClock(&handClock{now: noon.Add(3*time.Minute + 20*time.Second)}))
	got := r.sums(t, 300, noon.Add(-time.Hour), noon.Add(time.Hour))
	want := map[time.Time]float64{noon.Add(-25 * time.Minute): 4 * 70.1, noon.Add(-15 * time.Minute): 1.5 * 70.1, noon.Add(-5 * time.Minute): 701}
	if len(got) != len(want) {
		t.Errorf("sums %v, want %v", got, want)
	}
	for at, v := range want {
		if math.Abs(got[at]-v) > 1e-9 {
			t.Errorf("at %v: %v, want %v", at, got[at], v)
		}
	}
	if c := r.campaign(t, "c"); !c.CreationDateTime.Equal(noon.Add(-25 * time.Minute)) {
		t.Errorf("created %v", c.CreationDateTime)
	}
}

func TestReplayWithinTheResourcesLife(t *testing.T) {
	const file = "timestamp,value\n2015-01-01 00:00:00,1\n2015-01-01 00:05:00,2\n2015-01-01 00:10:00,3\n2015-01-01 00:15:00,4\n"
	sumsAfter := func(change func(*EstateCampaign), move time.Duration) map[time.Time]float64 {
		clock := &handClock{now: noon}
		r := newWorld(t, replayOf(t, file, change), WithClock(clock))
		clock.move(move)
		return r.sums(t, 300, noon.Add(-24*time.Hour), noon.Add(24*time.Hour))
	}
	tests := []struct {
		name   string
		change func(*EstateCampaign)
		move   time.Duration
		want   float64 // sum of all, in units of the scale
	}{
		{"all of it", nil, 0, 10},
		{"rows before the creation do not count, the row of it does", func(c *EstateCampaign) { c.Age = 12 * time.Minute }, 0, 9},
		{"an older resource has no more rows", func(c *EstateCampaign) { c.Age = 48 * time.Hour }, 0, 10},
		{"after the end there is nothing", nil, 10 * time.Hour, 10},
		{"unless it repeats", func(c *EstateCampaign) { c.Traffic.Repeat = true }, 30 * time.Minute, 10 + 10 + 3},
		{"a mean sets the scale", func(c *EstateCampaign) { c.Traffic.Scale, c.Traffic.MeanTPS = 0, 2*701/300.0/10 }, 0, 4 * 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sum := 0.0
			for _, v := range sumsAfter(tt.change, tt.move) {
				sum += v / 70.1
			}
			if math.Abs(sum-tt.want) > 1e-9 {
				t.Errorf("sum %v, want %v", sum, tt.want)
			}
		})
	}
}

// tracesVariable names the directory with the real request counts.
const tracesVariable = "PERSONALIZE_MONITOR_TRACES"

func TestReplayOfRealTraffic(t *testing.T) {
	dir := os.Getenv(tracesVariable)
	if dir == "" {
		t.Skip(tracesVariable + " does not name the directory of the real request counts")
	}
	for _, name := range []string{"elb_request_count_8c0756.csv", "Twitter_volume_AAPL.csv", "Twitter_volume_AMZN.csv"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			estate, err := ParseEstate([]byte("regions: {eu-west-1: {datasetGroups: [{name: shop, campaigns: [{name: c, recipe: aws-sims, traffic: {csv: "+name+", meanTPS: 20}}]}]}}"), "e.yaml",
				func(string) ([]byte, error) { return data, nil })
			if err != nil {
				t.Fatal(err)
			}
			estate.Account = testAccount
			r := newWorld(t, estate)
			rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			checkReplay(t, r, rows[1:])
		})
	}
}

// checkReplay compares the last 14 days, calculated straight from the rows, with what
// CloudWatch says.
func checkReplay(t *testing.T, r *rig, rows [][]string) {
	t.Helper()
	at := func(i int) time.Time { return ok[time.Time](t)(time.Parse("2006-01-02 15:04:05", rows[i][0])) }
	value := func(i int) float64 { return ok[float64](t)(strconv.ParseFloat(rows[i][1], 64)) }
	mean := 0.0
	for i := range rows {
		mean += value(i) / float64(len(rows))
	}
	shift := noon.Add(-5 * time.Minute).Sub(at(len(rows) - 1))
	if c := r.campaign(t, "c"); !c.CreationDateTime.Equal(at(0).Add(shift)) {
		t.Errorf("created %v, want %v", c.CreationDateTime, at(0).Add(shift))
	}
	from := noon.Add(-13 * 24 * time.Hour)
	want := map[time.Time]float64{}
	for i := range rows {
		if hour := at(i).Add(shift).Truncate(time.Hour); !hour.Before(from) && value(i) > 0 {
			want[hour] += value(i) * 6000 / mean
		}
	}
	got := r.sums(t, 3600, from, noon)
	if len(got) != len(want) {
		t.Errorf("%d hours, want %d", len(got), len(want))
	}
	for hour, v := range want {
		if math.Abs(got[hour]-v) > 1e-6*v {
			t.Errorf("hour %v: %v, want %v", hour, got[hour], v)
		}
	}
	last := r.sums(t, 300, noon.Add(-5*time.Minute), noon)[noon.Add(-5*time.Minute)]
	if v := value(len(rows)-1) * 6000 / mean; math.Abs(last-v) > 1e-6*v {
		t.Errorf("the last five minutes: %v, want %v", last, v)
	}
}
