package cloudwatch

import (
	"fmt"
	"net/http"
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
	DashboardName *string   `json:"DashboardName"`
	DashboardBody *string   `json:"DashboardBody"`
	Tags          []api.Tag `json:"Tags"`
}

type putBoardOutput struct {
	Messages []boardMessage `json:"DashboardValidationMessages"`
}

// put creates or replaces a dashboard. The tags of the input are for a new one only.
func (b *boards) put(c *api.Call, in *putBoardInput) (out putBoardOutput, err error) {
	switch {
	case in.DashboardName == nil:
		return out, missing("DashboardName")
	case in.DashboardBody == nil:
		return out, missing("DashboardBody")
	case !dashboardName().MatchString(*in.DashboardName):
		message := "The value " + api.Quoted(*in.DashboardName) +
			" for field DashboardName is invalid: up to 255 alphanumerics, dash (-) and underscore (_) are allowed."
		return out, invalidBoard(message, []boardMessage{{Message: message}})
	}
	tags, fault := api.MergeTags(nil, in.Tags)
	if fault != nil {
		return out, invalidValue("%s", fault.Text)
	}
	faults, warnings := checkBody(*in.DashboardBody)
	if len(faults) > 0 {
		message := fmt.Sprintf("The dashboard body is invalid, there are %d validation errors, the first: %s %s",
			len(faults), faults[0].DataPath, faults[0].Message)
		return out, invalidBoard(message, faults)
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
	return putBoardOutput{append([]boardMessage{}, warnings...)}, nil
}

func invalidBoard(message string, faults []boardMessage) error {
	return &wire.Error{
		Code: "DashboardInvalidInputError", Query: "InvalidParameterInput", Message: message,
		Members: map[string]any{"dashboardValidationMessages": faults},
	}
}

type getBoardInput struct {
	DashboardName *string `json:"DashboardName"`
}

type getBoardOutput struct {
	DashboardArn  string `json:"DashboardArn"`
	DashboardBody string `json:"DashboardBody"`
	DashboardName string `json:"DashboardName"`
}

func (b *boards) get(c *api.Call, in *getBoardInput) (out getBoardOutput, err error) {
	if api.Value(in.DashboardName) == "" {
		return out, missing("DashboardName")
	}
	d := b.byAccount[c.Account][*in.DashboardName]
	if d == nil {
		return out, boardsNotFound(*in.DashboardName)
	}
	return getBoardOutput{d.arn, d.body, d.name}, nil
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

type listBoardsOutput struct {
	Entries   []boardEntry `json:"DashboardEntries"`
	NextToken string       `json:"NextToken,omitempty"`
}

type boardEntry struct {
	DashboardName string    `json:"DashboardName"`
	DashboardArn  string    `json:"DashboardArn"`
	LastModified  time.Time `json:"LastModified"`
	Size          int       `json:"Size"`
}

func (b *boards) list(c *api.Call, in *listBoardsInput) (out listBoardsOutput, err error) {
	found := api.Filter(api.Sorted(b.byAccount[c.Account]), func(d *dashboard) bool {
		return strings.HasPrefix(d.name, api.Value(in.DashboardNamePrefix))
	})
	found, next, ok := api.Page(c, found, func(d *dashboard) string { return d.name }, api.Value(in.NextToken), dashboardsPerPage)
	if !ok {
		return out, invalidValue("The token NextToken is invalid.")
	}
	return listBoardsOutput{api.Map(found, func(d *dashboard) boardEntry {
		return boardEntry{d.name, d.arn, d.modified, len(d.body)}
	}), next}, nil
}

type deleteBoardsInput struct {
	DashboardNames []string `json:"DashboardNames"`
}

// delete deletes the dashboards that exist and then reports those that do not: the API
// reference promises to delete as many as possible, and the service answers ResourceNotFound
// for the rest.
func (b *boards) delete(c *api.Call, in *deleteBoardsInput) error {
	names := in.DashboardNames
	switch {
	case len(names) == 0:
		return missing("DashboardNames")
	case len(names) > maxNamesPerCall:
		return invalidValue("The collection DashboardNames must not have a size greater than %d.", maxNamesPerCall)
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
