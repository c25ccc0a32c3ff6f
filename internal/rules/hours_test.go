package rules

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// observed builds the evidence of a resource, hour by hour from the start of the window.
type observed struct {
	start  time.Time
	counts []model.Datapoint
	own    []model.Datapoint
	hours  int
}

// add appends hours with the same rate (negative: no datapoint) and watched windows each.
func (o *observed) add(hours int, rate float64, windows int) {
	for range hours {
		at := o.start.Add(time.Duration(o.hours) * time.Hour)
		if rate >= 0 {
			o.counts = append(o.counts, model.Datapoint{Time: at, Value: rate * 3600})
		}
		for i := range windows {
			o.own = append(o.own, model.Datapoint{Time: at.Add(time.Duration(i) * WindowLength), Value: 40})
		}
		o.hours++
	}
}

func (o *observed) evidence() Evidence {
	return Evidence{
		Window:   model.NewWindow(o.start, o.start.Add(time.Duration(o.hours)*time.Hour)),
		Requests: model.Series{Points: o.counts, Complete: true},
		Watched:  WatchedHours(model.Series{Points: o.own, Complete: true}, o.start),
		Regional: model.Series{Complete: true},
	}
}

func TestHoursAreKnownOrUnknown(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	const none = -1
	tests := map[string]struct {
		build func(o *observed)
		hour  int
		ago   time.Duration // since the hour ended
		want  Hour
	}{
		"a watched hour with a count is counted after 6 h":    {func(o *observed) { o.add(3, 2, 12) }, 1, 6 * time.Hour, Hour{State: HourCounted, Requests: 7200}},
		"and unknown a moment before":                         {func(o *observed) { o.add(3, 2, 12) }, 1, 6*time.Hour - 1, Hour{Gap: GapRecent}},
		"a count of 0 is a count":                             {func(o *observed) { o.add(3, 0, 12) }, 1, 6 * time.Hour, Hour{State: HourCounted}},
		"a watched hour without a count is silent after 24 h": {func(o *observed) { o.add(3, none, 12) }, 1, 24 * time.Hour, Hour{State: HourSilent}},
		"and unknown a moment before, as data may be late":    {func(o *observed) { o.add(3, none, 12) }, 1, 24*time.Hour - 1, Hour{Gap: GapRecent}},
		"11 of 12 windows are not a watched hour":             {func(o *observed) { o.add(1, 2, 12); o.add(1, 2, 11); o.add(1, 2, 12) }, 1, 48 * time.Hour, Hour{Gap: GapWatch}},
		"nor is silence in it":                                {func(o *observed) { o.add(1, 2, 12); o.add(1, none, 11); o.add(1, 2, 12) }, 1, 48 * time.Hour, Hour{Gap: GapNoCount}},
		"an hour before one without a count may be partial":   {func(o *observed) { o.add(2, 2, 12); o.add(1, none, 12) }, 1, 25*time.Hour - 1, Hour{Gap: GapEdge}},
		"until that one is silent":                            {func(o *observed) { o.add(2, 2, 12); o.add(1, none, 12) }, 1, 25 * time.Hour, Hour{State: HourCounted, Requests: 7200}},
		"so may an hour after one":                            {func(o *observed) { o.add(1, none, 12); o.add(2, 2, 12) }, 1, 23*time.Hour - 1, Hour{Gap: GapEdge}},
		"until that one is silent, too":                       {func(o *observed) { o.add(1, none, 12); o.add(2, 2, 12) }, 1, 23 * time.Hour, Hour{State: HourCounted, Requests: 7200}},
		"and what was not watched is never silent":            {func(o *observed) { o.add(1, none, 11); o.add(2, 2, 12) }, 1, 100 * time.Hour, Hour{Gap: GapEdge}},
		"nothing is missing before the creation":              {func(o *observed) { o.add(3, 2, 12) }, 0, 6 * time.Hour, Hour{State: HourCounted, Requests: 7200}},
		"before a longer window something may be":             {func(o *observed) { o.add(14*24, 2, 12) }, 0, 400 * time.Hour, Hour{Gap: GapEdge}},
		"before the monitor, a count between counts is one":   {func(o *observed) { o.add(3, 2, 0) }, 1, 48 * time.Hour, Hour{State: HourCounted, Requests: 7200}},
		"later it may be that of a stop":                      {func(o *observed) { o.add(1, 2, 12); o.add(1, 2, 0); o.add(1, 2, 12) }, 1, 48 * time.Hour, Hour{Gap: GapWatch}},
		"at the edge of a hole it may be partial":             {func(o *observed) { o.add(2, 2, 0); o.add(1, none, 0) }, 1, 48 * time.Hour, Hour{Gap: GapEdge}},
		"before the monitor, no count proves nothing":         {func(o *observed) { o.add(1, 2, 0); o.add(1, none, 0); o.add(1, 2, 0) }, 1, 480 * time.Hour, Hour{Gap: GapNoCount}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := &observed{start: start}
			test.build(o)
			got := o.evidence().Hours(start.Add(time.Duration(test.hour+1)*time.Hour + test.ago))[test.hour]
			test.want.Start = start.Add(time.Duration(test.hour) * time.Hour)
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// With a long MetricDelay, what is published for the first windows after a start may be of a time before it.
func TestWindowsAfterAStartAreNotWatched(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		missing, of, hour int // so many windows before a window, counted from the start; the hour that is looked at
		want              float64
	}{
		{0, 24, 2, 12},
		{1, 24, 2, 12}, // a stop and a start take longer
		{2, 24, 2, 7},
		{2, 19, 2, 12},
		{2, 20, 2, 11},
		{2, 20, 1, 6},
		{1, 1, 0, 11},
		{2, 2, 0, 5}, // the series begins later than it could
	} {
		var own model.Series
		for i := range 36 {
			if i < test.of-test.missing || i >= test.of {
				own.Points = append(own.Points, model.Datapoint{Time: start.Add(time.Duration(i) * WindowLength)})
			}
		}
		if got := byTime(WatchedHours(own, start))[start.Add(time.Duration(test.hour)*time.Hour)]; got != test.want {
			t.Errorf("%d windows missing before window %d: %v watched in hour %d, want %v", test.missing, test.of, got, test.hour, test.want)
		}
	}
}

func TestASecondCopyDoesNotCompleteAnHour(t *testing.T) {
	o := &observed{start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	o.add(3, -1, 6)
	var twice []model.Datapoint
	for _, p := range o.own {
		twice = append(twice, p, p)
	}
	o.own = twice
	for _, h := range o.evidence().Hours(o.start.Add(100 * time.Hour)) {
		if h.State != HourUnknown {
			t.Errorf("six windows seen twice made the hour %v", h)
		}
	}
}

func TestUnreadSeriesMakeEveryHourUnknown(t *testing.T) {
	for _, series := range []string{"requests", "watched"} {
		o := &observed{start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
		o.add(24, 2, 12)
		e := o.evidence()
		if series == "requests" {
			e.Requests.Complete = false
		} else {
			e.Watched.Complete = false
		}
		for _, h := range e.Hours(o.start.Add(100 * time.Hour)) {
			if h.State != HourUnknown || h.Gap != GapUnread {
				t.Errorf("%s not complete: %+v", series, h)
			}
		}
	}
}

func TestRegionalGapsAndProxiesMakeHoursUnknown(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	o := &observed{start: start}
	o.add(1, 9, 12)
	o.add(1, -1, 12)
	e := o.evidence()
	now := start.Add(100 * time.Hour)
	if h := e.Hours(now)[1]; h.State != HourSilent {
		t.Fatalf("not silent: %+v", h)
	}
	e.Regional.Points = []model.Datapoint{{Time: start}, {Time: start.Add(time.Hour)}}
	for _, h := range e.Hours(now) { // a count in such an hour may be partial
		if h.State != HourUnknown || h.Gap != GapRegional {
			t.Errorf("in a regional gap: %+v", h)
		}
	}
	o.add(3, 9, 12)
	e = o.evidence()
	e.Regional.Points = []model.Datapoint{{Time: start.Add(time.Hour)}}
	if h := e.Hours(now); h[0].Gap != GapEdge || h[2].Gap != GapEdge || h[3].State != HourCounted {
		t.Errorf("beside a regional gap, counts may be partial: %+v", h)
	}
	e = o.evidence()
	e.Proxy = true
	if h := e.Hours(now); h[1].Gap != GapProxy || h[0].State != HourCounted {
		t.Errorf("by a metric that is a guess: %+v", h)
	}
}

func TestLowWatermarkNeedsThreeOccasions(t *testing.T) {
	const day = 24
	low := func(o *observed, at ...int) {
		lows := map[int]bool{}
		for _, h := range at {
			lows[h] = true
		}
		for h := range 5 * day {
			if lows[h] {
				o.add(1, 1, 12)
			} else {
				o.add(1, 50, 12)
			}
		}
	}
	tests := map[string]struct {
		at   []int
		want float64
	}{
		"one odd hour does not decide":                 {[]int{30}, 50},
		"nor do two":                                   {[]int{10, 40}, 50},
		"three, each a day after the one before, do":   {[]int{10, 34, 58}, 1},
		"an hour less than a day after does not count": {[]int{10, 33, 58}, 50},
		"ten in a row are one occasion":                {[]int{10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, 50},
		"the first of a run may be the one that fits":  {[]int{10, 33, 34, 58}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := &observed{start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
			low(o, test.at...)
			rate, confirmed := lowWatermark(o.evidence().Hours(o.start.Add(30 * day * time.Hour)))
			if !confirmed || rate != test.want {
				t.Errorf("got %v (%v), want %v", rate, confirmed, test.want)
			}
		})
	}
	o := &observed{start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	o.add(49, 1, 12)
	e := o.evidence()
	e.Window.End = e.Window.End.Add(-time.Hour)
	if rate, confirmed := lowWatermark(e.Hours(o.start.Add(1000 * time.Hour))); confirmed {
		t.Errorf("48 hours confirmed %v", rate)
	}
	e.Window.End = e.Window.End.Add(time.Hour)
	e.Requests.Points = append(e.Requests.Points, model.Datapoint{Time: e.Window.End, Value: 3600})
	if _, confirmed := lowWatermark(e.Hours(o.start.Add(1000 * time.Hour))); !confirmed {
		t.Error("49 hours hold three occasions")
	}
}

// gapsOf are the regional gaps by the hourly series of several endpoints.
func gapsOf(w model.Window, peers []model.Series) model.Series {
	gaps, readings := GapsQuery("eu-west-1", w), model.Readings{}
	var resources []model.Resource
	for i, series := range peers {
		r := campaign(1, func(r *model.Resource) { r.ARN = r.ARN.WithResource(fmt.Sprintf("campaign/c%d", i)) })
		resources = append(resources, r)
		readings[RequestsQuery(r, w, time.Hour)] = series
		readings[RecordQuery(r, w)] = steady(RecordQuery(r, w), 0)
	}
	return RegionalGaps(gaps, PeerQueries(resources, gaps), readings)
}

func TestRegionalGaps(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	w := model.NewWindow(start, start.Add(100*time.Hour))
	peer := func(absent ...int) model.Series {
		gone := map[int]bool{}
		for _, h := range absent {
			gone[h] = true
		}
		var points []model.Datapoint
		for h := range 100 {
			if !gone[h] {
				points = append(points, model.Datapoint{Time: start.Add(time.Duration(h) * time.Hour), Value: 9})
			}
		}
		return model.Series{Points: points, Complete: true}
	}
	idle := model.Series{Complete: true}
	tests := map[string]struct {
		peers []model.Series
		want  int
	}{
		"three of three":                          {[]model.Series{peer(7), peer(7), peer(7)}, 1},
		"two of two are too few":                  {[]model.Series{peer(7), peer(7)}, 0},
		"three of six are half":                   {[]model.Series{peer(7), peer(7), peer(7), peer(), peer(), peer()}, 1},
		"three of seven are less than half":       {[]model.Series{peer(7), peer(7), peer(7), peer(), peer(), peer(), peer()}, 0},
		"at different hours they are own silence": {[]model.Series{peer(7), peer(8), peer(9)}, 0},
		"idle endpoints have no say":              {[]model.Series{peer(7), peer(7), idle, idle, idle}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := gapsOf(w, test.peers)
			if len(got.Points) != test.want || !got.Complete {
				t.Errorf("got %v, want %d hours", got, test.want)
			}
		})
	}
	if gapsOf(w, []model.Series{peer(), peer(), {Points: peer().Points}}).Complete {
		t.Error("the gaps are known though an endpoint could not be read")
	}
}

// Data that are missing for days do not keep endpoints from showing it, unless they may be abandoned; weekends
// without calls are no gap.
func TestLongRegionalGaps(t *testing.T) {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // a Monday
	w := model.NewWindow(start, start.Add(LookBack))
	for name, tt := range map[string]struct {
		absent func(hour int) bool
		want   int
	}{
		"three days":         {func(h int) bool { return h >= 100 && h < 172 }, 72},
		"four days":          {func(h int) bool { return h >= 100 && h < 196 }, 96},
		"a week":             {func(h int) bool { return h >= 100 && h < 268 }, 168},
		"more than that":     {func(h int) bool { return h >= 100 && h < 269 }, 0},
		"the last five days": {func(h int) bool { return h >= 216 }, 120},
		"nine days":          {func(h int) bool { return h >= 120 }, 0},
		"weekends":           {func(h int) bool { return h/24%7 >= 5 }, 0},
		"nights":             {func(h int) bool { return h%24 < 12 }, 0},
	} {
		var series model.Series
		series.Complete = true
		for h := range int(LookBack / time.Hour) {
			if !tt.absent(h) {
				series.Points = append(series.Points, model.Datapoint{Time: start.Add(time.Duration(h) * time.Hour), Value: 9})
			}
		}
		if got := gapsOf(w, []model.Series{series, series, series}); len(got.Points) != tt.want {
			t.Errorf("%s: %d hours, want %d", name, len(got.Points), tt.want)
		}
	}
}

// At most 30 endpoints of the region are read, the same ones each time, with our own record of each, and
// a campaign whose recipe is not known by each metric.
func TestPeersAreFewAndStable(t *testing.T) {
	gaps := GapsQuery("eu-west-1", model.NewWindow(testNow.Add(-time.Hour), testNow))
	var resources []model.Resource
	for i := range 50 {
		resources = append(resources,
			campaign(1, func(r *model.Resource) { r.ARN = r.ARN.WithResource(fmt.Sprintf("campaign/c%d", i)) }),
			campaign(1, func(r *model.Resource) { r.ARN = r.ARN.WithRegion("us-east-1") }))
	}
	first := PeerQueries(resources, gaps)
	slices.Reverse(resources)
	if diff := cmp.Diff(first, PeerQueries(resources, gaps)); diff != "" || len(first) != 60 {
		t.Errorf("%d queries, in another order: %s", len(first), diff)
	}
	for _, q := range first {
		if q.Region != "eu-west-1" {
			t.Errorf("asks %s", q.Region)
		}
	}
	listed := campaign(1, func(r *model.Resource) { r.Recipe = "" })
	if n := len(PeerQueries([]model.Resource{listed}, gaps)); n != 4 {
		t.Errorf("%d queries for a campaign of unknown recipe", n)
	}
}
