package advice

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// leastMerge is the least saving for which campaigns are proposed to be one, in TPS-hours a month:
// half a TPS.
const leastMerge = billing.HoursPerMonth / 2

// shared are the groups of campaigns that serve the same solution and whose demand is known, by
// the ARN of the solution. A campaign that is proposed to be deleted is in none.
func shared(endpoints []Endpoint) [][]Endpoint {
	bySolution := map[string][]Endpoint{}
	for _, e := range endpoints {
		if solution := training.SolutionOf(e.Resource.Version); solution != "" && !e.removal() && e.allKnown() && len(e.Hours) > 0 {
			bySolution[solution] = append(bySolution[solution], e)
		}
	}
	var groups [][]Endpoint
	for _, group := range bySolution {
		if len(group) > 1 {
			groups = append(groups, group)
		}
	}
	slices.SortFunc(groups, func(a, b []Endpoint) int { return cmp.Compare(a[0].Resource.Version, b[0].Resource.Version) })
	return groups
}

// oneCampaign compares campaigns with one that serves the demand of all. Its minimum is the sum of
// their low watermarks.
func oneCampaign(group []Endpoint, bill *pricing.Bill) (Proposal, bool) {
	var names []string
	apart, lows, demand := 0.0, 0.0, map[int64]float64{}
	var since time.Time // the first hour in which all were metered: before it the youngest had no demand yet
	for _, e := range group {
		since = model.Later(since, e.Hours[0].Start)
	}
	for _, e := range group {
		names = append(names, e.Resource.Name)
		lows += e.Saving.Observed.Lowest
		hours := slices.DeleteFunc(slices.Clone(e.Hours), func(h billing.Hour) bool { return h.Start.Before(since) })
		for _, h := range hours {
			demand[h.Start.Unix()] += h.Used
		}
		apart += perMonth(hours, float64(e.minimum()))
	}
	minimum := max(1, math.Floor(lows))
	var together []billing.Hour
	for _, used := range demand {
		together = append(together, billing.Hour{Used: used})
	}
	one := perMonth(together, minimum)
	if apart-one < leastMerge {
		return Proposal{}, false
	}
	first := group[0]
	p := proposal(OneCampaign, first.Resource)
	p.ARN = training.SolutionOf(first.Resource.Version)
	p.Name = p.ARN[strings.LastIndexByte(p.ARN, '/')+1:]
	p.What = "serve " + strings.Join(names, " and ") + " with one campaign"
	p.Risk, p.Sure = Medium, lowest(Medium, priceLevel(first.Priced.Use.Price))
	p.Saves = Saving{TPSHours: new(apart - one)}
	if use := first.Priced.Use; use.Priced() {
		before, after := use, use
		before.Month, after.Month = pricing.Quantity{TPSHours: apart}, pricing.Quantity{TPSHours: one}
		saved := bill.MonthDifference(before, after)
		p.Saves.Amount, p.Saves.Currency = saved.Amount, saved.Currency
	}
	p.Why = fmt.Sprintf("%d campaigns serve the solution %s; one with a minimum of %.0f would serve the demand of all, "+
		"once callers use its ARN",
		len(group), p.Name, minimum)
	if n := versionsOf(group); n > 1 {
		p.Risk = High
		p.Why += fmt.Sprintf("; they serve %d different solution versions, perhaps to compare them, and one campaign serves one", n)
	}
	return p, true
}

// versionsOf is how many solution versions campaigns serve. Those that follow each new version do not
// differ on purpose: they count as one.
func versionsOf(group []Endpoint) int {
	versions, following := map[string]bool{}, ""
	for _, e := range group {
		version := e.Resource.Version
		if e.Resource.AutoSync {
			following = cmp.Or(following, version)
			version = following
		}
		versions[version] = true
	}
	return len(versions)
}

// perMonth is the TPS-hours of a month of 730 hours like the given ones, at a minimum. Peaks within
// an hour are left out, with one campaign as with several.
func perMonth(hours []billing.Hour, minimum float64) float64 {
	if len(hours) == 0 {
		return 0
	}
	sum := 0.0
	for _, h := range hours {
		sum += max(minimum, h.Used)
	}
	return sum / float64(len(hours)) * billing.HoursPerMonth
}

// spansPerMonth is how many spans of a training report a month of 730 hours has.
const spansPerMonth = billing.HoursPerMonth / float64(training.Span/time.Hour)

// pauses are the proposals to pause training: one for each solution, by the finding that saves
// most. What trains and is never served saves all its hours, what is trained twice the automatic ones.
func pauses(r *training.Report) []Proposal {
	if r == nil {
		return nil
	}
	var list []Proposal
	unserved, done := map[string]bool{}, map[string]bool{}
	for _, s := range r.Solutions {
		unserved[s.ARN] = s.Campaigns != nil && len(s.Campaigns) == 0
	}
	for _, f := range r.Findings { // those with most hours first
		if f.Command != training.PauseCommand(f.ARN) || done[f.ARN] {
			continue
		}
		done[f.ARN] = true
		p := Proposal{
			Kind: PauseTraining, ARN: f.ARN, Name: f.Name, Region: f.Region, What: "pause the training of " + f.Name,
			Risk: Low, Sure: Medium, Command: f.Command, Why: f.Sentence,
		}
		if f.Kind == training.Failing && !unserved[f.ARN] {
			p.Risk = Medium // what campaigns serve gets older until someone fixes the cause and resumes
		}
		if f.Hours != nil {
			p.Saves.TrainingHours = new(*f.Hours * spansPerMonth)
		}
		if f.Estimate.Amount != nil {
			p.Saves.Amount, p.Saves.Currency = new(*f.Estimate.Amount*spansPerMonth), f.Estimate.Currency
		}
		list = append(list, p)
	}
	return list
}
