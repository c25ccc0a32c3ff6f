package traffic

import (
	"fmt"
	"slices"
	"sync"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// failureList collects failures and makes one problem of each cause and region, however
// many calls and queries it affects.
type failureList struct {
	mu   sync.Mutex
	list map[cause]*failure
}

type cause struct{ region, text string }

type failure struct {
	err     error
	arn     string // of the one resource affected
	many    bool   // more than one resource is affected, or whole calls failed
	queries int
}

// addCall records a call that failed as a whole.
func (l *failureList) addCall(c call, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.get(c.region, err)
	f.many = true
	f.queries += len(c.queries)
}

// addQuery records a query without a reliable result.
func (l *failureList) addQuery(q model.Query, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, arn := l.get(q.Region, err), q.Metric.DimensionValue
	f.many = f.many || arn == "" || (f.arn != "" && f.arn != arn)
	f.arn = arn
	f.queries++
}

func (l *failureList) get(region string, err error) *failure {
	key := cause{region, err.Error()}
	if l.list == nil {
		l.list = map[cause]*failure{}
	}
	if l.list[key] == nil {
		l.list[key] = &failure{err: err}
	}
	return l.list[key]
}

// problems returns the failures by region, resource and text.
func (l *failureList) problems() []model.Problem {
	var problems []model.Problem
	for key, f := range l.list {
		p := model.Problem{Region: key.region, Operation: operation, Err: fmt.Errorf("%d series not read: %w", f.queries, f.err)}
		if !f.many {
			p.ARN = f.arn
		}
		problems = append(problems, p)
	}
	slices.SortFunc(problems, model.CompareProblems)
	return problems
}
