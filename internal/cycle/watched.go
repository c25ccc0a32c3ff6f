package cycle

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
	"unique"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// freshSpan is how many of the last hours of a query are read each time: what we published
// may still arrive late. Older hours that were read once are remembered, and so is the first of
// these: what an hour shows depends on the one before it.
const freshSpan = 17 * time.Hour

// freshFrom is the start of the hours of a query that are not remembered.
func freshFrom(q model.Query) time.Time { return q.Window.End.Add(-freshSpan + time.Hour) }

// rememberedBefore is how much is remembered of the time before a window that was asked for: others
// may ask for one that begins a little earlier.
const rememberedBefore = 24 * time.Hour

// watchedAtOnce is how many resources of a region are read together from the start: 14 days of so many
// take 5 MB to read, and are dropped once their hours are counted. More calls at once would only wait,
// as CloudWatch limits the datapoints that are read in a second.
const watchedAtOnce = 6

// WatchedMeter is a Meter that answers rules.WatchedQuery too. It remembers in which hours a
// resource was watched, so that a process reads the 14 days of a resource once
// and then the last hours, which the rules ask for anyway. It is safe for concurrent use.
type WatchedMeter struct {
	Meter
	mu     sync.Mutex
	memory map[string]watchedHours // by ARN
}

// watchedHours is what is remembered of one series. Most resources were watched in the same hours, and
// share the memory for them.
type watchedHours struct {
	start   time.Time
	windows unique.Handle[string] // a byte for each hour from start on: its watched windows
}

func (h watchedHours) end() time.Time {
	return h.start.Add(time.Duration(len(h.windows.Value())) * time.Hour)
}

// NewWatchedMeter makes a meter that remembers nothing yet.
func NewWatchedMeter(m Meter) *WatchedMeter {
	return &WatchedMeter{Meter: m, memory: map[string]watchedHours{}}
}

// Measure reads the queries. Their progress does not count what is read from the start.
func (m *WatchedMeter) Measure(
	ctx context.Context, queries []model.Query, progress func(done, total int),
) (model.Readings, []model.Problem) {
	var plain, watched []model.Query
	for _, q := range queries {
		if q.Stat == model.Watched {
			watched = append(watched, q)
		} else {
			plain = append(plain, q)
		}
	}
	if len(watched) == 0 {
		return m.Meter.Measure(ctx, plain, progress)
	}
	recent, cold := map[model.Query]recentHours{}, map[string][]model.Query{}
	others := tailsAmong(plain)
	for _, q := range watched {
		known, ok := m.known(q)
		if !ok {
			cold[q.Region] = append(cold[q.Region], q)
			continue
		}
		tail := minimums(q, model.NewWindow(q.Window.End.Add(-freshSpan), q.Window.End))
		if other, ok := others[key(tail)]; ok && covers(other.Window, tail.Window) {
			tail = other
		} else {
			plain, others[key(tail)] = append(plain, tail), tail
		}
		recent[q] = recentHours{tail, known}
	}
	readings, problems := m.Meter.Measure(ctx, plain, progress)
	for q, r := range recent {
		readings[q] = m.answer(q, r.known, rules.WatchedHours(readings.Get(r.tail), r.tail.Window.Start))
	}
	more, failed := m.readCold(ctx, cold)
	maps.Copy(readings, more)
	m.forget(watched[0].Window.End)
	return readings, append(problems, failed...)
}

// readCold reads whole windows, of each region a few resources at a time.
func (m *WatchedMeter) readCold(ctx context.Context, cold map[string][]model.Query) (model.Readings, []model.Problem) {
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(regionConcurrency)
	readings, failed := model.Readings{}, problems{}
	for _, list := range cold {
		group.Go(func() error {
			for chunk := range slices.Chunk(list, watchedAtOnce) {
				full := make([]model.Query, len(chunk))
				for i, q := range chunk {
					full[i] = minimums(q, q.Window)
				}
				read, problems := m.Meter.Measure(ctx, full, nil)
				failed.add(problems...)
				mu.Lock()
				for i, q := range chunk {
					readings[q] = m.answer(q, nil, rules.WatchedHours(read.Get(full[i]), q.Window.Start))
				}
				mu.Unlock()
			}
			return nil
		})
	}
	_ = group.Wait() // failures are problems
	return readings, failed.all()
}

// minimums is the query that CloudWatch can answer.
func minimums(q model.Query, w model.Window) model.Query {
	q.Stat, q.Period, q.Window = model.Minimum, rules.WindowLength, w
	return q
}

// recentHours are the last hours of a query, and what is remembered of the others.
type recentHours struct {
	tail  model.Query
	known *watchedHours
}

// tailsAmong finds the queries that may read the last hours of others too.
func tailsAmong(queries []model.Query) map[model.Query]model.Query {
	tails := map[model.Query]model.Query{}
	for _, q := range queries {
		if q.Stat == model.Minimum && q.Period == rules.WindowLength {
			tails[key(q)] = q
		}
	}
	return tails
}

func covers(w, part model.Window) bool { return !w.Start.After(part.Start) && !w.End.Before(part.End) }

// key is a query without its window.
func key(q model.Query) model.Query {
	q.Window = model.Window{}
	return q
}

// known is what is remembered of the hours of a query. It is not ok if they are to be read from
// the start.
func (m *WatchedMeter) known(q model.Query) (*watchedHours, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, ok := m.memory[q.Metric.DimensionValue]
	if !ok || h.start.After(q.Window.Start) || h.end().Before(freshFrom(q)) { // guard: watched hours: remembered; each:1-3
		return nil, false
	}
	return &h, true
}

// answer merges what is remembered (nil for nothing) with the hours that were read, and
// remembers it, unless that was not complete.
func (m *WatchedMeter) answer(q model.Query, known *watchedHours, read model.Series) model.Series {
	if !read.Complete { // guard: watched hours: read completely
		return model.Series{}
	}
	start, fresh := q.Window.Start, q.Window.Start
	if known != nil {
		start, fresh = known.start, freshFrom(q)
	}
	windows := make([]uint8, int(q.Window.End.Sub(start)/time.Hour))
	if known != nil {
		copy(windows[:int(fresh.Sub(start)/time.Hour)], known.windows.Value())
	}
	for _, p := range read.Points {
		if !p.Time.Before(fresh) && p.Time.Before(q.Window.End) {
			windows[int(p.Time.Sub(start)/time.Hour)] = uint8(p.Value)
		}
	}
	series := model.Series{Complete: true}
	for i, n := range windows {
		if at := start.Add(time.Duration(i) * time.Hour); n > 0 && !at.Before(q.Window.Start) {
			series.Points = append(series.Points, model.Datapoint{Time: at, Value: float64(n)})
		}
	}
	if n := int(q.Window.Start.Add(-rememberedBefore).Sub(start) / time.Hour); n > 0 {
		start, windows = start.Add(time.Duration(n)*time.Hour), windows[n:]
	}
	m.remember(unique.Make(q.Metric.DimensionValue).Value(), watchedHours{start, unique.Make(string(windows))})
	return series
}

// remember keeps the hours of a resource, unless it knows more already.
func (m *WatchedMeter) remember(arn string, h watchedHours) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.memory[arn]; ok && !old.start.After(h.start) && !old.end().Before(h.end()) {
		return
	}
	m.memory[arn] = h
}

// forget drops the series that were not asked for a day before a time.
func (m *WatchedMeter) forget(end time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.memory, func(_ string, h watchedHours) bool { return h.end().Before(end.Add(-24 * time.Hour)) })
}
