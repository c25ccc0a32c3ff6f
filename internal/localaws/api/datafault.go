package api

import (
	"strings"
	"time"
)

// DataFault hides metric data: GetMetricData and GetMetricStatistics return less than there is,
// as if it was all. Alarms and ListMetrics use everything. The zero value hides nothing.
type DataFault struct {
	// Namespace, Metric, Region and Resource define which data are hit; an empty one matches
	// all. Resource is the end of a dimension's value, such as campaign/shop.
	Namespace string `yaml:"namespace"`
	Metric    string `yaml:"metric"`
	Region    string `yaml:"region"`
	Resource  string `yaml:"resource"`
	// Late hides a datapoint until so long after the end of its 5 minutes, or of its minute if a
	// client put it.
	Late time.Duration `yaml:"late"`
	// LostPercent of each datapoint are missing for good: 100 leave none, fewer a lower count.
	LostPercent float64 `yaml:"lostPercent"`
	// From and Until bound the time of the data that are hit; a zero one does not.
	From  time.Time `yaml:"-"`
	Until time.Time `yaml:"-"`
}

// Matches reports whether the data of a metric may be hit. dims are the values of its dimensions.
func (f *DataFault) Matches(region, namespace, metric string, dims func(matches func(value string) bool) bool) bool {
	return (f.Namespace == "" || f.Namespace == namespace) && (f.Metric == "" || f.Metric == metric) &&
		(f.Region == "" || f.Region == region) &&
		(f.Resource == "" || dims(func(value string) bool { return strings.HasSuffix(value, f.Resource) }))
}
