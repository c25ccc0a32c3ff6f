package cloudwatch

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// boards holds the dashboards of each account by name; they belong to no region.
type boards struct {
	byAccount map[string]map[string]*dashboard
}

type dashboard struct {
	arn, name, body string
	modified        time.Time
	tags            map[string]string
}

const dashboardsPerPage = 1000

var dashboardName = api.Lazy(`^[A-Za-z0-9_-]{1,255}$`)

func dashboardARN(c *api.Call, name string) string {
	return fmt.Sprintf("arn:%s:cloudwatch::%s:dashboard/%s", api.Partition(c.Region), c.Account, name)
}

type putBoardInput struct {
	DashboardName *string   `json:"DashboardName" check:"required"`
	DashboardBody *string   `json:"DashboardBody" check:"required"`
	Tags          []api.Tag `json:"Tags"`
}

// put creates or replaces a dashboard. The tags of the input are for a new one only.
func (b *boards) put(c *api.Call, in *putBoardInput) (any, error) {
	if !dashboardName().MatchString(*in.DashboardName) {
		message := "The value " + api.Quoted(*in.DashboardName) +
			" for field DashboardName is invalid: up to 255 alphanumerics, dash (-) and underscore (_) are allowed."
		return nil, invalidBoard(message, []boardMessage{{Message: message}})
	}
	tags, err := c.MergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	faults, warnings := checkBody(*in.DashboardBody)
	if len(faults) > 0 {
		message := fmt.Sprintf("The dashboard body is invalid, there are %d validation errors, the first: %s %s",
			len(faults), faults[0].DataPath, faults[0].Message)
		return nil, invalidBoard(message, faults)
	}
	boards := b.byAccount[c.Account]
	if boards == nil {
		boards = map[string]*dashboard{}
		b.byAccount[c.Account] = boards
	}
	d := boards[*in.DashboardName]
	if d == nil {
		d = &dashboard{arn: dashboardARN(c, *in.DashboardName), name: *in.DashboardName, tags: tags}
		boards[d.name] = d
	}
	d.body, d.modified = *in.DashboardBody, c.Now
	return api.Out{"DashboardValidationMessages": append([]boardMessage{}, warnings...)}, nil
}

func invalidBoard(message string, faults []boardMessage) error {
	return &wire.Error{
		Code: "DashboardInvalidInputError", Query: "InvalidParameterInput", Message: message,
		Members: map[string]any{"dashboardValidationMessages": faults},
	}
}

type getBoardInput struct {
	DashboardName string `json:"DashboardName" check:"required"`
}

func (b *boards) get(c *api.Call, in *getBoardInput) (any, error) {
	d := b.byAccount[c.Account][in.DashboardName]
	if d == nil {
		return nil, boardsNotFound(in.DashboardName)
	}
	return api.Out{"DashboardArn": d.arn, "DashboardBody": d.body, "DashboardName": d.name}, nil
}

func boardsNotFound(names ...string) error {
	return &wire.Error{
		Code: "DashboardNotFoundError", Query: "ResourceNotFound", Status: http.StatusNotFound,
		Message: "The specified dashboard does not exist. [" + strings.Join(names, ", ") + "]",
	}
}

type listBoardsInput struct {
	DashboardNamePrefix *string `json:"DashboardNamePrefix"`
	NextToken           *string `json:"NextToken"`
}

type boardEntry struct {
	DashboardName string    `json:"DashboardName"`
	DashboardArn  string    `json:"DashboardArn"`
	LastModified  time.Time `json:"LastModified"`
	Size          int       `json:"Size"`
}

func (b *boards) list(c *api.Call, in *listBoardsInput) (any, error) {
	found := api.Filter(api.Sorted(b.byAccount[c.Account]), func(d *dashboard) bool {
		return strings.HasPrefix(d.name, api.Value(in.DashboardNamePrefix))
	})
	found, next, err := api.Page(c, found, func(d *dashboard) string { return d.name }, in.NextToken, nil, dashboardsPerPage)
	if err != nil {
		return nil, invalidValue("The token NextToken is invalid.")
	}
	entry := func(d *dashboard) boardEntry { return boardEntry{d.name, d.arn, d.modified, len(d.body)} }
	return api.Listing("DashboardEntries", api.Map(found, entry), "NextToken", next), nil
}

type deleteBoardsInput struct {
	DashboardNames []string `json:"DashboardNames" check:"some"`
}

// delete deletes the dashboards that exist and then reports those that do not: the API
// reference promises to delete as many as possible, and the service answers ResourceNotFound
// for the rest.
func (b *boards) delete(c *api.Call, in *deleteBoardsInput) error {
	names := in.DashboardNames
	if err := atMost(100, "DashboardNames", len(names)); err != nil {
		return err
	}
	boards := b.byAccount[c.Account]
	if c.Partial != nil { // someone else has just deleted the first one
		delete(boards, names[0])
	}
	var unknown []string
	for _, name := range names {
		if boards[name] == nil {
			unknown = append(unknown, name)
		}
		delete(boards, name)
	}
	if unknown != nil {
		return boardsNotFound(unknown...)
	}
	return nil
}

// The limits of dashboards (CloudWatch user guide, quotas; dashboard body structure).
const (
	maxWidgets             = 500
	maxMetricsPerWidget    = 500
	maxMetricsPerDashboard = 2500
	gridWidth              = 24
	maxWidgetHeight        = 1000
)

var widgetTypes = []string{"metric", "text", "log", "alarm", "explorer", "custom"}

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
