package training

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// Kind is the kind of a finding. Its values are stable.
type Kind string

// The kinds of findings.
const (
	// Unserved is a solution that is trained on a schedule, and nothing uses it.
	Unserved Kind = "unserved"
	// LeftBehind is the same, and the campaign that served it was deleted.
	LeftBehind Kind = "left-behind"
	// TrainedTwice is a solution that is trained automatically and by its owner.
	TrainedTwice Kind = "trained-twice"
	// Failing is a solution whose trainings have failed for weeks.
	Failing Kind = "failing"
	// NewerVersion is a version that is newer than what a campaign serves.
	NewerVersion Kind = "newer-version"
	// OldModel is a campaign that serves an old version, and there is no newer one.
	OldModel      Kind = "old-model"
	UnusedTracker Kind = "unused-event-tracker"
	UnusedGroup   Kind = "unused-dataset-group"
)

// Limits of the findings.
const (
	// youngest is how old something is before a finding calls it unused: it may be new.
	youngest = 14 * 24 * time.Hour
	// jobUse is how long a batch job counts as use: some are run once a quarter.
	jobUse = 92 * 24 * time.Hour
	// failingFor is since when trainings fail before that is a finding.
	failingFor = 14 * 24 * time.Hour
	// oldModel is how old a version is before a finding calls it old. AWS trains every 7 days by
	// default ("Configuring automatic training" in the developer guide).
	oldModel = 90 * 24 * time.Hour
)

// Finding is something about training that costs money or serves old models, and that only
// people change.
type Finding struct {
	Kind     Kind   `json:"kind"`
	ARN      string `json:"arn"` // of the solution, dataset group or event tracker
	Name     string `json:"name"`
	Region   string `json:"region"`
	Campaign string `json:"campaign,omitempty"` // its ARN, if it is about one
	// Hours of training in the last 30 days that it is about; null if it is about none, or they are unknown.
	Hours *float64 `json:"hours"`
	// Estimate is what the Hours cost; its amount is null if that is unknown.
	Estimate        pricing.Estimate `json:"estimate"`
	Sentence        string           `json:"sentence"`
	Command         string           `json:"command"` // suggested; may be empty
	model.OfAccount                  // if the report covers several
}

// PauseCommand is the command that stops the automatic training of a solution.
func PauseCommand(solution string) string { return "personalize-monitor pause-training " + solution }

// solution are the findings about a solution.
func (a analysis) solution(s Solution, sum Summary) []Finding {
	var found []Finding
	add := func(f Finding, ok bool) {
		if ok {
			f.ARN, f.Name, f.Region, f.Estimate = s.ARN, s.Name, a.Region, a.estimate(s, f.Hours)
			found = append(found, f)
		}
	}
	add(a.unserved(s, sum))
	add(a.trainedTwice(s, sum))
	add(a.failing(s))
	if a.Known.Campaigns {
		for _, c := range a.campaigns[s.ARN] {
			add(a.age(s, c))
		}
	}
	return found
}

// unserved finds a solution that is trained on a schedule and that nothing uses.
func (a analysis) unserved(s Solution, sum Summary) (Finding, bool) {
	how, command, trained := schedule(s, sum.Sum)
	if !trained || !a.unused(s, sum) {
		return Finding{}, false
	}
	f := Finding{Kind: Unserved, Hours: sum.Hours, Command: command}
	mixed := command != "" && sum.Manual > 0
	if mixed { // pausing ends the automatic trainings alone
		f.Hours = a.hoursOf(s, automatic)
	}
	f.Sentence = fmt.Sprintf("trained %s and not served by any campaign: %s in 30 days", how, trainings(sum.Sum))
	if d, ok := a.deletion(s.ARN); ok {
		f.Kind = LeftBehind
		f.Sentence = fmt.Sprintf("trained %s although its campaign %s was deleted %s ago: %s in 30 days",
			how, d.Campaign, days(a.now.Sub(d.Time)), trainings(sum.Sum))
	} else if sum.LastJob != nil {
		f.Sentence += fmt.Sprintf("; its last batch job was %s ago", days(a.now.Sub(*sum.LastJob)))
	} else {
		f.Sentence += "; no batch job used it"
	}
	if mixed && f.Hours != nil {
		f.Sentence += "; the automatic ones took " + Hours(*f.Hours)
	}
	if s.Automatic == nil && sum.Sum.Automatic > 0 {
		f.Sentence += "; it may be paused already: DescribeSolution did not return whether automatic training is still on"
	}
	return f, true
}

// schedule is how a solution is trained again and again, and the command that ends that; empty if
// it is not known whether automatic training is still on. It is false if it is not, as far as is
// known: if it was trained once, or automatic training is off.
func schedule(s Solution, sum Sum) (how, command string, ok bool) {
	switch {
	case s.Automatic != nil && *s.Automatic && sum.Trainings > sum.Manual:
		return "automatically" + Every(s.Schedule), PauseCommand(s.ARN), true
	case s.Automatic == nil && sum.Automatic > 0:
		return "automatically", "", true
	}
	return "by a schedule of yours", "", sum.Manual >= 2
}

// unused reports whether nothing is known to use a solution, and everything is known that could.
func (a analysis) unused(s Solution, sum Summary) bool {
	switch {
	case !a.Known.use() || len(a.campaigns[s.ARN]) > 0: // guard: training: what a campaign serves is no waste
		return false
	case a.young(s.Created): // guard: training: a new solution is not unused yet
		return false
	}
	return sum.LastJob == nil || !sum.LastJob.After(a.now.Add(-jobUse)) // guard: training: a batch job is a use
}

// deletion is the latest deletion of a campaign of the solution.
func (a analysis) deletion(solution string) (latest Deletion, ok bool) {
	for _, d := range a.Deletions {
		if d.Solution == solution && (!ok || d.Time.After(latest.Time)) {
			latest, ok = d, true
		}
	}
	return latest, ok
}

// trainedTwice finds a solution that is trained automatically and by a schedule of its owner.
func (a analysis) trainedTwice(s Solution, sum Summary) (Finding, bool) {
	if s.Automatic == nil || !*s.Automatic || sum.Sum.Automatic < 1 || sum.Manual < 2 {
		return Finding{}, false
	}
	f := Finding{Kind: TrainedTwice, Command: PauseCommand(s.ARN), Hours: a.hoursOf(s, automatic)}
	f.Sentence = fmt.Sprintf("trained twice in 30 days: %d times automatically%s and %d times by a schedule of yours",
		sum.Sum.Automatic, Every(s.Schedule), sum.Manual)
	if f.Hours != nil {
		f.Sentence += "; the automatic ones took " + Hours(*f.Hours)
	}
	return f, true
}

// hoursOf are the hours of some trainings in the span; nil if none are reported.
func (a analysis) hoursOf(s Solution, some func(Version) bool) (hours *float64) {
	for _, v := range s.Versions {
		if a.inSpan(v) && some(v) {
			hours = model.AddKnown(hours, v.Hours)
		}
	}
	return hours
}

func automatic(v Version) bool { return v.Automatic != nil && *v.Automatic }

// failing finds a solution whose latest trainings failed. Stopped ones and those in progress
// count neither way.
func (a analysis) failing(s Solution) (Finding, bool) {
	ended := slices.DeleteFunc(slices.Clone(s.Versions), func(v Version) bool { return v.Status != failed && v.Status != model.StatusActive })
	slices.SortFunc(ended, func(a, b Version) int { return b.Created.Compare(a.Created) })
	n := slices.IndexFunc(ended, func(v Version) bool { return v.Status == model.StatusActive })
	good := n >= 0
	if !good {
		n = len(ended)
	}
	if n < 2 || !a.inSpan(ended[0]) || a.now.Sub(ended[n-1].Created) < failingFor {
		return Finding{}, false
	}
	f := Finding{Kind: Failing}
	f.Sentence = fmt.Sprintf("the last %d trainings failed, for %s", n, days(a.now.Sub(ended[n-1].Created)))
	if reason := model.OneLine(ended[0].FailureReason); reason != "" {
		f.Sentence += " (" + strings.TrimSuffix(reason, ".") + ")"
	}
	if good {
		f.Sentence += fmt.Sprintf("; the newest model is %s old", days(a.now.Sub(ended[n].Updated)))
	} else {
		f.Sentence += "; no training ever succeeded"
	}
	if s.Automatic != nil && *s.Automatic {
		f.Command = PauseCommand(s.ARN)
	}
	return f, true
}

// age finds a campaign that serves an older version than the newest, or an old one.
func (a analysis) age(s Solution, c model.Resource) (Finding, bool) {
	served, ok := s.version(c)
	newest, ready := s.newest()
	if !ok || !ready || updating(c) || c.AutoSync {
		return Finding{}, false
	}
	f := Finding{Campaign: c.ARN.String()}
	old := days(a.now.Sub(served.Updated))
	if newest.ARN != served.ARN && newest.Created.After(served.Created) {
		newer := func(v Version) bool { return v.Status == model.StatusActive && v.Created.After(served.Created) }
		count := "1 newer is"
		if n := len(slices.DeleteFunc(slices.Clone(s.Versions), func(v Version) bool { return !newer(v) })); n > 1 {
			count = fmt.Sprintf("%d newer are", n)
		}
		f.Kind, f.Hours = NewerVersion, a.hoursOf(s, newer)
		f.Sentence = fmt.Sprintf("campaign %s serves a model that is %s old; %s ready, the newest %s old",
			c.Name, old, count, days(a.now.Sub(newest.Updated)))
		if f.Hours != nil {
			f.Sentence += fmt.Sprintf(" (%s of training in 30 days)", Hours(*f.Hours))
		}
		f.Command = fmt.Sprintf("aws personalize update-campaign --region %s --campaign-arn %s --solution-version-arn %s",
			a.Region, c.ARN, newest.ARN)
		return f, true
	}
	if a.now.Sub(served.Updated) < oldModel {
		return Finding{}, false
	}
	f.Kind = OldModel
	f.Sentence = fmt.Sprintf("campaign %s serves a model that is %s old, and there is no newer one", c.Name, old)
	f.Command = fmt.Sprintf("aws personalize create-solution-version --region %s --solution-arn %s", a.Region, s.ARN)
	return f, true
}

// groups are the findings about dataset groups and event trackers that nothing uses, and used lately.
func (a analysis) groups() []Finding {
	k := a.Known
	if !k.use() || !k.Groups || !k.Solutions || !k.Recommenders || !k.Trackers {
		return nil
	}
	used, solutions, trackers := a.usedGroups(), map[string]bool{}, a.trackersByGroup()
	for _, s := range a.Solutions {
		solutions[s.Group] = true
	}
	var found []Finding
	for _, g := range a.Groups {
		switch {
		case used[g.ARN] || g.Status.Deleting() || a.young(g.Created):
		case solutions[g.ARN]:
			found = append(found, a.unusedTrackers(g, trackers[g.ARN])...)
		default:
			text := fmt.Sprintf("dataset group %s, %s old, has no solution and no recommender", g.Name, days(a.now.Sub(g.Created)))
			if n := len(trackers[g.ARN]); n > 0 {
				text += fmt.Sprintf(", and %s that may still collect events", model.Plural(n, "event tracker"))
			}
			found = append(found, Finding{Kind: UnusedGroup, ARN: g.ARN, Name: g.Name, Region: a.Region, Sentence: text})
		}
	}
	return found
}

// trackersByGroup are the event trackers that exist, by their dataset group.
func (a analysis) trackersByGroup() map[string][]EventTracker {
	trackers := map[string][]EventTracker{}
	for _, t := range a.Trackers {
		if !t.Status.Deleting() {
			trackers[t.Group] = append(trackers[t.Group], t)
		}
	}
	return trackers
}

// unusedTrackers are the findings about the event trackers of a dataset group that nothing uses.
func (a analysis) unusedTrackers(g DatasetGroup, trackers []EventTracker) (found []Finding) {
	for _, t := range trackers {
		if a.young(t.Created) {
			continue
		}
		found = append(found, Finding{
			Kind: UnusedTracker, ARN: t.ARN, Name: t.Name, Region: a.Region,
			Sentence: fmt.Sprintf("event tracker %s may still collect events for dataset group %s, "+
				"which no campaign, recommender, batch job or training has used in 30 days", t.Name, g.Name),
			Command: fmt.Sprintf("aws personalize delete-event-tracker --region %s --event-tracker-arn %s", a.Region, t.ARN),
		})
	}
	return found
}

// usedGroups are the dataset groups that something uses, or used lately.
func (a analysis) usedGroups() map[string]bool {
	used := map[string]bool{}
	for _, r := range a.Recommenders {
		used[r.DatasetGroup.String()] = true
	}
	for _, s := range a.Solutions {
		job := slices.ContainsFunc(a.jobs[s.ARN], func(j BatchJob) bool { return j.Created.After(a.now.Add(-jobUse)) })
		if job || slices.ContainsFunc(s.Versions, a.inSpan) || a.young(s.Created) || len(a.campaigns[s.ARN]) > 0 {
			used[s.Group] = true
		}
	}
	return used
}

// young reports whether something may be new, and so not used yet.
func (a analysis) young(created time.Time) bool { return !created.Before(a.now.Add(-youngest)) }

// trainings describes trainings with their hours.
func trainings(s Sum) string {
	text := model.Plural(s.Trainings, "training")
	switch {
	case s.Hours == nil:
		return text + " of unknown hours"
	case s.Unreported > 0:
		return fmt.Sprintf("%s, of which %d took %s", text, s.Trainings-s.Unreported, Hours(*s.Hours))
	}
	return text + " of " + Hours(*s.Hours)
}

// Hours are hours of training as they are shown: "4.5 hours".
func Hours(h float64) string { return model.Number(h, 1) + " hours" }

// Every describes a schedule in brackets, after a space: " (every 7 days)"; empty if it is unknown.
func Every(schedule string) string {
	inner, ok := strings.CutSuffix(strings.TrimPrefix(schedule, "rate("), ")")
	if !ok || schedule == "" {
		return ""
	}
	return " (every " + strings.TrimPrefix(inner, "1 ") + ")"
}

// days is a length of time in whole days: "1 day".
func days(d time.Duration) string { return model.Plural(max(int(d.Hours()/24), 0), "day") }
