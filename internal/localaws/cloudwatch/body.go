package cloudwatch

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// The limits of dashboards (CloudWatch user guide, quotas; dashboard body structure).
const (
	maxWidgets             = 500
	maxMetricsPerWidget    = 500
	maxMetricsPerDashboard = 2500
	gridWidth              = 24
	maxWidgetHeight        = 1000
)

var widgetTypes = []string{"metric", "text", "log", "alarm", "explorer", "custom"}

// boardMessage is what is wrong at a path of a dashboard body.
type boardMessage struct {
	DataPath string `json:"DataPath,omitempty"`
	Message  string `json:"Message"`
}

// bodyCheck collects what is wrong with a dashboard body: faults, for which it is refused,
// and warnings.
type bodyCheck struct {
	faults, warnings []boardMessage
	metrics          int
}

// require adds a fault unless ok, which it returns.
func (b *bodyCheck) require(ok bool, path, format string, args ...any) bool {
	if !ok {
		b.faults = append(b.faults, boardMessage{path, fmt.Sprintf(format, args...)})
	}
	return ok
}

// checkBody checks a dashboard body.
func checkBody(body string) (faults, warnings []boardMessage) {
	var b bodyCheck
	var doc map[string]any
	err := json.Unmarshal([]byte(body), &doc)
	widgets, isList := doc["widgets"].([]any)
	if !b.require(err == nil && doc != nil, "", "The field DashboardBody must be a valid JSON object") ||
		!b.require(isList, "/", "Should have required property 'widgets', an array") ||
		!b.require(len(widgets) <= maxWidgets, "/widgets", "Should NOT have more than %d items", maxWidgets) {
		return b.faults, nil
	}
	b.warnUnknown("", doc, "widgets", "start", "end", "periodOverride", "variables")
	for i, w := range widgets {
		b.widget(fmt.Sprintf("/widgets/%d", i), w)
	}
	b.require(b.metrics <= maxMetricsPerDashboard, "/widgets",
		"Should NOT have more than %d metrics in all widgets, there are %d", maxMetricsPerDashboard, b.metrics)
	return b.faults, b.warnings
}

func (b *bodyCheck) warnUnknown(path string, object map[string]any, known ...string) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(known, key) {
			b.warnings = append(b.warnings, boardMessage{path + "/" + key, "Should NOT have additional properties"})
		}
	}
}

func (b *bodyCheck) widget(path string, w any) {
	widget, isObject := w.(map[string]any)
	kind, _ := widget["type"].(string)
	if !b.require(isObject, path, "Should be object") ||
		!b.require(api.Is(kind, widgetTypes...), path+"/type", "Should be equal to one of the allowed values %v", widgetTypes) {
		return
	}
	b.warnUnknown(path, widget, "type", "x", "y", "width", "height", "properties")
	b.whole(path, widget, "x", 0, gridWidth-1)
	b.whole(path, widget, "y", 0, math.MaxInt32)
	b.whole(path, widget, "width", 1, gridWidth)
	b.whole(path, widget, "height", 1, maxWidgetHeight)
	b.require((widget["x"] == nil) == (widget["y"] == nil), path, "Should have both of the properties 'x' and 'y' or none")
	properties, isObject := widget["properties"].(map[string]any)
	if !b.require(isObject, path, "Should have required property 'properties', an object") {
		return
	}
	path += "/properties"
	switch kind {
	case "metric":
		b.metricWidget(path, properties)
	case "text":
		b.text(path, properties, "markdown")
	case "alarm":
		alarms, _ := properties["alarms"].([]any)
		b.require(len(alarms) > 0, path+"/alarms", "Should NOT have fewer than 1 items")
	}
}

// whole checks that an optional property is a whole number in a range.
func (b *bodyCheck) whole(path string, object map[string]any, key string, least, most float64) {
	if v, given := object[key]; given {
		n, ok := v.(float64)
		b.require(ok && n == math.Trunc(n) && n >= least && n <= most, path+"/"+key, "Should be an integer from %v to %v", least, most)
	}
}

// text checks that a required property is a text.
func (b *bodyCheck) text(path string, object map[string]any, key string) {
	text, _ := object[key].(string)
	b.require(text != "", path, "Should have required property '%s'", key)
}

func (b *bodyCheck) metricWidget(path string, properties map[string]any) {
	b.text(path, properties, "region")
	metrics, isList := properties["metrics"].([]any)
	annotations, _ := properties["annotations"].(map[string]any)
	if alarms, _ := annotations["alarms"].([]any); !isList && len(alarms) == 1 {
		return // the widget shows the metric of an alarm
	}
	if !b.require(len(metrics) > 0, path+"/metrics", "Should be an array with at least one metric") {
		return
	}
	b.require(len(metrics) <= maxMetricsPerWidget, path+"/metrics", "Should NOT have more than %d items", maxMetricsPerWidget)
	b.metrics += len(metrics)
	for i, m := range metrics {
		b.metricRow(fmt.Sprintf("%s/metrics/%d", path, i), m)
	}
}

// metricRow checks a row: namespace, name, pairs of dimension name and value, and an
// optional object of options; or nothing but an object with an expression.
func (b *bodyCheck) metricRow(path string, m any) {
	row, _ := m.([]any)
	if !b.require(len(row) > 0, path, "Should be a non-empty array") {
		return
	}
	options, hasOptions := row[len(row)-1].(map[string]any)
	if hasOptions {
		row = row[:len(row)-1]
	}
	for i, item := range row {
		if _, ok := item.(string); !b.require(ok, fmt.Sprintf("%s/%d", path, i), "Should be string") {
			return
		}
	}
	_, expression := options["expression"].(string)
	b.require(len(row) > 0 || expression, path, "Should have a metric or an expression")
	b.require(len(row) != 1 && len(row)%2 == 0, path,
		"Invalid metric field type, only \"String\" type is allowed: namespace, name and pairs of dimension name and value")
	b.require(len(row) <= 2+2*maxDimensions, path, "Should NOT have more than %d dimensions", maxDimensions)
}
