package localaws

import (
	"encoding/json"
	"time"
)

// Snapshot is the content of the embedded AWS, one line for each resource, by a name that
// begins with its region and kind ("us-east-1 alarm …"; dashboards have no region), and before
// that with its account if it is not the estate's own ("222222222222 us-east-1 alarm …"). The lines
// hold no times, ids or temporary states, so that the snapshots of two endpoints that reached
// the same state in different ways are equal. It executes due transitions; it counts
// as no call, and no fault hits it.
func (s *Server) Snapshot() map[string]string {
	now := s.clock.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.personalize.Advance(now)
	out := map[string]string{}
	s.personalize.Describe(s.account, out, render)
	s.cloudwatch.Describe(s.account, out, render)
	s.events.Describe(s.account, out, render)
	s.sns.Describe(s.account, out, render)
	return out
}

// render renders a value as JSON, whose keys are sorted.
func render(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error() // cannot happen: no functions or channels
	}
	return string(raw)
}

// Data returns the sums of what clients put into the metrics of a namespace in the minute of a
// time, by "region name dimension-value", with accounts as in Snapshot.
func (s *Server) Data(namespace string, at time.Time) map[string]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cloudwatch.Data(s.account, namespace, at)
}
