package localaws

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The limits of PutMetricData (API reference).
const (
	maxPutBytes      = 1 << 20
	maxDataPerPut    = 1000
	maxValuesPerData = 150
	maxPast          = 14 * 24 * time.Hour
	maxFuture        = 2 * time.Hour
)

type putMetricDataInput struct {
	Namespace  *string       `cbor:"Namespace"`
	MetricData []metricDatum `cbor:"MetricData"`
}

type metricDatum struct {
	MetricName        *string       `cbor:"MetricName"`
	Dimensions        []dimension   `cbor:"Dimensions"`
	Timestamp         *time.Time    `cbor:"Timestamp"`
	Value             *float64      `cbor:"Value"`
	StatisticValues   *statisticSet `cbor:"StatisticValues"`
	Values            []float64     `cbor:"Values"`
	Counts            []float64     `cbor:"Counts"`
	Unit              *string       `cbor:"Unit"`
	StorageResolution *int32        `cbor:"StorageResolution"`
}

type statisticSet struct {
	SampleCount *float64 `cbor:"SampleCount"`
	Sum         *float64 `cbor:"Sum"`
	Minimum     *float64 `cbor:"Minimum"`
	Maximum     *float64 `cbor:"Maximum"`
}

// putMetricData stores data; one that is refused refuses the call as a whole.
func (s *Server) putMetricData(c *call) (any, error) {
	if c.size > maxPutBytes {
		return nil, &apiError{
			Code: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("The request has %d bytes, more than %d.", c.size, maxPutBytes),
		}
	}
	var in putMetricDataInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	sets, err := in.check(c.now)
	if err != nil {
		return nil, err
	}
	for i := range in.MetricData {
		d := &in.MetricData[i]
		at, unit := c.now, "None"
		if d.Timestamp != nil {
			at = *d.Timestamp
		}
		if d.Unit != nil {
			unit = *d.Unit
		}
		sr := s.metrics.open(c.home(), seriesKey(*in.Namespace, *d.MetricName, d.Dimensions))
		if sets[i].count > 0 {
			sr.put(at, unit, sets[i])
		}
	}
	return nil, nil
}

// check validates the input and returns the values of each datum summed up.
func (in *putMetricDataInput) check(now time.Time) ([]stats, error) {
	if err := checkMetricName("Namespace", in.Namespace); err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(*in.Namespace, "AWS/"):
		return nil, invalidValue("The value AWS/ for parameter Namespace is invalid.")
	case len(in.MetricData) == 0:
		return nil, missing("MetricData")
	case len(in.MetricData) > maxDataPerPut:
		return nil, invalidValue("The collection MetricData must not have a size greater than %d.", maxDataPerPut)
	}
	sets := make([]stats, len(in.MetricData))
	for i := range in.MetricData {
		var err error
		if sets[i], err = in.MetricData[i].check(fmt.Sprintf("MetricData.member.%d", i+1), now); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

// check validates a datum and returns its values summed up.
func (d *metricDatum) check(path string, now time.Time) (stats, error) {
	if err := checkMetricName(path+".MetricName", d.MetricName); err != nil {
		return stats{}, err
	}
	if err := checkDimensions(path+".Dimensions", d.Dimensions); err != nil {
		return stats{}, err
	}
	if err := checkUnit(path+".Unit", d.Unit); err != nil {
		return stats{}, err
	}
	if r := d.StorageResolution; r != nil && *r != 1 && *r != 60 {
		return stats{}, invalidValue("The value %d for parameter %s.StorageResolution is invalid: it must be 1 or 60.", *r, path)
	}
	if d.Timestamp != nil {
		switch age := now.Sub(*d.Timestamp); {
		case age > maxPast:
			return stats{}, invalidValue("The parameter %s.Timestamp must specify a time no more than two weeks in the past.", path)
		case -age > maxFuture:
			return stats{}, invalidValue("The parameter %s.Timestamp must specify a time no more than two hours in the future.", path)
		}
	}
	return d.stats(path)
}

// stats sums up what a datum says: one value, a list of values, or a statistic set.
func (d *metricDatum) stats(path string) (stats, error) {
	given := 0
	for _, is := range []bool{d.Value != nil, d.Values != nil, d.StatisticValues != nil} {
		if is {
			given++
		}
	}
	switch {
	case given == 0:
		return stats{}, missing(path + ".Value")
	case given > 1:
		return stats{}, contradictory("The parameters %s.Value, .Values and .StatisticValues are mutually exclusive and you have specified more than one.", path)
	case d.Counts != nil && d.Values == nil:
		return stats{}, contradictory("The parameter %s.Counts requires .Values.", path)
	case d.Value != nil:
		if !acceptable(*d.Value) {
			return stats{}, badNumber(path + ".Value")
		}
		return single(*d.Value), nil
	case d.Values != nil:
		return sumUp(path, d.Values, d.Counts)
	default:
		return d.StatisticValues.stats(path + ".StatisticValues")
	}
}

func sumUp(path string, values, counts []float64) (stats, error) {
	switch {
	case len(values) == 0:
		return stats{}, missing(path + ".Values")
	case len(values) > maxValuesPerData:
		return stats{}, invalidValue("The collection %s.Values must not have a size greater than %d.", path, maxValuesPerData)
	case counts != nil && len(counts) != len(values):
		return stats{}, invalidValue("The parameters %s.Values and %s.Counts must have the same length.", path, path)
	}
	var sum stats
	for i, v := range values {
		n := 1.0
		if counts != nil {
			n = counts[i]
		}
		if !acceptable(v) || !acceptable(n) || n < 0 {
			return stats{}, badNumber(fmt.Sprintf("%s.Values.member.%d", path, i+1))
		}
		if n > 0 {
			sum.add(stats{v * n, n, v, v})
		}
	}
	return sum, nil
}

func (set *statisticSet) stats(path string) (stats, error) {
	members := []struct {
		name string
		v    *float64
	}{{"SampleCount", set.SampleCount}, {"Sum", set.Sum}, {"Minimum", set.Minimum}, {"Maximum", set.Maximum}}
	for _, m := range members {
		if m.v == nil {
			return stats{}, missing(path + "." + m.name)
		}
		if !acceptable(*m.v) {
			return stats{}, badNumber(path + "." + m.name)
		}
	}
	if *set.SampleCount < 0 || *set.Minimum > *set.Maximum {
		return stats{}, invalidValue("The parameter %s is not a statistic set: its count is negative or its minimum above its maximum.", path)
	}
	return stats{*set.Sum, *set.SampleCount, *set.Minimum, *set.Maximum}, nil
}

func badNumber(path string) *apiError {
	return invalidValue("The value for parameter %s is not a number between -2^360 and 2^360.", path)
}
