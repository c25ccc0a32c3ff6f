package act

import (
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// patience is how many failures in a row it takes to believe that one more call of the
// kind would fail as well.
const patience = 3

// streak collects the failures of one kind of change in one region. Denials and lost
// connections in a row stop it: a missing permission, or an endpoint that is down, is
// told once, not once for every alarm.
type streak struct {
	region, op string
	failures   []model.Problem // those that stand for themselves
	hopeless   []model.Problem // denials and lost connections since the last success
	skipped    int
}

// broken tells that it is no use to try on.
func (s *streak) broken() bool { return len(s.hopeless) >= patience }

func (s *streak) skip(n int) { s.skipped += n }

func (s *streak) succeed() {
	s.failures = append(s.failures, s.hopeless...)
	s.hopeless = nil
}

func (s *streak) fail(arn string, err error) {
	p := problem(s.region, arn, s.op, err)
	if kind := awsapi.KindOf(err); kind == awsapi.Denied || kind == awsapi.Unreachable {
		s.hopeless = append(s.hopeless, p)
		return
	}
	s.failures = append(s.failures, p)
}

// problems are the failures, with those that broke the streak put into one.
func (s *streak) problems() []model.Problem {
	if !s.broken() {
		return append(s.failures, s.hopeless...)
	}
	err := fmt.Errorf("failed %d times in a row, %d more not tried: %w", len(s.hopeless), s.skipped, s.hopeless[0].Err)
	return append(s.failures, problem(s.region, "", s.op, err))
}
