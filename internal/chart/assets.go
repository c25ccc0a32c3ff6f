package chart

import _ "embed"

// The chart library is vendored with its licence; see docs/dependencies.md.
var (
	//go:embed assets/uPlot.iife.min.js
	library string
	//go:embed assets/uPlot.min.css
	libraryStyle string
	//go:embed assets/uPlot.LICENSE
	licence string
	//go:embed assets/charts.js
	script string
)

const version = "1.6.32"

// Library is the script of the chart library, preceded by its licence.
func Library() string { return "/*\nuPlot " + version + "\n" + licence + "*/\n" + library }

// Style is the style sheet of the chart library.
func Style() string { return libraryStyle }

// Script draws the charts of a page. It needs Library, and the colours --c0 to --c7, --line
// and --soft in the style sheet of the page.
func Script() string { return script }
