package personalize

import (
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

type solutionInput struct {
	ARN string `json:"solutionArn" check:"required ..256 solution"`
}

type listSolutionsInput struct {
	pageInput
	GroupARN *string `json:"datasetGroupArn" check:"..256 dataset-group"`
}

// solutionSummary lacks the dataset group and whether it trains automatically.
type solutionSummary struct {
	ARN    string `json:"solutionArn"`
	Name   string `json:"name"`
	Recipe string `json:"recipeArn,omitempty"`
	status
}

func (s *Service) listSolutions(c *api.Call, in *listSolutionsInput) (any, error) {
	r := s.region(c.Home)
	solutions := byARNOf(&r.sortedSolutions, r.solutions)
	if in.GroupARN != nil {
		solutions = api.Filter(solutions, func(sol *solution) bool { return sol.group.arn == *in.GroupARN })
	}
	return listing(c, &in.pageInput, "solutions", solutions, func(sol *solution) string { return sol.arn }, func(sol *solution) any {
		summary := solutionSummary{sol.arn, sol.name, sol.recipe, sol.state()}
		if sol.autoML {
			summary.Recipe = ""
		}
		return summary
	})
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

func (v *solutionVersion) summary() versionSummary {
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
		shape.LatestVersion = new(latest.summary())
		if sol.update == nil {
			shape.Updated = shape.LatestVersion.Updated
		}
	}
	return api.Out{"solution": shape}, nil
}

type listVersionsInput struct {
	pageInput
	SolutionARN *string `json:"solutionArn" check:"..256 solution"`
}

func (s *Service) listSolutionVersions(c *api.Call, in *listVersionsInput) (any, error) {
	r := s.region(c.Home)
	versions := byARNOf(&r.sortedVersions, r.versions)
	if in.SolutionARN != nil {
		sol := r.solutions[*in.SolutionARN]
		if sol == nil {
			return nil, notFound(*in.SolutionARN)
		}
		versions = api.Filter(versions, func(v *solutionVersion) bool { return v.solution == sol })
	}
	return listing(c, &in.pageInput, "solutionVersions", versions, func(v *solutionVersion) string { return v.arn },
		func(v *solutionVersion) any { return v.summary() })
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
	shape := versionShape{v.summary(), sol.arn, sol.group.arn, v.recipe, sol.autoML, false, nil}
	if v.status == estatefile.Active {
		shape.Hours = &v.hours
	}
	return api.Out{"solutionVersion": shape}, nil
}
