package writer

import (
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// threshold is how many failures in a row open a circuit breaker.
const threshold = 3

// Breaker is the circuit breaker for one kind of call in one region. Denials and lost
// connections in a row open it: a missing permission, or an endpoint that is down, is
// reported once, not once per resource.
type Breaker struct {
	region, op string
	failures   []model.Problem // each reported on its own
	inARow     []model.Problem // denials and lost connections since the last success
	skipped    int
}

// NewBreaker makes a closed breaker.
func NewBreaker(region, op string) *Breaker { return &Breaker{region: region, op: op} }

// Open reports whether another call would be in vain.
func (b *Breaker) Open() bool { return len(b.inARow) >= threshold }

// Skip counts calls that are not made because the breaker is open.
func (b *Breaker) Skip(n int) { b.skipped += n }

// Succeed records a call that succeeded.
func (b *Breaker) Succeed() {
	b.failures = append(b.failures, b.inARow...)
	b.inARow = nil
}

// Fail records a call that failed, with the resource it was about.
func (b *Breaker) Fail(arn string, err error) {
	p := Problem(b.region, arn, b.op, err)
	if kind := awsapi.KindOf(err); kind == awsapi.Denied || kind == awsapi.Unreachable {
		b.inARow = append(b.inARow, p)
		return
	}
	b.failures = append(b.failures, p)
}

// Problems are the failures; those that opened the breaker are one problem.
func (b *Breaker) Problems() []model.Problem {
	if !b.Open() {
		return append(b.failures, b.inARow...)
	}
	err := fmt.Errorf("failed %d times in a row, %d more not tried: %w", len(b.inARow), b.skipped, b.inARow[0].Err)
	return append(b.failures, Problem(b.region, "", b.op, err))
}
