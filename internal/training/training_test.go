package training

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	prefix = "arn:aws:personalize:eu-west-1:123456789012:"
	shop   = prefix + "solution/shop"
	group  = prefix + "dataset-group/shop"
)

func ago(days float64) time.Time { return now.Add(-time.Duration(days * 24 * float64(time.Hour))) }

// version is one that was trained so many days ago; hours below zero are unknown.
func version(days float64, automatic bool, status model.Status, hours float64) Version {
	v := Version{
		ARN: fmt.Sprintf("%s/v%04.0f", shop, days*10), Status: status, Automatic: &automatic, Created: ago(days), Updated: ago(days).Add(time.Hour),
	}
	if hours >= 0 && status == model.StatusActive {
		v.Hours = &hours
	}
	return v
}

// every are active versions that were trained every so many days, the latest a day ago.
func trained(days int, automatic bool, hours float64) (list []Version) {
	for d := 1; d < 100; d += days {
		list = append(list, version(float64(d), automatic, model.StatusActive, hours))
	}
	return list
}

func arn(text string) model.ARN {
	parsed, err := model.ParseARN(text)
	if err != nil {
		panic(err)
	}
	return parsed
}

func campaign(version string, change ...func(*model.Resource)) model.Resource {
	c := model.Resource{Kind: model.Campaign, Name: "home", ARN: arn(prefix + "campaign/home"), Version: version, Created: ago(60)}
	for _, f := range change {
		f(&c)
	}
	return c
}

// known is a region with a solution that trains automatically every week, of which everything
// is known, and that nothing uses.
func known(change ...func(*Facts)) Facts {
	f := Facts{
		Region: "eu-west-1", Known: Known{true, true, true, true, true, true, true},
		Groups: []DatasetGroup{{ARN: group, Name: "shop", Status: model.StatusActive, Created: ago(300)}},
		Solutions: []Solution{{
			ARN: shop, Name: "shop", Group: group, Recipe: "aws-sims", Created: ago(100), Versions: trained(7, true, 2),
			Automatic: new(true), Schedule: "rate(7 days)",
		}},
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

func serves(c model.Resource) func(*Facts) {
	return func(f *Facts) { f.Campaigns = append(f.Campaigns, c) }
}

func solution(change func(*Solution)) func(*Facts) {
	return func(f *Facts) { change(&f.Solutions[0]) }
}

func versions(list ...Version) func(*Facts) {
	return solution(func(s *Solution) { s.Versions = list })
}

func unknown(change func(*Known)) func(*Facts) {
	return func(f *Facts) { change(&f.Known) }
}

func job(days float64, version string) func(*Facts) {
	return func(f *Facts) { f.Jobs = append(f.Jobs, BatchJob{Name: "mail", Version: version, Created: ago(days)}) }
}

// An automatic training of 2 hours every 7 days is 5 trainings and 10 hours in 30 days.
const weekly = "5 trainings of 10.0 hours in 30 days"

func TestFindings(t *testing.T) {
	newest, oldest := shop+"/v0010", shop+"/v0990"
	synced := func(c *model.Resource) { c.AutoSync = true }
	failing := func(days ...float64) (list []Version) {
		for _, d := range days {
			v := version(d, true, failed, -1)
			v.FailureReason = "no data.\n"
			list = append(list, v)
		}
		return list
	}
	tests := []struct {
		name  string
		facts Facts
		want  []string // kind: a part of the sentence | command
	}{
		{"trained every week and never served", known(), []string{
			"unserved: trained automatically (every 7 days) and not served by any campaign: " + weekly + "; no batch job used it | pause-training " + shop,
		}},
		{"a campaign serves its newest version", known(serves(campaign(newest))), nil},
		{"a campaign follows each version", known(serves(campaign(newest, synced))), nil},
		{"AWS does not name the version", known(serves(campaign(shop+"/$LATEST", synced))), nil},
		{"a campaign serves another solution", known(serves(campaign(prefix + "solution/other/v1"))), []string{"unserved: "}},
		{"not all campaigns are known", known(unknown(func(k *Known) { k.Campaigns = false })), nil},
		{"the batch jobs are unknown", known(unknown(func(k *Known) { k.Jobs = false })), nil},
		{"the versions are unknown", known(unknown(func(k *Known) { k.Versions = false })), nil},
		{"a batch job used it 92 days ago", known(job(92, oldest)), []string{"unserved: ; its last batch job was 92 days ago | "}},
		{"a batch job used it less than 92 days ago", known(job(91.9, oldest)), nil},
		{"created 14 days ago", known(solution(func(s *Solution) { s.Created = ago(14) })), nil},
		{"created more than 14 days ago", known(solution(func(s *Solution) { s.Created = ago(14.01) })), []string{"unserved: "}},
		{"automatic training is off", known(solution(func(s *Solution) { s.Automatic = new(false) })), nil},
		{"whether it is on is unknown, but it trained automatically", known(solution(func(s *Solution) { s.Automatic, s.Schedule = nil, "" })), []string{
			"unserved: trained automatically and not served by any campaign: " + weekly + "; no batch job used it; it may be paused already: " +
				"DescribeSolution did not return whether automatic training is still on | -",
		}},
		{"not trained for 30 days", known(versions(version(30, true, model.StatusActive, 2))), nil},
		{"trained once by hand", known(solution(func(s *Solution) {
			s.Automatic, s.Versions = new(false), []Version{version(3, false, model.StatusActive, 2)}
		})), nil},
		{"trained by a schedule of its owner", known(solution(func(s *Solution) { s.Automatic, s.Versions = new(false), trained(7, false, 2) })), []string{
			"unserved: trained by a schedule of yours and not served by any campaign: " + weekly + " | -",
		}},
		{"automatic training is on, but only its owner trained it", known(versions(trained(7, false, 2)...)), []string{
			"unserved: trained by a schedule of yours and not served by any campaign: " + weekly + " | -",
		}},
		{"automatic training is on, and it was trained once by hand", known(versions(version(3, false, model.StatusActive, 2))), nil},
		{"its campaign was deleted", known(func(f *Facts) {
			f.Deletions = []Deletion{{"old", shop, ago(20)}, {"sale", shop, ago(9)}, {"other", prefix + "solution/other", ago(1)}}
		}), []string{
			"left-behind: trained automatically (every 7 days) although its campaign sale was deleted 9 days ago: " + weekly + " | pause-training ",
		}},
		{"a part of the hours is not reported", known(solution(func(s *Solution) { s.Versions[0].Hours = nil })), []string{
			"unserved: 5 trainings, of which 4 took 8.0 hours in 30 days",
		}},
		{"no hours are reported", known(versions(trained(7, true, -1)...)), []string{"unserved: 5 trainings of unknown hours"}},

		{
			"trained twice", known(serves(campaign(newest)), versions(append(trained(7, true, 2), version(1.5, false, model.StatusActive, 3), version(9, false, model.StatusActive, 3))...)),
			[]string{"trained-twice: trained twice in 30 days: 5 times automatically (every 7 days) and 2 times by a schedule of yours; the automatic ones took 10.0 hours | pause-training "},
		},
		{"trained automatically, and once by hand", known(serves(campaign(newest)), versions(append(trained(7, true, 2), version(9, false, model.StatusActive, 3))...)), nil},

		{"failing for 14 days", known(serves(campaign(oldest, synced)), versions(append(failing(7, 14), version(99, true, model.StatusActive, 2))...)), []string{
			"failing: the last 2 trainings failed, for 14 days (no data); the newest model is 98 days old | pause-training ",
		}},
		{"failing for less", known(serves(campaign(oldest, synced)), versions(append(failing(7, 13.9), version(99, true, model.StatusActive, 2))...)), nil},
		{"one failure", known(serves(campaign(oldest, synced)), versions(append(failing(20), version(99, true, model.StatusActive, 2))...)), nil},
		{"failed before, and then succeeded", known(serves(campaign(newest)), versions(append(failing(7, 14, 21), version(1, true, model.StatusActive, 2))...)), nil},
		{"failed, with a stopped one and one in progress", known(serves(campaign(oldest, synced)), versions(append(failing(7, 21),
			version(0.1, true, "CREATE IN_PROGRESS", -1), version(10, true, stopped, -1), version(99, true, model.StatusActive, 2))...)), []string{"failing: the last 2 trainings failed, for 21 days"}},
		{"never succeeded", known(serves(campaign(shop+"/gone")), versions(failing(7, 21)...)), []string{"failing: no training ever succeeded"}},
		{"failed long ago", known(serves(campaign(oldest, synced)), versions(append(failing(31, 45), version(99, true, model.StatusActive, 2))...)), nil},

		{"a newer version than the one served", known(serves(campaign(shop + "/v0220"))), []string{
			"newer-version: campaign home serves a model that is 21 days old; 3 newer are ready, the newest 0 days old (6.0 hours of training in 30 days)" +
				" | update-campaign --region eu-west-1 --campaign-arn " + prefix + "campaign/home --solution-version-arn " + newest,
		}},
		{"a newer version failed", known(serves(campaign(shop+"/v0220")), versions(append(failing(2), version(22, true, model.StatusActive, 2))...)), nil},
		{"the campaign is being updated", known(serves(campaign(shop+"/v0220", func(c *model.Resource) { c.Update = &model.Update{Status: "CREATE IN_PROGRESS"} }))), nil},
		{"its version no longer exists", known(serves(campaign(shop + "/gone"))), nil},
		{"an old model", known(serves(campaign(oldest)), versions(version(99, false, model.StatusActive, 2))), []string{
			"old-model: campaign home serves a model that is 98 days old, and there is no newer one | create-solution-version ",
		}},
		{"a model of less than 90 days", known(serves(campaign(shop+"/v0900")), versions(version(90, false, model.StatusActive, 2))), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Analyze([]Facts{tt.facts}, pricing.Builtin(), now).Findings
			if len(got) != len(tt.want) {
				t.Fatalf("%d findings, want %d: %+v", len(got), len(tt.want), got)
			}
			for i, want := range tt.want {
				want, command, _ := strings.Cut(want, " | ")
				kind, sentence, _ := strings.Cut(want, ": ")
				f := got[i]
				if string(f.Kind) != kind || !strings.Contains(f.Sentence, sentence) || !strings.Contains(f.Command, strings.TrimPrefix(command, "-")) {
					t.Errorf("%+v, want %s: %s | %s", f, kind, sentence, command)
				}
				if command == "-" && f.Command != "" {
					t.Errorf("the command is %q, want none", f.Command)
				}
			}
		})
	}
}

// Pausing ends the automatic trainings alone, so that a finding with that command has no other hours.
func TestAFindingThatIsPausedHasTheAutomaticHours(t *testing.T) {
	byHand := []Version{version(1.5, false, model.StatusActive, 30), version(9, false, model.StatusActive, 30)}
	for _, c := range []struct {
		name      string
		automatic float64 // hours of each; below zero they are unknown
		want      *float64
	}{{"known", 2, new(10.0)}, {"unknown", -1, nil}} {
		facts := known(versions(append(trained(7, true, c.automatic), byHand...)...))
		for _, f := range Analyze([]Facts{facts}, pricing.Builtin(), now).Findings {
			if f.Command != PauseCommand(shop) {
				t.Errorf("%s: %s has the command %q", c.name, f.Kind, f.Command)
			}
			if (f.Hours == nil) != (c.want == nil) || f.Hours != nil && *f.Hours != *c.want {
				t.Errorf("%s: %s has %v hours: %s", c.name, f.Kind, f.Hours, f.Sentence)
			}
			if c.want != nil && !strings.Contains(f.Sentence, "the automatic ones took 10.0 hours") {
				t.Errorf("%s: %s", c.name, f.Sentence)
			}
		}
	}
}

// What nothing uses is found only if all that could use it was read.
func TestUnusedGroupsAndTrackers(t *testing.T) {
	tracker := func(f *Facts) {
		f.Trackers = []EventTracker{{ARN: prefix + "event-tracker/web", Name: "web", Group: group, Status: model.StatusActive, Created: ago(100)}}
	}
	quiet := versions(version(60, true, model.StatusActive, 2))
	empty := func(f *Facts) { f.Solutions = nil }
	for name, tt := range map[string]struct {
		facts Facts
		want  string // kinds
	}{
		"a group with a solution and a tracker that nothing uses": {known(tracker, quiet), "unused-event-tracker"},
		"a group without solutions":                               {known(tracker, empty), "unused-dataset-group"},
		"a group without solutions, but a recommender":            {known(tracker, empty, func(f *Facts) { f.Recommenders = []model.Resource{{DatasetGroup: arn(group)}} }), ""},
		"a new group":                   {known(tracker, empty, func(f *Facts) { f.Groups[0].Created = ago(13) }), ""},
		"a group that is being deleted": {known(tracker, empty, func(f *Facts) { f.Groups[0].Status = "DELETE PENDING" }), ""},
		"a new tracker":                 {known(tracker, quiet, func(f *Facts) { f.Trackers[0].Created = ago(13) }), ""},
		"a campaign":                    {known(tracker, quiet, serves(campaign(shop+"/v0600"))), ""},
		"a batch job":                   {known(tracker, quiet, job(40, shop+"/v0600")), ""},
		"a training":                    {known(tracker, serves(campaign(shop+"/v0010"))), ""},
		"unknown trackers":              {known(tracker, empty, unknown(func(k *Known) { k.Trackers = false })), ""},
		"unknown recommenders":          {known(tracker, quiet, unknown(func(k *Known) { k.Recommenders = false })), ""},
		"unknown campaigns":             {known(tracker, quiet, unknown(func(k *Known) { k.Campaigns = false })), ""},
		"unknown jobs":                  {known(tracker, quiet, unknown(func(k *Known) { k.Jobs = false })), ""},
		"solutions unknown":             {known(tracker, empty, unknown(func(k *Known) { k.Solutions = false })), ""},
	} {
		t.Run(name, func(t *testing.T) {
			var kinds []string
			for _, f := range Analyze([]Facts{tt.facts}, pricing.Builtin(), now).Findings {
				kinds = append(kinds, string(f.Kind))
			}
			if got := strings.Join(kinds, " "); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSums(t *testing.T) {
	number := func(h *float64) string {
		if h == nil {
			return "null"
		}
		return fmt.Sprint(*h)
	}
	text := func(r Report) string {
		s := r.Totals
		return fmt.Sprintf("%d trainings (%d automatic, %d manual, %d failed, %d stopped, %d running), hours %s, %d without, unserved %s, unread %v",
			s.Trainings, s.Automatic, s.Manual, s.Failed, s.Stopped, s.InProgress, number(s.Hours), s.Unreported, number(s.Sum.Unserved), s.Unread)
	}
	mixed := versions(version(1, true, "CREATE IN_PROGRESS", -1), version(2, true, stopped, -1), version(3, true, failed, -1),
		version(10, false, model.StatusActive, 3), version(12, true, model.StatusActive, 2), version(29.9, true, model.StatusActive, 1), version(30, true, model.StatusActive, 9))
	for name, tt := range map[string]struct {
		facts []Facts
		want  string
	}{
		"nothing is served":          {[]Facts{known(mixed)}, "6 trainings (5 automatic, 1 manual, 1 failed, 1 stopped, 1 running), hours 6, 3 without, unserved 6, unread []"},
		"what is served is unknown":  {[]Facts{known(mixed, unknown(func(k *Known) { k.Campaigns = false }))}, "6 trainings (5 automatic, 1 manual, 1 failed, 1 stopped, 1 running), hours 6, 3 without, unserved null, unread []"},
		"an older version is served": {[]Facts{known(mixed, serves(campaign(shop+"/v0120")))}, "6 trainings (5 automatic, 1 manual, 1 failed, 1 stopped, 1 running), hours 6, 3 without, unserved 3, unread []"},
		"each version is served":     {[]Facts{known(mixed, serves(campaign(shop+"/v0100", func(c *model.Resource) { c.AutoSync = true })))}, "6 trainings (5 automatic, 1 manual, 1 failed, 1 stopped, 1 running), hours 6, 3 without, unserved 0, unread []"},
		"its version is unknown":     {[]Facts{known(mixed, serves(campaign(shop+"/gone")))}, "6 trainings (5 automatic, 1 manual, 1 failed, 1 stopped, 1 running), hours 6, 3 without, unserved 0, unread []"},
		"a batch job used one":       {[]Facts{known(mixed, job(5, shop+"/v0100"))}, "6 trainings (5 automatic, 1 manual, 1 failed, 1 stopped, 1 running), hours 6, 3 without, unserved 3, unread []"},
		"no training":                {[]Facts{known(versions())}, "0 trainings (0 automatic, 0 manual, 0 failed, 0 stopped, 0 running), hours 0, 0 without, unserved 0, unread []"},
		"no hours":                   {[]Facts{known(versions(version(1, true, failed, -1)))}, "1 trainings (1 automatic, 0 manual, 1 failed, 0 stopped, 0 running), hours null, 1 without, unserved null, unread []"},
		"nothing could be read":      {[]Facts{{Region: "us-east-1"}}, "0 trainings (0 automatic, 0 manual, 0 failed, 0 stopped, 0 running), hours null, 0 without, unserved null, unread [us-east-1]"},
		"versions could not be read": {[]Facts{known(versions(), unknown(func(k *Known) { k.Versions = false }))}, "0 trainings (0 automatic, 0 manual, 0 failed, 0 stopped, 0 running), hours null, 0 without, unserved null, unread [eu-west-1]"},
		"a region could not be read": {[]Facts{known(mixed), {Region: "us-east-1"}}, "6 trainings (5 automatic, 1 manual, 1 failed, 1 stopped, 1 running), hours 6, 3 without, unserved 6, unread [us-east-1]"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := text(Analyze(tt.facts, pricing.Builtin(), now)); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}

// The totals are the sums of the solutions, and the most hours come first.
func TestTotalsAddUp(t *testing.T) {
	f := known()
	for i := range 5 {
		s := f.Solutions[0]
		s.ARN = fmt.Sprintf("%s-%d", shop, i)
		s.Versions = nil
		for _, v := range trained(3+i, i%2 == 0, float64(i)+0.5) {
			v.ARN = s.ARN + v.ARN[len(shop):]
			s.Versions = append(s.Versions, v)
		}
		f.Solutions = append(f.Solutions, s)
	}
	r := Analyze([]Facts{f}, pricing.Builtin(), now)
	trainings, hours, unserved := 0, 0.0, 0.0
	for _, s := range r.Solutions {
		trainings, hours, unserved = trainings+s.Trainings, hours+*s.Hours, unserved+*s.Sum.Unserved
	}
	if len(r.Solutions) != 6 || r.Totals.Solutions != 6 || trainings != r.Totals.Trainings || hours != *r.Totals.Hours || unserved != *r.Totals.Sum.Unserved {
		t.Errorf("%d solutions with %d trainings, %v hours, %v unserved; the totals are %+v", len(r.Solutions), trainings, hours, unserved, r.Totals)
	}
	if !slices.IsSortedFunc(r.Findings, func(a, b Finding) int { return int((*b.Hours - *a.Hours) * 100) }) || len(r.Findings) != 6 {
		t.Errorf("not sorted by hours: %+v", r.Findings)
	}
}

// What uses solutions is known only if all campaigns and recommenders were listed and described.
func TestWith(t *testing.T) {
	arn := func(resource string) model.ARN { return arn(prefix + resource) }
	snapshot := func(change ...func(*model.Snapshot)) model.Snapshot {
		home, picks := arn("campaign/home"), arn("recommender/picks")
		s := model.Snapshot{
			Resources: []model.Resource{
				{ARN: home, Kind: model.Campaign, Name: "home", Version: shop + "/v1", Described: true, Status: model.StatusActive},
				{ARN: picks, Kind: model.Recommender, DatasetGroup: arn("dataset-group/shop"), Status: model.StatusActive},
			},
			Listings: []model.Listing{{Region: "eu-west-1", Campaigns: true, Recommenders: true, Seen: map[model.ARN]bool{home: true, picks: true}}},
		}
		for _, f := range change {
			f(&s)
		}
		return s
	}
	for name, tt := range map[string]struct {
		snapshot                model.Snapshot
		campaigns, recommenders bool
		serving                 int
	}{
		"everything":                {snapshot(), true, true, 1},
		"no listing of the region":  {snapshot(func(s *model.Snapshot) { s.Listings = nil }), false, false, 1},
		"campaigns not listed":      {snapshot(func(s *model.Snapshot) { s.Listings[0].Campaigns = false }), false, true, 1},
		"recommenders not listed":   {snapshot(func(s *model.Snapshot) { s.Listings[0].Recommenders = false }), true, false, 1},
		"a campaign not selected":   {snapshot(func(s *model.Snapshot) { s.Listings[0].Seen[arn("campaign/other")] = true }), false, true, 1},
		"a recommender not read":    {snapshot(func(s *model.Snapshot) { s.Listings[0].Seen[arn("recommender/other")] = true }), true, false, 1},
		"a campaign not described":  {snapshot(func(s *model.Snapshot) { s.Resources[0].Described = false }), false, true, 1},
		"a campaign's old copy":     {snapshot(func(s *model.Snapshot) { s.Resources[0].Stale = true }), false, true, 1},
		"a version that is unknown": {snapshot(func(s *model.Snapshot) { s.Resources[0].Version = "" }), false, true, 1},
		"a campaign being deleted":  {snapshot(func(s *model.Snapshot) { s.Resources[0].Status, s.Resources[0].Version = "DELETE PENDING", "" }), true, true, 0},
		"a failed campaign":         {snapshot(func(s *model.Snapshot) { s.Others, s.Resources = s.Resources, nil }), true, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := Facts{Region: "eu-west-1"}.With(tt.snapshot, nil)
			if f.Known.Campaigns != tt.campaigns || f.Known.Recommenders != tt.recommenders || len(f.Campaigns) != tt.serving {
				t.Errorf("%+v, %d campaigns", f.Known, len(f.Campaigns))
			}
		})
	}
}

// Hours of recipes that AWS bills by the hour have an estimate; others are unknown, never free.
func TestEstimates(t *testing.T) {
	text := func(r Report) string {
		amount := func(a *float64) string {
			if a == nil {
				return "unknown"
			}
			return fmt.Sprintf("%.2f", *a)
		}
		var parts []string
		for _, a := range r.Totals.Amounts {
			parts = append(parts, fmt.Sprintf("%s %.2f, unserved %s", a.Currency, a.Amount, amount(a.Unserved)))
		}
		for _, f := range r.Findings {
			parts = append(parts, string(f.Kind)+" "+amount(f.Estimate.Amount))
		}
		return fmt.Sprintf("%s; unpriced %d", strings.Join(parts, "; "), r.Totals.Unpriced)
	}
	recipe := func(name string) func(*Facts) { return solution(func(s *Solution) { s.Recipe = name }) }
	elsewhere := func(f *Facts) { f.Region = "cn-north-1" }
	for name, tt := range map[string]struct {
		facts []Facts
		want  string
	}{
		"by the hour":               {[]Facts{known()}, "USD 2.40, unserved 2.40; unserved 2.40; unpriced 0"},
		"by interactions":           {[]Facts{known(recipe("aws-user-personalization-v2"))}, "unserved unknown; unpriced 1"},
		"an unknown recipe":         {[]Facts{known(recipe(""))}, "unserved unknown; unpriced 1"},
		"no price":                  {[]Facts{known(elsewhere)}, "unserved unknown; unpriced 1"},
		"no hours":                  {[]Facts{known(versions(trained(7, true, -1)...))}, "unserved unknown; unpriced 1"},
		"what uses them is unknown": {[]Facts{known(unknown(func(k *Known) { k.Jobs = false }))}, "USD 2.40, unserved unknown; unpriced 0"},
		"not trained":               {[]Facts{known(versions())}, "; unpriced 0"},
		"two regions":               {[]Facts{known(), known(func(f *Facts) { f.Region = "us-east-1" }, serves(campaign(shop+"/v0010")))}, "USD 4.80, unserved 2.40; unserved 2.40; unpriced 0"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := text(Analyze(tt.facts, pricing.Builtin(), now)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// Of a region whose versions could be read in part, nothing is said but that.
func TestVersionsReadInPart(t *testing.T) {
	r := Analyze([]Facts{known(unknown(func(k *Known) { k.Versions = false }))}, pricing.Builtin(), now)
	if len(r.Solutions) > 0 || len(r.Findings) > 0 || r.Totals.Hours != nil || !slices.Equal(r.Totals.Unread, []string{"eu-west-1"}) {
		t.Errorf("%+v", r)
	}
}
