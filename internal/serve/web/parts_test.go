package web

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestFigure(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.004: "0", 0.126: "0.13", 1.5: "1.5", 9.996: "10", 12.34: "12.3", 99.94: "99.9", 99.96: "100", 1234.6: "1,235", 1234567: "1,234,567", -1234: "-1,234", -0.001: "0",
	} {
		if got := figure(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	if got := figure(math.NaN()) + figure(math.Inf(1)); got != "––" {
		t.Errorf("no numbers: %q", got)
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		59 * time.Second: "just now", -30 * time.Second: "just now", -5 * time.Minute: "in 5 min", 119 * time.Minute: "119 min ago",
		2 * time.Hour: "2 h ago", 95 * time.Hour: "95 h ago", 96 * time.Hour: "4 days ago",
	} {
		if got := ago(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for source, want := range map[string][]textLine{
		"### Group a\\_b (x) · [Manage](https://e.com/?a=b#c)": {{Heading: true, Parts: []textPart{{Text: "Group a_b (x) · "}, {Text: "Manage", Link: "https://e.com/?a=b#c"}}}},
		"one **two** three\n\nfour":                            {{Parts: []textPart{{Text: "one "}, {Text: "two", Bold: true}, {Text: " three"}}}, {Parts: []textPart{{Text: "four"}}}},
		"[bad](javascript:alert(1)) <b>":                       {{Parts: []textPart{{Text: "[bad](javascript:alert(1)) <b>"}}}},
		"#hash":                                                {{Parts: []textPart{{Text: "#hash"}}}},
	} {
		if diff := cmp.Diff(want, markdown(source)); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", source, diff)
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add("### a [b](https://c) **d** \\*")
	f.Fuzz(func(t *testing.T, source string) {
		for _, line := range markdown(source) {
			for _, part := range line.Parts {
				if part.Link != "" && !strings.HasPrefix(part.Link, "https://") {
					t.Errorf("%q links to %q", source, part.Link)
				}
			}
		}
	})
}

func TestThroughputKeepsUnknownApartFromZero(t *testing.T) {
	start := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	arn, kind, err := model.ParseResourceARN("arn:aws:personalize:us-east-1:123456789012:campaign/c")
	if err != nil {
		t.Fatal(err)
	}
	r := model.Resource{ARN: arn, Kind: kind, Name: "c", Recipe: "aws-sims", Status: model.StatusActive, MinTPS: 4, Created: start.Add(5 * time.Minute)}
	s := span{Length: 20 * time.Minute, Period: 5 * time.Minute}
	w := model.NewWindow(start, start.Add(s.Length))
	at := func(i int, v float64) model.Datapoint {
		return model.Datapoint{Time: start.Add(time.Duration(i) * 5 * time.Minute), Value: v}
	}
	requests, minimum := []model.Datapoint{at(2, 600)}, []model.Datapoint{at(3, 8)}
	show := func(values []*float64) string {
		var cells []string
		for _, v := range values {
			cell := "?"
			if v != nil {
				cell = figure(*v)
			}
			cells = append(cells, cell)
		}
		return strings.Join(cells, " ")
	}
	for _, tt := range []struct {
		name                         string
		recipe                       string
		complete                     bool
		actual, minimum, utilization string
	}{
		{"complete: no data is no request, but not before its creation", "aws-sims", true, "? 0 2 0", "? 8 8 8", "? 0 25 0"},
		{"incomplete: no data is not known", "aws-sims", false, "? ? 2 ?", "? 8 8 8", "? ? 25 ?"},
		{"a recipe whose requests may be invisible", "aws-next-best-action", true, "? ? 2 ?", "? 8 8 8", "? ? 25 ?"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.Recipe, r.LastUpdated = tt.recipe, start.Add(time.Hour)
			throughput, utilization := throughputPlots(r, s, w, model.Series{Points: requests, Complete: tt.complete}, model.Series{Points: minimum, Complete: true})
			got := []string{show(throughput.Lines[1].Values), show(throughput.Lines[0].Values), show(utilization.Lines[0].Values)}
			if diff := cmp.Diff([]string{tt.actual, tt.minimum, tt.utilization}, got); diff != "" {
				t.Errorf("actual, minimum, utilization (-want +got)\n%s", diff)
			}
			if throughput.Note == "" || utilization.Note != throughput.Note {
				t.Errorf("it is not said that a minimum is assumed, or that data are missing: %q, %q", throughput.Note, utilization.Note)
			}
		})
	}
	t.Run("a minimum that could not be read is not assumed", func(t *testing.T) {
		r.Recipe = "aws-sims"
		throughput, _ := throughputPlots(r, s, w, model.Series{Points: requests, Complete: true}, model.Series{Points: minimum})
		if got := show(throughput.Lines[0].Values); got != "? ? ? 8" || throughput.Note != partial(model.Series{}) {
			t.Errorf("minimum %s, note %q", got, throughput.Note)
		}
	})
	t.Run("nor that of a resource out of service", func(t *testing.T) {
		r.Status = model.StatusInactive
		throughput, _ := throughputPlots(r, s, w, model.Series{Points: requests, Complete: true}, model.Series{Points: minimum, Complete: true})
		if got := show(throughput.Lines[0].Values); got != "? ? ? 8" || throughput.Note != "" {
			t.Errorf("minimum %s, note %q", got, throughput.Note)
		}
	})
}

func TestPathLeavesGaps(t *testing.T) {
	one, two := 1.0, 2.0
	place := frameOf(5, 2, 0, 0, 4, 2)
	if got := place.path([]*float64{&one, &two, nil, &one, nil}, false); got != "M0 1L1 0M3 1h1" {
		t.Errorf("path %q", got)
	}
	if got := place.path([]*float64{&one, &two}, true); got != "M0 1H1V0" {
		t.Errorf("steps %q", got)
	}
}

func TestSeriesAreKeptWithinBounds(t *testing.T) {
	var c seriesCache
	for i := range cachedSeries + 10 {
		q := model.Query{Period: time.Duration(i)}
		c.put(model.Readings{q: {Complete: true}})
	}
	c.put(model.Readings{{Region: "incomplete"}: {}})
	_, oldest := c.get(model.Query{Period: 9})
	_, newest := c.get(model.Query{Period: cachedSeries + 9})
	_, incomplete := c.get(model.Query{Region: "incomplete"})
	if len(c.series) != cachedSeries || oldest || !newest || incomplete {
		t.Errorf("%d kept; oldest %v, newest %v, incomplete %v", len(c.series), oldest, newest, incomplete)
	}
}
