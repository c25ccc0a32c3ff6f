// Package dashboard turns the monitored resources into the bodies of CloudWatch dashboards:
// resources → typed widgets → JSON. It has no side effects, and the same resources give the
// same bytes in any order.
package dashboard

import (
	"strconv"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Input describes the dashboards to make.
type Input struct {
	// Name is that of the first dashboard; further ones, if one is not enough, are named
	// <Name>-2, <Name>-3 and so on.
	Name string
	// Region is the deployment region, where the number of resources is published and
	// whose console the links between dashboards lead to.
	Region string
	// Resources are the monitored ones, in any order.
	Resources []model.Resource
	// Account is the name of an account by its ID, if resources are of several; else nil.
	Account func(id string) string
}

// Board is one dashboard for CloudWatch.
type Board struct {
	Name    string
	Widgets []Widget
	Body    []byte // the widgets as JSON, without white space
}

// Render returns the dashboards that the resources need, at least one.
func Render(in Input) []Board {
	groups := in.groups()
	packed := pack(groups)
	boards := make([]Board, len(packed))
	for i, sections := range packed {
		var g grid
		g.row(introHeight, countWidget(in.Region), textWidget(introduction(in, groups, i+1, len(packed))...))
		for _, s := range sections {
			g.row(headerHeight, textWidget(s.group.header()))
			for _, row := range s.rows {
				g.row(graphHeight, s.group.graphs(row)...)
			}
		}
		boards[i] = Board{Name: NumberedName(in.Name, i+1), Widgets: g.widgets, Body: encode(g.widgets)}
	}
	return boards
}

// NumberedName is the name of the nth dashboard, counted from 1: the first has the plain
// name.
func NumberedName(name string, n int) string {
	if n <= 1 {
		return name
	}
	return name + "-" + strconv.Itoa(n)
}

// encode writes the body of a dashboard. JSON escapes whatever a name contains.
func encode(widgets []Widget) []byte {
	body, err := model.EncodeJSON(map[string][]Widget{"widgets": widgets})
	if err != nil {
		panic("dashboard: " + err.Error()) // cannot happen: texts and whole numbers
	}
	return body
}
