package web

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		59 * time.Second: "just now", -30 * time.Second: "just now", -5 * time.Minute: "in 5 min", 119 * time.Minute: "119 min ago",
		2 * time.Hour: "2 h ago", 24*time.Hour - 1: "23 h ago", 24 * time.Hour: "18 Feb 12:00", 310 * 24 * time.Hour: "15 Apr 2025", -96 * time.Hour: "in 4 days",
	} {
		now := time.Date(2026, 2, 19, 12, 0, 0, 0, time.UTC)
		if got := ago(now.Add(-d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestThroughputKeepsUnknownApartFromZero(t *testing.T) {
	start := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	arn, kind, err := model.ParseResourceARN("arn:aws:personalize:us-east-1:123456789012:campaign/c")
	if err != nil {
		t.Fatal(err)
	}
	r := model.Resource{ARN: arn, Kind: kind, Name: "c", Recipe: "aws-sims", Status: model.StatusActive, MinTPS: 4, Created: start.Add(5 * time.Minute)}
	const period = 5 * time.Minute
	w := model.NewWindow(start, start.Add(4*period))
	at := func(i int, v float64) model.Datapoint {
		return model.Datapoint{Time: start.Add(time.Duration(i) * 5 * time.Minute), Value: v}
	}
	requests, minimum := []model.Datapoint{at(2, 600)}, []model.Datapoint{at(3, 8)}
	show := func(values []*float64) string {
		var cells []string
		for _, v := range values {
			cell := "?"
			if v != nil {
				cell = model.Figure(*v)
			}
			cells = append(cells, cell)
		}
		return strings.Join(cells, " ")
	}
	for _, tt := range []struct {
		name            string
		recipe          string
		complete        bool
		actual, minimum string
		gaps            string // the reason of each
	}{
		{"complete: no data is no request, but not before its creation", "aws-sims", true, "? 0 2 0", "? 8 8 8", ""},
		{"incomplete: no data is not known", "aws-sims", false, "? ? 2 ?", "? 8 8 8", "5 to 10: not read, 15 to 20: not read"},
		{"a recipe whose requests may be invisible", "aws-next-best-action", true, "? ? 2 ?", "? 8 8 8", "5 to 10: not known, 15 to 20: not known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.Recipe, r.LastUpdated = tt.recipe, start.Add(time.Hour)
			throughput := throughputChart(r, period, w, model.Series{Points: requests, Complete: tt.complete}, model.Series{Points: minimum, Complete: true}, false)
			got := []string{show(throughput.Lines[1].Values), show(throughput.Lines[0].Values)}
			if diff := cmp.Diff([]string{tt.actual, tt.minimum}, got); diff != "" {
				t.Errorf("actual, minimum (-want +got)\n%s", diff)
			}
			if got := gapsText(throughput, start); got != tt.gaps {
				t.Errorf("gaps %q, want %q", got, tt.gaps)
			}
			if throughput.Note == "" {
				t.Error("it is not said that a minimum is assumed, or that data are missing")
			}
		})
	}
	t.Run("late data: what follows the newest is not known", func(t *testing.T) {
		r.Recipe = "aws-sims"
		for late, want := range map[bool]string{true: "? 0 2 ?", false: "? 0 2 0"} {
			throughput := throughputChart(r, period, w, model.Series{Points: requests, Complete: true}, model.Series{Complete: true}, late)
			if got := show(throughput.Lines[1].Values); got != want {
				t.Errorf("late %v: %s, want %s", late, got, want)
			}
			if got := gapsText(throughput, start); late && got != "15 to 20: CloudWatch data are late" || !late && got != "" {
				t.Errorf("late %v: gaps %q", late, got)
			}
			if hatched := len(throughput.Drawing().Gaps); late != (hatched == 1) || late != strings.Contains(throughput.Summary(), "CloudWatch data are late.") {
				t.Errorf("late %v: %d parts are hatched, and it is described as %s", late, hatched, throughput.Summary())
			}
		}
	})
	t.Run("a minimum that could not be read is not assumed", func(t *testing.T) {
		r.Recipe = "aws-sims"
		throughput := throughputChart(r, period, w, model.Series{Points: requests, Complete: true}, model.Series{Points: minimum}, false)
		if got := show(throughput.Lines[0].Values); got != "? ? ? 8" || throughput.Note != partialNote(model.Series{}) {
			t.Errorf("minimum %s, note %q", got, throughput.Note)
		}
	})
	t.Run("nor that of a resource out of service", func(t *testing.T) {
		r.Status = model.StatusInactive
		throughput := throughputChart(r, period, w, model.Series{Points: requests, Complete: true}, model.Series{Points: minimum, Complete: true}, false)
		if got := show(throughput.Lines[0].Values); got != "? ? ? 8" || throughput.Note != "" {
			t.Errorf("minimum %s, note %q", got, throughput.Note)
		}
	})
}

// gapsText are the gaps of a chart in minutes since its start.
func gapsText(c chart.Chart, start time.Time) string {
	var texts []string
	for _, g := range c.Gaps {
		texts = append(texts, fmt.Sprintf("%d to %d: %s", (g.From-start.Unix())/60, (g.Until-start.Unix())/60, g.Label))
	}
	return strings.Join(texts, ", ")
}

func TestBounded(t *testing.T) {
	b := bounded[int, string]{limit: 3}
	for i := range 5 {
		b.put(i, "first")
	}
	b.put(3, "second")
	if _, ok := b.get(1); ok || len(b.values) != 3 || len(b.order) != 3 {
		t.Errorf("%d kept, %v", len(b.values), b.order)
	}
	if v, ok := b.take(3); !ok || v != "second" {
		t.Errorf("%q, %v", v, ok)
	}
	if _, ok := b.take(3); ok || len(b.order) != 2 {
		t.Errorf("taken twice; %v", b.order)
	}
}

func TestMemoMakesAValueOncePerKey(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it may drop the value at any time
	var m memo[int, string]
	made := 0
	create := func(text string) func() string { return func() string { made++; return text } }
	for _, one := range []struct {
		key  int
		text string
		want string
	}{{0, "first", "first"}, {0, "not made", "first"}, {1, "second", "second"}, {0, "third", "third"}} {
		if got := m.get(one.key, create(one.text)); got != one.want {
			t.Errorf("of %d: %q, want %q", one.key, got, one.want)
		}
	}
	if made != 3 {
		t.Errorf("made %d times", made)
	}
}

// Only complete series are cached.
func TestReaderCachesCompleteSeries(t *testing.T) {
	complete, partial := model.Query{Region: "complete"}, model.Query{Region: "partial"}
	r := newReader(t.Context(), fixedSeries{complete: {Complete: true}, partial: {}})
	if got, err := r.read(t.Context(), "both", []model.Query{complete, partial}); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	_, first := r.cache.get(complete)
	_, second := r.cache.get(partial)
	if !first || second {
		t.Errorf("cached: complete %v, partial %v", first, second)
	}
}

type fixedSeries model.Readings

func (s fixedSeries) Measure(context.Context, []model.Query, func(done, total int)) (model.Readings, []model.Problem) {
	return model.Readings(s), nil
}

// heldWhatIf counts the resources that are being read, until they may end.
type heldWhatIf struct{ reading, may chan struct{} }

func (w heldWhatIf) Of(context.Context, model.Resource, time.Duration) (report.WhatIfEntry, []model.Problem) {
	w.reading <- struct{}{}
	<-w.may
	return report.WhatIfEntry{}, nil
}

// Whoever opens the pages of all endpoints has only some of them compared at the same time; the rest follow.
func TestFewComparisonsAreReadAtOnce(t *testing.T) {
	held := heldWhatIf{make(chan struct{}, 100), make(chan struct{})}
	c := newComparisons(Options{WhatIf: held})
	for i := range 3 * comparisonsAtOnce {
		one := c.begin(t.Context(), model.Resource{MinTPS: i + 1})
		if again := c.begin(t.Context(), model.Resource{MinTPS: i + 1}); i < comparisonsAtOnce && again != one {
			t.Errorf("resource %d is read twice", i)
		}
	}
	for range comparisonsAtOnce {
		<-held.reading
	}
	last := model.Resource{MinTPS: 3 * comparisonsAtOnce}
	if v := c.view(t.Context(), last, c.begin(t.Context(), last), ""); !v.Pending || len(held.reading) > 0 {
		t.Errorf("pending: %t, and %d more are read", v.Pending, len(held.reading))
	}
	close(held.may)
	_ = c.reading.Wait() // each makes room once it is over; they have no error
	<-c.begin(t.Context(), last).done
}
