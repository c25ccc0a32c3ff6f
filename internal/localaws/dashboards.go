package localaws

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// dashboardsState holds the dashboards of each account by name; they belong to no region.
// The zero value is empty and usable.
type dashboardsState struct {
	of map[string]map[string]*dashboard
}

type dashboard struct {
	arn, name, body string
	modified        time.Time
	tags            map[string]string
}

const dashboardsPerPage = 1000

var dashboardName = lazy(`^[A-Za-z0-9_-]{1,255}$`)

func dashboardARN(c *call, name string) string {
	return fmt.Sprintf("arn:%s:cloudwatch::%s:dashboard/%s", partitionOf(c.region), c.account, name)
}

type putDashboardInput struct {
	DashboardName *string `cbor:"DashboardName"`
	DashboardBody *string `cbor:"DashboardBody"`
	Tags          []tag   `cbor:"Tags"`
}

type putDashboardOutput struct {
	DashboardValidationMessages []dashboardMessage `cbor:"DashboardValidationMessages"`
}

type dashboardMessage struct {
	DataPath string `cbor:"DataPath,omitempty" json:"dataPath,omitempty"`
	Message  string `cbor:"Message" json:"message"`
}

// putDashboard creates or replaces a dashboard. Tags count on creation only.
func (s *Server) putDashboard(c *call) (any, error) {
	var in putDashboardInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.DashboardName == nil {
		return nil, missing("DashboardName")
	}
	if in.DashboardBody == nil {
		return nil, missing("DashboardBody")
	}
	if !dashboardName().MatchString(*in.DashboardName) {
		return nil, invalidDashboard("The value "+quoted(*in.DashboardName)+" for field DashboardName is invalid: up to 255 alphanumerics, dash (-) and underscore (_) are allowed.", nil)
	}
	if err := checkTags(in.Tags, nil); err != nil {
		return nil, err
	}
	faults, warnings := checkDashboard(*in.DashboardBody)
	if len(faults) > 0 {
		return nil, invalidDashboard(fmt.Sprintf("The dashboard body is invalid, there are %d validation errors, the first: %s %s", len(faults), faults[0].DataPath, faults[0].Message), faults)
	}
	if s.dashboards.of == nil {
		s.dashboards.of = map[string]map[string]*dashboard{}
	}
	if s.dashboards.of[c.account] == nil {
		s.dashboards.of[c.account] = map[string]*dashboard{}
	}
	d := s.dashboards.of[c.account][*in.DashboardName]
	if d == nil {
		d = &dashboard{arn: dashboardARN(c, *in.DashboardName), name: *in.DashboardName, tags: map[string]string{}}
		setTags(d.tags, in.Tags)
		s.dashboards.of[c.account][d.name] = d
	}
	d.body, d.modified = *in.DashboardBody, c.now
	return putDashboardOutput{DashboardValidationMessages: append([]dashboardMessage{}, warnings...)}, nil
}

func invalidDashboard(message string, faults []dashboardMessage) *apiError {
	e := cloudwatchError("DashboardInvalidInputError", "InvalidParameterInput", message)
	if faults == nil {
		faults = []dashboardMessage{{Message: message}}
	}
	e.Members = map[string]any{"dashboardValidationMessages": faults}
	return e
}

type getDashboardInput struct {
	DashboardName *string `cbor:"DashboardName"`
}

type getDashboardOutput struct {
	DashboardArn  string `cbor:"DashboardArn"`
	DashboardBody string `cbor:"DashboardBody"`
	DashboardName string `cbor:"DashboardName"`
}

func (s *Server) getDashboard(c *call) (any, error) {
	var in getDashboardInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if value(in.DashboardName) == "" {
		return nil, missing("DashboardName")
	}
	d := s.dashboards.of[c.account][*in.DashboardName]
	if d == nil {
		return nil, noDashboard(*in.DashboardName)
	}
	return getDashboardOutput{d.arn, d.body, d.name}, nil
}

func noDashboard(names ...string) *apiError {
	e := cloudwatchError("DashboardNotFoundError", "ResourceNotFound", "The specified dashboard does not exist. ["+strings.Join(names, ", ")+"]")
	e.Status = http.StatusNotFound
	return e
}

type listDashboardsInput struct {
	DashboardNamePrefix *string `cbor:"DashboardNamePrefix"`
	NextToken           *string `cbor:"NextToken"`
}

type listDashboardsOutput struct {
	DashboardEntries []dashboardEntry `cbor:"DashboardEntries"`
	NextToken        string           `cbor:"NextToken,omitempty"`
}

type dashboardEntry struct {
	DashboardName string    `cbor:"DashboardName"`
	DashboardArn  string    `cbor:"DashboardArn"`
	LastModified  time.Time `cbor:"LastModified"`
	Size          int       `cbor:"Size"`
}

func (s *Server) listDashboards(c *call) (any, error) {
	var in listDashboardsInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.dashboards.of[c.account])), func(name string) bool {
		return !strings.HasPrefix(name, value(in.DashboardNamePrefix))
	})
	names, next, ok := page(c, names, func(name string) string { return name }, value(in.NextToken), dashboardsPerPage)
	if !ok {
		return nil, invalidValue("The token NextToken is invalid.")
	}
	out := listDashboardsOutput{DashboardEntries: []dashboardEntry{}, NextToken: next}
	for _, name := range names {
		d := s.dashboards.of[c.account][name]
		out.DashboardEntries = append(out.DashboardEntries, dashboardEntry{d.name, d.arn, d.modified, len(d.body)})
	}
	return out, nil
}

type deleteDashboardsInput struct {
	DashboardNames []string `cbor:"DashboardNames"`
}

// deleteDashboards deletes the dashboards that exist. If some do not, it says so
// afterwards: the API reference promises to delete as many as possible, and the service
// answers ResourceNotFound for the rest.
func (s *Server) deleteDashboards(c *call) (any, error) {
	var in deleteDashboardsInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if len(in.DashboardNames) == 0 {
		return nil, missing("DashboardNames")
	}
	if len(in.DashboardNames) > maxNamesPerCall {
		return nil, invalidValue("The collection DashboardNames must not have a size greater than %d.", maxNamesPerCall)
	}
	if c.half(len(in.DashboardNames)) > 0 {
		delete(s.dashboards.of[c.account], in.DashboardNames[0])
	}
	var unknown []string
	for _, name := range in.DashboardNames {
		if s.dashboards.of[c.account][name] == nil {
			unknown = append(unknown, name)
		}
		delete(s.dashboards.of[c.account], name)
	}
	if unknown != nil {
		return nil, noDashboard(unknown...)
	}
	return nil, nil
}
