package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/report/page"
)

func TestLedgerPage(t *testing.T) {
	full := report.LedgerOf()
	for name, l := range map[string]report.Ledger{"ledger.html": full, "ledger-empty.html": {Window: full.Window, Days: 14}} {
		t.Run(name, func(t *testing.T) {
			// What is vendored is not ours to hold; its place is.
			text := strings.Replace(write(t, l), chart.Library()+chart.Script(), "/* uPlot and charts.js */", 1)
			report.Golden(t, name, []byte(strings.Replace(text, chart.Style(), "/* uPlot */", 1)))
		})
	}
}

func write(t *testing.T, l report.Ledger) string {
	t.Helper()
	var out bytes.Buffer
	if err := page.Write(&out, l); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestAPageThatCannotBeWrittenIsAnError(t *testing.T) {
	if err := page.Write(brokenWriter{}, report.LedgerOf()); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
}

// Names come from others; nothing of them may become markup or script.
func TestLedgerPageIsSelfContainedAndEscaped(t *testing.T) {
	text := write(t, report.LedgerOf())
	if strings.Contains(text, "<b>") || strings.Count(text, "</script>") != 2+strings.Count(text, "<figure>") {
		t.Error("a name broke out of its place")
	}
	own := strings.Replace(text, chart.Library(), "", 1)
	for _, bad := range []string{"http://", "https://", "src=", "<link", "@import", "url("} {
		if strings.Contains(own, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	version := regexp.MustCompile(`uPlot (\S+)\n`).FindStringSubmatch(chart.Library())
	if !strings.Contains(text, "Copyright (c) 2022 Leon Sorokin") || version == nil || !strings.Contains(chart.Library(), "v"+version[1]) {
		t.Error("the page holds uPlot without its licence, or in another version")
	}
}

// A text must not look like another: neither in the page nor on a terminal.
func TestMarksOfTextDirectionAreNeutralized(t *testing.T) {
	l := report.LedgerOf()
	l.Resources[0].Name, l.Resources[0].Note = "home\u202egnp\u2066", "note\u200f\x1b[31m"
	l.Problems = []model.Problem{{Region: "us-east-1", Operation: "ListCampaigns", Err: errors.New("denied\u202d\x07")}}
	var table bytes.Buffer
	if err := report.Write(&table, l, report.Table, report.Style{}); err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"page": write(t, l), "table": table.String()} {
		if i := strings.IndexFunc(text, func(r rune) bool {
			return unicode.Is(unicode.Bidi_Control, r) || unicode.IsControl(r) && r != '\n' && r != '\t'
		}); i >= 0 {
			t.Errorf("%s: %q", where, text[i:min(len(text), i+40)])
		}
		if !strings.Contains(text, "gnp") {
			t.Errorf("%s: the name is gone", where)
		}
	}
}

func TestLedgerPageOfManyHasFewCharts(t *testing.T) {
	l := report.LedgerOf()
	one := l.Resources[0]
	for i := range 120 {
		e := one
		e.Name, e.ARN = fmt.Sprintf("c-%03d", i), fmt.Sprintf("%s-%03d", one.ARN, i)
		l.Resources = append(l.Resources, e)
	}
	text := write(t, l)
	if got := strings.Count(text, "<details>"); got != report.MaxCharts {
		t.Errorf("%d charts, want %d", got, report.MaxCharts)
	}
	if got := strings.Count(text, "<tr><th scope=\"row\""); got != 125 {
		t.Errorf("%d rows, want 125", got)
	}
}
