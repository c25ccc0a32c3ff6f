package personalize

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

type solutionInput struct {
	ARN string `json:"solutionArn" check:"required ..256 solution"`
}

// solutionSummary lacks the dataset group and whether it trains automatically.
type solutionSummary struct {
	ARN    string `json:"solutionArn"`
	Name   string `json:"name"`
	Recipe string `json:"recipeArn,omitempty"`
	status
}

func (sol *solution) summary() any {
	summary := solutionSummary{sol.arn, sol.name, sol.recipe, sol.state()}
	if sol.autoML {
		summary.Recipe = ""
	}
	return summary
}

// state is that of the solution itself, which changes with its updates alone.
func (sol *solution) state() status {
	state := status{Status: estatefile.Active, Created: sol.created, Updated: sol.created}
	if sol.update != nil {
		state.Updated = sol.update.Updated
	}
	return state
}

type solutionShape struct {
	solutionInput
	Name          string          `json:"name"`
	Group         string          `json:"datasetGroupArn"`
	Recipe        string          `json:"recipeArn,omitempty"`
	AutoML        bool            `json:"performAutoML"`
	AutoMLResult  *autoMLResult   `json:"autoMLResult,omitempty"`
	HPO           bool            `json:"performHPO"`
	AutoTraining  *bool           `json:"performAutoTraining,omitempty"`
	Config        *solutionConfig `json:"solutionConfig,omitempty"`
	LatestVersion *versionSummary `json:"latestSolutionVersion,omitempty"`
	LatestUpdate  *solutionUpdate `json:"latestSolutionUpdate,omitempty"`
	status
}

type autoMLResult struct {
	BestRecipe string `json:"bestRecipeArn"`
}

type versionSummary struct {
	ARN          string `json:"solutionVersionArn"`
	TrainingMode string `json:"trainingMode"`
	TrainingType string `json:"trainingType"`
	status
}

func (v *solutionVersion) summary() any { return v.shape() }

func (v *solutionVersion) shape() versionSummary {
	state := status{Status: v.status, FailureReason: v.failureReason, Created: v.started, Updated: v.trained}
	if v.status == estatefile.CreateInProgress {
		state.Updated = v.started
	}
	summary := versionSummary{v.arn, "FULL", "MANUAL", state}
	if v.automatic {
		summary.TrainingType = "AUTOMATIC"
	}
	return summary
}

func (s *Service) describeSolution(c *api.Call, in *solutionInput) (any, error) {
	sol := s.region(c.Home).solutions[in.ARN]
	if sol == nil {
		return nil, notFound(in.ARN)
	}
	shape := solutionShape{
		solutionInput: *in, Name: sol.name, Group: sol.group.arn, Recipe: sol.recipe, AutoML: sol.autoML, AutoTraining: sol.auto,
		Config: sol.config(), LatestUpdate: sol.update, status: sol.state(),
	}
	if sol.autoML {
		shape.Recipe, shape.AutoMLResult = "", &autoMLResult{sol.recipe}
	}
	if n := len(sol.versions); n > 0 {
		latest := sol.versions[n-1]
		shape.LatestVersion = new(latest.shape())
		if sol.update == nil {
			shape.Updated = shape.LatestVersion.Updated
		}
	}
	return api.Out{"solution": shape}, nil
}

type versionInput struct {
	ARN string `json:"solutionVersionArn" check:"required ..256 solution"`
}

type versionShape struct {
	versionSummary
	Solution string   `json:"solutionArn"`
	Group    string   `json:"datasetGroupArn"`
	Recipe   string   `json:"recipeArn"`
	AutoML   bool     `json:"performAutoML"`
	HPO      bool     `json:"performHPO"`
	Hours    *float64 `json:"trainingHours,omitempty"`
}

// describeSolutionVersion accepts only a version's own ARN: $LATEST is for campaigns.
func (s *Service) describeSolutionVersion(c *api.Call, in *versionInput) (any, error) {
	v := s.region(c.Home).versions[in.ARN]
	switch {
	case strings.HasSuffix(in.ARN, latestSuffix) || strings.Count(in.ARN, "/") != 2:
		return nil, api.Refuse(codeInvalid, "solutionVersionArn %s is not the ARN of a solution version", api.Quoted(in.ARN))
	case v == nil:
		return nil, notFound(in.ARN)
	}
	sol := v.solution
	shape := versionShape{v.shape(), sol.arn, sol.group.arn, v.recipe, sol.autoML, false, nil}
	if v.status == estatefile.Active {
		shape.Hours = &v.hours
	}
	return api.Out{"solutionVersion": shape}, nil
}

type training struct {
	declared      bool          // the estate has an entry for the solution
	auto          *bool         // performAutoTraining; nil is not shown
	every         time.Duration // of automatic training; zero if it is off
	former        time.Duration // before it was switched off; zero if it never was on
	hours         float64       // of a version; see trainingHours
	failsFrom     time.Time     // trainings that end from here on fail; zero for none
	failureReason string
	events        *eventsConfig
	update        *solutionUpdate // latest; nil without one
	generation    int             // of the automatic schedule: what an earlier one planned is void
}

// trainingHours are the hours billed for a version.
func (t *training) trainingHours() float64 { return cmp.Or(t.hours, 1) }

// takes is how long a training takes: as long as is billed for it.
func (t *training) takes() time.Duration {
	return time.Duration(t.trainingHours() * float64(time.Hour))
}

// outcome is how a training ends that ends at a time.
func (t *training) outcome(at time.Time) (status, reason string) {
	if !t.failsFrom.IsZero() && !at.Before(t.failsFrom) {
		return estatefile.CreateFailed, cmp.Or(t.failureReason, "The training failed.")
	}
	return estatefile.Active, ""
}

type schedule struct {
	sol        *solution
	every      time.Duration
	generation int // of automatic training; -1 for a schedule of the owner
}

// automatic is the solution's present schedule of automatic training.
func automatic(sol *solution) schedule { return schedule{sol, sol.every, sol.generation} }

// void reports whether the schedule was ended or replaced.
func (s schedule) void() bool { return s.generation >= 0 && s.generation != s.sol.generation }

// planTraining plans a training that ends at a time, and after it the next one. A campaign
// that syncs with the solution is moved to the new version, as the service does; one that is
// busy waits for the version after it.
func (l *lifecycle) planTraining(s schedule, end time.Time) {
	l.plan(end.Add(-s.sol.takes()), func(time.Time) {
		if s.void() {
			return
		}
		v := s.sol.version(end)
		v.status, v.automatic = estatefile.CreateInProgress, s.generation >= 0
		s.sol.addVersion(v)
		l.plan(end, func(at time.Time) {
			if v.status, v.failureReason = s.sol.outcome(at); v.status == estatefile.Active {
				l.sync(v, at)
			}
			if !s.void() {
				l.planTraining(s, at.Add(s.every))
			}
		})
	})
}

// sync moves the campaigns that follow the latest version of a solution to it.
func (l *lifecycle) sync(v *solutionVersion, at time.Time) {
	for _, e := range v.solution.synced {
		if e.Status != estatefile.Active || e.updating() {
			continue
		}
		wanted := e.settings
		wanted.Version = v.arn
		l.beginUpdate(e, wanted, at)
	}
}

type autoTrainingConfig struct {
	Schedule *string `json:"schedulingExpression,omitempty" check:"1..16"`
}

type eventsConfig struct {
	Parameters []eventParameter `json:"eventParametersList,omitempty" check:"..10"`
}

type eventParameter struct {
	Type      *string  `json:"eventType,omitempty"`
	Threshold *float64 `json:"eventValueThreshold,omitempty"`
	Weight    *float64 `json:"weight,omitempty"`
}

// solutionConfig is both what a description and what an update have.
type solutionConfig struct {
	AutoTraining *autoTrainingConfig `json:"autoTrainingConfig,omitempty"`
	Events       *eventsConfig       `json:"eventsConfig,omitempty"`
}

func (sol *solution) config() *solutionConfig {
	if sol.every == 0 && sol.events == nil {
		return nil
	}
	config := &solutionConfig{Events: sol.events}
	if sol.every > 0 {
		config.AutoTraining = &autoTrainingConfig{Schedule: new(scheduleText(sol.every))}
	}
	return config
}

func scheduleText(every time.Duration) string {
	if every == day {
		return "rate(1 day)"
	}
	return fmt.Sprintf("rate(%d days)", every/day)
}

const day = 24 * time.Hour

type solutionUpdate struct {
	AutoTraining *bool           `json:"performAutoTraining,omitempty"`
	Incremental  *bool           `json:"performIncrementalUpdate,omitempty"`
	Config       *solutionConfig `json:"solutionUpdateConfig,omitempty"`
	status
}

type updateSolutionInput struct {
	solutionInput
	AutoTraining *bool           `json:"performAutoTraining"`
	Incremental  *bool           `json:"performIncrementalUpdate"`
	Config       *solutionConfig `json:"solutionUpdateConfig"`
}

// firstTraining is when the first automatic training starts after it was switched on: AWS
// promises within an hour (UpdateSolution in the API reference).
const firstTraining = 30 * time.Minute

// updateSolution starts an update, which takes as long as one of an endpoint. A training in
// progress is not stopped by it.
func (s *Service) updateSolution(c *api.Call, in *updateSolutionInput) (any, error) {
	sol := s.region(c.Home).solutions[in.ARN]
	switch {
	case sol == nil:
		return nil, notFound(in.ARN)
	case in.AutoTraining == nil && in.Incremental == nil && in.Config == nil:
		return nil, api.Refuse(codeInvalid, "the update of %s changes nothing", in.ARN)
	case in.Incremental != nil && *in.Incremental && sol.recipe != sol.region.recipeARN("aws-semantic-similarity"):
		return nil, api.Refuse(codeInvalid, "performIncrementalUpdate is for the recipe aws-semantic-similarity only")
	}
	every, err := in.wanted(sol)
	if err != nil {
		return nil, err
	}
	if u := sol.update; u != nil && u.Status != estatefile.Active && u.Status != estatefile.CreateFailed {
		return nil, api.Refuse(codeInUse, "%s is being updated; its latest update is %s", sol.arn, u.Status)
	}
	u := &solutionUpdate{in.AutoTraining, in.Incremental, in.Config, status{Status: estatefile.CreatePending, Created: c.Now, Updated: c.Now}}
	sol.update = u
	s.life.plan(c.Now.Add(s.life.cycle.Update/5), func(at time.Time) { u.Status, u.Updated = estatefile.CreateInProgress, at })
	s.life.plan(c.Now.Add(s.life.cycle.Update), func(at time.Time) {
		u.Status, u.Updated = estatefile.Active, at
		s.applyUpdate(sol, in, every, at)
	})
	return in.solutionInput, nil
}

func (s *Service) applyUpdate(sol *solution, in *updateSolutionInput, every time.Duration, at time.Time) {
	if in.Config != nil {
		sol.events = in.Config.Events // a configuration replaces the former one
	}
	if in.AutoTraining != nil {
		sol.auto = in.AutoTraining
	}
	if every == sol.every {
		return
	}
	sol.former, sol.every = sol.every, every
	sol.generation++
	if every > 0 {
		s.life.planTraining(automatic(sol), at.Add(firstTraining+sol.takes()))
	}
}

var schedulePattern = api.Lazy(`^rate\(([1-9]\d?) days?\)$`)

// wanted is how often the solution is to be trained automatically; zero for never.
func (in *updateSolutionInput) wanted(sol *solution) (time.Duration, error) {
	on := sol.every > 0
	if in.AutoTraining != nil {
		on = *in.AutoTraining
	}
	if in.Config == nil || in.Config.AutoTraining == nil || in.Config.AutoTraining.Schedule == nil {
		if !on {
			return 0, nil
		}
		return cmp.Or(sol.every, sol.former, 7*day), nil
	}
	days, err := scheduleDays(schedulePattern(), *in.Config.AutoTraining.Schedule)
	switch {
	case err != nil:
		return 0, err
	case !on:
		return 0, api.Refuse(codeInvalid, "autoTrainingConfig needs performAutoTraining")
	}
	return time.Duration(days) * day, nil
}

// scheduleDays reads a schedule: rate(n days), from 1 to 30 (AutoTrainingConfig in the API
// reference).
func scheduleDays(pattern *regexp.Regexp, text string) (int, error) {
	found := pattern.FindStringSubmatch(text)
	if found == nil {
		return 0, api.Refuse(codeInvalid, "schedulingExpression %s is not of the form rate(n days)", api.Quoted(text))
	}
	days, err := strconv.Atoi(found[1])
	if err != nil || days > 30 {
		return 0, api.Refuse(codeInvalid, "schedulingExpression %s is out of the range of 1 to 30 days", api.Quoted(text))
	}
	return days, nil
}
