package inventory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// solutionDescriber is the part of the API that knows recipes and dataset groups of
// campaigns.
type solutionDescriber interface {
	DescribeSolutionVersion(context.Context, *personalize.DescribeSolutionVersionInput, ...func(*personalize.Options)) (*personalize.DescribeSolutionVersionOutput, error)
	DescribeSolution(context.Context, *personalize.DescribeSolutionInput, ...func(*personalize.Options)) (*personalize.DescribeSolutionOutput, error)
}

// version is what a campaign has from the solution version that it serves.
type version struct {
	recipe       string    // name after "recipe/"
	datasetGroup model.ARN // zero if it was not told
	ready        time.Time // when the version was last changed, that is trained; zero if unknown
	lasting      bool      // read of the version itself, which does not change any more
}

// latestVersion is the last segment of the ARN of a campaign's solution version if the
// campaign follows the newest version of its solution; no such version can be described.
const latestVersion = "$LATEST"

// recipeLookups reads solution versions during one Discover or Refresh, each at most
// once however many campaigns serve it.
type recipeLookups struct {
	inv *Inventory

	mu      sync.Mutex
	lookups map[string]*recipeLookup
}

type recipeLookup struct {
	once    sync.Once
	version version
	problem *model.Problem
}

func newRecipeLookups(inv *Inventory) *recipeLookups {
	return &recipeLookups{inv: inv, lookups: map[string]*recipeLookup{}}
}

// complete fills in what the campaign serves, from the cache or by asking. If that
// fails, the campaign is left without a recipe and the problem, which names the
// campaign, is given; the next Discover tries again.
func (l *recipeLookups) complete(ctx context.Context, e *entry) *model.Problem {
	if e.served != nil {
		return nil
	}
	if v, ok := l.inv.cache.version(e.versionARN); ok {
		e.served = &v
		return nil
	}
	region := e.resource.Region()
	l.mu.Lock()
	lookup := l.lookups[e.versionARN]
	if lookup == nil {
		lookup = &recipeLookup{}
		l.lookups[e.versionARN] = lookup
	}
	l.mu.Unlock()
	lookup.once.Do(func() { lookup.version, lookup.problem = l.read(ctx, region, e.versionARN) })
	if lookup.problem != nil {
		problem := *lookup.problem
		problem.ARN = e.resource.ARN.String()
		return &problem
	}
	if lookup.version.lasting {
		l.inv.cache.putVersion(e.versionARN, lookup.version)
	}
	v := lookup.version
	e.served = &v
	return nil
}

// read describes the solution version, or its solution if the version cannot be
// described or does not name its recipe.
func (l *recipeLookups) read(ctx context.Context, region, versionARN string) (version, *model.Problem) {
	client := l.inv.personalize(region)
	if !strings.HasSuffix(versionARN, "/"+latestVersion) {
		out, err := client.DescribeSolutionVersion(ctx, &personalize.DescribeSolutionVersionInput{SolutionVersionArn: &versionARN})
		if err == nil {
			if v := versionOf(out.SolutionVersion); v.recipe != "" {
				return v, nil
			}
		} else if kind := awsapi.KindOf(err); kind != awsapi.NotFound && kind != awsapi.Invalid && kind != awsapi.Denied {
			return version{}, &model.Problem{Region: region, Operation: "DescribeSolutionVersion", Err: recipeError(err)}
		}
	}
	solutionARN, err := solutionOf(versionARN)
	if err == nil {
		var out *personalize.DescribeSolutionOutput
		if out, err = client.DescribeSolution(ctx, &personalize.DescribeSolutionInput{SolutionArn: &solutionARN}); err == nil {
			var v version
			if v, err = versionThroughSolution(out.Solution); err == nil {
				return v, nil
			}
		}
	}
	return version{}, &model.Problem{Region: region, Operation: "DescribeSolution", Err: recipeError(err)}
}

// recipeError says what a failure costs.
func recipeError(err error) error {
	return fmt.Errorf("recipe unknown, so only the minimum is published: %w", awsapi.Plain(err))
}

// solutionOf is the ARN of the solution that a version belongs to.
func solutionOf(versionARN string) (string, error) {
	arn, err := model.ParseARN(versionARN)
	if err != nil {
		return "", fmt.Errorf("the campaign's solution version: %w", err)
	}
	if strings.Count(arn.Resource, "/") < 2 {
		return "", fmt.Errorf("the campaign's solution version %q names no solution and version", versionARN)
	}
	return versionARN[:strings.LastIndex(versionARN, "/")], nil
}

func versionOf(s *types.SolutionVersion) version {
	if s == nil {
		return version{}
	}
	v := version{recipe: model.RecipeName(aws.ToString(s.RecipeArn)), datasetGroup: arnOf(s.DatasetGroupArn)}
	if aws.ToString(s.Status) == string(model.StatusActive) {
		v.ready, v.lasting = timeOf(s.LastUpdatedDateTime), true
	}
	return v
}

// versionThroughSolution takes recipe and dataset group from the solution, and the time
// of training from its newest version. A solution found by AutoML names the recipe
// chosen in the result of that.
func versionThroughSolution(s *types.Solution) (version, error) {
	if s == nil {
		return version{}, errors.New("the answer holds no solution")
	}
	v := version{recipe: model.RecipeName(aws.ToString(s.RecipeArn)), datasetGroup: arnOf(s.DatasetGroupArn)}
	if v.recipe == "" && s.AutoMLResult != nil {
		v.recipe = model.RecipeName(aws.ToString(s.AutoMLResult.BestRecipeArn))
	}
	if v.recipe == "" {
		return version{}, errors.New("neither solution version nor solution names a recipe")
	}
	if latest := s.LatestSolutionVersion; latest != nil && aws.ToString(latest.Status) == string(model.StatusActive) {
		v.ready = timeOf(latest.LastUpdatedDateTime)
	}
	return v, nil
}
