package localaws

import (
	"encoding/json"
	"time"
)

// Snapshot is the content of the embedded AWS, one line for each resource, by a name that
// begins with its region and kind ("us-east-1 alarm …"; dashboards have no region). The lines
// hold no times, ids or temporary states, so that the snapshots of two endpoints that reached
// the same state in different ways are equal. It executes due transitions; it counts
// as no call, and no fault hits it.
func (s *Server) Snapshot() map[string]string {
	now := s.clock.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.personalize.Advance(now)
	out := map[string]string{}
	s.personalize.Describe(out, render)
	s.cloudwatch.Describe(out, render)
	s.events.Describe(out, render)
	s.sns.Describe(out, render)
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
// time, by "region name dimension-value".
func (s *Server) Data(namespace string, at time.Time) map[string]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cloudwatch.Data(namespace, at)
}
