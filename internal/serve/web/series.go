package web

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// readTime is how long a page waits for its metrics. What is not there by then is not
// drawn, and the page says so.
const readTime = 20 * time.Second

// cachedSeries bounds how many answers are kept: some 40 MB of the longest. All metrics of a
// dashboard fit in, 2,500 at most (CloudWatch's quota): if they did not, each look at it
// would ask for all of them again, and CloudWatch bills each.
const cachedSeries = 4096

// seriesCache keeps complete answers. A question names its window, so an answer holds for
// ever; looking at a page again costs nothing until the next period is over.
type seriesCache struct {
	mu     sync.Mutex
	series map[model.Query]model.Series
	order  []model.Query // the oldest first
}

func (c *seriesCache) get(q model.Query) (model.Series, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.series[q]
	return s, ok
}

func (c *seriesCache) put(readings model.Readings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.series == nil {
		c.series = map[model.Query]model.Series{}
	}
	for q, s := range readings {
		if _, have := c.series[q]; have || !s.Complete {
			continue
		}
		c.series[q] = s
		c.order = append(c.order, q)
	}
	for len(c.order) > cachedSeries {
		delete(c.series, c.order[0])
		c.order = c.order[1:]
	}
}

// errNoSeries tells that there is nowhere to read metrics from.
var errNoSeries = errors.New("there is no access to metrics")

// errClosed tells that nothing is waited for any more.
var errClosed = errors.New("the monitor is being stopped")

// read answers questions, from what is kept where it can. Pages that ask the same at the
// same time, as all do when a cycle has ended, share one call; name tells what is the same.
func (h *Handler) read(ctx context.Context, name string, queries []model.Query) (model.Readings, error) {
	readings := make(model.Readings, len(queries))
	var missing []model.Query
	for _, q := range queries {
		if s, ok := h.cache.get(q); ok {
			readings[q] = s
		} else {
			missing = append(missing, q)
		}
	}
	if len(missing) == 0 {
		return readings, nil
	}
	if h.Series == nil {
		return readings, errNoSeries
	}
	result := h.reading.DoChan(name, func() (any, error) {
		// The one who asked first may go away; the others still wait.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
		defer cancel()
		got, problems := h.Series.Measure(ctx, missing, nil)
		h.cache.put(got)
		if len(problems) > 0 {
			return got, problems[0]
		}
		return got, nil
	})
	select {
	case <-ctx.Done():
		return readings, ctx.Err()
	case <-h.closed:
		return readings, errClosed
	case got := <-result:
		answer, _ := got.Val.(model.Readings)
		for _, q := range missing {
			if s, ok := answer[q]; ok {
				readings[q] = s
			} else if s, ok := h.cache.get(q); ok { // read by somebody else meanwhile
				readings[q] = s
			}
		}
		return readings, got.Err
	}
}
