package localaws

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"time"
)

// The limits of GetMetricData (API reference).
const (
	maxQueries    = 500
	maxDatapoints = 100_800
)

type getMetricDataInput struct {
	MetricDataQueries []metricDataQuery `cbor:"MetricDataQueries"`
	StartTime         *time.Time        `cbor:"StartTime"`
	EndTime           *time.Time        `cbor:"EndTime"`
	NextToken         *string           `cbor:"NextToken"`
	ScanBy            *string           `cbor:"ScanBy"`
	MaxDatapoints     *int32            `cbor:"MaxDatapoints"`
}

type metricDataQuery struct {
	ID         *string     `cbor:"Id"`
	MetricStat *metricStat `cbor:"MetricStat"`
	Expression *string     `cbor:"Expression"`
	Label      *string     `cbor:"Label"`
	ReturnData *bool       `cbor:"ReturnData"`
}

type metricStat struct {
	Metric *metricRef `cbor:"Metric"`
	Period *int32     `cbor:"Period"`
	Stat   *string    `cbor:"Stat"`
	Unit   *string    `cbor:"Unit"`
}

type metricRef struct {
	Namespace  *string     `cbor:"Namespace"`
	MetricName *string     `cbor:"MetricName"`
	Dimensions []dimension `cbor:"Dimensions"`
}

type getMetricDataOutput struct {
	MetricDataResults []metricDataResult `cbor:"MetricDataResults"`
	NextToken         string             `cbor:"NextToken,omitempty"`
	Messages          []messageData      `cbor:"Messages"`
}

type metricDataResult struct {
	ID         string      `cbor:"Id"`
	Label      string      `cbor:"Label"`
	Timestamps []time.Time `cbor:"Timestamps"`
	Values     []float64   `cbor:"Values"`
	StatusCode string      `cbor:"StatusCode"`
}

type messageData struct {
	Code  string `cbor:"Code"`
	Value string `cbor:"Value"`
}

// getMetricData answers queries. A page holds the first MaxDatapoints points in the order
// asked for, over all queries together, so that every series may be cut anywhere; each
// page lists all queries, those with points on later pages as PartialData.
func (s *Server) getMetricData(c *call) (any, error) {
	var in getMetricDataInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	from, err := in.cursor(c)
	if err != nil {
		return nil, err
	}
	out := getMetricDataOutput{MetricDataResults: []metricDataResult{}, Messages: []messageData{}}
	if c.emptyPage {
		out.NextToken = c.writeToken(pageToken{First: true})
		if in.NextToken != nil {
			out.NextToken = *in.NextToken
		}
		return out, nil
	}
	found := s.collect(c, &in, from)
	cut, more := in.cut(found)
	for qi, q := range in.MetricDataQueries {
		if q.ReturnData == nil || *q.ReturnData {
			out.MetricDataResults = append(out.MetricDataResults, q.result(found[qi], qi, cut, more))
		}
	}
	if more {
		out.NextToken = c.writeToken(pageToken{After: cut.text(in.fingerprint())})
	}
	if c.partial != nil {
		out.NextToken = ""
		spoil(out.MetricDataResults, cmp.Or(c.partial.Code, "PartialData"), in.ascending())
	}
	return out, nil
}

var queryIDPattern = lazy(`^[a-z][A-Za-z0-9_]{0,254}$`)

func (in *getMetricDataInput) check() error {
	switch {
	case in.StartTime == nil:
		return missing("StartTime")
	case in.EndTime == nil:
		return missing("EndTime")
	case len(in.MetricDataQueries) == 0:
		return missing("MetricDataQueries")
	case len(in.MetricDataQueries) > maxQueries:
		return invalid("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	case !in.StartTime.Before(*in.EndTime):
		return invalid("The parameter StartTime must be less than the parameter EndTime.")
	}
	if m := in.MaxDatapoints; m != nil && (*m < 1 || *m > maxDatapoints) {
		return invalid("The parameter MaxDatapoints must be between 1 and %d.", maxDatapoints)
	}
	if err := oneOf("scanBy", in.ScanBy, []string{"TimestampDescending", "TimestampAscending"}); err != nil {
		return err
	}
	return in.checkQueries()
}

func (in *getMetricDataInput) checkQueries() error {
	ids := make(map[string]bool, len(in.MetricDataQueries))
	returned := false
	for i := range in.MetricDataQueries {
		q := &in.MetricDataQueries[i]
		path := fmt.Sprintf("MetricDataQueries.member.%d", i+1)
		id := value(q.ID)
		switch {
		case q.ID == nil:
			return missing(path + ".Id")
		case !queryIDPattern().MatchString(id):
			return invalid("The value %s for parameter %s.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", quoted(id), path)
		case ids[id]:
			return invalid("The values for parameter id in MetricDataQueries are not unique: %s.", id)
		case q.Expression != nil:
			return invalid("%s.Expression: metric math, SEARCH and Metrics Insights are not supported by this endpoint.", path)
		case q.MetricStat == nil:
			return missing(path + ".MetricStat")
		}
		ids[id] = true
		returned = returned || q.ReturnData == nil || *q.ReturnData
		if err := q.MetricStat.check(path + ".MetricStat"); err != nil {
			return err
		}
	}
	if !returned {
		return invalid("At least one element of MetricDataQueries must have ReturnData true.")
	}
	return nil
}

func (m *metricStat) check(path string) error {
	switch {
	case m.Metric == nil:
		return missing(path + ".Metric")
	case m.Period == nil:
		return missing(path + ".Period")
	case m.Stat == nil:
		return missing(path + ".Stat")
	case *m.Period < 1 || *m.Period%60 != 0:
		return invalid("The value %d for parameter %s.Period is invalid: this endpoint takes multiples of 60.", *m.Period, path)
	case !slices.Contains(statistics, *m.Stat):
		return invalid("The value %s for parameter %s.Stat is not supported by this endpoint: it knows SampleCount, Average, Sum, Minimum and Maximum.", quoted(*m.Stat), path)
	}
	if err := checkMetricName(path+".Metric.Namespace", m.Metric.Namespace); err != nil {
		return err
	}
	if err := checkMetricName(path+".Metric.MetricName", m.Metric.MetricName); err != nil {
		return err
	}
	if err := checkUnit(path+".Unit", m.Unit); err != nil {
		return err
	}
	return checkDimensions(path+".Metric.Dimensions", m.Metric.Dimensions)
}

func (in *getMetricDataInput) ascending() bool { return value(in.ScanBy) == "TimestampAscending" }

// fingerprint tells a token of this request from one of another request.
func (in *getMetricDataInput) fingerprint() uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, in.StartTime.UnixNano(), in.EndTime.UnixNano(), in.ascending())
	for _, q := range in.MetricDataQueries {
		m := q.MetricStat
		fmt.Fprint(h, *q.ID, *m.Period, *m.Stat, value(m.Unit), seriesKey(*m.Metric.Namespace, *m.Metric.MetricName, m.Metric.Dimensions))
	}
	return h.Sum64()
}

// position is a place in the order of a page: a time, and at that time a query.
type position struct {
	at    int64 // seconds since the epoch; negated when the newest come first
	query int
}

func (p position) compare(o position) int {
	return cmp.Or(cmp.Compare(p.at, o.at), cmp.Compare(p.query, o.query))
}

func (p position) text(fingerprint uint64) string {
	return fmt.Sprintf("%d %d %x", p.at, p.query, fingerprint)
}

// cursor returns the position of the last point of the previous page, nil if there was none.
func (in *getMetricDataInput) cursor(c *call) (*position, error) {
	if in.NextToken == nil {
		return nil, nil
	}
	token, ok := c.readToken(*in.NextToken)
	if ok && token.First {
		return nil, nil
	}
	var p position
	var fingerprint uint64
	if !ok {
		return nil, badNextToken()
	}
	if _, err := fmt.Sscanf(token.After, "%d %d %x", &p.at, &p.query, &fingerprint); err != nil || fingerprint != in.fingerprint() {
		return nil, badNextToken()
	}
	return &p, nil
}

// points are the datapoints of one query, in the order asked for.
type points struct {
	at     []int64 // as in position
	values []float64
}

// collect computes the points of all queries that come after a position.
func (s *Server) collect(c *call, in *getMetricDataInput, after *position) []points {
	found := make([]points, len(in.MetricDataQueries))
	for qi, q := range in.MetricDataQueries {
		m := q.MetricStat
		sr := s.metrics.find(c.home(), seriesKey(*m.Metric.Namespace, *m.Metric.MetricName, m.Metric.Dimensions))
		sp, ok := spanOf(*in.StartTime, *in.EndTime, c.now, int64(*m.Period), value(m.Unit))
		if sr == nil || !ok {
			continue
		}
		p := &found[qi]
		sr.each(sp, func(start int64, st stats) {
			if !in.ascending() {
				start = -start
			}
			if after == nil || (position{start, qi}).compare(*after) > 0 {
				p.at = append(p.at, start)
				p.values = append(p.values, st.statistic(*m.Stat))
			}
		})
		if !in.ascending() {
			slices.Reverse(p.at)
			slices.Reverse(p.values)
		}
	}
	return found
}

// cut returns the last position of the page, if more points were found than fit in one.
func (in *getMetricDataInput) cut(found []points) (last position, more bool) {
	most := maxDatapoints
	if in.MaxDatapoints != nil {
		most = int(*in.MaxDatapoints)
	}
	total := 0
	for _, p := range found {
		total += len(p.at)
	}
	if total <= most {
		return position{}, false
	}
	all := make([]position, 0, total)
	for qi, p := range found {
		for _, at := range p.at {
			all = append(all, position{at, qi})
		}
	}
	slices.SortFunc(all, position.compare)
	return all[most-1], true
}

// result renders the points of a query that are on the page ending with cut.
func (q *metricDataQuery) result(p points, qi int, cut position, more bool) metricDataResult {
	r := metricDataResult{ID: *q.ID, Label: *q.MetricStat.Metric.MetricName, StatusCode: "Complete"}
	if q.Label != nil {
		r.Label = *q.Label
	}
	n := len(p.at)
	if more {
		n = 0
		for n < len(p.at) && (position{p.at[n], qi}).compare(cut) <= 0 {
			n++
		}
		if n < len(p.at) {
			r.StatusCode = "PartialData"
		}
	}
	r.Timestamps = make([]time.Time, n)
	for i, at := range p.at[:n] {
		r.Timestamps[i] = time.Unix(max(at, -at), 0).UTC()
	}
	r.Values = append([]float64{}, p.values[:n]...)
	return r
}

// spoil drops the older half of every series and says so.
func spoil(results []metricDataResult, status string, ascending bool) {
	for i := range results {
		r := &results[i]
		keep := len(r.Values) / 2
		r.StatusCode = status
		if ascending {
			drop := len(r.Values) - keep
			r.Timestamps, r.Values = r.Timestamps[drop:], r.Values[drop:]
			continue
		}
		r.Timestamps, r.Values = r.Timestamps[:keep], r.Values[:keep]
	}
}
