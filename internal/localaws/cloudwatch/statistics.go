package cloudwatch

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// The limits of GetMetricStatistics and ListMetrics (API reference).
const (
	maxStatisticsPoints = 1440
	metricsPerPage      = 500
	listedFor           = 14 * 24 * time.Hour // after the last datapoint
	recentlyActive      = 3 * time.Hour
)

type getStatisticsInput struct {
	metricRef
	StartTime          *time.Time `json:"StartTime" check:"required"`
	EndTime            *time.Time `json:"EndTime" check:"required"`
	Period             *int32     `json:"Period" check:"required"`
	Statistics         []string   `json:"Statistics" check:"SampleCount|Average|Sum|Minimum|Maximum"`
	ExtendedStatistics []string   `json:"ExtendedStatistics"`
	Unit               *string    `json:"Unit"`
}

// datapoint has the requested statistics.
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
		sp, ok := spanOf(*in.StartTime, *in.EndTime, c.Now, int64(*in.Period), unit)
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
	if err := in.metricRef.check(""); err != nil {
		return err
	}
	statistics, extended := len(in.Statistics) > 0, len(in.ExtendedStatistics) > 0
	switch {
	case *in.Period < 1 || *in.Period%60 != 0:
		return invalidValue("The value %d for parameter Period is invalid: this endpoint accepts multiples of 60.", *in.Period)
	case !in.StartTime.Before(*in.EndTime):
		return invalidValue("The parameter StartTime must be less than the parameter EndTime.")
	case statistics && extended:
		return contradictory("The parameters Statistics and ExtendedStatistics are mutually exclusive.")
	case extended:
		return invalidValue("The parameter ExtendedStatistics is not supported by this endpoint: it has no percentiles.")
	case !statistics:
		return missing("Statistics")
	}
	period := time.Duration(*in.Period) * time.Second
	if n := (in.EndTime.Sub(*in.StartTime) + period - 1) / period; n > maxStatisticsPoints {
		return contradictory("You have requested up to %d datapoints, which exceeds the limit of %d. "+
			"You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxStatisticsPoints)
	}
	return checkUnit("Unit", in.Unit)
}

type listInput struct {
	Namespace      *string           `json:"Namespace"`
	MetricName     *string           `json:"MetricName"`
	Dimensions     []dimensionFilter `json:"Dimensions"`
	RecentlyActive *string           `json:"RecentlyActive" check:"|PT3H"`
	NextToken      *string           `json:"NextToken"`
}

// dimensionFilter matches metrics with the dimension, of any value if it has none.
type dimensionFilter struct {
	Name  *string `json:"Name"`
	Value *string `json:"Value"`
}

type listedMetric struct {
	Namespace  string      `json:"Namespace"`
	MetricName string      `json:"MetricName"`
	Dimensions []dimension `json:"Dimensions"`
}

// list lists the metrics that have had data in the last two weeks, or in the last three
// hours if recently active ones are requested.
func (m *metrics) list(c *api.Call, in *listInput) (any, error) {
	if err := in.check(); err != nil {
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

func (in *listInput) check() error {
	if err := atMost(10, "Dimensions", len(in.Dimensions)); err != nil {
		return err
	}
	for i, d := range in.Dimensions {
		path := fmt.Sprintf("Dimensions.member.%d.", i+1)
		err := checkText(path+"Name", api.Value(d.Name), maxNameLength)
		if err == nil && d.Value != nil {
			err = checkText(path+"Value", *d.Value, maxDimensionValueLength)
		}
		if err != nil {
			return err
		}
	}
	var namespace, name error
	if in.Namespace != nil {
		namespace = checkMetricName("Namespace", in.Namespace)
	}
	if in.MetricName != nil {
		name = checkMetricName("MetricName", in.MetricName)
	}
	return cmp.Or(namespace, name)
}

func (in *listInput) matches(sr *series) bool {
	if in.Namespace != nil && *in.Namespace != sr.namespace || in.MetricName != nil && *in.MetricName != sr.name {
		return false
	}
	for _, f := range in.Dimensions {
		if !slices.ContainsFunc(sr.dims, func(d dimension) bool { return d.Name == *f.Name && (f.Value == nil || d.Value == *f.Value) }) {
			return false
		}
	}
	return true
}
