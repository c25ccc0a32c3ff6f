package whatif

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
)

var update = flag.Bool("update", false, "write the chart of the guide")

// chartFile is the chart of docs/guide/choosing-a-minimum.md.
const chartFile = "../../docs/images/choosing-a-minimum.svg"

// exampleDemand is 20 TPS, and 40 for two hours of each working day.
func exampleDemand(at time.Time) float64 {
	rate := 20.0
	if h := at.Hour(); workdays.Has(at.Weekday()) && (h == 12 || h == 13) {
		rate = 40
	}
	return rate * noise(at, 0.2)
}

// The chart of the guide is what Options and Propose find for its example.
func TestChartOfTheGuide(t *testing.T) {
	r := endpoint(model.Campaign, 20)
	h := history(r, span(56), exampleDemand)
	p, why := Propose(r, h)
	if p == nil {
		t.Fatal(why)
	}
	var constant [][2]float64
	for cold := 1.0; cold > 0; {
		trial := h.Demand.At(float64(len(constant) + 1))
		cold = *trial.Cold.PerWeek
		constant = append(constant, [2]float64{100 * (trial.TPSHours/trial.Used - 1), cold})
	}
	scheduled := try(h.Demand, p.Schedule)
	got := draw(constant, [2]float64{100 * (scheduled.TPSHours/scheduled.Used - 1), *scheduled.Cold.PerWeek}, p.Schedule)
	if *update {
		if err := os.WriteFile(chartFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(chartFile)
	if err != nil || got != string(want) {
		t.Errorf("the chart differs from %s, %v; run with -update if it should", chartFile, err)
	}
	guide, err := os.ReadFile("../../docs/guide/choosing-a-minimum.md")
	if err != nil {
		t.Fatal(err)
	}
	last := constant[len(constant)-1]
	for _, text := range []string{
		"`" + p.Schedule.String() + "`", fmt.Sprintf("%.1f cold steps a week", constant[19][1]),
		fmt.Sprintf("%.1f %% more than what is used", 100*(scheduled.TPSHours/scheduled.Used-1)), fmt.Sprintf("%.0f %% more", last[0]), "choosing-a-minimum.svg",
	} {
		if !strings.Contains(string(guide), text) {
			t.Errorf("the guide lacks %q", text)
		}
	}
}

// draw draws cold steps a week over what is paid beyond what is used, in percent.
func draw(constant [][2]float64, scheduled [2]float64, s schedule.Schedule) string {
	const width, height, left, top, right, bottom = 640, 320, 56, 20, 34, 52
	highest := 6.0
	widest := 120.0
	x := func(v float64) float64 { return left + v/widest*(width-left-right) }
	y := func(v float64) float64 { return top + (1-v/highest)*(height-top-bottom) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title" font-family="sans-serif" font-size="13">`+"\n",
		width, height)
	fmt.Fprintf(&b, "<title id=\"title\">Cold steps a week over what is paid beyond what is used: a constant minimum, and the schedule %s</title>\n", s)
	fmt.Fprintf(&b, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height)
	for v := 0.0; v <= highest; v++ {
		fmt.Fprintf(&b, "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#444\">%g</text>\n",
			left, y(v), width-right, left-8, y(v)+4, v)
	}
	for v := 0.0; v <= widest; v += 20 {
		fmt.Fprintf(&b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#444\">%g %%</text>\n", x(v), height-bottom+20, v)
	}
	b.WriteString("<path d=\"")
	for i, point := range constant {
		fmt.Fprintf(&b, "%c%.1f %.1f", "ML"[min(i, 1)], x(point[0]), y(point[1]))
	}
	b.WriteString("\" fill=\"none\" stroke=\"#b45309\" stroke-width=\"2.5\"/>\n")
	fmt.Fprintf(&b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"6\" fill=\"#0f766e\"/>\n", x(scheduled[0]), y(scheduled[1]))
	fmt.Fprintf(&b, "<text x=\"%.1f\" y=\"%.1f\" fill=\"#0f766e\">a schedule for the two hours: +%.1f %%</text>\n", x(scheduled[0])+12, y(scheduled[1])-10, scheduled[0])
	fmt.Fprintf(&b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"#b45309\">a constant minimum, from 1 to %d TPS</text>\n", x(50), y(constant[0][1])-10, len(constant))
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" fill=\"#444\">cold steps a week</text>\n", left, top-6)
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#444\">TPS-hours paid for beyond those used</text>\n", width-right, height-10)
	b.WriteString("</svg>\n")
	return b.String()
}
