package act

import (
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/estate"
)

// patience is how many denials in a row it takes to believe that one more call of the
// kind would be denied as well.
const patience = 3

// streak collects the failures of one kind of change in one region. Denials in a row
// stop it: a missing permission is told once, not once for every alarm.
type streak struct {
	region, op string
	failures   []estate.Problem // those that stand for themselves
	denials    []estate.Problem // those since the last success
	skipped    int
}

// broken tells that it is no use to try on.
func (s *streak) broken() bool { return len(s.denials) >= patience }

func (s *streak) skip(n int) { s.skipped += n }

func (s *streak) succeed() {
	s.failures = append(s.failures, s.denials...)
	s.denials = nil
}

func (s *streak) fail(arn string, err error) {
	p := problem(s.region, arn, s.op, err)
	if awsapi.KindOf(err) == awsapi.Denied {
		s.denials = append(s.denials, p)
		return
	}
	s.failures = append(s.failures, p)
}

// problems are the failures, with the denials that broke the streak put into one.
func (s *streak) problems() []estate.Problem {
	if !s.broken() {
		return append(s.failures, s.denials...)
	}
	err := fmt.Errorf("denied %d times in a row, %d more not tried: %w", len(s.denials), s.skipped, s.denials[0].Err)
	return append(s.failures, problem(s.region, "", s.op, err))
}
