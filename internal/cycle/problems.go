package cycle

import (
	"fmt"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// problems collects what failed while the rest goes on, from several goroutines.
type problems struct {
	mu   sync.Mutex
	list []model.Problem
}

func (p *problems) add(list ...model.Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, list...)
}

func (p *problems) all() []model.Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.list
}

// reading is how a report was read that began at a time: its problems, the series asked for and the calls.
func reading(failed *problems, series int, calls map[string]int, began time.Time) report.Reading {
	return report.Reading{Problems: failed.all(), MetricsGot: series, Calls: calls, DurationMs: time.Since(began).Milliseconds()}
}

// joined makes one error of several problems, of which there is at least one.
func joined(list []model.Problem) error {
	if more := len(list) - 1; more > 0 {
		return fmt.Errorf("%w (and %d more)", list[0], more)
	}
	return list[0]
}
