package web

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboard"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// boards shows the dashboards as they are in CloudWatch.
type boards struct {
	*site
	rendered memo[uint64, []dashboard.Board] // by version of the snapshot
}

// boardView is one of the dashboards.
type boardView struct {
	Name   string
	Boards []tab
	Spans  []tab
	Groups []boardGroup
	Single bool // only one chart, with its data
	Back   string
	Fault  string
}

// boardGroup is what a heading of the dashboard precedes: the charts of a dataset group.
type boardGroup struct {
	Name    string // empty before the first heading
	Widgets []widgetView
}

// widgetView is a widget: a text, a number or a chart.
type widgetView struct {
	Text  dashboard.Paragraphs
	Chart *chartView
	Count string // of a number widget
	Title string
	Wide  bool
}

// boardQuery is the query of the dashboard's page and of its charts.
type boardQuery struct {
	number, widget int // widget is negative for all
	span           span
}

func parseBoard(q *fields, widget int) boardQuery {
	return boardQuery{q.number(keyBoard, 1, 1, maxPage), q.number(keyWidget, widget, 0, maxPage), q.span(keySpan, defaultSpan)}
}

func (q boardQuery) link() string {
	board, widget := strconv.Itoa(q.number), strconv.Itoa(q.widget)
	if q.number == 1 {
		board = ""
	}
	if q.widget < 0 {
		widget = ""
	}
	return link("/dashboard", keySpan, q.span.Name, keyBoard, board, keyWidget, widget)
}

func (b *boards) page(r *http.Request, f *fields) (page, error) {
	q := parseBoard(f, -1)
	boards, widgets, err := b.widgets(q.number)
	if err = cmp.Or(f.fault, err); err != nil {
		return page{}, err
	}
	view := boardView{Name: boards[q.number-1].Name, Single: q.widget >= 0, Back: boardQuery{q.number, -1, q.span}.link()}
	for i, one := range boards {
		view.Boards = append(view.Boards, tab{Label: one.Name, Link: boardQuery{i + 1, -1, q.span}.link(), Current: i+1 == q.number})
	}
	view.Spans = spanTabs(q.span, func(s span) string { return boardQuery{q.number, q.widget, s}.link() })
	var tables []table
	if view.Single {
		one := chartView{ID: "chart", CSV: q.link() + "&" + keyFormat + "=csv"}
		if one.Plot, view.Fault, err = b.plot(r.Context(), widgets, q); err != nil {
			return page{}, err
		}
		view.Groups = []boardGroup{{Widgets: []widgetView{{Chart: &one, Title: one.Plot.Title, Wide: true}}}}
		tables = []table{chartTable("chart", one.Plot)}
	} else {
		view.Groups = b.groups(widgets, q)
	}
	return page{template: "dashboard", title: "Charts", path: "/dashboard", view: view, tables: tables}, nil
}

// chart serves the data of one chart of a dashboard to a script.
func (b *boards) chart(w http.ResponseWriter, r *http.Request) {
	f := parseFields(r.URL.RawQuery, keyBoard, keyWidget, keySpan)
	q := parseBoard(f, 0)
	_, widgets, err := b.widgets(q.number)
	var data struct {
		chart.Chart
		Summary string `json:"summary"`
	}
	if err = cmp.Or(f.fault, err); err == nil {
		var fault string
		data.Chart, fault, err = b.plot(r.Context(), widgets, q)
		data.Note, data.Summary = strings.TrimSpace(fault+" "+data.Note), data.Chart.Summary()
	}
	if err != nil {
		b.pages.reject(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(data) // fails only if the client is gone
}

// widgets returns all dashboards, and the widgets of one of them.
func (b *boards) widgets(number int) ([]dashboard.Board, []dashboard.Widget, error) {
	s := b.options.Source.Snapshot()
	boards := b.rendered.get(s.Version, func() []dashboard.Board {
		in := dashboard.Input{
			Name: cmp.Or(s.DashboardName, "Amazon-Personalize-Monitor"), Region: s.Status.Region, Resources: s.Resources,
		}
		if len(s.Accounts) > 0 {
			in.Account = func(id string) string { return s.account(id).Label() }
		}
		return dashboard.Render(in)
	})
	if number > len(boards) {
		return nil, nil, notFound("There is only %s.", model.Plural(len(boards), "dashboard"))
	}
	return boards, boards[number-1].Widgets, nil
}

// groups are the widgets of a dashboard, cut at its headings. Charts have no data yet: a large dashboard has
// hundreds of charts, and someone who views the first ones need not pay for all.
func (b *boards) groups(widgets []dashboard.Widget, q boardQuery) []boardGroup {
	groups := make([]boardGroup, 1)
	for i, widget := range widgets {
		var w widgetView
		switch p := widget.Properties.(type) {
		case dashboard.Text:
			w = widgetView{Text: p.Paragraphs, Wide: true}
			if heading := w.Text[0]; heading.Level > 0 {
				groups = append(groups, boardGroup{Name: strings.TrimPrefix(heading.Parts[0].Text, "Dataset group ")})
			}
		case dashboard.Graph:
			w.Title = p.Title
			if p.View == "timeSeries" {
				w.Chart = &chartView{
					ID: "widget-" + strconv.Itoa(i), Lazy: true, Plot: chart.Chart{Title: p.Title, Unit: unitOf(p)},
					Link: boardQuery{q.number, i, q.span}.link(),
				}
			} else {
				w.Count = number(len(b.options.Source.Snapshot().Result.Resources))
			}
		default:
			continue
		}
		last := &groups[len(groups)-1]
		last.Widgets = append(last.Widgets, w)
	}
	return groups
}

func unitOf(g dashboard.Graph) string {
	if g.YAxis == nil {
		return ""
	}
	return g.YAxis.Left.Label
}

// plot reads and draws one chart of a dashboard, with periods not shorter than its own. fault is what could
// not be read.
func (b *boards) plot(ctx context.Context, widgets []dashboard.Widget, q boardQuery) (c chart.Chart, fault string, err error) {
	if q.widget >= len(widgets) {
		return c, "", errNoChart
	}
	g, ok := widgets[q.widget].Properties.(dashboard.Graph)
	if !ok {
		return c, "", errNoChart
	}
	s := q.span
	s.Period = max(s.Period, time.Duration(g.Period)*time.Second)
	w := b.window(s)
	c = chart.New(g.Title, unitOf(g), w, s.Period)
	queries := mapped(g.Lines, func(line dashboard.Line) model.Query {
		return model.Query{Region: g.Region, Metric: line.Metric, Stat: g.Stat, Window: w, Period: s.Period}
	})
	readings, problem := b.reader.read(ctx, fmt.Sprintf("%+v", queries), queries)
	if problem != nil {
		fault = "Not all data could be read: " + problem.Error() + "."
	}
	var all []model.Series
	colours := map[string]int{} // by resource: minimum and average have the same
	for i, line := range g.Lines {
		series := readings.Get(queries[i])
		colour, ok := colours[line.Metric.DimensionValue]
		if !ok {
			colour = 1 + len(colours)%(chart.Colours-1)
			colours[line.Metric.DimensionValue] = colour
		}
		c.Note = cmp.Or(c.Note, partialNote(series))
		all = append(all, series)
		added := c.Add(line.Label, c.Values(series.Points, 1))
		added.Dashed = strings.HasPrefix(line.Metric.Name, "min")
		added.Steps, added.Colour = added.Dashed, colour
	}
	lateFrom := int64(math.MaxInt64)
	if len(g.Lines) > 0 { // the data of a graph are late if those of its first line are
		arn, _ := model.ParseARN(g.Lines[0].Metric.DimensionValue) // the zero ARN is of no account
		lateFrom = lateSince(b.options.Source.Snapshot().late(arn.Account(), g.Region), s.Period, all...)
	}
	c.AddGaps(func(i int) string {
		if c.Times[i] >= lateFrom {
			return dataLate
		}
		return ""
	})
	if g.Annotations != nil {
		for _, mark := range g.Annotations.Horizontal {
			c.Marks = append(c.Marks, chart.Mark{Label: mark.Label, Value: float64(mark.Value)})
		}
	}
	return c, fault, nil
}

var errNoChart = notFound("There is no such chart on this dashboard.")
