package dashboard

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	testName   = "Amazon-Personalize-Monitor"
	testRegion = "eu-west-1"
)

// resource is an active one of a dataset group. Its recipe may be empty.
func resource(kind model.Kind, partition, region, datasetGroup, name, recipe string) model.Resource {
	arn := func(resource string) model.ARN {
		return model.NewARN(partition, "personalize", region, "123456789012", resource)
	}
	r := model.Resource{ARN: arn(string(kind) + "/" + name), Kind: kind, Name: name, Recipe: recipe, Status: model.StatusActive, MinTPS: 1}
	if datasetGroup != "" {
		r.DatasetGroup = arn("dataset-group/" + datasetGroup)
	}
	return r
}

func campaign(region, datasetGroup, name string) model.Resource {
	return resource(model.Campaign, "aws", region, datasetGroup, name, "aws-user-personalization-v2")
}

func recommender(region, datasetGroup, name string) model.Resource {
	return resource(model.Recommender, "aws", region, datasetGroup, name, "aws-ecomm-recommended-for-you")
}

func render(resources ...model.Resource) []Board {
	return Render(Input{Name: testName, Region: testRegion, Resources: resources})
}

func TestGolden(t *testing.T) {
	tests := []struct {
		name      string
		resources []model.Resource
	}{
		{"campaigns", []model.Resource{
			campaign("eu-west-1", "shop", "similar"), campaign("eu-west-1", "shop", "home"),
			resource(model.Campaign, "aws", "eu-west-1", "shop", "rank", "aws-personalized-ranking"),
			resource(model.Campaign, "aws", "eu-west-1", "shop", "rank-v2", "aws-personalized-ranking-v2"),
			resource(model.Campaign, "aws", "eu-west-1", "shop", "actions", "aws-next-best-action"),
			resource(model.Campaign, "aws", "eu-west-1", "", "lost", ""),
			resource(model.Campaign, "aws", "eu-west-1", "actions-only", "next", "aws-next-best-action"),
		}},
		{"recommenders", []model.Resource{recommender("eu-west-1", "shop", "for-you"), recommender("eu-west-1", "shop", "also-viewed")}},
		{"both", []model.Resource{
			recommender("eu-west-1", "shop", "home"), campaign("eu-west-1", "shop", "home"), recommender("eu-west-1", "video", "top-picks"),
		}},
		{"three-regions", []model.Resource{
			campaign("us-east-1", "shop", "home"), campaign("eu-west-1", "shop", "home"), recommender("ap-south-1", "shop", "for-you"),
			campaign("eu-west-1", "blog", "next"),
		}},
		{"odd-names", []model.Resource{
			campaign("eu-west-1", `"quoted" \ 'group'`, "a"), campaign("eu-west-1", "Größe für Jürgen", "b"), campaign("eu-west-1", "おすすめ", "c"),
			campaign("eu-west-1", "a_b_c*d* [x](y) <i>&amp;`!", "d"), campaign("eu-west-1", "two\nlines\u2028three", "e"),
		}},
		{"nothing", nil},
		{"china", []model.Resource{resource(model.Campaign, "aws-cn", "cn-north-1", "shop", "home", "aws-sims")}},
		{"govcloud", []model.Resource{resource(model.Campaign, "aws-us-gov", "us-gov-west-1", "shop", "home", "aws-sims")}},
		{"unknown-partition", []model.Resource{resource(model.Campaign, "aws-iso", "us-iso-east-1", "shop", "home", "aws-sims")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			boards := render(tt.resources...)
			if len(boards) != 1 || boards[0].Name != testName {
				t.Fatalf("%d boards, the first %q", len(boards), boards[0].Name)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, boards[0].Body, "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			path := filepath.Join("testdata", tt.name+".json")
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("got\n%s\nwant\n%s", &got, want)
			}
		})
	}
}

// shown is a body read back.
type shown struct {
	Widgets []struct {
		Type                string
		X, Y, Width, Height int
		Properties          struct {
			Markdown, Title, Region string
			Metrics                 [][]any
		}
	}
}

func read(t *testing.T, b Board) shown {
	t.Helper()
	var s shown
	if err := json.Unmarshal(b.Body, &s); err != nil {
		t.Fatalf("%s: %v", b.Name, err)
	}
	return s
}

// many are n resources, spread over dataset groups.
func many(n, perGroup int) []model.Resource {
	list := make([]model.Resource, n)
	long := strings.Repeat("n", 50)
	for i := range list {
		group, name := fmt.Sprintf("group-%04d-%s", i/perGroup, long), fmt.Sprintf("endpoint-%04d-%s", i, long[:49])
		list[i] = campaign("eu-west-1", group, name)
		if i%2 == 1 {
			list[i] = recommender("eu-west-1", group, name)
		}
	}
	return list
}

func TestLimits(t *testing.T) {
	tests := []struct {
		n, perGroup int
		boards      int
	}{
		{0, 1, 1},
		{1, 1, 1},
		{100, 1, 1},
		{100, 10, 1},
		{100, 100, 1},
		{124, 1, 1}, // 2 + 124 × 4 = 498 widgets
		{125, 1, 2},
		{250, 250, 1},
		{251, 251, 1},
		{624, 624, 1}, // 1 + 624 × 4 = 2,497 metrics
		{625, 625, 2},
		{800, 400, 2}, // a group that fits on a dashboard stays together
		{5000, 1, 41},
		{1500, 700, 4}, // each begins a dashboard; the last 100 fit on one begun
		{5000, 50, 9},
		{5000, 5000, 9},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d in groups of %d", tt.n, tt.perGroup), func(t *testing.T) {
			resources := many(tt.n, tt.perGroup)
			boards := render(resources...)
			if len(boards) != tt.boards {
				t.Errorf("%d boards, want %d", len(boards), tt.boards)
			}
			seen := map[string]int{}
			for i, b := range boards {
				if want := NumberedName(testName, i+1); b.Name != want {
					t.Errorf("board %d is named %s", i+1, b.Name)
				}
				checkBoard(t, read(t, b), seen)
				if len(b.Body) > 1_000_000 {
					t.Errorf("%s has %d bytes", b.Name, len(b.Body))
				}
				if len(boards) > 1 && !bytes.Contains(b.Body, fmt.Appendf(nil, "Dashboard %d of %d", i+1, len(boards))) {
					t.Errorf("%s has no number", b.Name)
				}
			}
			for _, r := range resources {
				if n := seen[r.ARN.String()]; n != 4 {
					t.Fatalf("%s has %d lines, want 4", r.ARN, n)
				}
			}
		})
	}
}

// checkBoard holds one dashboard against CloudWatch's limits, and its widgets against
// each other, and counts the lines of each resource.
func checkBoard(t *testing.T, s shown, seen map[string]int) {
	t.Helper()
	if len(s.Widgets) > MaxWidgets {
		t.Errorf("%d widgets", len(s.Widgets))
	}
	total, bottom := 0, 0
	for i, w := range s.Widgets {
		total += len(w.Properties.Metrics)
		if len(w.Properties.Metrics) > MaxMetricsPerWidget || (w.Type == "metric") == (len(w.Properties.Metrics) == 0) {
			t.Errorf("widget %d, %s, has %d metrics", i, w.Type, len(w.Properties.Metrics))
		}
		if w.X < 0 || w.Width < 1 || w.X+w.Width > 24 || w.Height < 1 || w.Height > 1000 || w.Y < bottom-8 {
			t.Errorf("widget %d is at %d,%d, %d × %d", i, w.X, w.Y, w.Width, w.Height)
		}
		if i > 0 {
			if before := s.Widgets[i-1]; before.Y == w.Y && before.X+before.Width > w.X || before.Y != w.Y && before.Y+before.Height != w.Y {
				t.Errorf("widget %d at %d,%d lies over or apart from the one before", i, w.X, w.Y)
			}
		}
		bottom = w.Y + w.Height
		for _, m := range w.Properties.Metrics {
			if len(m) > 2 {
				seen[m[3].(string)]++
			}
		}
	}
	if total > MaxMetrics {
		t.Errorf("%d metrics", total)
	}
	if len(s.Widgets) < 2 || !strings.Contains(s.Widgets[1].Properties.Markdown, "Personalize Monitor") || s.Widgets[0].Properties.Metrics[0][1] != "monitoredResourceCount" {
		t.Error("it has no introduction")
	}
}

func TestRowsOfALargeGroupAreNumberedThrough(t *testing.T) {
	boards := render(many(1300, 1300)...)
	var titles []string
	headers := 0
	for _, b := range boards {
		for i, w := range read(t, b).Widgets {
			if strings.HasPrefix(w.Properties.Title, "Utilization") {
				titles = append(titles, b.Name+": "+w.Properties.Title)
			}
			if i > 1 && w.Type == "text" {
				headers++
			}
		}
	}
	want := []string{
		testName + ": Utilization (1 of 7)", testName + ": Utilization (2 of 7)", testName + ": Utilization (3 of 7)",
		testName + "-2: Utilization (4 of 7)", testName + "-2: Utilization (5 of 7)", testName + "-2: Utilization (6 of 7)",
		testName + "-3: Utilization (7 of 7)",
	}
	if !slices.Equal(titles, want) || headers != 3 {
		t.Errorf("%d headers, titles %q", headers, titles)
	}
}

func TestAGroupThatFitsIsNotSpreadAndALargeOneLeavesItsRest(t *testing.T) {
	var resources []model.Resource
	for group, n := range map[string]int{"a": 400, "b": 400, "c": 900, "d": 300} {
		for i := range n {
			resources = append(resources, campaign("eu-west-1", group, fmt.Sprintf("%s%03d", group, i)))
		}
	}
	var got []string
	for _, page := range Render(Input{Name: "D", Region: testRegion, Resources: resources}) {
		text := []string{page.Name}
		for _, w := range page.Widgets {
			if g, ok := w.Properties.(Graph); ok && strings.HasPrefix(g.Title, "Utilization") {
				text = append(text, fmt.Sprintf("%c×%d", g.Lines[0].Label[0], len(g.Lines)))
			}
		}
		got = append(got, strings.Join(text, " "))
	}
	want := []string{"D a×200 a×200", "D-2 b×200 b×200", "D-3 c×208 c×208 c×208", "D-4 c×138 c×138 d×150 d×150"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestNeighboursAreLinked(t *testing.T) {
	pages := Render(Input{Name: "D", Region: "eu-west-1", Resources: many(1300, 1300)})
	link := func(text, name string) string {
		return "[" + text + "](https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards:name=" + name + ")"
	}
	for i, want := range []string{
		"Dashboard 1 of 3 · " + link("next", "D-2"),
		"Dashboard 2 of 3 · " + link("previous", "D") + " · " + link("next", "D-3"),
		"Dashboard 3 of 3 · " + link("previous", "D-2"),
	} {
		if text := read(t, pages[i]).Widgets[1].Properties.Markdown; !strings.HasSuffix(text, "\n\n"+want) {
			t.Errorf("page %d says %s", i+1, text)
		}
	}
}

func TestTheOrderOfTheInputDoesNotMatter(t *testing.T) {
	resources := slices.Concat(many(700, 7), many(700, 350), []model.Resource{
		campaign("us-east-1", "shop", "home"), recommender("us-east-1", "shop", "home"), resource(model.Campaign, "aws", "us-east-1", "", "lost", ""),
	})
	want := render(resources...)
	random := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		random.Shuffle(len(resources), func(i, k int) { resources[i], resources[k] = resources[k], resources[i] })
		before := slices.Clone(resources)
		got := render(resources...)
		if !slices.EqualFunc(got, want, func(a, b Board) bool { return a.Name == b.Name && bytes.Equal(a.Body, b.Body) }) {
			t.Fatal("another order gives other bytes")
		}
		if !slices.EqualFunc(resources, before, func(a, b model.Resource) bool { return a.ARN == b.ARN }) {
			t.Fatal("the caller's list was sorted")
		}
	}
}

func TestAResourceThatComesTwiceIsShownOnce(t *testing.T) {
	home := campaign("eu-west-1", "shop", "home")
	if once, twice := render(home), render(home, home); len(once) != 1 || !bytes.Equal(twice[0].Body, once[0].Body) {
		t.Errorf("once %s, twice %s", once[0].Body, twice[0].Body)
	}
}

func FuzzNamesCannotBreakTheBody(f *testing.F) {
	for _, seed := range []string{"shop", `a"b`, "ü/ö", "</script>", "\x00\xff", "${x}"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, group, name string) {
		r := campaign("eu-west-1", group, name)
		board := render(r)[0]
		for _, widget := range board.Widgets {
			text, _ := widget.Properties.(Text)
			for _, p := range text.Paragraphs {
				for _, part := range p.Parts {
					if part.Link != "" && !strings.HasPrefix(part.Link, "https://") {
						t.Errorf("link to %q", part.Link)
					}
				}
			}
		}
		s := read(t, board) // valid JSON, whatever the names are
		if len(s.Widgets) != 6 || strings.ContainsAny(s.Widgets[2].Properties.Markdown, "\n\r") {
			t.Fatalf("widgets %+v", s.Widgets)
		}
		if row := s.Widgets[3].Properties.Metrics[0]; len(row) != 5 || utf8.ValidString(name) && row[3] != r.ARN.String() {
			t.Errorf("row %q", row)
		}
	})
}
