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
