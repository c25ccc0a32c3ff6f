package cycle

import (
	"fmt"
	"sync"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
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

// joined makes one error of several problems, of which there is at least one.
func joined(list []model.Problem) error {
	if more := len(list) - 1; more > 0 {
		return fmt.Errorf("%w (and %d more)", list[0], more)
	}
	return list[0]
}
