package localaws

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

type solutionShape struct {
	ARN           string               `json:"solutionArn"`
	Name          string               `json:"name"`
	Group         string               `json:"datasetGroupArn"`
	Recipe        string               `json:"recipeArn,omitempty"`
	AutoML        bool                 `json:"performAutoML"`
	AutoMLResult  *autoMLResult        `json:"autoMLResult,omitempty"`
	HPO           bool                 `json:"performHPO"`
	AutoTraining  bool                 `json:"performAutoTraining"`
	Status        string               `json:"status"`
	Created       wire.Time            `json:"creationDateTime"`
	Updated       wire.Time            `json:"lastUpdatedDateTime"`
	LatestVersion *versionSummaryShape `json:"latestSolutionVersion,omitempty"`
}

type autoMLResult struct {
	BestRecipe string `json:"bestRecipeArn"`
}

type solutionSummary struct {
	ARN     string    `json:"solutionArn"`
	Name    string    `json:"name"`
	Recipe  string    `json:"recipeArn,omitempty"`
	Status  string    `json:"status"`
	Created wire.Time `json:"creationDateTime"`
	Updated wire.Time `json:"lastUpdatedDateTime"`
}

type versionSummaryShape struct {
	ARN          string    `json:"solutionVersionArn"`
	Status       string    `json:"status"`
	TrainingMode string    `json:"trainingMode"`
	TrainingType string    `json:"trainingType"`
	Created      wire.Time `json:"creationDateTime"`
	Updated      wire.Time `json:"lastUpdatedDateTime"`
}

type versionShape struct {
	ARN          string    `json:"solutionVersionArn"`
	Solution     string    `json:"solutionArn"`
	Group        string    `json:"datasetGroupArn"`
	Recipe       string    `json:"recipeArn"`
	AutoML       bool      `json:"performAutoML"`
	HPO          bool      `json:"performHPO"`
	Status       string    `json:"status"`
	TrainingMode string    `json:"trainingMode"`
	TrainingType string    `json:"trainingType"`
	Hours        float64   `json:"trainingHours"`
	Created      wire.Time `json:"creationDateTime"`
	Updated      wire.Time `json:"lastUpdatedDateTime"`
}

// trainingTime is how long the training of a version took.
const trainingTime = time.Hour

func (sol *solution) shownRecipe() string {
	if sol.autoML {
		return ""
	}
	return sol.recipe
}

// updated is when the solution last changed: when it got its latest version.
func (sol *solution) updated() time.Time {
	if v := sol.newest(); v != nil {
		return v.trained
	}
	return sol.created
}

func (sol *solution) shape() solutionShape {
	shape := solutionShape{
		ARN: sol.arn, Name: sol.name, Group: sol.group.arn, Recipe: sol.shownRecipe(), AutoML: sol.autoML,
		AutoTraining: sol.trainEvery > 0, Status: statusActive,
		Created: wire.Time{Time: sol.created}, Updated: wire.Time{Time: sol.updated()},
	}
	if sol.autoML {
		shape.AutoMLResult = &autoMLResult{sol.recipe}
	}
	if v := sol.newest(); v != nil {
		shape.LatestVersion = ptr(v.summary())
	}
	return shape
}

func (sol *solution) summary() solutionSummary {
	return solutionSummary{
		ARN: sol.arn, Name: sol.name, Recipe: sol.shownRecipe(), Status: statusActive,
		Created: wire.Time{Time: sol.created}, Updated: wire.Time{Time: sol.updated()},
	}
}

func (v *solutionVersion) trainingType() string {
	if v.solution.trainEvery > 0 {
		return "AUTOMATIC"
	}
	return "MANUAL"
}

func (v *solutionVersion) summary() versionSummaryShape {
	return versionSummaryShape{
		ARN: v.arn, Status: statusActive, TrainingMode: "FULL", TrainingType: v.trainingType(),
		Created: wire.Time{Time: v.trained.Add(-trainingTime)}, Updated: wire.Time{Time: v.trained},
	}
}

func (s *Server) describeSolution(c *call) (any, error) {
	var in struct {
		ARN *string `json:"solutionArn"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkARN("solutionArn", in.ARN, "solution"); err != nil {
		return nil, err
	}
	sol := s.regionOf(c.home()).solutions[*in.ARN]
	if sol == nil {
		return nil, notFound(*in.ARN)
	}
	return struct {
		Solution solutionShape `json:"solution"`
	}{sol.shape()}, nil
}

// describeSolutionVersion wants a version's own ARN: $LATEST names one only to campaigns.
func (s *Server) describeSolutionVersion(c *call) (any, error) {
	var in struct {
		ARN *string `json:"solutionVersionArn"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkARN("solutionVersionArn", in.ARN, "solution"); err != nil {
		return nil, err
	}
	if strings.HasSuffix(*in.ARN, latestSuffix) || strings.Count(*in.ARN, "/") != 2 {
		return nil, refuse(codeInvalidInput, "solutionVersionArn %s is not the ARN of a solution version", quoted(*in.ARN))
	}
	v := s.regionOf(c.home()).versions[*in.ARN]
	if v == nil {
		return nil, notFound(*in.ARN)
	}
	return struct {
		Version versionShape `json:"solutionVersion"`
	}{versionShape{
		ARN: v.arn, Solution: v.solution.arn, Group: v.solution.group.arn, Recipe: v.recipe, AutoML: v.solution.autoML,
		Status: statusActive, TrainingMode: "FULL", TrainingType: v.trainingType(), Hours: trainingTime.Hours(),
		Created: wire.Time{Time: v.trained.Add(-trainingTime)}, Updated: wire.Time{Time: v.trained},
	}}, nil
}

func (s *Server) listSolutions(c *call) (any, error) {
	var in struct {
		GroupARN   *string `json:"datasetGroupArn"`
		NextToken  *string `json:"nextToken"`
		MaxResults *int32  `json:"maxResults"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.GroupARN != nil {
		if err := checkARN("datasetGroupArn", in.GroupARN, "dataset-group"); err != nil {
			return nil, err
		}
	}
	all := sorted(s.regionOf(c.home()).solutions)
	all = filter(all, func(sol *solution) bool { return in.GroupARN == nil || sol.group.arn == *in.GroupARN })
	page, next, err := pageOf(c, all, func(sol *solution) string { return sol.arn }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return struct {
		Solutions []solutionSummary `json:"solutions"`
		NextToken *string           `json:"nextToken,omitempty"`
	}{each(page, (*solution).summary), next}, nil
}

func (s *Server) listSolutionVersions(c *call) (any, error) {
	var in struct {
		SolutionARN *string `json:"solutionArn"`
		NextToken   *string `json:"nextToken"`
		MaxResults  *int32  `json:"maxResults"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	h := s.regionOf(c.home())
	all := sorted(h.versions)
	if in.SolutionARN != nil {
		if err := checkARN("solutionArn", in.SolutionARN, "solution"); err != nil {
			return nil, err
		}
		if h.solutions[*in.SolutionARN] == nil {
			return nil, notFound(*in.SolutionARN)
		}
		all = filter(all, func(v *solutionVersion) bool { return v.solution.arn == *in.SolutionARN })
	}
	page, next, err := pageOf(c, all, func(v *solutionVersion) string { return v.arn }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return struct {
		Versions  []versionSummaryShape `json:"solutionVersions"`
		NextToken *string               `json:"nextToken,omitempty"`
	}{each(page, (*solutionVersion).summary), next}, nil
}

// sorted returns a map's values in the order of their keys.
func sorted[T any](m map[string]T) []T {
	return each(slices.Sorted(maps.Keys(m)), func(key string) T { return m[key] })
}
