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
	r := Report{
		Since: now.Add(-Span).UTC(), Until: now.UTC(), Solutions: []Summary{}, Findings: []Finding{}, Totals: Totals{Unread: []string{}},
	}
	total, money := sum{use: true}, amounts{}
	for _, f := range regions {
		if !f.Known.Solutions || !f.Known.Versions {
			r.Totals.Unread = append(r.Totals.Unread, f.Region)
		}
		if !f.Known.Versions { // guard: training: what was not read is no training of zero hours
			continue
		}
		a := newAnalysis(f, prices, now)
		for _, s := range f.Solutions {
			summary, counted := a.summary(s)
			found := a.solution(s, summary)
			r.Totals.Solutions++
			total.add(counted)
			money.add(summary, a.estimate(s, summary.Unserved))
			if summary.Trainings > 0 || len(found) > 0 {
				r.Solutions = append(r.Solutions, summary)
			}
			r.Findings = append(r.Findings, found...)
		}
		r.Findings = append(r.Findings, a.groups()...)
	}
	if r.Totals.Sum = total.done(); len(r.Totals.Unread) > 0 && total.Trainings == 0 {
		r.Totals.Hours, r.Totals.Unserved = nil, nil
	}
	r.Totals.Amounts, r.Totals.Unpriced = money.list(), money.unpriced
	slices.SortStableFunc(r.Solutions, func(a, b Summary) int {
		return cmp.Or(cmp.Compare(hours(b.Hours), hours(a.Hours)), cmp.Compare(a.ARN, b.ARN))
	})
	slices.SortFunc(r.Findings, compare)
	return r
}

// hours orders unknown hours last.
func hours(h *float64) float64 {
	if h == nil {
		return -1
	}
	return *h
}

// sum adds up trainings.
type sum struct {
	Sum
	hours, unserved float64
	reported        int
	use             bool // what uses versions is known
}

// add adds another sum.
func (s *sum) add(o sum) {
	s.Trainings += o.Trainings
	s.Automatic += o.Automatic
	s.Manual += o.Manual
	s.Failed += o.Failed
	s.Stopped += o.Stopped
	s.InProgress += o.InProgress
	s.Unreported += o.Unreported
	s.hours += o.hours
	s.unserved += o.unserved
	s.reported += o.reported
	s.use = s.use && (o.use || o.reported == 0)
}

// done is the sum with what is unknown as null.
func (s sum) done() Sum {
	if s.reported > 0 || s.Trainings == 0 {
		s.Hours = &s.hours
		if s.use {
			s.Unserved = &s.unserved
		}
	}
	return s.Sum
}

// analysis is the facts of a region, by what they belong to.
type analysis struct {
	Facts
	prices    pricing.Table
	now       time.Time
	campaigns map[string][]Campaign // by solution ARN
	jobs      map[string][]BatchJob // the same
	groupName map[string]string     // by ARN
}

func newAnalysis(f Facts, prices pricing.Table, now time.Time) analysis {
	a := analysis{f, prices, now, map[string][]Campaign{}, map[string][]BatchJob{}, map[string]string{}}
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

func (a analysis) summary(s Solution) (Summary, sum) {
	out := Summary{
		ARN: s.ARN, Name: s.Name, Region: a.Region, DatasetGroup: a.groupName[s.Group], Recipe: s.Recipe,
		Automatic: s.Automatic, Schedule: s.Schedule,
	}
	counted := sum{use: a.Known.use()}
	for _, v := range s.Versions {
		if a.inSpan(v) {
			counted.count(v, a.served(s, v))
		}
	}
	out.Sum = counted.done()
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
	return out, counted
}

func (s *sum) count(v Version, served bool) {
	s.Trainings++
	switch {
	case v.Automatic == nil:
	case *v.Automatic:
		s.Automatic++
	default:
		s.Manual++
	}
	switch {
	case v.Status == failed:
		s.Failed++
	case v.Status == stopped:
		s.Stopped++
	case !v.Terminal():
		s.InProgress++
	}
	if v.Hours == nil {
		s.Unreported++
		return
	}
	s.reported++
	s.hours += *v.Hours
	if !served {
		s.unserved += *v.Hours
	}
}

// served reports whether a version is served, was used by a batch job, or may have been served
// before: by a campaign that follows each new version, or that serves a newer one now. What a
// deleted campaign has served is not known.
func (a analysis) served(s Solution, v Version) bool {
	if slices.ContainsFunc(a.jobs[s.ARN], func(j BatchJob) bool { return j.Version == v.ARN }) {
		return true
	}
	return slices.ContainsFunc(a.campaigns[s.ARN], func(c Campaign) bool {
		present, ok := s.version(c)
		if !ok || c.Updating { // in doubt it is
			return true
		}
		if c.AutoSync && v.Status == model.StatusActive {
			return !v.Updated.Before(c.Created) || v.ARN == present.ARN
		}
		return v.ARN == present.ARN || v.Created.Before(present.Created)
	})
}

// version is the version that a campaign serves; ok is false if it is unknown.
func (s Solution) version(c Campaign) (served Version, ok bool) {
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
