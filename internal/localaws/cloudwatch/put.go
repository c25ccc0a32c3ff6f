package cloudwatch

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// The limits of PutMetricData (API reference).
const (
	maxPutBytes      = 1 << 20
	maxValuesPerData = 150
	maxPast          = 14 * 24 * time.Hour
	maxFuture        = 2 * time.Hour
)

type putInput struct {
	Namespace  *string `json:"Namespace"`
	MetricData []datum `json:"MetricData" check:"some"`
}

type datum struct {
	MetricName        *string       `json:"MetricName"`
	Dimensions        []dimension   `json:"Dimensions"`
	Timestamp         *wire.Time    `json:"Timestamp"`
	Value             *float64      `json:"Value"`
	StatisticValues   *statisticSet `json:"StatisticValues"`
	Values            []float64     `json:"Values"`
	Counts            []float64     `json:"Counts"`
	Unit              *string       `json:"Unit"`
	StorageResolution *int32        `json:"StorageResolution"`
}

type statisticSet struct {
	SampleCount *float64 `json:"SampleCount" check:"required"`
	Sum         *float64 `json:"Sum" check:"required"`
	Minimum     *float64 `json:"Minimum" check:"required"`
	Maximum     *float64 `json:"Maximum" check:"required"`
}

// put stores data. An invalid datum refuses the whole call.
func (m *metrics) put(c *api.Call, in *putInput) error {
	if size := len(c.Request.Body()); size > maxPutBytes {
		return api.RefuseWith(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"The request has %d bytes, more than %d.", size, maxPutBytes)
	}
	sets, err := in.check(c.Now)
	if err != nil {
		return err
	}
	for i := range in.MetricData {
		d := &in.MetricData[i]
		at := c.Now
		if d.Timestamp != nil {
			at = d.Timestamp.Time
		}
		sr := m.open(c.Home, *in.Namespace, *d.MetricName, d.Dimensions)
		if sets[i].Count > 0 {
			sr.put(at, cmp.Or(api.Value(d.Unit), "None"), sets[i])
		}
	}
	return nil
}

// check validates the input and returns the statistics of each datum.
func (in *putInput) check(now time.Time) ([]Statistics, error) {
	if err := checkMetricName("Namespace", in.Namespace); err != nil {
		return nil, err
	}
	if strings.HasPrefix(*in.Namespace, "AWS/") {
		return nil, invalidValue("The value AWS/ for parameter Namespace is invalid.")
	}
	if err := atMost(1000, "MetricData", len(in.MetricData)); err != nil {
		return nil, err
	}
	sets := make([]Statistics, len(in.MetricData))
	for i := range in.MetricData {
		d, path := &in.MetricData[i], fmt.Sprintf("MetricData.member.%d", i+1)
		if err := d.check(path, now); err != nil {
			return nil, err
		}
		var err error
		if sets[i], err = d.statistics(path); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

func (d *datum) check(path string, now time.Time) error {
	if err := checkMetricName(path+".MetricName", d.MetricName); err != nil {
		return err
	}
	if err := checkDimensions(path+".Dimensions", d.Dimensions); err != nil {
		return err
	}
	age := time.Duration(0)
	if d.Timestamp != nil {
		age = now.Sub(d.Timestamp.Time)
	}
	switch r := d.StorageResolution; {
	case r != nil && *r != 1 && *r != 60:
		return invalidValue("The value %d for parameter %s.StorageResolution is invalid: it must be 1 or 60.", *r, path)
	case age > maxPast:
		return invalidValue("The parameter %s.Timestamp must specify a time no more than two weeks in the past.", path)
	case -age > maxFuture:
		return invalidValue("The parameter %s.Timestamp must specify a time no more than two hours in the future.", path)
	}
	return checkUnit(path+".Unit", d.Unit)
}

// statistics sums up a datum: one value, a list of values, or a statistic set.
func (d *datum) statistics(path string) (Statistics, error) {
	value, values, set := d.Value != nil, d.Values != nil, d.StatisticValues != nil
	switch {
	case !value && !values && !set:
		return Statistics{}, missing(path + ".Value")
	case value && values || value && set || values && set:
		return Statistics{}, contradictory("The parameters %s.Value, .Values and .StatisticValues are mutually exclusive.", path)
	case d.Counts != nil && !values:
		return Statistics{}, contradictory("The parameter %s.Counts requires .Values.", path)
	case values:
		return sumUp(path, d.Values, d.Counts)
	case set:
		return d.StatisticValues.statistics(path + ".StatisticValues")
	case !acceptable(*d.Value):
		return Statistics{}, invalidNumber(path + ".Value")
	}
	return single(*d.Value), nil
}

func sumUp(path string, values, counts []float64) (sum Statistics, err error) {
	switch {
	case len(values) == 0:
		return sum, missing(path + ".Values")
	case len(values) > maxValuesPerData:
		return sum, invalidValue("The collection %s.Values must not have a size greater than %d.", path, maxValuesPerData)
	case counts != nil && len(counts) != len(values):
		return sum, invalidValue("The parameters %s.Values and %s.Counts must have the same length.", path, path)
	}
	for i, v := range values {
		n := 1.0
		if counts != nil {
			n = counts[i]
		}
		if !acceptable(v) || !acceptable(n) || n < 0 {
			return sum, invalidNumber(fmt.Sprintf("%s.Values.member.%d", path, i+1))
		}
		if n > 0 {
			sum.add(Statistics{v * n, n, v, v})
		}
	}
	return sum, nil
}

func (set *statisticSet) statistics(path string) (Statistics, error) {
	for _, v := range []*float64{set.SampleCount, set.Sum, set.Minimum, set.Maximum} {
		if !acceptable(*v) {
			return Statistics{}, invalidNumber(path)
		}
	}
	if *set.SampleCount < 0 || *set.Minimum > *set.Maximum {
		return Statistics{}, invalidValue("The parameter %s has a negative count, or a minimum above its maximum.", path)
	}
	return Statistics{*set.Sum, *set.SampleCount, *set.Minimum, *set.Maximum}, nil
}
