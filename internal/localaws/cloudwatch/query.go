package cloudwatch

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// The limits of GetMetricData (API reference).
const (
	maxDatapoints = 100_800
)

type getDataInput struct {
	Queries       []query    `json:"MetricDataQueries" check:"some ..500"`
	StartTime     *wire.Time `json:"StartTime" check:"required"`
	EndTime       *wire.Time `json:"EndTime" check:"required"`
	NextToken     *string    `json:"NextToken"`
	ScanBy        *string    `json:"ScanBy" check:"TimestampDescending|TimestampAscending"`
	MaxDatapoints *int32     `json:"MaxDatapoints" check:"1..100800"`
}

type query struct {
	ID         *string     `json:"Id" check:"required queryId"`
	MetricStat *metricStat `json:"MetricStat"`
	Expression *string     `json:"Expression"`
	Label      *string     `json:"Label"`
	ReturnData *bool       `json:"ReturnData"`
}

func (q *query) returned() bool { return q.ReturnData == nil || *q.ReturnData }

type metricStat struct {
	Metric *metricRef `json:"Metric" check:"required"`
	Period *int32     `json:"Period" check:"required"`
	Stat   *string    `json:"Stat" check:"required SampleCount|Average|Sum|Minimum|Maximum"`
	Unit   *string    `json:"Unit" check:"unit"`
}

type metricRef struct {
	Namespace  *string     `json:"Namespace" check:"required name"`
	MetricName *string     `json:"MetricName" check:"required name"`
	Dimensions []dimension `json:"Dimensions"`
}

func (m *metricRef) key() string { return seriesKey(*m.Namespace, *m.MetricName, m.Dimensions) }

type queryResult struct {
	ID         string      `json:"Id"`
	Label      string      `json:"Label"`
	Timestamps []time.Time `json:"Timestamps"`
	Values     []float64   `json:"Values"`
	StatusCode string      `json:"StatusCode"`
}

// getData answers queries. A page holds the first MaxDatapoints points in the requested
// order, over all queries together, so that it may cut every series anywhere. Each page lists
// all queries, those with points on later pages as PartialData.
func (m *metrics) getData(c *api.Call, in *getDataInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	all := m.collect(c, in)
	if in.NextToken != nil || c.EmptyPage || len(all) > int(cmp.Or(api.Value(in.MaxDatapoints), maxDatapoints)) {
		c.Scope = in.fingerprint()
		slices.SortFunc(all, in.compare)
	}
	page, next, err := api.Page(c, all, in.key, in.NextToken, in.MaxDatapoints, maxDatapoints)
	if err != nil {
		return nil, err
	}
	results := in.results(page)
	if next != "" && len(page) > 0 {
		for _, p := range all[slices.Index(all, page[len(page)-1])+1:] {
			results[p.query].StatusCode = "PartialData"
		}
	}
	listed := []queryResult{}
	for qi, q := range in.Queries {
		if q.returned() && !c.EmptyPage {
			listed = append(listed, results[qi])
		}
	}
	if c.Partial != nil {
		next = ""
		dropOlderHalf(listed, c.Partial.Code, in.ascending())
	}
	out := api.Listing("MetricDataResults", listed, "NextToken", next)
	out["Messages"] = []struct{}{}
	return out, nil
}

// results are the points of a page, by query.
func (in *getDataInput) results(page []point) []queryResult {
	results := make([]queryResult, len(in.Queries))
	for i, q := range in.Queries {
		label := cmp.Or(q.Label, q.MetricStat.Metric.MetricName)
		results[i] = queryResult{ID: *q.ID, Label: *label, Timestamps: []time.Time{}, Values: []float64{}, StatusCode: "Complete"}
	}
	for _, p := range page {
		r := &results[p.query]
		r.Timestamps, r.Values = append(r.Timestamps, time.Unix(p.at, 0).UTC()), append(r.Values, p.value)
	}
	return results
}

func (in *getDataInput) check() error {
	switch {
	case !in.StartTime.Before(in.EndTime.Time):
		return invalid("The parameter StartTime must be less than the parameter EndTime.")
	case !slices.ContainsFunc(in.Queries, func(q query) bool { return q.returned() }):
		return invalid("At least one element of MetricDataQueries must have ReturnData true.")
	}
	ids := make(map[string]bool, len(in.Queries))
	for i := range in.Queries {
		q := &in.Queries[i]
		if err := q.check(fmt.Sprintf("MetricDataQueries.member.%d.", i+1)); err != nil {
			return err
		}
		if ids[*q.ID] {
			return invalid("The values for parameter id in MetricDataQueries are not unique: %s.", *q.ID)
		}
		ids[*q.ID] = true
	}
	return nil
}

func (q *query) check(path string) error {
	m := q.MetricStat
	switch {
	case q.Expression != nil:
		return invalid("%sExpression: metric math, SEARCH and Metrics Insights are not supported by this endpoint.", path)
	case m == nil:
		return missing(path + "MetricStat")
	case *m.Period < 1 || *m.Period%60 != 0:
		return invalid("The value %d for parameter %sMetricStat.Period is invalid: this endpoint accepts multiples of 60.", *m.Period, path)
	}
	return checkDimensions(path+"MetricStat.Metric.Dimensions", m.Metric.Dimensions)
}

func (in *getDataInput) ascending() bool { return api.Value(in.ScanBy) == "TimestampAscending" }

// fingerprint identifies the request of a token.
func (in *getDataInput) fingerprint() string {
	h := fnv.New64a()
	fmt.Fprint(h, in.StartTime.UnixNano(), in.EndTime.UnixNano(), in.ascending())
	for _, q := range in.Queries {
		m := q.MetricStat
		fmt.Fprint(h, *q.ID, *m.Period, *m.Stat, api.Value(m.Unit), m.Metric.key())
	}
	return strconv.FormatUint(h.Sum64(), 16)
}

// point is a datapoint of a query, at a time in seconds since the epoch.
type point struct {
	at    int64
	query int
	value float64
}

// compare orders points by time, as requested, and at the same time by query.
func (in *getDataInput) compare(a, b point) int {
	if !in.ascending() {
		a.at, b.at = b.at, a.at
	}
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.query, b.query))
}

// key is a text in the same order.
func (in *getDataInput) key(p point) string {
	const latest = 1 << 40
	if !in.ascending() {
		p.at = latest - p.at
	}
	return fmt.Sprintf("%013d %03d", p.at, p.query)
}

// collect computes the points query by query, each in the requested order.
func (m *metrics) collect(c *api.Call, in *getDataInput) []point {
	var all []point
	for qi, q := range in.Queries {
		stat := q.MetricStat
		sr := m.series[c.Home][stat.Metric.key()]
		sp, ok := spanOf(in.StartTime.Time, in.EndTime.Time, c.Now, int64(*stat.Period), api.Value(stat.Unit))
		if sr == nil || !ok {
			continue
		}
		sr.hide(c, &sp)
		first := len(all)
		sr.each(sp, func(start int64, st Statistics) { all = append(all, point{start, qi, st.statistic(*stat.Stat)}) })
		if !in.ascending() {
			slices.Reverse(all[first:])
		}
	}
	return all
}

// dropOlderHalf drops the older half of every series and sets the status.
func dropOlderHalf(results []queryResult, status string, ascending bool) {
	for i := range results {
		r := &results[i]
		r.StatusCode = cmp.Or(status, "PartialData")
		first, end := 0, len(r.Values)/2
		if ascending {
			first, end = len(r.Values)-end, len(r.Values)
		}
		r.Timestamps, r.Values = r.Timestamps[first:end], r.Values[first:end]
	}
}

// The limits of GetMetricStatistics and ListMetrics (API reference).
const (
	maxStatisticsPoints = 1440
	metricsPerPage      = 500
	listedFor           = 14 * 24 * time.Hour // after the last datapoint
	recentlyActive      = 3 * time.Hour
)

type getStatisticsInput struct {
	metricRef
	StartTime          *wire.Time `json:"StartTime" check:"required"`
	EndTime            *wire.Time `json:"EndTime" check:"required"`
	Period             *int32     `json:"Period" check:"required"`
	Statistics         []string   `json:"Statistics" check:"SampleCount|Average|Sum|Minimum|Maximum"`
	ExtendedStatistics []string   `json:"ExtendedStatistics"`
	Unit               *string    `json:"Unit" check:"unit"`
}

type datapoint struct {
	Timestamp   time.Time `json:"Timestamp"`
	Unit        string    `json:"Unit"`
	SampleCount *float64  `json:"SampleCount,omitempty"`
	Average     *float64  `json:"Average,omitempty"`
	Sum         *float64  `json:"Sum,omitempty"`
	Minimum     *float64  `json:"Minimum,omitempty"`
	Maximum     *float64  `json:"Maximum,omitempty"`
}

// getStatistics returns the datapoints of one metric, by unit and then time. Without a unit
// in the input, each unit of the data has datapoints of its own.
func (m *metrics) getStatistics(c *api.Call, in *getStatisticsInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	points := []datapoint{}
	sr := m.series[c.Home][in.key()]
	for _, unit := range sr.units() {
		sp, ok := spanOf(in.StartTime.Time, in.EndTime.Time, c.Now, int64(*in.Period), unit)
		if !ok || (in.Unit != nil && *in.Unit != unit) {
			continue
		}
		sr.hide(c, &sp)
		sr.each(sp, func(start int64, st Statistics) {
			d := datapoint{Timestamp: time.Unix(start, 0).UTC(), Unit: unit}
			for name, into := range map[string]**float64{
				"SampleCount": &d.SampleCount, "Average": &d.Average, "Sum": &d.Sum, "Minimum": &d.Minimum, "Maximum": &d.Maximum,
			} {
				if slices.Contains(in.Statistics, name) {
					*into = new(st.statistic(name))
				}
			}
			points = append(points, d)
		})
	}
	return api.Out{"Label": *in.MetricName, "Datapoints": points}, nil
}

func (in *getStatisticsInput) check() error {
	if err := checkDimensions("Dimensions", in.Dimensions); err != nil {
		return err
	}
	statistics, extended := len(in.Statistics) > 0, len(in.ExtendedStatistics) > 0
	switch {
	case *in.Period < 1 || *in.Period%60 != 0:
		return invalidValue("The value %d for parameter Period is invalid: this endpoint accepts multiples of 60.", *in.Period)
	case !in.StartTime.Before(in.EndTime.Time):
		return invalidValue("The parameter StartTime must be less than the parameter EndTime.")
	case statistics && extended:
		return contradictory("The parameters Statistics and ExtendedStatistics are mutually exclusive.")
	case extended:
		return invalidValue("The parameter ExtendedStatistics is not supported by this endpoint: it has no percentiles.")
	case !statistics:
		return missing("Statistics")
	}
	period := time.Duration(*in.Period) * time.Second
	if n := (in.EndTime.Sub(in.StartTime.Time) + period - 1) / period; n > maxStatisticsPoints {
		return contradictory("You have requested up to %d datapoints, which exceeds the limit of %d. "+
			"You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxStatisticsPoints)
	}
	return nil
}

type listInput struct {
	Namespace      *string           `json:"Namespace" check:"name"`
	MetricName     *string           `json:"MetricName" check:"name"`
	Dimensions     []dimensionFilter `json:"Dimensions"`
	RecentlyActive *string           `json:"RecentlyActive" check:"|PT3H"`
	NextToken      *string           `json:"NextToken"`
}

// dimensionFilter matches metrics with the dimension, of any value if it has none.
type dimensionFilter struct {
	Name  string  `json:"Name" check:"required name"`
	Value *string `json:"Value" check:"value"`
}

type listedMetric struct {
	Namespace  string      `json:"Namespace"`
	MetricName string      `json:"MetricName"`
	Dimensions []dimension `json:"Dimensions"`
}

// list lists the metrics that have had data in the last two weeks, or in the last three
// hours if recently active ones are requested.
func (m *metrics) list(c *api.Call, in *listInput) (any, error) {
	if err := atMost(10, "Dimensions", len(in.Dimensions)); err != nil {
		return nil, err
	}
	since := c.Now.Add(-listedFor)
	if in.RecentlyActive != nil {
		since = c.Now.Add(-recentlyActive)
	}
	all := m.series[c.Home]
	keys := api.Filter(slices.Sorted(maps.Keys(all)), func(key string) bool {
		return in.matches(all[key]) && all[key].activeSince(since, c.Now)
	})
	keys, next, err := api.Page(c, keys, func(key string) string { return key }, in.NextToken, nil, metricsPerPage)
	if err != nil {
		return nil, invalidValue("The token NextToken is invalid.")
	}
	return api.Listing("Metrics", api.Map(keys, func(key string) listedMetric {
		return listedMetric{all[key].namespace, all[key].name, append([]dimension{}, all[key].dims...)}
	}), "NextToken", next), nil
}

func (in *listInput) matches(sr *series) bool {
	if in.Namespace != nil && *in.Namespace != sr.namespace || in.MetricName != nil && *in.MetricName != sr.name {
		return false
	}
	for _, f := range in.Dimensions {
		if !slices.ContainsFunc(sr.dims, func(d dimension) bool { return d.Name == f.Name && (f.Value == nil || d.Value == *f.Value) }) {
			return false
		}
	}
	return true
}
