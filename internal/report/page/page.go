// Package page renders a report as one HTML page. It is apart from package report so that
// programs that only make reports, as the Lambda functions, link no templates.
package page

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"

	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// The parts of the page.
var (
	//go:embed assets/ledger.html.tmpl
	text string
	//go:embed assets/ledger.css
	style string
	//go:embed assets/ledger.js
	script string
)

var page = template.Must(template.New("page").Parse(text))

// Write writes the ledger as one page that loads nothing from anywhere: charts of all
// campaigns and all recommenders and of those that waste most, and a table that can be
// sorted. Charts need entries with Hourly. The error is w's.
func Write(w io.Writer, l report.Ledger) error {
	var body bytes.Buffer
	err := page.Execute(&body, struct {
		report.Page
		Style  template.CSS
		Chart  template.JS // the library, and what draws the charts with it
		Script template.JS
	}{l.Page(), template.CSS(chart.Style() + style), template.JS(chart.Library() + chart.Script()), template.JS(script)})
	if err != nil {
		return err
	}
	_, err = w.Write(model.Visible(body.Bytes()))
	return err
}
