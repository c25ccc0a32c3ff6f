package cloudwatch

import (
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// sourceStep is the step of an api.Source in seconds; its unit is Count, unless it is a Past.
const (
	sourceStep = 300
	sourceUnit = "Count"
	openEnd    = math.MaxInt64
)

type metrics struct {
	series api.ByHome[*series] // by seriesKey
}

// series is one metric: a namespace, a name and dimensions. Its data are what clients put,
// kept by minute and unit, and what the source computes.
type series struct {
	namespace, name string
	dims            []dimension // by name
	source          api.Source
	sourceUnit      string
	// sourceEnd is when the source's data end, in seconds since the epoch. Clients' data replace
	// those of a source that ends; to one that does not, openEnd, they are added.
	sourceEnd int64
	samples   []sample // by minute, then unit
	// version changes with every sample, so that alarms know when to evaluate again.
	version int
}

// sample sums up the values of one minute and unit.
type sample struct {
	minute int64 // since the epoch
	unit   string
	Statistics
}

// Statistics is a statistic set. A Count of 0 means no data.
type Statistics struct{ Sum, Count, Min, Max float64 }

func single(v float64) Statistics { return Statistics{v, 1, v, v} }

// scaled are the statistics of a share of the data, none of 0.
func (s *Statistics) scaled(share float64) Statistics {
	if share == 0 {
		return Statistics{}
	}
	return Statistics{s.Sum * share, s.Count, s.Min * share, s.Max * share}
}

func (s *Statistics) add(o Statistics) {
	switch {
	case o.Count == 0:
		return
	case s.Count == 0:
		*s = o
		return
	}
	s.Sum += o.Sum
	s.Count += o.Count
	s.Min = min(s.Min, o.Min)
	s.Max = max(s.Max, o.Max)
}

// statistic returns one of the values of statisticNames.
func (s *Statistics) statistic(name string) float64 {
	switch name {
	case "Sum":
		return s.Sum
	case "Average":
		return s.Sum / s.Count
	case "Minimum":
		return s.Min
	case "Maximum":
		return s.Max
	default:
		return s.Count
	}
}

// seriesKey names a series within its home. The order of dimensions does not count.
func seriesKey(namespace, name string, dims []dimension) string {
	size := len(namespace) + 1 + len(name)
	for _, d := range dims {
		size += 2 + len(d.Name) + len(d.Value)
	}
	var b strings.Builder
	b.Grow(size) // exactly: a large estate has very many
	b.WriteString(namespace)
	b.WriteByte(0)
	b.WriteString(name)
	for _, d := range byName(dims) {
		b.WriteByte(0)
		b.WriteString(d.Name)
		b.WriteByte(0)
		b.WriteString(d.Value)
	}
	return b.String()
}

// byName returns dimensions sorted by name.
func byName(dims []dimension) []dimension {
	if len(dims) > 1 {
		dims = slices.Clone(dims)
		slices.SortFunc(dims, func(a, b dimension) int { return strings.Compare(a.Name, b.Name) })
	}
	return dims
}

func (m *metrics) open(h api.Home, namespace, name string, dims []dimension) *series {
	key := seriesKey(namespace, name, dims)
	sr := m.series[h][key]
	if sr == nil {
		sr = &series{namespace: namespace, name: name, dims: byName(dims)}
		m.series.Set(h, key, sr)
	}
	return sr
}

func (m *metrics) forget(before time.Time) {
	for _, all := range m.series {
		for key, sr := range all {
			if n := sr.from(ceilDiv(before.Unix(), 60)); n > 0 {
				sr.samples = slices.Delete(sr.samples, 0, n)
				if cap(sr.samples) > 2*len(sr.samples) {
					sr.samples = slices.Clone(sr.samples) // frees the rest of the array
				}
			}
			if len(sr.samples) == 0 && sr.source == nil {
				delete(all, key)
			}
		}
	}
}

// from is the index of the first sample of a minute or later.
func (sr *series) from(minute int64) int {
	return sort.Search(len(sr.samples), func(i int) bool { return sr.samples[i].minute >= minute })
}

func (sr *series) put(t time.Time, unit string, st Statistics) {
	minute := floorDiv(t.Unix(), 60)
	sr.version++
	i := sort.Search(len(sr.samples), func(i int) bool {
		at := &sr.samples[i]
		return at.minute > minute || at.minute == minute && at.unit >= unit
	})
	if i < len(sr.samples) && sr.samples[i].minute == minute && sr.samples[i].unit == unit {
		sr.samples[i].add(st)
		return
	}
	sr.samples = slices.Insert(sr.samples, i, sample{minute, unit, st})
}

// How long CloudWatch keeps data of each granularity (API reference, GetMetricData).
const (
	minuteRetention     = 15 * 24 * time.Hour
	fiveMinuteRetention = 63 * 24 * time.Hour
	hourRetention       = 455 * 24 * time.Hour
)

// span is a query of a series: the periods that begin in [start, end), all in seconds since
// the epoch. Periods begin at multiples of their length.
type span struct {
	start, end, period int64
	now                int64
	unit               string // empty: any
	hidden             []hidden
	lost               []hidden // of the data that an api.Past was made of
}

// hidden is a fault that hits the data of a query, with times in seconds.
type hidden struct {
	from, until, late int64
	share             float64 // that is left
}

// visible returns the share of the datapoint of [start, start+length) that faults leave.
func (sp *span) visible(start, length int64) float64 {
	share := 1.0
	for _, h := range sp.hidden {
		switch {
		case start < h.from || start >= h.until:
		case sp.now < start+length+h.late:
			return 0
		default:
			share *= h.share
		}
	}
	return share
}

// measured returns the share of the data of [start, start+length) that a client could see soon after.
func (sp *span) measured(start, length int64) float64 {
	share := 1.0
	for _, h := range sp.lost {
		switch {
		case start < h.from || start >= h.until:
		case h.late > length:
			return 0
		default:
			share *= h.share
		}
	}
	return share
}

// hide sets what the faults of a call hide of the series in a span.
func (sr *series) hide(c *api.Call, sp *span) {
	sp.hidden = sr.hitBy(c.Hidden, sr.namespace, sr.name, c.Region, sp)
	if past, ok := sr.source.(api.Past); ok && past.Measured() != "" {
		sp.lost = sr.hitBy(c.Lost, past.Measured(), "", c.Region, sp)
	}
}

// hitBy returns the faults that hit data of a metric, or without a name of any, with the dimensions of the
// series in a span.
func (sr *series) hitBy(faults []api.DataFault, namespace, name, region string, sp *span) []hidden {
	var list []hidden
	for _, f := range faults {
		if name == "" {
			f.Metric = ""
		}
		h := hidden{math.MinInt64, math.MaxInt64, int64(f.Late / time.Second), 1 - f.LostPercent/100}
		if !f.From.IsZero() {
			h.from = f.From.Unix()
		}
		if !f.Until.IsZero() {
			h.until = f.Until.Unix()
		}
		if h.from < sp.end+sp.period && h.until > sp.start && f.Matches(region, namespace, name, func(matches func(string) bool) bool {
			return slices.ContainsFunc(sr.dims, func(d dimension) bool { return matches(d.Value) })
		}) {
			list = append(list, h)
		}
	}
	return list
}

// spanOf applies the rules of retention. ok is false if CloudWatch keeps no data of that
// granularity from so long ago, which gives no datapoints and no error.
func spanOf(start, end, now time.Time, period int64, unit string) (sp span, ok bool) {
	step := granularity(now.Sub(start))
	if period%step != 0 {
		return span{}, false
	}
	first := max(start.Unix(), now.Add(-hourRetention).Unix())
	first = floorDiv(first, step) * step
	return span{
		start:  ceilDiv(first, period) * period,
		end:    min(end.Unix(), now.Add(maxFuture).Unix()+period),
		period: period,
		now:    now.Unix(),
		unit:   unit,
	}, true
}

// granularity returns the seconds between the finest data that are kept for some time.
func granularity(age time.Duration) int64 {
	switch {
	case age > fiveMinuteRetention:
		return 3600
	case age > minuteRetention:
		return 300
	default:
		return 60
	}
}

// each calls f for every period of the span that has data, in order.
func (sr *series) each(sp span, f func(start int64, st Statistics)) {
	rest := sr.samples[sr.from(ceilDiv(sp.start, 60)):]
	source := sr.source
	if sp.unit != "" && sp.unit != sr.sourceUnit || sp.start >= sr.sourceEnd {
		source = nil
	}
	for start := sp.start; start < sp.end; start += sp.period {
		if source == nil {
			// There is nothing between the samples: jump to the period of the next one.
			if start = nextPeriod(rest, start, sp.period); start >= sp.end {
				return
			}
		}
		var st Statistics
		rest = sp.addSamples(&st, rest, start+sp.period)
		if source != nil {
			sp.addSource(&st, sr, start, min(start+sp.period, sp.now-sourceStep+1))
		}
		if st.Count > 0 {
			f(start, st)
		}
	}
}

// nextPeriod returns the period of the first sample, if it is not before start.
func nextPeriod(samples []sample, start, period int64) int64 {
	if len(samples) == 0 {
		return math.MaxInt64
	}
	return max(start, floorDiv(samples[0].minute*60, period)*period)
}

// addSamples adds the samples before end that have the unit, and returns those after.
func (sp *span) addSamples(st *Statistics, samples []sample, end int64) []sample {
	for len(samples) > 0 && samples[0].minute*60 < end {
		if sp.unit == "" || sp.unit == samples[0].unit {
			st.add(samples[0].scaled(sp.visible(samples[0].minute*60, 60)))
		}
		samples = samples[1:]
	}
	return samples
}

// addSource adds the source's steps that begin in [start, end).
func (sp *span) addSource(st *Statistics, sr *series, start, end int64) {
	for t := ceilDiv(start, sourceStep) * sourceStep; t < min(end, sr.sourceEnd); t += sourceStep {
		if sr.sourceEnd != openEnd && sr.sampled(t) {
			continue
		}
		if v, ok := sr.source.Value(time.Unix(t, 0).UTC()); ok {
			whole := single(v * sp.measured(t, sourceStep))
			st.add(whole.scaled(sp.visible(t, sourceStep)))
		}
	}
}

// sampled reports whether clients put data into the step of the source that begins at a time.
func (sr *series) sampled(step int64) bool {
	i := sr.from(step / 60)
	return i < len(sr.samples) && sr.samples[i].minute*60 < step+sourceStep
}

// activeSince reports whether the series has data from a time on, up to now.
func (sr *series) activeSince(since, now time.Time) bool {
	if n := len(sr.samples); n > 0 && sr.samples[n-1].minute*60 >= since.Unix() {
		return true
	}
	if sr.source == nil {
		return false
	}
	for t := floorDiv(min(now.Unix(), sr.sourceEnd)-sourceStep, sourceStep) * sourceStep; t >= since.Unix(); t -= sourceStep {
		if _, ok := sr.source.Value(time.Unix(t, 0).UTC()); ok {
			return true
		}
	}
	return false
}

// units returns the units of the data, sorted. sr may be nil.
func (sr *series) units() []string {
	var list []string
	if sr == nil {
		return nil
	}
	if sr.source != nil {
		list = []string{sr.sourceUnit}
	}
	for i := range sr.samples {
		if unit := sr.samples[i].unit; !slices.Contains(list, unit) {
			list = append(list, unit)
		}
	}
	slices.Sort(list)
	return list
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func ceilDiv(a, b int64) int64 { return -floorDiv(-a, b) }
