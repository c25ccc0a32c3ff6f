package estatefile

import (
	"math"
	"strings"
	"testing"
	"time"
)

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
		if got := MetricOf(tt.recipe, tt.visible); got != tt.want {
			t.Errorf("MetricOf(%s, %t) = %q, want %q", tt.recipe, tt.visible, got, tt.want)
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
		{"a stray quote", "timestamp,value\n2026-01-01 00:00:00,\"1\n", "t.csv:2:"},
		{"a quote within a field", "timestamp,value\n2026-01-01 00:00:00,1\n2026-01-01 00:05:00,1\"\n", "t.csv:3:22: bare \""},
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
		if got := tr.At(period, false); got != want {
			t.Errorf("period %d: %v, want %v", period, got, want)
		}
	}
	for period, want := range map[int64]float64{1: 5, 2: 7, 3: 0, 4: 3.5, 5: 3, 6: 5, 11: 5} {
		if got := tr.At(period, true); got != want {
			t.Errorf("repeated, period %d: %v, want %v", period, got, want)
		}
	}
	if tr.Span() != 25*time.Minute || tr.Mean() != 18.5/6 {
		t.Errorf("span %v, mean %v", tr.Span(), tr.Mean())
	}
}

func TestOddRowsAreNamed(t *testing.T) {
	parse := func(file string) []string {
		tr, err := ParseTrace([]byte("timestamp,value\n"+file), "t.csv")
		if err != nil {
			t.Fatal(err)
		}
		return tr.Notes()
	}
	got := parse("2026-01-01 00:00:00,1\n2026-01-01 00:05:00,2\n2026-01-01 00:05:00,3\n2026-01-01 00:05:00,4\n" +
		"2026-01-01 00:10:00,1\n2026-01-01 00:20:00,1\n2026-01-01 00:25:00,1\n2026-01-01 02:25:00,1\n2026-01-01 02:30:00,1\n2026-01-01 02:35:00,1\n")
	want := []string{
		"t.csv:4: the time stamp 2026-01-01 00:05:00 is that of the row above, too; both counts are added up (rows like this: 2)",
		"t.csv:9: no row between 2026-01-01 00:25:00 and 2026-01-01 02:25:00; no request is replayed there (gaps like this: 2, this is the longest)",
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%q", got)
	}
	if got := parse("2026-01-01 00:00:00,1\n2026-01-01 00:06:00,0\n2026-01-01 00:10:00,2\n"); len(got) > 0 {
		t.Errorf("nothing is odd, and yet %q", got)
	}
}

// Many endpoints may replay one CSV. What is wrong with it is reported once, and what is odd, too.
func TestACSVIsReportedOnce(t *testing.T) {
	const estate = `regions:
  us-east-1:
    datasetGroups:
      - name: shop
        domain: ECOMMERCE
        campaigns:
          - {name: a, recipe: aws-sims, traffic: {csv: t.csv}}
          - {name: b, recipe: aws-sims, traffic: {csv: t.csv, meanTPS: 4}}
        recommenders:
          - {name: c, recipe: aws-ecomm-recommended-for-you, traffic: {csv: t.csv}}
`
	open := func(text string) func(string) ([]byte, error) {
		return func(string) ([]byte, error) { return []byte(text), nil }
	}
	_, err := Parse([]byte(estate), "e.yaml", open("timestamp,value\n2026-01-01 00:00:00,many\n"))
	if err == nil || err.Error() != `e.yaml:7:51: t.csv:2: value "many" is not a count of requests: a number from 0 on` {
		t.Errorf("%v", err)
	}
	odd, err := Parse([]byte(estate), "e.yaml", open("timestamp,value\n2026-01-01 00:00:00,1\n2026-01-01 00:00:00,1\n2026-01-01 00:05:00,1\n2026-01-01 00:10:00,1\n"))
	if err != nil || len(odd.Notes()) != 1 {
		t.Errorf("%q, %v", odd.Notes(), err)
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
			sum += tr.At(row.period, false)
		}
		if sum < 0 || math.IsNaN(tr.Mean()) || tr.Span() < Step {
			t.Errorf("sum %v, mean %v, span %v", sum, tr.Mean(), tr.Span())
		}
		tr.At(1<<40, true)
	})
}
