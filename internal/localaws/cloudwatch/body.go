package cloudwatch

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
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

func (b *bodyCheck) fault(path, format string, args ...any) {
	b.faults = append(b.faults, boardMessage{path, fmt.Sprintf(format, args...)})
}

func (b *bodyCheck) warn(path, format string, args ...any) {
	b.warnings = append(b.warnings, boardMessage{path, fmt.Sprintf(format, args...)})
}

// checkBody checks a dashboard body.
func checkBody(body string) (faults, warnings []boardMessage) {
	var b bodyCheck
	dec := json.NewDecoder(strings.NewReader(body))
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil || doc == nil || dec.More() {
		b.fault("", "The field DashboardBody must be a valid JSON object")
		return b.faults, nil
	}
	widgets, ok := doc["widgets"].([]any)
	switch {
	case !ok:
		b.fault("/", "Should have required property 'widgets', an array")
		return b.faults, nil
	case len(widgets) > maxWidgets:
		b.fault("/widgets", "Should NOT have more than %d items", maxWidgets)
		return b.faults, nil
	}
	b.extra("", doc, "widgets", "start", "end", "periodOverride", "variables")
	for i, w := range widgets {
		b.widget(fmt.Sprintf("/widgets/%d", i), w)
	}
	if b.metrics > maxMetricsPerDashboard {
		b.fault("/widgets", "Should NOT have more than %d metrics in all widgets, there are %d", maxMetricsPerDashboard, b.metrics)
	}
	return b.faults, b.warnings
}

// extra warns of unknown properties.
func (b *bodyCheck) extra(path string, object map[string]any, known ...string) {
	for key := range object {
		if !slices.Contains(known, key) {
			b.warn(path+"/"+key, "Should NOT have additional properties")
		}
	}
	slices.SortFunc(b.warnings, func(a, c boardMessage) int { return strings.Compare(a.DataPath, c.DataPath) })
}

func (b *bodyCheck) widget(path string, w any) {
	widget, ok := w.(map[string]any)
	if !ok {
		b.fault(path, "Should be object")
		return
	}
	kind, _ := widget["type"].(string)
	if !slices.Contains(widgetTypes, kind) {
		b.fault(path+"/type", "Should be equal to one of the allowed values %v", widgetTypes)
		return
	}
	b.extra(path, widget, "type", "x", "y", "width", "height", "properties")
	b.whole(path, widget, "x", 0, gridWidth-1)
	b.whole(path, widget, "y", 0, math.MaxInt32)
	b.whole(path, widget, "width", 1, gridWidth)
	b.whole(path, widget, "height", 1, maxWidgetHeight)
	_, hasX := widget["x"]
	_, hasY := widget["y"]
	if hasX != hasY {
		b.fault(path, "Should have both of the properties 'x' and 'y' or none")
	}
	properties, ok := widget["properties"].(map[string]any)
	if !ok {
		b.fault(path, "Should have required property 'properties', an object")
		return
	}
	path += "/properties"
	switch kind {
	case "metric":
		b.metricWidget(path, properties)
	case "text":
		b.text(path, properties, "markdown")
	case "alarm":
		if alarms, _ := properties["alarms"].([]any); len(alarms) == 0 {
			b.fault(path+"/alarms", "Should NOT have fewer than 1 items")
		}
	}
}

// whole checks that an optional property is a whole number in a range.
func (b *bodyCheck) whole(path string, object map[string]any, key string, least, most float64) {
	v, ok := object[key]
	if !ok {
		return
	}
	n, ok := v.(float64)
	if !ok || n != math.Trunc(n) || n < least || n > most {
		b.fault(path+"/"+key, "Should be an integer from %v to %v", least, most)
	}
}

// text checks that a required property is a text.
func (b *bodyCheck) text(path string, object map[string]any, key string) {
	if text, ok := object[key].(string); !ok || text == "" {
		b.fault(path, "Should have required property '%s'", key)
	}
}

func (b *bodyCheck) metricWidget(path string, properties map[string]any) {
	b.text(path, properties, "region")
	metrics, ok := properties["metrics"].([]any)
	annotations, _ := properties["annotations"].(map[string]any)
	alarms, _ := annotations["alarms"].([]any)
	switch {
	case !ok && len(alarms) == 1:
		return // the widget shows the metric of an alarm
	case !ok || len(metrics) == 0:
		b.fault(path+"/metrics", "Should be an array with at least one metric")
		return
	case len(metrics) > maxMetricsPerWidget:
		b.fault(path+"/metrics", "Should NOT have more than %d items", maxMetricsPerWidget)
	}
	b.metrics += len(metrics)
	for i, m := range metrics {
		b.metricRow(fmt.Sprintf("%s/metrics/%d", path, i), m)
	}
}

// metricRow checks a row: namespace, name, pairs of dimension name and value, and an
// optional object of options; or nothing but an object with an expression.
func (b *bodyCheck) metricRow(path string, m any) {
	row, ok := m.([]any)
	if !ok || len(row) == 0 {
		b.fault(path, "Should be a non-empty array")
		return
	}
	options, ok := row[len(row)-1].(map[string]any)
	if ok {
		row = row[:len(row)-1]
	}
	for i, item := range row {
		if _, ok := item.(string); !ok {
			b.fault(fmt.Sprintf("%s/%d", path, i), "Should be string")
			return
		}
	}
	_, expression := options["expression"].(string)
	switch {
	case len(row) == 0 && !expression:
		b.fault(path, "Should have a metric or an expression")
	case len(row) == 1 || len(row)%2 != 0:
		b.fault(path, "Invalid metric field type, only \"String\" type is allowed: namespace, name and pairs of dimension name and value")
	case len(row) > 2+2*maxDimensions:
		b.fault(path, "Should NOT have more than %d dimensions", maxDimensions)
	}
}
