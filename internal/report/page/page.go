// Package page renders a report as one HTML page. It is apart from package report so that
// programs that only make reports, as the Lambda functions, link no templates.
package page

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// The parts of the page. The chart library is vendored with its licence; see
// docs/dependencies.md.
var (
	//go:embed assets/ledger.html.tmpl
	text string
	//go:embed assets/ledger.css
	style string
	//go:embed assets/ledger.js
	script string
	//go:embed assets/uPlot.iife.min.js
	chartScript string
	//go:embed assets/uPlot.min.css
	chartStyle string
	//go:embed assets/uPlot.LICENSE
	chartLicence string
)

// chartVersion is the vendored version of uPlot.
const chartVersion = "1.6.32"

var page = template.Must(template.New("page").Parse(text))

// ChartScript is the script of the chart library, with the licence that goes where the
// code goes.
func ChartScript() string {
	return "/*\nuPlot " + chartVersion + "\n" + chartLicence + "*/\n" + chartScript
}

// ChartStyle is the style sheet of the chart library.
func ChartStyle() string { return chartStyle }

// Write writes the ledger as one page that loads nothing from anywhere: charts of all
// campaigns and all recommenders and of those that waste most, and a table that can be
// sorted. Charts need entries with Hourly. The error is w's.
func Write(w io.Writer, l report.Ledger) error {
	return page.Execute(w, struct {
		report.Page
		ChartStyle, Style   template.CSS
		ChartScript, Script template.JS
	}{l.Page(), template.CSS(chartStyle), template.CSS(style), template.JS(ChartScript()), template.JS(script)})
}
