package cycle_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// never makes no hourly checks: what is arranged happens without them.
var never = map[string]string{config.HourlyChecks: "never"}

// arranged is an estate of a campaign and a recommender with tags.
func arranged(campaign, recommender map[string]string) localaws.Estate {
	estate := flat(2, home)
	estate.Regions[0].DatasetGroups[0].Campaigns[0].Tags = campaign
	estate.Regions[0].DatasetGroups[0].Recommenders[0].Tags = recommender
	return estate
}

func actingBed(t *testing.T, estate localaws.Estate) *bed {
	t.Helper()
	b := newBed(t, estate)
	b.act = true
	b.restart(b.clock)
	return b
}

// until runs cycles up to a time of the day, and returns the last result.
func (b *bed) until(clock string) (last report.Result) {
	b.tb.Helper()
	at, err := time.Parse("15:04", clock)
	if err != nil {
		b.tb.Fatal(err)
	}
	for now := b.clock.Now(); now.Hour()*60+now.Minute() < at.Hour()*60+at.Minute(); now = b.clock.Now() {
		b.next()
		last = b.run(never)
	}
	return last
}

func (b *bed) raise(name string, length time.Duration) (string, error) {
	b.tb.Helper()
	req, err := events.NewRequest("arn:aws:personalize:" + home + ":" + account + ":" + name)
	if err != nil {
		b.tb.Fatal(err)
	}
	req.NewMinTPS, req.For, req.Command = 8, length, true
	answer, err := b.actions.Do(context.Background(), model.ActionUpdate, req)
	return answer.Sentence, err
}

func wantMinimums(t *testing.T, when string, result report.Result, c, r int) {
	t.Helper()
	if gotC, gotR := byName(t, result, "c"), byName(t, result, "r"); gotC.Min != c || gotR.Min != r {
		t.Errorf("%s: minimums %d (%s) and %d (%s), want %d and %d", when, gotC.Min, gotC.Reason, gotR.Min, gotR.Reason, c, r)
	}
}

// A schedule through its day: raised a lead time before its start, within one cycle, and lowered
// after its end, whoever was restarted or away meanwhile.
func TestScheduleThroughTheDay(t *testing.T) {
	b := actingBed(t, arranged(
		map[string]string{schedule.Tag: "base=2 daily@13:00-14:00=9"},
		map[string]string{schedule.Tag: "base=2 tz=Europe/Berlin lead=0m daily@14:30-16:00=7"}, // 13:30 to 15:00 UTC
	))
	wantMinimums(t, "before", b.until("12:40"), 2, 2)
	result := b.until("12:47") // at 12:47:30
	if got := byName(t, result, "c"); got.Decision != rules.Raise || got.NewMin != 9 || got.Outcome != string(writer.Done) {
		t.Errorf("in the first cycle of the lead time: %s to %d, %s (%s)", got.Decision, got.NewMin, got.Outcome, got.Reason)
	}
	wantMinimums(t, "at the start", b.until("13:02"), 9, 2)
	b.restart(b.clock)
	if got := byName(t, b.until("13:32"), "r"); got.Decision != rules.Raise || got.NewMin != 7 {
		t.Errorf("the recommender: %s to %d (%s)", got.Decision, got.NewMin, got.Reason)
	}
	wantMinimums(t, "both", b.until("13:57"), 9, 7)
	if got := byName(t, b.until("14:02"), "c"); got.Decision != rules.Lower || got.NewMin != 2 {
		t.Errorf("in the first cycle after the end: %s to %d (%s)", got.Decision, got.NewMin, got.Reason)
	}
	wantMinimums(t, "lowered", b.until("14:57"), 2, 7)
	b.clock.Advance(6 * time.Hour) // cycles are missed
	b.aws.Tick()
	b.restart(b.clock)
	if got := byName(t, b.run(never), "r"); got.Decision != rules.Lower || got.NewMin != 2 {
		t.Errorf("after missed cycles: %s to %d (%s)", got.Decision, got.NewMin, got.Reason)
	}
	wantMinimums(t, "in the evening", b.until("21:30"), 2, 2)
	if got := b.aws.Calls()["personalize.UpdateCampaign"] + b.aws.Calls()["personalize.UpdateRecommender"]; got != 4 {
		t.Errorf("%d updates, want 4", got)
	}
}

// Tags cost few calls: those of a thousand resources that stay as they are at most five a cycle.
func TestTagsAreReadSeldom(t *testing.T) {
	b := newBed(t, flat(40, home))
	b.run(never)
	if got := b.aws.Calls()["personalize.ListTagsForResource"]; got != 40 {
		t.Errorf("the first cycle read the tags of %d resources, want 40", got)
	}
	b.aws.ResetCalls()
	for range 12 {
		before := b.aws.Calls()["personalize.ListTagsForResource"]
		b.next()
		b.run(nil)
		if got := b.aws.Calls()["personalize.ListTagsForResource"] - before; got > 5 {
			t.Errorf("%d in a cycle", got)
		}
	}
	if got := b.aws.Calls()["personalize.ListTagsForResource"]; got > 10 { // in the last two cycles of the hour
		t.Errorf("%d in an hour", got)
	}
}

// A timed raise returns within one cycle of its time, although the process that made it is gone.
func TestTimedRaiseReturns(t *testing.T) {
	for _, name := range []string{"campaign/c", "recommender/r"} {
		t.Run(name, func(t *testing.T) {
			b := actingBed(t, flat(2, home))
			b.run(never)
			sentence, err := b.raise(name, 2*time.Hour) // at 12:02:30
			if err != nil || !strings.Contains(sentence, "updated from 2 to 8") || !strings.Contains(sentence, "returns to 2 at 2026-03-04 14:02 UTC") {
				t.Fatalf("%s, %v", sentence, err)
			}
			if calls := b.aws.Calls(); calls["personalize.TagResource"] != 1 {
				t.Errorf("calls %v", calls)
			}
			b.restart(b.clock)
			short := name[strings.Index(name, "/")+1:]
			if got := byName(t, b.until("13:57"), short); got.Min != 8 || got.Decision != rules.None {
				t.Errorf("before: %d, %s (%s)", got.Min, got.Decision, got.Reason)
			}
			got := byName(t, b.until("14:02"), short)
			if got.Decision != rules.Return || got.NewMin != 2 || got.Restore == "" {
				t.Errorf("in the first cycle: %s to %d, undone by %q (%s)", got.Decision, got.NewMin, got.Restore, got.Reason)
			}
			if got := byName(t, b.until("14:17"), short); got.Min != 2 || got.Decision != rules.None {
				t.Errorf("after: %d, %s (%s)", got.Min, got.Decision, got.Reason)
			}
			if tags, err := b.writer.ReadTags(context.Background(), home, "arn:aws:personalize:"+home+":"+account+":"+name); err != nil || len(tags) > 0 {
				t.Errorf("left: %v, %v", tags, err)
			}
		})
	}
}

// A return that is brought forward happens at its new time, though the change of the tag shows nowhere else.
func TestAReturnIsBroughtForward(t *testing.T) {
	b := actingBed(t, flat(2, home))
	b.run(never)
	if _, err := b.raise("campaign/c", 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	b.until("12:40")
	if sentence, err := b.raise("campaign/c", 15*time.Minute); err != nil || !strings.Contains(sentence, "returns to 2 at 2026-03-04 12:57") {
		t.Fatalf("%s, %v", sentence, err)
	}
	if got := byName(t, b.until("12:57"), "c"); got.Decision != rules.Return || got.NewMin != 2 {
		t.Errorf("%s to %d (%s)", got.Decision, got.NewMin, got.Reason)
	}
	if got := byName(t, b.until("13:17"), "c"); got.Min != 2 {
		t.Errorf("in the end %d (%s)", got.Min, got.Reason)
	}
}

// The schedule of what has not been updated for long is found within an hour, also without hourly checks.
func TestAScheduleIsFoundWithoutHourlyChecks(t *testing.T) {
	tags := map[string]string{schedule.Tag: "base=2 daily@00:00-24:00=9"}
	estate := arranged(tags, tags)
	group := &estate.Regions[0].DatasetGroups[0]
	group.Campaigns[0].Age, group.Recommenders[0].Age = 90*24*time.Hour, 90*24*time.Hour
	b := actingBed(t, estate)
	b.run(never)
	wantMinimums(t, "after an hour", b.until("13:12"), 9, 9)
}

// Somebody changes the minimum meanwhile: the return is dropped, and reported once.
func TestReturnIsDroppedOnce(t *testing.T) {
	b := actingBed(t, flat(2, home))
	b.run(never)
	if _, err := b.raise("campaign/c", 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	b.until("12:30")
	b.update(6)
	if got := byName(t, b.until("12:42"), "c"); got.Decision != rules.Drop || got.Min != 6 {
		t.Errorf("%s at %d (%s)", got.Decision, got.Min, got.Reason)
	}
	if got := byName(t, b.until("14:30"), "c"); got.Min != 6 || got.Decision != rules.None {
		t.Errorf("after its time: %d, %s (%s)", got.Min, got.Decision, got.Reason)
	}
	dropped := 0
	for _, e := range b.aws.Events() {
		if e.DetailType == string(events.ReturnDropped) {
			dropped++
			if !strings.Contains(string(e.Detail), "somebody has changed its minimum to 6 since") {
				t.Errorf("reported as %s", e.Detail)
			}
		}
	}
	if dropped != 1 {
		t.Errorf("reported %d times", dropped)
	}
}

// What goes wrong while a raise is made leaves no raise without its return, and no return that harms.
func TestFailedTimedRaises(t *testing.T) {
	tests := []struct {
		name   string
		fault  localaws.Fault
		raised int    // the minimum an hour later
		tag    string // a part of the tag that is left; empty if there is none
	}{
		{"the tag cannot be written", localaws.Fault{Operation: "TagResource", Code: "AccessDeniedException"}, 2, ""},
		{"the raise is refused", localaws.Fault{Operation: "UpdateCampaign", Code: "AccessDeniedException"}, 2, ""},
		{"the answer to the raise is lost", localaws.Fault{Operation: "UpdateCampaign", Kind: localaws.Garbage, Times: 1}, 8, "raised=8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := actingBed(t, flat(2, home))
			b.run(never)
			b.aws.AddFault(tt.fault)
			_, err := b.raise("campaign/c", 2*time.Hour)
			b.aws.ClearFaults()
			if (err != nil) != (tt.raised == 2) {
				t.Errorf("error %v", err)
			}
			if got := byName(t, b.until("13:00"), "c"); got.Min != tt.raised {
				t.Errorf("minimum %d", got.Min)
			}
			tags, err := b.writer.ReadTags(context.Background(), home, "arn:aws:personalize:"+home+":"+account+":campaign/c")
			if text := tags[schedule.ReturnTag]; err != nil || (text == "") != (tt.tag == "") || !strings.Contains(text, tt.tag) {
				t.Errorf("tag %q, %v", text, err)
			}
			if got := byName(t, b.until("14:20"), "c"); got.Min != 2 {
				t.Errorf("in the end %d (%s)", got.Min, got.Reason)
			}
		})
	}
}

// Nothing that is arranged happens where a guard says no, and it is said why.
func TestGuardsOfSchedules(t *testing.T) {
	noon := map[string]string{schedule.Tag: "base=2 daily@12:00-13:00=9"}
	protected := map[string]string{schedule.Tag: noon[schedule.Tag], rules.ProtectTag: "tps"}
	tests := []struct {
		name     string
		tags     map[string]string
		fault    localaws.Fault
		reason   string
		problems int
	}{
		{"a protecting tag", protected, localaws.Fault{}, "protected by its tag", 0},
		{"tags that cannot be read", noon, localaws.Fault{Operation: "ListTagsForResource", Code: "AccessDeniedException"}, "", 2},
		{"a description that cannot be read", noon, localaws.Fault{Operation: "DescribeRecommender", Code: "ThrottlingException"}, "", 1},
		{"a tag that is not understood", map[string]string{schedule.Tag: "base=2 noon", schedule.ReturnTag: "to=1"}, localaws.Fault{}, "not understood: column 8", 1},
		{"a wrong clock", noon, localaws.Fault{}, "the clock of this host", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := actingBed(t, arranged(nil, tt.tags))
			if tt.name == "a wrong clock" {
				b.restart(aheadBy{b.clock, 3 * time.Minute})
			}
			if tt.fault.Operation != "" {
				b.aws.AddFault(tt.fault)
			}
			result := b.run(never)
			if got := byName(t, result, "r"); got.Decision.Changes() || !strings.Contains(got.Reason, tt.reason) || len(result.Problems) != tt.problems {
				t.Errorf("%s (%s), problems %v", got.Decision, got.Reason, result.Problems)
			}
			if calls := b.aws.Calls(); calls["personalize.UpdateRecommender"] != 0 {
				t.Errorf("updated: %v", calls)
			}
		})
	}
}

// aheadBy is a clock that is ahead.
type aheadBy struct {
	model.Clock
	by time.Duration
}

func (c aheadBy) Now() time.Time { return c.Clock.Now().Add(c.by) }

// The budget of step-downs bounds what schedules lower in an hour, and not what they raise.
func TestBudgetOfSchedules(t *testing.T) {
	estate := flat(26, home)
	group := &estate.Regions[0].DatasetGroups[0]
	group.Campaigns[0].Tags = map[string]string{schedule.Tag: "base=2 lead=0m daily@12:00-13:00=9"}
	group.Recommenders = nil
	b := actingBed(t, estate)
	b.run(never)
	raised := func(result report.Result) (n int) {
		for _, r := range result.Resources {
			if r.Min == 9 {
				n++
			}
		}
		return n
	}
	if got := raised(b.until("12:57")); got != 13 {
		t.Errorf("%d of 13 are raised", got)
	}
	if got := raised(b.until("13:32")); got != 3 { // ten an hour
		t.Errorf("%d of 13 are left after half an hour, want 3", got)
	}
	if got := raised(b.until("14:32")); got != 0 {
		t.Errorf("%d are left in the end", got)
	}
}
