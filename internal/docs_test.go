package internal_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/test/docs"
)

// What the documents state is held here where a program can check it.

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The table of parameters is the program's, but for those of the template alone.
func TestReferenceParameters(t *testing.T) {
	var table strings.Builder
	table.WriteString("| Parameter | Flag | Default | What it does | Valid values |\n|---|---|---|---|---|\n")
	for _, p := range config.All() {
		standard := "`" + p.Default + "`"
		switch p.Name {
		case config.HourlyChecks:
			standard = "`" + string(model.Always) + "`" // for a person's run and plan
		case config.Regions:
			standard = "the current region"
		case config.NotificationEndpoint, config.KMSKeyARN:
			standard = "none"
		}
		fmt.Fprintf(&table, "| `%s` | `--%s` | %s | %s | %s |\n", p.Name, p.Flag, standard, docs.Cell(p.Help), docs.Cell(p.Valid))
	}
	for i, row := range []string{
		"`No` | keep one place of the account's Lambda concurrency for the monitor | Yes or No",
		"`400` | how long the logs of the functions are kept, in days | a number of days that CloudWatch Logs accepts, 1 to 3653",
		"`Disabled` | trace the functions with AWS X-Ray | Active or Disabled",
	} {
		fmt.Fprintf(&table, "| `%s` | – | %s |\n", onlyInTemplate[i], row)
	}
	docs.Section(t, "docs/guide/parameters.md", "parameters", table.String())
}

// Each command is sent by an example for the AWS CLI that its receiver takes as a
// person's request, and the reference has a row for each detail type, and for no other.
func TestDocsEvents(t *testing.T) {
	guide, reference := docs.Read(t, "docs/guide/events.md"), docs.Read(t, "docs/reference/events.md")
	sent := map[events.DetailType]bool{}
	for _, example := range regexp.MustCompile(`(?s)--entries '(.*?)'`).FindAllStringSubmatch(guide, -1) {
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
	commands := []events.DetailType{
		events.UpdateCampaign, events.UpdateRecommender, events.DeleteCampaign, events.StopRecommender, events.BuildDashboard,
	}
	for _, command := range commands {
		if !sent[command] {
			t.Errorf("no example sends %s", command)
		}
	}
	var rows []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z][A-Za-z]+)` \\|").FindAllStringSubmatch(reference, -1) {
		rows = append(rows, row[1])
	}
	var types []string
	for _, one := range slices.Concat(commands, events.NotificationTypes()) {
		types = append(types, string(one))
	}
	slices.Sort(rows)
	slices.Sort(types)
	if diff := cmp.Diff(types, rows); diff != "" {
		t.Errorf("docs/reference/events.md (-types +rows):\n%s", diff)
	}
}

func TestDocsShowTheExample(t *testing.T) {
	if !strings.Contains(docs.Read(t, "docs/guide/events.md"), "```go\n"+docs.Read(t, "examples/prewarm/main.go")+"```\n") {
		t.Error("the Go code is not that of examples/prewarm")
	}
}

// What the README shows of the demo is what the demo prints.
func TestReadmeShowsTheDemo(t *testing.T) {
	_, after, _ := strings.Cut(docs.Read(t, "README.md"), "\n```\nMar ")
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
func TestDocsQuantities(t *testing.T) {
	page := docs.Read(t, "docs/operations/cost-to-run.md")
	const cycles, hours = 30 * 24 * 12, 30 * 24
	now := time.Date(2026, 3, 4, 12, 2, 0, 0, time.UTC)
	m := rules.EvaluationTime{Now: now, Window: rules.MeasuredWindow(now, 0)}
	resource := model.Resource{
		ARN:  model.NewARN("aws", "personalize", "us-east-1", "123456789012", "campaign/x"),
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
		if !strings.Contains(page, want) {
			t.Errorf("it does not have %q", want)
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
	for _, h := range heading.FindAllStringSubmatch(docs.WithoutCode(text), -1) {
		all = append(all, strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return all
}

// Links within the repository lead somewhere, and each document can be reached from the README.
func TestLinks(t *testing.T) {
	reached := map[string]bool{"README.md": true, "README-SAR.md": true}
	pages := docs.Pages(t)
	links := 0
	for _, page := range pages {
		text := docs.Read(t, page)
		for _, link := range linkInText.FindAllStringSubmatch(docs.WithoutCode(text), -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			links++
			target, anchor, _ := strings.Cut(link[1], "#")
			if target = path.Join(path.Dir(page), target); strings.HasPrefix(link[1], "#") {
				target = page
			}
			if _, err := os.Stat("../" + target); err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if target != page {
				reached[target] = true
			}
			if anchor != "" && !slices.Contains(anchors(docs.Read(t, target)), anchor) {
				t.Errorf("%s: nothing is at %s", page, link[1])
			}
		}
	}
	if links < 100 {
		t.Errorf("only %d links found", links)
	}
	for _, page := range pages {
		if !reached[page] {
			t.Errorf("no link leads to %s", page)
		}
	}
}

// The README fits two minutes: its length, and a picture in the first screen that loads fast.
func TestReadmeIsShort(t *testing.T) {
	lines := strings.Split(strings.TrimRight(docs.Read(t, "README.md"), "\n"), "\n")
	if len(lines) > 200 {
		t.Errorf("it has %d lines, more than 200", len(lines))
	}
	picture := regexp.MustCompile(`!\[.+\]\((docs/images/[a-z-]+\.png)\)`).FindStringSubmatch(strings.Join(lines[:min(len(lines), 12)], "\n"))
	if picture == nil {
		t.Fatal("there is no picture in its first lines")
	}
	if info, err := os.Stat("../" + picture[1]); err != nil || info.Size() > 150<<10 {
		t.Errorf("%s: %v, or it has more than 150 KB", picture[1], err)
	}
}

// Half of all sentences have at most so many words, on each page and over all pages.
const medianWords = 18

func TestSentencesAreShort(t *testing.T) {
	var all []int
	for _, page := range docs.Pages(t) {
		words := sentences(docs.Read(t, page))
		if n := median(words); n > medianWords {
			t.Errorf("%s: half of its sentences have %d words or more, want %d", page, n, medianWords)
		}
		all = append(all, words...)
	}
	if len(all) < 1000 {
		t.Errorf("only %d sentences were found", len(all))
	}
	if n := median(all); n > medianWords {
		t.Errorf("half of all sentences have %d words or more, want %d", n, medianWords)
	}
}

func median(numbers []int) int {
	if len(numbers) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(numbers))
	return sorted[len(sorted)/2]
}

var (
	inlineCode  = regexp.MustCompile("`[^`]*`")
	linkText    = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	listItem    = regexp.MustCompile(`^ *([-*]|\d+\.) `)
	sentenceEnd = regexp.MustCompile(`[.!?]["”)*]*(\s|$)`)
)

// sentences are the numbers of words of the sentences of a document. Code counts as a word; blocks of code, tables,
// headings and comments are no sentences.
func sentences(text string) []int {
	text = linkText.ReplaceAllString(inlineCode.ReplaceAllString(docs.WithoutCode(text), "code"), "$1")
	var paragraphs []string
	open := false // the last paragraph goes on
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "<!--") {
			open = false
			continue
		}
		if !open || listItem.MatchString(line) {
			paragraphs, open = append(paragraphs, ""), true
		}
		paragraphs[len(paragraphs)-1] += " " + listItem.ReplaceAllString(line, "")
	}
	var words []int
	for _, paragraph := range paragraphs {
		for _, sentence := range sentenceEnd.Split(paragraph, -1) {
			n := 0
			for _, word := range strings.Fields(sentence) {
				if strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
					n++
				}
			}
			if n > 0 {
				words = append(words, n)
			}
		}
	}
	return words
}

func TestSentencesAreCounted(t *testing.T) {
	text := "# A title\n\nOne [two three](x.md#y). `four five` is one word:\n- a list; its items (see\n  above).\n- End\n\n| no | table |\n\n```sh\nno code.\n```\n"
	if diff := cmp.Diff([]int{3, 4, 6, 1}, sentences(text)); diff != "" {
		t.Error(diff)
	}
}
