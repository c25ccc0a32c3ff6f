package personalize

import (
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

// trainingTime is how long the training of a version took.
const trainingTime = time.Hour

type solutionInput struct {
	ARN string `json:"solutionArn" check:"required ..256 solution"`
}

type solutionShape struct {
	solutionInput
	Name          string          `json:"name"`
	Group         string          `json:"datasetGroupArn"`
	Recipe        string          `json:"recipeArn,omitempty"`
	AutoML        bool            `json:"performAutoML"`
	AutoMLResult  *autoMLResult   `json:"autoMLResult,omitempty"`
	HPO           bool            `json:"performHPO"`
	AutoTraining  bool            `json:"performAutoTraining"`
	LatestVersion *versionSummary `json:"latestSolutionVersion,omitempty"`
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
	state := status{Status: estatefile.Active, Created: v.trained.Add(-trainingTime), Updated: v.trained}
	summary := versionSummary{v.arn, "FULL", "MANUAL", state}
	if v.solution.trainEvery > 0 {
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
		solutionInput: *in, Name: sol.name, Group: sol.group.arn, Recipe: sol.recipe, AutoML: sol.autoML, AutoTraining: sol.trainEvery > 0,
		status: status{Status: estatefile.Active, Created: sol.created, Updated: sol.created},
	}
	if sol.autoML {
		shape.Recipe, shape.AutoMLResult = "", &autoMLResult{sol.recipe}
	}
	if v := sol.newest(); v != nil {
		shape.LatestVersion, shape.Updated = new(v.summary()), v.trained
	}
	return api.Out{"solution": shape}, nil
}

type versionInput struct {
	ARN string `json:"solutionVersionArn" check:"required ..256 solution"`
}

type versionShape struct {
	versionSummary
	Solution string  `json:"solutionArn"`
	Group    string  `json:"datasetGroupArn"`
	Recipe   string  `json:"recipeArn"`
	AutoML   bool    `json:"performAutoML"`
	HPO      bool    `json:"performHPO"`
	Hours    float64 `json:"trainingHours"`
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
	shape := versionShape{v.summary(), sol.arn, sol.group.arn, v.recipe, sol.autoML, false, trainingTime.Hours()}
	return api.Out{"solutionVersion": shape}, nil
}
