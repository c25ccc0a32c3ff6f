package report

import _ "embed"

// The chart library, vendored with its licence; docs/dependencies.md tells more.
var (
	//go:embed assets/uPlot.iife.min.js
	chartScript string
	//go:embed assets/uPlot.min.css
	chartStyle string
	//go:embed assets/uPlot.LICENSE
	chartLicence string
)

// chartVersion is the vendored version of uPlot.
const chartVersion = "1.6.32"

// ChartScript is the script of the chart library, with the licence that goes where the
// code goes.
func ChartScript() string {
	return "/*\nuPlot " + chartVersion + "\n" + chartLicence + "*/\n" + chartScript
}

// ChartStyle is the style sheet of the chart library.
func ChartStyle() string { return chartStyle }
