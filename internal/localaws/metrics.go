package localaws

import (
	"math"
	"slices"
	"sort"
	"strings"
	"time"
)

// Source computes a metric that AWS itself publishes in 5-minute steps, so that its
// history need not be stored. Value returns the datapoint of the 5 minutes that begin at
// start, a multiple of 5 minutes; ok is false if there is none. The same start must give
// the same value at all times after the 5 minutes have ended.
type Source interface {
	Value(start time.Time) (v float64, ok bool)
}

// sourceStep is the step of a Source in seconds; its unit is Count.
const (
	sourceStep = 300
	sourceUnit = "Count"
)

// metricsState holds all metrics. The zero value is empty and usable.
type metricsState struct {
	of map[home]map[string]*series
	// swept is the hour since the epoch in which old data were last dropped.
	swept int64
}

// series is one metric: a namespace, a name and dimensions. Its data are what clients
// sent, kept by minute and unit, and what the source computes.
type series struct {
	source  Source
	samples []sample // by minute, then unit
	// version changes with every sample, so that alarms know when to look again.
	version int
}

// sample sums up the values of one minute and unit.
type sample struct {
	minute int64 // since the epoch
	unit   string
	stats
}

// stats is a statistic set; a count of 0 means no data.
type stats struct{ sum, count, min, max float64 }

func single(v float64) stats { return stats{v, 1, v, v} }

func (s *stats) add(o stats) {
	if s.count == 0 {
		*s = o
		return
	}
	s.sum += o.sum
	s.count += o.count
	s.min = min(s.min, o.min)
	s.max = max(s.max, o.max)
}

// statistic returns one of the values of statistics.
func (s *stats) statistic(name string) float64 {
	switch name {
	case "Sum":
		return s.sum
	case "Average":
		return s.sum / s.count
	case "Minimum":
		return s.min
	case "Maximum":
		return s.max
	default:
		return s.count
	}
}

// seriesKey names a series within its home. Dimensions are a set: their order is nothing.
func seriesKey(namespace, name string, dims []dimension) string {
	if len(dims) > 1 {
		dims = slices.Clone(dims)
		slices.SortFunc(dims, func(a, b dimension) int { return strings.Compare(a.Name, b.Name) })
	}
	var b strings.Builder
	b.WriteString(namespace)
	b.WriteByte(0)
	b.WriteString(name)
	for _, d := range dims {
		b.WriteByte(0)
		b.WriteString(d.Name)
		b.WriteByte(0)
		b.WriteString(d.Value)
	}
	return b.String()
}

func dimensionsOf(dims map[string]string) []dimension {
	list := make([]dimension, 0, len(dims))
	for name, v := range dims {
		list = append(list, dimension{name, v})
	}
	return list
}

// find returns a series, or nil if nothing was ever sent or registered for it.
func (m *metricsState) find(h home, key string) *series { return m.of[h][key] }

// open returns a series, creating it.
func (m *metricsState) open(h home, key string) *series {
	if m.of == nil {
		m.of = map[home]map[string]*series{}
	}
	if m.of[h] == nil {
		m.of[h] = map[string]*series{}
	}
	sr := m.of[h][key]
	if sr == nil {
		sr = &series{}
		m.of[h][key] = sr
	}
	return sr
}

// putSample adds one value, of unit None, to a metric of the estate's account, as if the
// service that owns the metric had published it.
func (s *Server) putSample(region, namespace, metric string, dims map[string]string, t time.Time, v float64) {
	key := seriesKey(namespace, metric, dimensionsOf(dims))
	s.metrics.open(home{s.account, region}, key).put(t, "None", single(v))
}

// registerSource makes a source the data of a metric of the estate's account, beside
// whatever is sent to it. A second source replaces the first; nil removes it.
func (s *Server) registerSource(region, namespace, metric string, dims map[string]string, src Source) {
	key := seriesKey(namespace, metric, dimensionsOf(dims))
	sr := s.metrics.open(home{s.account, region}, key)
	sr.source = src
	sr.version++
}

// ServeMetric makes a source the data of a metric of the estate's account, beside whatever is
// sent to it, as if the service that owns the metric published it. A second source replaces
// the first; nil removes it. The source is asked under the Server's lock and must not call it.
func (s *Server) ServeMetric(region, namespace, metric string, dims map[string]string, src Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.registerSource(region, namespace, metric, dims, src)
}

// Statistics is what is known of a metric in some period. A Count of zero means no data.
type Statistics struct{ Sum, Count, Min, Max float64 }

// Sent gives what clients sent to a metric of the estate's account within [start, start+d),
// of any unit; start and d are multiples of a minute.
func (s *Server) Sent(region, namespace, metric string, dims map[string]string, start time.Time, d time.Duration) Statistics {
	s.mu.Lock()
	defer s.mu.Unlock()
	sr := s.metrics.find(home{s.account, region}, seriesKey(namespace, metric, dimensionsOf(dims)))
	if sr == nil {
		return Statistics{}
	}
	from, to := start.Unix()/60, start.Add(d).Unix()/60
	var st stats
	for i := sr.from(from); i < len(sr.samples) && sr.samples[i].minute < to; i++ {
		st.add(sr.samples[i].stats)
	}
	return Statistics{st.sum, st.count, st.min, st.max}
}

// from is the index of the first sample of a minute or later.
func (sr *series) from(minute int64) int {
	return sort.Search(len(sr.samples), func(i int) bool { return sr.samples[i].minute >= minute })
}

// forget drops data and history that are older than is kept, once an hour.
func (s *Server) forget(now time.Time) {
	hour := floorDiv(now.Unix(), 3600)
	if s.retention == 0 || hour == s.metrics.swept {
		return
	}
	s.metrics.swept = hour
	before := now.Add(-s.retention)
	for _, all := range s.metrics.of {
		for key, sr := range all {
			if n := sr.from(ceilDiv(before.Unix(), 60)); n > 0 {
				sr.samples = slices.Delete(sr.samples, 0, n)
			}
			if len(sr.samples) == 0 && sr.source == nil {
				delete(all, key)
			}
		}
	}
	s.events.log = slices.DeleteFunc(s.events.log, func(e Event) bool { return e.Time.Before(before) })
	s.events.dropped = slices.DeleteFunc(s.events.dropped, func(d Drop) bool { return d.Time.Before(before) })
	s.sns.outbox = slices.DeleteFunc(s.sns.outbox, func(m Mail) bool { return m.Time.Before(before) })
	for h, items := range s.alarms.history {
		n := slices.IndexFunc(items, func(i historyItem) bool { return !i.at.Before(before) })
		switch {
		case n < 0 && len(items) > 0: // the last one numbers the next
			s.alarms.history[h] = slices.Clone(items[len(items)-1:])
		case n > 0:
			s.alarms.history[h] = slices.Clone(items[n:])
		}
	}
}

func (sr *series) put(t time.Time, unit string, st stats) {
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

// span is a question to a series: the periods that begin in [start, end), all in seconds
// since the epoch. Periods begin at multiples of their length.
type span struct {
	start, end, period int64
	now                int64
	unit               string // empty: any
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
func (sr *series) each(sp span, f func(start int64, st stats)) {
	from := sr.from(ceilDiv(sp.start, 60))
	rest := sr.samples[from:]
	source := sr.source
	if sp.unit != "" && sp.unit != sourceUnit {
		source = nil
	}
	for start := sp.start; start < sp.end; start += sp.period {
		if source == nil {
			// There is nothing between the samples: jump to the period of the next one.
			if start = nextPeriod(rest, start, sp.period); start >= sp.end {
				return
			}
		}
		var st stats
		rest = addSamples(&st, rest, start+sp.period, sp.unit)
		if source != nil {
			addSource(&st, source, start, min(start+sp.period, sp.now-sourceStep+1))
		}
		if st.count > 0 {
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
func addSamples(st *stats, samples []sample, end int64, unit string) []sample {
	for len(samples) > 0 && samples[0].minute*60 < end {
		if unit == "" || unit == samples[0].unit {
			st.add(samples[0].stats)
		}
		samples = samples[1:]
	}
	return samples
}

// addSource adds the source's steps that begin in [start, end).
func addSource(st *stats, source Source, start, end int64) {
	for t := ceilDiv(start, sourceStep) * sourceStep; t < end; t += sourceStep {
		if v, ok := source.Value(time.Unix(t, 0).UTC()); ok {
			st.add(single(v))
		}
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func ceilDiv(a, b int64) int64 { return -floorDiv(-a, b) }
