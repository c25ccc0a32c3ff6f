package localaws

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
)

// cloudwatchOperations lists what this endpoint knows of CloudWatch.
func (s *Server) cloudwatchOperations() map[string]operation {
	return map[string]operation{
		"PutMetricData":           s.putMetricData,
		"GetMetricData":           s.getMetricData,
		"PutMetricAlarm":          s.putMetricAlarm,
		"DescribeAlarms":          s.describeAlarms,
		"DescribeAlarmsForMetric": s.describeAlarmsForMetric,
		"DescribeAlarmHistory":    s.describeAlarmHistory,
		"DeleteAlarms":            s.deleteAlarms,
		"EnableAlarmActions":      s.enableAlarmActions,
		"DisableAlarmActions":     s.disableAlarmActions,
		"SetAlarmState":           s.setAlarmState,
		"ListTagsForResource":     s.cloudwatchListTags,
		"TagResource":             s.cloudwatchTag,
		"UntagResource":           s.cloudwatchUntag,
		"PutDashboard":            s.putDashboard,
		"GetDashboard":            s.getDashboard,
		"ListDashboards":          s.listDashboards,
		"DeleteDashboards":        s.deleteDashboards,
	}
}

// home is where regional things of CloudWatch live.
type home struct{ account, region string }

func (c *call) home() home { return home{c.account, c.region} }

// The errors of CloudWatch have two names each: the shape's, in the body, and the one of
// the older query API, in the header, which SDKs report as the error's code.

// invalid is the error of values that break the model's constraints.
func invalid(format string, args ...any) *apiError {
	return cloudwatchError("ValidationException", "ValidationError", fmt.Sprintf(format, args...))
}

// invalidValue is the error of a parameter whose value is bad or out of range.
func invalidValue(format string, args ...any) *apiError {
	return cloudwatchError("InvalidParameterValueException", "InvalidParameterValue", fmt.Sprintf(format, args...))
}

// contradictory is the error of parameters that exclude each other.
func contradictory(format string, args ...any) *apiError {
	return cloudwatchError("InvalidParameterCombinationException", "InvalidParameterCombination", fmt.Sprintf(format, args...))
}

// missing is the error of a required parameter that is not there.
func missing(name string) *apiError {
	return cloudwatchError("MissingRequiredParameterException", "MissingParameter", "The parameter "+name+" is required.")
}

func badNextToken() *apiError {
	return cloudwatchError("InvalidNextToken", "InvalidNextToken", "The token NextToken is invalid.")
}

// unknownResource is the error of the tag operations for an ARN that names nothing.
func unknownResource(arn string) *apiError {
	e := cloudwatchError("ResourceNotFoundException", "ResourceNotFoundException", "Unknown resource "+arn)
	e.Status = http.StatusNotFound
	e.Members = map[string]any{"Message": e.Message}
	return e
}

func cloudwatchError(shape, query, message string) *apiError {
	return &apiError{Code: shape, Query: query, Message: message, Status: http.StatusBadRequest}
}

// The limits of names (API model of CloudWatch).
const (
	maxNameLength           = 255
	maxDimensionValueLength = 1024
	maxDimensions           = 30
	maxTags                 = 50
	maxTagKeyLength         = 128
	maxTagValueLength       = 256
	maxNamesPerCall         = 100
)

var statistics = []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}

// units are the values of StandardUnit.
var units = func() map[string]bool {
	known := map[string]bool{"Seconds": true, "Microseconds": true, "Milliseconds": true, "Percent": true, "Count": true, "Count/Second": true, "None": true}
	for _, scale := range []string{"", "Kilo", "Mega", "Giga", "Tera"} {
		for _, of := range []string{"bytes", "bits"} {
			name := scale + of
			name = strings.ToUpper(name[:1]) + name[1:]
			known[name], known[name+"/Second"] = true, true
		}
	}
	return known
}()

type dimension struct {
	Name  string `cbor:"Name"`
	Value string `cbor:"Value"`
}

// checkDimensions checks the dimensions at a path of the input.
func checkDimensions(path string, dims []dimension) error {
	if len(dims) > maxDimensions {
		return invalidValue("The collection %s must not have a size greater than %d.", path, maxDimensions)
	}
	seen := map[string]bool{}
	for i, d := range dims {
		at := fmt.Sprintf("%s.member.%d", path, i+1)
		if err := checkDimensionText(at+".Name", d.Name, maxNameLength); err != nil {
			return err
		}
		if err := checkDimensionText(at+".Value", d.Value, maxDimensionValueLength); err != nil {
			return err
		}
		if seen[d.Name] {
			return invalidValue("The parameter %s repeats the dimension %s.", at, quoted(d.Name))
		}
		seen[d.Name] = true
	}
	return nil
}

func checkDimensionText(path, text string, most int) error {
	switch {
	case text == "":
		return missing(path)
	case len(text) > most:
		return invalidValue("The value for parameter %s is longer than %d characters.", path, most)
	case strings.TrimSpace(text) == "" || text[0] == ':' || !printableASCII(text):
		return invalidValue("The value %s for parameter %s must be printable ASCII, not blank, and not begin with a colon.", quoted(text), path)
	}
	return nil
}

func printableASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// checkMetricName checks the name of a metric or a namespace.
func checkMetricName(path string, name *string) error {
	switch {
	case name == nil || *name == "":
		return missing(path)
	case len(*name) > maxNameLength:
		return invalidValue("The value for parameter %s is longer than %d characters.", path, maxNameLength)
	case (*name)[0] == ':' || strings.TrimSpace(*name) == "" || !printableASCII(*name):
		return invalidValue("The value %s for parameter %s is invalid.", quoted(*name), path)
	}
	return nil
}

func checkUnit(path string, unit *string) error {
	if unit != nil && !units[*unit] {
		return invalidValue("The value %s for parameter %s is not a unit.", quoted(*unit), path)
	}
	return nil
}

// oneOf checks an enumeration; an absent value passes.
func oneOf(path string, value *string, valid []string) error {
	if value == nil || slices.Contains(valid, *value) {
		return nil
	}
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
		*value, path, strings.Join(valid, ", "))
}

// within checks the length of a text or list; absent ones have length 0.
func within(path string, length, least, most int) error {
	switch {
	case length < least:
		return invalid("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length greater than or equal to %d", path, least)
	case length > most:
		return invalid("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", path, most)
	}
	return nil
}

// maxMagnitude bounds what CloudWatch takes for a value: 2 to the power of 360.
var maxMagnitude = math.Ldexp(1, 360)

func acceptable(f float64) bool {
	return !math.IsNaN(f) && math.Abs(f) <= maxMagnitude
}

type tag struct {
	Key   string `cbor:"Key"`
	Value string `cbor:"Value"`
}

var reservedTag = lazy(`(?i)^aws:`)

// checkTags checks tags that are to be set on something that has the tags already.
func checkTags(tags []tag, already map[string]string) error {
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || len(t.Key) > maxTagKeyLength || len(t.Value) > maxTagValueLength:
			return invalidValue("The tag %s does not have a key of 1 to %d and a value of up to %d characters.", quoted(t.Key), maxTagKeyLength, maxTagValueLength)
		case reservedTag().MatchString(t.Key):
			return invalidValue("The tag %s begins with aws:, which is reserved.", quoted(t.Key))
		case seen[t.Key]:
			return invalidValue("The tag %s is given twice.", quoted(t.Key))
		}
		seen[t.Key] = true
	}
	total := len(already)
	for key := range seen {
		if _, ok := already[key]; !ok {
			total++
		}
	}
	if total > maxTags {
		return invalidValue("A resource can have no more than %d tags.", maxTags)
	}
	return nil
}

// value returns what a pointer points to, the zero value for nil.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
