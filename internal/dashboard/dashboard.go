// Package dashboard turns the monitored estate into the bodies of CloudWatch dashboards:
// resources → typed widgets → JSON. It is pure, and the same estate gives the same bytes,
// in whatever order it comes. It stands beside the line discover → measure → decide →
// act → report: it takes what discover found, and act writes what it made.
package dashboard

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Input is what a dashboard is made of.
type Input struct {
	// Name is that of the first dashboard; where one is not enough, further ones are
	// named <Name>-2, <Name>-3 and so on.
	Name string
	// Region is the deployment region, where the number of resources is published and
	// whose console the links between dashboards lead to.
	Region string
	// Resources are the monitored ones, in any order.
	Resources []model.Resource
	// LeaveOut names resources that are not to be shown though they may still be among
	// Resources: those just deleted or stopped.
	LeaveOut []model.ARN
}

// Board is one dashboard as CloudWatch takes it.
type Board struct {
	Name string
	Body []byte // JSON, without white space
}

// Page is one dashboard as widgets.
type Page struct {
	Name    string
	Widgets []Widget
}

// Render makes the bodies of all dashboards that the estate needs, at least one.
func Render(in Input) []Board {
	pages := Layout(in)
	boards := make([]Board, len(pages))
	for i, page := range pages {
		boards[i] = Board{Name: page.Name, Body: encode(page.Widgets)}
	}
	return boards
}

// Layout places the widgets of all dashboards that the estate needs, at least one.
func Layout(in Input) []Page {
	groups := groupsOf(in.Resources, in.LeaveOut)
	packed := pack(groups)
	pages := make([]Page, len(packed))
	for i, sections := range packed {
		intro := introduction{name: in.Name, region: in.Region, partition: partitionOf(groups), number: i + 1, of: len(packed), empty: len(groups) == 0}
		c := canvas{}
		c.row(introHeight, countWidget(in.Region), textWidget(intro.markdown()))
		for _, s := range sections {
			c.row(headerHeight, textWidget(s.group.header()))
			for _, row := range s.rows {
				c.row(graphHeight, s.group.graphs(row)...)
			}
		}
		pages[i] = Page{Name: NumberedName(in.Name, i+1), Widgets: c.widgets}
	}
	return pages
}

// NumberedName is the name of the nth dashboard, counted from 1: the first has the bare
// name.
func NumberedName(name string, n int) string {
	if n <= 1 {
		return name
	}
	return name + "-" + strconv.Itoa(n)
}

// encode writes the body of a dashboard. Whatever stands in a name is a JSON text.
func encode(widgets []Widget) []byte {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(struct {
		Widgets []Widget `json:"widgets"`
	}{widgets}); err != nil {
		panic("dashboard: " + err.Error()) // cannot happen: texts and whole numbers
	}
	return bytes.TrimSpace(body.Bytes())
}
