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
	maxPutBytes = 1 << 20
	maxPast     = 14 * 24 * time.Hour
	maxFuture   = 2 * time.Hour
)

type putInput struct {
	Namespace  string  `json:"Namespace" check:"required name"`
	MetricData []datum `json:"MetricData" check:"some"`
}

type datum struct {
	MetricName string      `json:"MetricName" check:"required name"`
	Dimensions []dimension `json:"Dimensions"`
	Timestamp  *wire.Time  `json:"Timestamp"`
	Value      *float64    `json:"Value" check:"required"`
	Unit       *string     `json:"Unit" check:"unit"`
}

// put stores data. An invalid datum refuses the whole call.
func (m *metrics) put(c *api.Call, in *putInput) error {
	if size := len(c.Request.Body()); size > maxPutBytes {
		return api.RefuseWith(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"The request has %d bytes, more than %d.", size, maxPutBytes)
	}
	if err := in.check(c.Now); err != nil {
		return err
	}
	for _, d := range in.MetricData {
		at := c.Now
		if d.Timestamp != nil {
			at = d.Timestamp.Time
		}
		m.open(c.Home, in.Namespace, d.MetricName, d.Dimensions).put(at, cmp.Or(api.Value(d.Unit), "None"), single(*d.Value))
	}
	return nil
}

func (in *putInput) check(now time.Time) error {
	if strings.HasPrefix(in.Namespace, "AWS/") {
		return invalidValue("The value AWS/ for parameter Namespace is invalid.")
	}
	if err := atMost(1000, "MetricData", len(in.MetricData)); err != nil {
		return err
	}
	for i, d := range in.MetricData {
		path := fmt.Sprintf("MetricData.member.%d", i+1)
		if err := checkDimensions(path+".Dimensions", d.Dimensions); err != nil {
			return err
		}
		age := time.Duration(0)
		if d.Timestamp != nil {
			age = now.Sub(d.Timestamp.Time)
		}
		switch {
		case age > maxPast:
			return invalidValue("The parameter %s.Timestamp must specify a time no more than two weeks in the past.", path)
		case -age > maxFuture:
			return invalidValue("The parameter %s.Timestamp must specify a time no more than two hours in the future.", path)
		case !acceptable(*d.Value):
			return invalidNumber(path + ".Value")
		}
	}
	return nil
}
