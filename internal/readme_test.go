package internal_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// What the README says is held here where a program can tell.

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadmeHasEveryParameter(t *testing.T) {
	readme := read(t, "../README.md")
	for _, p := range config.All() {
		row := regexp.MustCompile("(?m)^\\| `" + p.Name + "` \\| `--([^`]*)` \\| `?([^|]*?)`? \\|").FindStringSubmatch(readme)
		if row == nil {
			t.Errorf("there is no row for %s", p.Name)
			continue
		}
		want := p.Default
		switch p.Name {
		case config.HourlyChecks:
			want = string(model.Always) // for a person's run and plan
		case config.Regions:
			want = "the current region"
		case config.NotificationEndpoint:
			want = "none"
		}
		if row[1] != p.Flag || row[2] != want {
			t.Errorf("%s: flag %q and default %q, want %q and %q", p.Name, row[1], row[2], p.Flag, want)
		}
	}
	if !strings.Contains(readme, "\n| `"+onlyInTemplate+"` | – | `No` |") {
		t.Errorf("there is no row for %s", onlyInTemplate)
	}
}

// Each command is sent by an example for the AWS CLI that its receiver takes as a
// person's request, and each notification is told of.
func TestReadmeEvents(t *testing.T) {
	readme := read(t, "../README.md")
	sent := map[events.DetailType]bool{}
	for _, example := range regexp.MustCompile(`(?s)--entries '(.*?)'`).FindAllStringSubmatch(readme, -1) {
		var entries []struct{ Source, DetailType, Detail string }
		if err := json.Unmarshal([]byte(example[1]), &entries); err != nil {
			t.Fatalf("%s: %v", example[1], err)
		}
		for _, e := range entries {
			sent[events.DetailType(e.DetailType)] = true
			if e.Source != events.Source {
				t.Errorf("%s: source %q", e.DetailType, e.Source)
			}
			if events.DetailType(e.DetailType) == events.BuildDashboard {
				continue // whose detail may be empty
			}
			req, err := events.Decode(fmt.Appendf(nil, `{"detail-type":%q,"detail":%s}`, e.DetailType, e.Detail))
			if err == nil {
				err = req.Validate(req.Action())
			}
			if err != nil || req.Automatic() {
				t.Errorf("%s: %v", e.DetailType, err)
			}
		}
	}
	for _, command := range []events.DetailType{
		events.UpdateCampaign, events.UpdateRecommender, events.DeleteCampaign, events.StopRecommender, events.BuildDashboard,
	} {
		if !sent[command] {
			t.Errorf("no example sends %s", command)
		}
	}
	for _, told := range events.NotificationTypes() {
		if !strings.Contains(readme, "\n| `"+string(told)+"` |") {
			t.Errorf("%s is not told of", told)
		}
	}
}

func TestReadmeShowsTheExample(t *testing.T) {
	block := "```go\n" + read(t, "../examples/prewarm/main.go") + "```\n"
	if !strings.Contains(read(t, "../README.md"), block) {
		t.Error("the Go code is not that of examples/prewarm")
	}
}

// What the README shows of the demo is what the demo prints.
func TestReadmeShowsTheDemo(t *testing.T) {
	_, after, _ := strings.Cut(read(t, "../README.md"), "\n```\nMar ")
	block, _, _ := strings.Cut("Mar "+after, "\n```")
	printed := "\n" + read(t, "demo/testdata/seed1.txt")
	lines := strings.Split(block, "\n")
	for _, line := range lines {
		if line != "..." && !strings.Contains(printed, "\n"+line+"\n") {
			t.Errorf("the demo does not print %q", line)
		}
	}
	if len(lines) < 6 {
		t.Errorf("%d lines", len(lines))
	}
}

// The quantities are those of the questions that a cycle asks.
func TestReadmeQuantities(t *testing.T) {
	readme := read(t, "../README.md")
	const cycles, hours = 30 * 24 * 12, 30 * 24
	now := time.Date(2026, 3, 4, 12, 2, 0, 0, time.UTC)
	m := rules.EvaluationTime{Now: now, Window: rules.MeasuredWindow(now, 0)}
	resource := model.Resource{
		ARN:  model.ARN{Partition: "aws", Service: "personalize", Region: "us-east-1", Account: "123456789012", Resource: "campaign/x"},
		Kind: model.Campaign, Recipe: "aws-sims", MinTPS: 1, Created: now.AddDate(0, -2, 0), LastUpdated: now.AddDate(0, -2, 0),
		Described: true,
	}
	asked := func(r model.Resource, requests float64) int {
		questions := map[model.Query]bool{}
		settings := rules.Settings{IdleHours: 48, DeploymentRegion: "us-east-1"} // at 24 h one of the questions is asked for both checks
		for _, q := range rules.CheckQueries(r, rules.Throughput{Readable: true, Requests: requests}, settings, m) {
			if q.Stat != model.Watched { // read once by each process; later the other questions answer it
				questions[q] = true
			}
		}
		return len(questions)
	}
	larger, touched, lowered, unknown := resource, resource, resource, resource
	lowered.LastUpdated = now.Add(-time.Hour)
	larger.MinTPS = 2
	touched.MinTPS, touched.LastUpdated = 2, now.Add(-time.Hour)
	unknown.Recipe = "aws-next-best-action"
	window := func(r model.Resource) int { return len(rules.WindowQueries([]model.Resource{r}, m)) }
	for _, want := range []string{
		fmt.Sprintf("| %s, one a cycle |", thousands(cycles*window(resource))),
		fmt.Sprintf("minimum above 1 | %s more, two an hour |", thousands(hours*asked(larger, 1))),
		fmt.Sprintf("| %s to %s more, %d to %d an hour |", thousands(hours*asked(resource, 0)), thousands(hours*asked(touched, 0)), asked(resource, 0), asked(touched, 0)),
		fmt.Sprintf("each recommender | %s to %s more, three or four an hour |",
			thousands(hours*(asked(touched, 1)-asked(larger, 1))), thousands(hours*asked(lowered, 1))),
		fmt.Sprintf("unknown recipe | %s more, one a cycle |", thousands(cycles*(window(unknown)-window(resource)))),
	} {
		if !strings.Contains(readme, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if n := asked(resource, 1); n != 0 {
		t.Errorf("a busy endpoint at the lowest minimum asks for %d metrics more", n)
	}
}

// thousands is a number below a million with its comma.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

var (
	linkInText = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noAnchor   = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are those of the headings, as the page of the repository makes them.
func anchors(text string) []string {
	var all []string
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		all = append(all, strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return all
}

// Links within the repository lead somewhere.
func TestLinks(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	links := 0
	for _, page := range pages {
		text := read(t, page)
		for _, link := range linkInText.FindAllStringSubmatch(text, -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			links++
			path, anchor, _ := strings.Cut(link[1], "#")
			target := text
			if path != "" {
				file := filepath.Join(filepath.Dir(page), path)
				if _, err := os.Stat(file); err != nil {
					t.Errorf("%s: %v", page, err)
					continue
				}
				if anchor != "" {
					target = read(t, file)
				}
			}
			if anchor != "" && !slices.Contains(anchors(target), anchor) {
				t.Errorf("%s: nothing is at %s", page, link[1])
			}
		}
	}
	if links < 20 {
		t.Errorf("only %d links found", links)
	}
}
