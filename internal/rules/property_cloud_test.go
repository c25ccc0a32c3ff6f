package rules_test

import (
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// damage is how an answer falls short.
type damage int

const (
	unasked  damage = iota // the question was not answered at all
	unread                 // an answer without data that does not call itself complete
	doubted                // all data, but it does not call itself complete
	cutShort               // only the older half of the data, which is said
	hollow                 // an answer without data that calls itself complete
	damages
)

// question is one that decide asked.
type question struct {
	model.Query
	whole bool // the answer was
	right bool // it was asked of the right thing in the right place
}

// read answers questions into the readings, each once.
func (h *history) read(readings model.Readings, queries []model.Query) {
	for _, q := range queries {
		if _, answered := readings[q]; answered {
			continue
		}
		spoilt := len(h.asked) == h.victim
		series := model.Series{Points: h.points(q), Complete: true}
		h.asked = append(h.asked, question{q, !spoilt, h.rightPlace(q)})
		if spoilt {
			switch h.damage {
			case unasked:
				continue
			case unread, hollow:
				series.Points = nil
			case cutShort:
				series.Points = series.Points[:len(series.Points)/2]
			}
			series.Complete = h.damage == hollow
		}
		readings[q] = series
	}
}

// whole reports whether the metric was answered completely, in this period, for at least
// all the time from one moment to another, and of the right thing in the right place. What calls itself complete
// counts: whether anything may be done then depends on the truth.
func (h *history) whole(metric string, period, from, till int64) bool {
	for i := range h.asked {
		a := &h.asked[i]
		if (a.whole || h.damage == hollow) && a.right && a.Metric.Name == metric && a.Period == time.Duration(period)*time.Second &&
			a.Window.Start.Unix() <= from && a.Window.End.Unix() >= till {
			return true
		}
	}
	return false
}

// rightPlace reports whether this is where the metric of this resource, or of the monitor
// itself, really is.
func (h *history) rightPlace(q model.Query) bool {
	if q.Stat == model.Gaps {
		return q.Region == "eu-west-1" && q.Metric.Namespace == "AWS/Personalize"
	}
	if q.Metric.Name == "monitoredResourceCount" {
		return q.Region == "us-east-1" && q.Metric.DimensionName == "" && q.Metric.DimensionValue == ""
	}
	dimension := "CampaignArn"
	if h.resource.Kind == model.Recommender {
		dimension = "RecommenderArn"
	}
	return q.Region == "eu-west-1" && q.Metric.DimensionName == dimension && q.Metric.DimensionValue == h.arn
}

// points is what CloudWatch has.
func (h *history) points(q model.Query) []model.Datapoint {
	switch {
	case !h.rightPlace(q), q.Stat == model.Gaps: // there are no others in the region
		return nil
	case q.Stat == model.Watched:
		return h.watched(q)
	case q.Metric.Namespace == "AWS/Personalize":
		return h.traffic(q)
	case q.Metric.Namespace == "PersonalizeMonitor":
		return h.recorded(q)
	}
	return nil
}

func (h *history) traffic(q model.Query) []model.Datapoint {
	if q.Stat != model.Sum {
		return nil
	}
	name, outcome := q.Metric.Name, succeeded
	if cut, ok := strings.CutSuffix(name, "4xxErrors"); ok {
		name, outcome = cut, failed4xx
	} else if cut, ok := strings.CutSuffix(name, "5xxErrors"); ok {
		name, outcome = cut, failed5xx
	}
	metric := slices.Index(metrics[:], name)
	if metric < 0 {
		return nil
	}
	calls := h.calls[metric][outcome]
	if len(calls) == 0 {
		return nil
	}
	from, till, period := q.Window.Start.Unix(), q.Window.End.Unix(), int64(q.Period/time.Second)
	points := make([]model.Datapoint, 0, min(int64(len(calls)), (till-from)/period))
	last := int64(-1)
	for _, c := range calls {
		if c.at < from || c.at >= till || !h.shown(c.at) {
			continue
		}
		if start := c.at / period * period; start != last {
			last = start
			points = append(points, model.Datapoint{Time: time.Unix(start, 0).UTC()})
		}
		n := c.n
		if c.at >= h.reduced[0] && c.at < h.reduced[1] {
			n /= 10
		}
		points[len(points)-1].Value += float64(n)
	}
	return points
}

// shown reports whether CloudWatch shows the calls of a time.
func (h *history) shown(at int64) bool {
	return at < h.now-h.late && !slices.ContainsFunc(h.lost, func(s [2]int64) bool { return at >= s[0] && at < s[1] })
}

// watched counts the windows of each hour in which the monitor saw the endpoint in service.
func (h *history) watched(q model.Query) (points []model.Datapoint) {
	for at := q.Window.Start.Unix(); at < q.Window.End.Unix(); at += hour {
		n := 0
		for w := at; w < at+hour; w += slot {
			if inService(h, w, q.Window.Start.Unix()) {
				n++
			}
		}
		if n > 0 {
			points = append(points, model.Datapoint{Time: time.Unix(at, 0).UTC(), Value: float64(n)})
		}
	}
	return points
}

// recorded is what the monitor itself has published.
func (h *history) recorded(q model.Query) []model.Datapoint {
	from, till := q.Window.Start.Unix(), q.Window.End.Unix()
	var points []model.Datapoint
	if q.Stat == model.Sum {
		return h.measured(from, till)
	}
	if h.monitor.every == 0 && q.Metric.Name != "ownUpdateTime" {
		return nil
	}
	step := max(h.monitor.every, slot)
	if q.Metric.Name == "ownUpdateTime" {
		step = slot
	} else {
		from = (max(from, h.monitor.since) + step - 1) / step * step
	}
	for at := from; at < till; at += step {
		if value, ok := h.published(q.Metric.Name, at); ok {
			points = append(points, model.Datapoint{Time: time.Unix(at, 0).UTC(), Value: value})
		}
	}
	return points
}

// measured is our own record of the demand, by the hour: what CloudWatch showed when each window was new.
func (h *history) measured(from, till int64) (points []model.Datapoint) {
	sums := map[int64]float64{}
	for _, c := range h.calls[h.metric][succeeded] {
		if h.shown(c.at) && h.late == 0 && h.seen(c.at/slot*slot) {
			sums[c.at/hour*hour] += float64(c.n)
		}
	}
	for at := from; at < till; at += hour {
		for w := at; w < at+hour; w += slot {
			if h.seen(w) {
				points = append(points, model.Datapoint{Time: time.Unix(at, 0).UTC(), Value: sums[at]})
				break
			}
		}
	}
	return points
}

// published is the value of one of our metrics in a window.
func (h *history) published(metric string, window int64) (float64, bool) {
	switch metric {
	case "ownUpdateTime":
		for _, mark := range slices.Backward(h.marks) {
			if mark/slot*slot == window {
				return float64(mark), true
			}
		}
		return 0, false
	case "monitoredResourceCount":
		return 1, h.monitor.ran(window)
	case "campaignUtilization", "recommenderUtilization":
		return 1, h.seen(window)
	case "minProvisionedTPS", "minRecommendationRequestsPerSecond":
		return float64(h.minimumAt(window)), h.monitor.ran(window) && h.isUp(window) && window >= h.created/slot*slot
	}
	return 0, false
}

// seen reports whether the monitor published the resource's utilization in a window, and
// it can be read by now.
func (h *history) seen(window int64) bool {
	return h.monitor.ran(window) && h.isUp(window) && !slices.Contains(h.missed, window) && window < h.end-h.fresh*slot
}
