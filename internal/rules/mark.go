package rules

import "github.com/personalize-monitor/personalize-monitor/internal/model"

// UpdateQueries ask for what tells whose the latest update of a resource was. There are
// none if it was before the idle time.
func UpdateQueries(r model.Resource, s Settings, m EvaluationTime) []model.Query {
	if m.Now.Sub(r.LastTouched()) >= s.IdleTime() {
		return nil
	}
	return []model.Query{
		markerQuery(r, s, m),
		idleQuery(r, model.NamespaceMonitor, r.Kind.MinimumMetric(), model.Minimum, s, m),
	}
}

// AllowMarker settles whether a step-down may bear our mark. The service tells of the latest
// update alone, so a step hides the one before it. If that was within the idle time and
// not ours, or nobody knows whose it was, the step bears no mark: the idle rule then takes
// it for a person's, and spares the resource as if the person had made it. The readings
// must hold the answers to UpdateQueries.
func AllowMarker(d Decision, readings model.Readings) Decision {
	d.Marker = d.Verdict == StepDown && d.Resource.Described && touched(d.Resource, readings, d.By, d.At) == ""
	return d
}
