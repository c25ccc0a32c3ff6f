package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/demo"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// output runs a demo of some days and returns its result as JSON. With -short it skips the test.
func output(t *testing.T, days int, seed int64) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs for days")
	}
	r, err := run(t, demo.Options{Days: days, Seed: seed, Estate: demo.Estate()})
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func decoded(t *testing.T, out []byte) demo.Result {
	t.Helper()
	var r demo.Result
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// text is a result as people read it.
func text(t *testing.T, r demo.Result) string {
	t.Helper()
	var out bytes.Buffer
	for _, e := range r.Events {
		out.WriteString(e.Line() + "\n")
	}
	out.WriteString("\n")
	if err := report.Write(&out, r, report.Table, report.Style{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The main command, as the README gives it: three days, the first seed.
func TestThreeDays(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it runs for days")
	}
	d, err := demo.New(demo.Options{Days: 3, Seed: 1, Estate: demo.Estate()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r, err := d.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("savings", func(t *testing.T) { checkSavings(t, d, d.Shown.Snapshot().Audits) })
	got := text(t, r)
	golden := filepath.Join("testdata", "seed1.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("not as in %s (-update writes it anew):\n%s", golden, got)
	}

	row := func(name string) demo.Row {
		i := slices.IndexFunc(r.Resources, func(one demo.Row) bool { return one.Name == name })
		if i < 0 {
			t.Fatalf("there is no %s", name)
		}
		return r.Resources[i]
	}
	if r.Cycles != 864 || r.Counts[demo.Failed] != 0 {
		t.Errorf("%d cycles, %d failures", r.Cycles, r.Counts[demo.Failed])
	}
	if chain := row("shop-similar-items"); chain.Steps < 3 || *chain.Before.Min != 40 || *chain.After.Min != 5 || !strings.Contains(chain.Reason, "kept at 5: lowest level reached 3 times: 5.") {
		t.Errorf("no chain of steps to the watermark: %+v", chain)
	}
	if stopped := row("shop-customers-also-viewed"); stopped.Outcome != "stopped" || stopped.After.Min != nil || *stopped.After.PerMonth != 0 {
		t.Errorf("not stopped: %+v", stopped)
	}
	if deleted := row("shop-spring-sale"); deleted.Outcome != "deleted" || deleted.After.Min != nil || *deleted.After.Estimate != 0 {
		t.Errorf("not deleted: %+v", deleted)
	}
	for _, name := range []string{"shop-checkout", "video-kids-rows"} {
		if skipped := row(name); skipped.Outcome != "skipped" || !strings.Contains(skipped.Reason, "personalize-monitor:protect") || *skipped.Before.Min != *skipped.After.Min {
			t.Errorf("not skipped by its tag: %+v", skipped)
		}
	}
	has := func(what demo.What, name string, words ...string) bool {
		return slices.ContainsFunc(r.Events, func(e demo.Event) bool {
			for _, word := range words {
				if !strings.Contains(e.Text, word) {
					return false
				}
			}
			return e.What == what && e.Name == name
		})
	}
	const alarm = "PersonalizeMonitor-LowCampaignUtilization-shop-checkout"
	for _, state := range []string{"ALARM", "OK"} {
		if !has(demo.Alarmed, alarm, state) || !has(demo.Mailed, demo.Reader, state+": ", alarm) {
			t.Errorf("the alarm was never %s, or nobody was told", state)
		}
	}
	if !has(demo.Kept, "shop-gift-finder", "too new to be idle: created 3 h ago") {
		t.Error("nothing was kept for its age")
	}
	if row("shop-gift-finder").Outcome != "kept" {
		t.Error("what was launched later did not stay")
	}
}

func run(t *testing.T, o demo.Options) (demo.Result, error) {
	t.Helper()
	d, err := demo.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	return d.Run(t.Context())
}

// Two runs are the same to the byte, the number of AWS calls included, and another seed
// gives another one.
func TestTheSameRunAgain(t *testing.T) {
	t.Parallel()
	first := output(t, 1, 7)
	if again := output(t, 1, 7); !bytes.Equal(first, again) {
		t.Errorf("two runs differ:\n%s\n%s", first, again)
	}
	if other := decoded(t, output(t, 1, 8)); text(t, other) == text(t, decoded(t, first)) {
		t.Error("another seed gave the same run")
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d, err := demo.New(demo.Options{Days: 1, Seed: 1, Estate: demo.Estate(), Progress: func(done, _ int, _ time.Time) {
		if done == 24 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, err = d.Run(ctx)
	if err == nil {
		t.Fatal("it was not interrupted")
	}
	if want := "the demo stopped at 2026-03-02 02:03 of its own time, after 2 of 24 hours"; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%q, want %q…", err, want)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	var rows strings.Builder
	rows.WriteString("timestamp,value\n")
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for at := time.Duration(0); at < 72*time.Hour; at += 5 * time.Minute {
		count := "600" // 2 a second
		if at == time.Hour {
			count = "1900"
		}
		rows.WriteString(start.Add(at).Format(time.DateTime) + "," + count + "\n")
	}
	trace, err := localaws.ParseTrace([]byte(rows.String()), "counts.csv")
	if err != nil {
		t.Fatal(err)
	}
	described := localaws.Estate{Regions: []localaws.EstateRegion{{Name: "eu-west-1"}}}
	if err := demo.Replay(&described, trace, 2); err != nil {
		t.Fatal(err)
	}
	var told []demo.Event
	r, err := run(t, demo.Options{Days: 1, Estate: described, Happened: func(e demo.Event) { told = append(told, e) }})
	if err != nil {
		t.Fatal(err)
	}
	// 3,800 requests in the highest 5 minutes are 12.7 a second; 1,200 in the others are 4.
	if len(r.Resources) != 1 || *r.Resources[0].Before.Min != 13 || *r.Resources[0].After.Min != 4 || r.Resources[0].Outcome != "lowered" {
		t.Errorf("%s", text(t, r))
	}
	if len(told) == 0 || len(told) != len(r.Events) {
		t.Errorf("%d events were told of, there were %d", len(told), len(r.Events))
	}
	if !slices.IsSortedFunc(told, func(a, b demo.Event) int { return a.Time.Compare(b.Time) }) {
		t.Error("events were told out of order")
	}
	if err := demo.Replay(&localaws.Estate{}, trace, 1); err == nil {
		t.Error("replayed in no region")
	}
	if err := demo.Replay(&described, trace, 1e12); err == nil {
		t.Error("replayed at a rate that no campaign has")
	}
}

func TestRefused(t *testing.T) {
	for name, o := range map[string]demo.Options{
		"no days":       {Estate: demo.Estate()},
		"too many days": {Days: demo.MaxDays + 1, Estate: demo.Estate()},
		"no region":     {Days: 1},
		"no such":       {Days: 1, Estate: localaws.Estate{Regions: []localaws.EstateRegion{{Name: "Ireland"}}}},
	} {
		if d, err := demo.New(o); err == nil {
			d.Close()
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := run(t, demo.Options{Days: 1, Estate: localaws.Estate{Regions: []localaws.EstateRegion{{Name: "eu-west-1"}}}}); err == nil {
		t.Error("an estate of nothing was shown")
	}
}
