package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/dashboard"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// The keys of the dashboard's page.
const (
	keyBoard  = "board"
	keyWidget = "widget"
)

// boardView is one of the dashboards.
type boardView struct {
	Name        string
	Number, Of  int
	Boards      []spanLink
	Span        span
	Spans       []spanLink
	Widgets     []widgetView
	Single      bool // one chart by itself, with its numbers
	Back, Fault string
}

// widgetView is a widget: a text, a number or a chart.
type widgetView struct {
	Text  []textLine
	Chart *chartView
	Count string // the number that a number widget shows
	Title string
	Wide  bool
}

func (h *Handler) board(w http.ResponseWriter, r *http.Request) {
	f := parseFields(r.URL.RawQuery, keyBoard, keyWidget, keySpan)
	number, widget, shown := f.number(keyBoard, 1, 1, maxPage), f.number(keyWidget, -1, 0, maxPage), f.span(keySpan)
	if f.fault != nil {
		h.badQuery(w, r, f.fault)
		return
	}
	boards, widgets, err := h.boardWidgets(number)
	if err != nil {
		h.fail(w, r, http.StatusNotFound, err.Error())
		return
	}
	view := boardView{Name: boards[number-1].Name, Number: number, Of: len(boards), Span: shown, Single: widget >= 0}
	view.Back = boardLink(number, -1, shown.Name)
	for i, b := range boards {
		view.Boards = append(view.Boards, spanLink{span{Label: b.Name}, boardLink(i+1, -1, shown.Name), i+1 == number})
	}
	for _, one := range spans {
		view.Spans = append(view.Spans, spanLink{one, boardLink(number, widget, one.Name), one.Name == shown.Name})
	}
	if view.Single {
		graph, ok := graphAt(widgets, widget)
		if !ok {
			h.fail(w, r, http.StatusNotFound, "There is no such chart on this dashboard.")
			return
		}
		chart := chartView{ID: "chart"}
		chart.Plot, view.Fault = h.plotOf(r, graph, shown)
		view.Widgets = []widgetView{{Chart: &chart, Title: graph.Title, Wide: true}}
	} else {
		view.Widgets = h.widgetViews(widgets, number, shown)
	}
	h.render(w, r, http.StatusOK, "dashboard", frame{Title: "Dashboard", Path: "/dashboard"}, view)
}

// boardLink leads to a dashboard or, with a widget that is not negative, to one chart.
func boardLink(number, widget int, span string) string {
	pairs := []string{keySpan, span}
	if number > 1 {
		pairs = append(pairs, keyBoard, strconv.Itoa(number))
	}
	if widget >= 0 {
		pairs = append(pairs, keyWidget, strconv.Itoa(widget))
	}
	return link("/dashboard", pairs...)
}

// boardsKey names the dashboards of a snapshot.
type boardsKey struct {
	version      uint64
	name, region string
}

// boardWidgets returns all dashboards, and the widgets of one of them.
func (h *Handler) boardWidgets(number int) ([]dashboard.Page, []dashboard.Widget, error) {
	s := h.Source.Snapshot()
	name := cmp.Or(s.DashboardName, "Amazon-Personalize-Monitor")
	boards := h.boards.get(boardsKey{s.Version, name, s.Region}, func() []dashboard.Page {
		return dashboard.Layout(dashboard.Input{Name: name, Region: s.Region, Resources: monitored(s)})
	})
	if number > len(boards) {
		return nil, nil, fmt.Errorf("there are %s only", plural(len(boards), "dashboard"))
	}
	return boards, boards[number-1].Widgets, nil
}

func graphAt(widgets []dashboard.Widget, i int) (dashboard.Graph, bool) {
	if i >= len(widgets) {
		return dashboard.Graph{}, false
	}
	graph, ok := widgets[i].Properties.(dashboard.Graph)
	return graph, ok
}

// widgetViews are the widgets of a dashboard. Charts have no numbers yet: a large
// dashboard has hundreds, and who looks at the first ones need not pay for all.
func (h *Handler) widgetViews(widgets []dashboard.Widget, number int, s span) []widgetView {
	var views []widgetView
	for i, widget := range widgets {
		switch p := widget.Properties.(type) {
		case dashboard.Text:
			views = append(views, widgetView{Text: markdown(p.Markdown), Wide: true})
		case dashboard.Graph:
			if p.View != "timeSeries" {
				views = append(views, widgetView{Title: p.Title, Count: thousands(float64(h.Source.Snapshot().monitoredCount()))})
				continue
			}
			unit := ""
			if p.YAxis != nil {
				unit = p.YAxis.Left.Label
			}
			views = append(views, widgetView{Title: p.Title, Chart: &chartView{
				ID: "widget-" + strconv.Itoa(i), Lazy: true, Plot: plot{Title: p.Title, Unit: unit},
				Link: boardLink(number, i, s.Name),
			}})
		}
	}
	return views
}

// monitoredCount is the number that the dashboard shows.
func (s Snapshot) monitoredCount() int { return len(s.Result.Resources) }

// boardChart gives the numbers of one chart of a dashboard, for a script.
func (h *Handler) boardChart(w http.ResponseWriter, r *http.Request) {
	f := parseFields(r.URL.RawQuery, keyBoard, keyWidget, keySpan)
	number, widget, shown := f.number(keyBoard, 1, 1, maxPage), f.number(keyWidget, 0, 0, maxPage), f.span(keySpan)
	if f.fault != nil {
		h.badQuery(w, r, f.fault)
		return
	}
	_, widgets, err := h.boardWidgets(number)
	if err != nil {
		h.fail(w, r, http.StatusNotFound, err.Error())
		return
	}
	graph, ok := graphAt(widgets, widget)
	if !ok {
		h.fail(w, r, http.StatusNotFound, "There is no such chart on this dashboard.")
		return
	}
	p, fault := h.plotOf(r, graph, shown)
	if fault != "" {
		p.Note = strings.TrimSpace(fault + " " + p.Note)
	}
	body, err := json.Marshal(struct {
		plot
		Summary string `json:"summary"`
	}{p, p.Summary()})
	if err != nil {
		h.fail(w, r, http.StatusInternalServerError, "The chart could not be written.")
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(body)
}

// plotOf reads and draws a graph of a dashboard.
func (h *Handler) plotOf(r *http.Request, g dashboard.Graph, s span) (p plot, fault string) {
	// A coarser graph than the span would have is left as it is.
	s.Period = max(s.Period, time.Duration(g.Period)*time.Second)
	w := s.window(h.Clock.Now(), h.MetricDelay)
	unit := ""
	if g.YAxis != nil {
		unit = g.YAxis.Left.Label
	}
	p = newPlot(g.Title, unit, w, s.Period)
	queries := make([]model.Query, len(g.Lines))
	name := strings.Builder{}
	for i, line := range g.Lines {
		queries[i] = model.Query{Region: g.Region, Metric: line.Metric, Stat: g.Stat, Window: w, Period: s.Period}
		fmt.Fprintf(&name, "%+v\n", queries[i])
	}
	readings, err := h.read(r.Context(), name.String(), queries)
	if err != nil {
		fault = "Not all could be read: " + err.Error()
	}
	colourOf := map[string]int{} // by resource, so that minimum and average go together
	for i, line := range g.Lines {
		series := readings.Get(queries[i])
		colour, ok := colourOf[line.Metric.DimensionValue]
		if !ok {
			colour = 1 + len(colourOf)%(colours-1)
			colourOf[line.Metric.DimensionValue] = colour
		}
		if p.Note == "" {
			p.Note = partial(series)
		}
		added := p.add(line.Label, p.values(series.Points, 1))
		added.Dashed = strings.HasPrefix(line.Metric.Name, "min")
		added.Steps, added.Colour = added.Dashed, colour
	}
	if g.Annotations != nil {
		for _, mark := range g.Annotations.Horizontal {
			p.Marks = append(p.Marks, plotMark{Label: mark.Label, Value: float64(mark.Value)})
		}
	}
	return p, fault
}
