package training

import (
	"cmp"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// Span is over how long trainings are added up.
const Span = 30 * 24 * time.Hour

// Report is the training of some regions over the last 30 days. Its JSON keys are stable.
type Report struct {
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"`
	Solutions []Summary `json:"solutions"` // trained since then, or with a finding
	Findings  []Finding `json:"findings"`  // by hours, the most first
	Totals    Totals    `json:"totals"`
}

// Summary is one solution.
type Summary struct {
	ARN          string   `json:"arn"`
	Name         string   `json:"name"`
	Region       string   `json:"region"`
	DatasetGroup string   `json:"datasetGroup"` // its name; empty if unknown
	Recipe       string   `json:"recipe"`
	Automatic    *bool    `json:"automatic"` // null if unknown
	Schedule     string   `json:"schedule"`  // of automatic training; empty if unknown
	Campaigns    []string `json:"campaigns"` // names of those that serve it; null if unknown
	// Model is when the oldest version was trained that a campaign serves; null without one, or if
	// it is unknown.
	Model *time.Time `json:"modelTrained"`
	// LastJob is when its latest batch job was created; null without one, or if it is unknown.
	LastJob *time.Time `json:"lastBatchJob"`
	// Estimate is what the hours cost; its amount is null if that is unknown.
	Estimate pricing.Estimate `json:"estimate"`
	Sum
	model.OfAccount // if the report covers several
}

// Sum adds up trainings that began in the span.
type Sum struct {
	Trainings  int `json:"trainings"`
	Automatic  int `json:"automaticTrainings"`
	Manual     int `json:"manualTrainings"`
	Failed     int `json:"failed"`
	Stopped    int `json:"stopped"`
	InProgress int `json:"inProgress"`
	// Hours are those that AWS reports; null if it reports none of those that there were.
	// Unreported counts the trainings without: failed, stopped, or in progress, and those that
	// could not be read. Whether AWS bills them is not known here.
	Hours      *float64 `json:"hours"`
	Unreported int      `json:"trainingsWithoutHours"`
	// Unserved are the hours of versions that no campaign and no batch job is known to have
	// used; null if what uses them is unknown.
	Unserved *float64 `json:"hoursUnserved"`
}

// HoursMissing reports whether a training succeeded and its hours are not known. Of others AWS reports none.
func (s Sum) HoursMissing() bool { return s.Unreported > s.Failed+s.Stopped+s.InProgress }

// Totals add up all solutions, shown or not.
type Totals struct {
	Solutions int `json:"solutions"`
	// Unread are the regions of which trainings could not be read; they are in no sum.
	Unread []string `json:"unreadRegions"`
	// Amounts are what the hours cost, by currency. Unpriced counts the solutions that were trained
	// and whose cost is unknown: there is no price, no hours are reported, or AWS bills their
	// training by interactions.
	Amounts  []Amount `json:"estimates"`
	Unpriced int      `json:"unpriced"`
	Sum
}

// Amount is what training costs in a currency. It is an estimate: hours times a price.
type Amount struct {
	Currency string  `json:"currency"`
	Amount   float64 `json:"amount"`
	// Unserved is the part for versions that nothing is known to have used; null if what uses
	// them is unknown.
	Unserved *float64 `json:"unserved"`
}

// Analyze makes the report of some regions.
func Analyze(regions []Facts, prices pricing.Table, now time.Time) Report {
	r := Report{Since: now.Add(-Span).UTC(), Until: now.UTC(), Totals: Totals{Sum: Sum{Hours: new(0.0), Unserved: new(0.0)}}}
	for _, f := range regions {
		if !f.Known.Solutions || !f.Known.Versions {
			r.Totals.Unread = append(r.Totals.Unread, f.Region)
		}
		if !f.Known.Versions { // guard: training: what was not read is no training of zero hours
			continue
		}
		a := newAnalysis(f, prices, now)
		for _, s := range f.Solutions {
			summary := a.summary(s)
			found := a.solution(s, summary)
			r.Totals.add(a.totals(s, summary))
			if summary.Trainings > 0 || len(found) > 0 {
				r.Solutions = append(r.Solutions, summary)
			}
			r.Findings = append(r.Findings, found...)
		}
		r.Findings = append(r.Findings, a.groups()...)
	}
	return r.done()
}

// In is the report with its account named.
func (r Report) In(a model.Account) Report {
	r.Solutions, r.Findings = model.InAccount(r.Solutions, a), model.InAccount(r.Findings, a)
	r.Totals.Unread = slices.Clone(r.Totals.Unread)
	for i := range r.Totals.Unread {
		r.Totals.Unread[i] += " of " + a.String()
	}
	return r
}

// Unread is the report of an account of which nothing is known.
func Unread(a model.Account) Report { return Report{Totals: Totals{Unread: []string{a.String()}}} }

// Merged puts the reports of several accounts together. What is not known of one of them is in no sum.
func Merged(list []Report) Report {
	var out Report
	for _, r := range list {
		if out.Until.IsZero() {
			out.Since, out.Until = r.Since, r.Until
		}
		out.Solutions, out.Findings = append(out.Solutions, r.Solutions...), append(out.Findings, r.Findings...)
		out.Totals.add(r.Totals)
	}
	return out.done()
}

// done is the report in order, with empty lists instead of nil ones. If nothing was trained where it
// could be read, and not everything could be read, the hours are not known.
func (r Report) done() Report {
	t := &r.Totals
	if len(t.Unread) > 0 && t.Trainings == 0 {
		t.Hours, t.Sum.Unserved = nil, nil
	}
	r.Solutions, r.Findings = append([]Summary{}, r.Solutions...), append([]Finding{}, r.Findings...)
	t.Unread, t.Amounts = append([]string{}, t.Unread...), append([]Amount{}, t.Amounts...)
	slices.SortFunc(t.Amounts, func(a, b Amount) int { return cmp.Compare(a.Currency, b.Currency) })
	slices.SortStableFunc(r.Solutions, func(a, b Summary) int {
		return cmp.Or(model.CompareKnown(b.Hours, a.Hours), cmp.Compare(a.ARN, b.ARN))
	})
	slices.SortFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(model.CompareKnown(b.Hours, a.Hours), cmp.Compare(a.ARN, b.ARN), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Campaign, b.Campaign))
	})
	return r
}

// add adds others.
func (t *Totals) add(o Totals) {
	t.Solutions += o.Solutions
	t.Unread = append(t.Unread, o.Unread...)
	t.Unpriced += o.Unpriced
	t.Sum = t.Sum.plus(o.Sum)
	for _, a := range o.Amounts {
		i := slices.IndexFunc(t.Amounts, func(sum Amount) bool { return sum.Currency == a.Currency })
		if i < 0 {
			t.Amounts = append(t.Amounts, a)
			continue
		}
		sum := &t.Amounts[i]
		sum.Amount, sum.Unserved = sum.Amount+a.Amount, both(sum.Unserved, a.Unserved)
	}
}

// plus adds others. Hours that are not known are left out, as those of a training are; Unserved is not
// known if it is not known of all Hours.
func (s Sum) plus(o Sum) Sum {
	out := Sum{
		Trainings: s.Trainings + o.Trainings, Automatic: s.Automatic + o.Automatic, Manual: s.Manual + o.Manual, Failed: s.Failed + o.Failed,
		Stopped: s.Stopped + o.Stopped, InProgress: s.InProgress + o.InProgress, Unreported: s.Unreported + o.Unreported,
	}
	nothing := s.Hours == nil && s.Trainings == 0 // was added yet
	switch {
	case !nothing && (o.Trainings == 0 || s.Trainings > 0 && o.Hours == nil):
		out.Hours, out.Unserved = s.Hours, s.Unserved
	case s.Hours == nil || s.Trainings == 0:
		out.Hours, out.Unserved = o.Hours, o.Unserved
	default:
		out.Hours, out.Unserved = both(s.Hours, o.Hours), both(s.Unserved, o.Unserved)
	}
	return out
}

// both adds two numbers; nil if either is not known.
func both(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}

// analysis is the facts of a region, by what they belong to.
type analysis struct {
	Facts
	prices    pricing.Table
	now       time.Time
	campaigns map[string][]model.Resource // by solution ARN
	jobs      map[string][]BatchJob       // the same
	groupName map[string]string           // by ARN
}

func newAnalysis(f Facts, prices pricing.Table, now time.Time) analysis {
	a := analysis{f, prices, now, map[string][]model.Resource{}, map[string][]BatchJob{}, map[string]string{}}
	for _, c := range f.Campaigns {
		a.campaigns[SolutionOf(c.Version)] = append(a.campaigns[SolutionOf(c.Version)], c)
	}
	for _, j := range f.Jobs {
		a.jobs[SolutionOf(j.Version)] = append(a.jobs[SolutionOf(j.Version)], j)
	}
	for _, g := range f.Groups {
		a.groupName[g.ARN] = g.Name
	}
	return a
}

// inSpan reports whether a training began within the span.
func (a analysis) inSpan(v Version) bool { return v.Created.After(a.now.Add(-Span)) }

func (a analysis) summary(s Solution) Summary {
	out := Summary{
		ARN: s.ARN, Name: s.Name, Region: a.Region, DatasetGroup: a.groupName[s.Group], Recipe: s.Recipe,
		Automatic: s.Automatic, Schedule: s.Schedule, Sum: a.sum(s),
	}
	out.Estimate = a.estimate(s, out.Hours)
	if a.Known.Campaigns {
		out.Campaigns = []string{}
		for _, c := range a.campaigns[s.ARN] {
			out.Campaigns = append(out.Campaigns, c.Name)
			if v, ok := s.version(c); ok && (out.Model == nil || v.Updated.Before(*out.Model)) {
				out.Model = &v.Updated
			}
		}
		slices.Sort(out.Campaigns)
	}
	if a.Known.Jobs {
		for _, j := range a.jobs[s.ARN] {
			if out.LastJob == nil || j.Created.After(*out.LastJob) {
				out.LastJob = &j.Created
			}
		}
	}
	return out
}

// sum adds up the trainings of a solution in the span.
func (a analysis) sum(s Solution) Sum {
	var out Sum
	hours, unserved := 0.0, 0.0
	for _, v := range s.Versions {
		if !a.inSpan(v) {
			continue
		}
		out.count(v)
		switch {
		case v.Hours == nil:
			out.Unreported++
		case a.served(s, v):
			hours += *v.Hours
		default:
			hours, unserved = hours+*v.Hours, unserved+*v.Hours
		}
	}
	if out.Unreported < out.Trainings || out.Trainings == 0 {
		out.Hours = &hours
		if a.Known.use() {
			out.Unserved = &unserved
		}
	}
	return out
}

// count counts a training, by who began it and how it ended.
func (s *Sum) count(v Version) {
	s.Trainings++
	switch {
	case v.Automatic == nil:
	case *v.Automatic:
		s.Automatic++
	default:
		s.Manual++
	}
	switch v.Status {
	case failed:
		s.Failed++
	case stopped:
		s.Stopped++
	case model.StatusActive:
	default:
		s.InProgress++
	}
}

// estimate is what hours of training of a solution cost. The amount is nil if the hours or the
// recipe are unknown, if there is no price, or if AWS bills the recipe by interactions, which no
// API returns.
func (a analysis) estimate(s Solution, hours *float64) pricing.Estimate {
	product := pricing.TrainingOf(s.Recipe)
	if s.Recipe == "" || product != pricing.Training { // guard: training: hours of another price model have no price
		hours = nil
	}
	return a.prices.Once(a.Region, product, hours)
}

// totals are those of one solution.
func (a analysis) totals(s Solution, sum Summary) Totals {
	t := Totals{Solutions: 1, Sum: sum.Sum}
	switch {
	case sum.Trainings == 0:
	case sum.Estimate.Amount == nil:
		t.Unpriced = 1
	default:
		t.Amounts = []Amount{{sum.Estimate.Currency, *sum.Estimate.Amount, a.estimate(s, sum.Unserved).Amount}}
	}
	return t
}

// served reports whether a version is served, was used by a batch job, or may have been served
// before: by a campaign that follows each new version, or that serves a newer one now. What a
// deleted campaign has served is not known.
func (a analysis) served(s Solution, v Version) bool {
	if slices.ContainsFunc(a.jobs[s.ARN], func(j BatchJob) bool { return j.Version == v.ARN }) {
		return true
	}
	return slices.ContainsFunc(a.campaigns[s.ARN], func(c model.Resource) bool {
		present, ok := s.version(c)
		if !ok || updating(c) { // in doubt it is
			return true
		}
		if c.AutoSync && v.Status == model.StatusActive {
			return !v.Updated.Before(c.Created) || v.ARN == present.ARN
		}
		return v.ARN == present.ARN || v.Created.Before(present.Created)
	})
}

// version is the version that a campaign serves; ok is false if it is unknown.
func (s Solution) version(c model.Resource) (served Version, ok bool) {
	if c.Version == s.ARN+"/$LATEST" {
		newest, ok := s.newest()
		return newest, ok && c.AutoSync
	}
	i := slices.IndexFunc(s.Versions, func(v Version) bool { return v.ARN == c.Version })
	if i < 0 {
		return Version{}, false
	}
	return s.Versions[i], true
}

// newest is the version that was created last of those that can be served.
func (s Solution) newest() (newest Version, ok bool) {
	for _, v := range s.Versions {
		if v.Status == model.StatusActive && (!ok || v.Created.After(newest.Created)) {
			newest, ok = v, true
		}
	}
	return newest, ok
}
