package traffic

import (
	"fmt"
	"slices"
	"sync"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// failureList gathers what went wrong and makes one problem of each cause and region,
// however many calls and queries it concerns.
type failureList struct {
	mu   sync.Mutex
	list map[cause]*failure
}

type cause struct{ region, text string }

type failure struct {
	err     error
	arn     string // of the one resource concerned
	many    bool   // more than one resource is concerned, or whole calls failed
	queries int
}

// addCall notes a call that failed as a whole.
func (l *failureList) addCall(c call, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.get(c.region, err)
	f.many = true
	f.queries += len(c.queries)
}

// addQueries notes queries of a region that have no reliable answer.
func (l *failureList) addQueries(region string, queries []model.Query, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.get(region, err)
	for _, q := range queries {
		arn := q.Metric.DimensionValue
		if arn == "" || (f.arn != "" && f.arn != arn) {
			f.many = true
		}
		f.arn = arn
	}
	f.queries += len(queries)
}

func (l *failureList) get(region string, err error) *failure {
	if l.list == nil {
		l.list = map[cause]*failure{}
	}
	key := cause{region, err.Error()}
	f := l.list[key]
	if f == nil {
		f = &failure{err: err}
		l.list[key] = f
	}
	return f
}

// problems are the failures by region and text.
func (l *failureList) problems() []model.Problem {
	var problems []model.Problem
	for key, f := range l.list {
		p := model.Problem{Region: key.region, Operation: operation, Err: fmt.Errorf("%s not read: %w", series(f.queries), f.err)}
		if !f.many {
			p.ARN = f.arn
		}
		problems = append(problems, p)
	}
	slices.SortFunc(problems, model.CompareProblems)
	return problems
}

// series is a number of series in words.
func series(n int) string {
	if n == 1 {
		return "1 series"
	}
	return fmt.Sprintf("%d series", n)
}
