package localaws

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Snapshot is all that stands in the embedded AWS, a line for each thing, by a name that
// begins with its region and what it is ("us-east-1 alarm …"; dashboards have no region).
// The lines hold no times, ids or passing states, so that the snapshots of two endpoints
// that were led to the same state by different ways are equal. Looking settles what the
// clock has brought about; it counts as no call, and no fault can hit it.
func (s *Server) Snapshot() map[string]string {
	now := s.clock.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(now)
	out := map[string]string{}
	for _, h := range s.personalize.homes {
		for _, e := range h.endpoints {
			out[h.region+" "+e.kind+" "+e.name] = e.line()
		}
	}
	for h, alarms := range s.alarms.of {
		for name, a := range alarms {
			out[h.region+" alarm "+name] = asJSON(a.alarmConfig) + " " + asJSON(a.tags)
		}
	}
	for h, rules := range s.events.rules {
		for name, r := range rules {
			out[h.region+" rule "+name] = asJSON([]any{r.description, r.pattern, r.state, r.tags})
			for id, t := range r.targets {
				out[h.region+" target "+name+"/"+id] = asJSON(t.shape)
			}
		}
	}
	for _, t := range s.sns.topics {
		out[t.home.region+" topic "+t.name] = asJSON([]any{t.policy.text, t.attributes, t.tags})
		for _, sub := range t.subscriptions {
			out[t.home.region+" subscription "+t.name+" "+sub.protocol+" "+sub.endpoint] = fmt.Sprint("pending ", sub.pending)
		}
	}
	for _, boards := range s.dashboards.of {
		for name, b := range boards {
			out["dashboard "+name] = b.body + " " + asJSON(b.tags)
		}
	}
	return out
}

// line is the resource without what passes by itself.
func (e *endpoint) line() string {
	parts := []string{e.status, e.version, strconv.Itoa(int(e.minTPS)), asJSON(e.campaign), asJSON(e.recommender), asJSON(e.tags)}
	if e.latest != nil && e.latest.status != statusActive {
		parts = append(parts, "update", e.latest.status, strconv.Itoa(int(e.latest.minTPS)), asJSON(e.latest.recommender))
	}
	return strings.Join(parts, " ")
}

// asJSON is v as JSON, whose keys are sorted.
func asJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error() // cannot happen: nothing here is a function or a channel
	}
	return string(raw)
}

// Data are the data that clients have put into the metrics of a namespace at a time, by
// "region name dimension-value", each the sum of its values. Data kept by the minute are
// found by any time within it.
func (s *Server) Data(namespace string, at time.Time) map[string]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	minute := at.Unix() / 60
	out := map[string]float64{}
	for h, all := range s.metrics.of {
		for key, sr := range all {
			parts := strings.Split(key, "\x00")
			if parts[0] != namespace {
				continue
			}
			name := h.region + " " + parts[1]
			if len(parts) > 2 {
				name += " " + parts[len(parts)-1]
			}
			for _, sample := range sr.samples {
				if sample.minute == minute {
					out[name] += sample.sum
				}
			}
		}
	}
	return out
}

// Differences tells where two snapshots differ, a line each, sorted.
func Differences(got, want map[string]string) []string {
	var list []string
	for name, text := range want {
		switch other, ok := got[name]; {
		case !ok:
			list = append(list, "missing: "+name)
		case other != text:
			list = append(list, fmt.Sprintf("differs: %s\n   is %s\n  not %s", name, other, text))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			list = append(list, "too much: "+name)
		}
	}
	slices.Sort(list)
	return list
}
