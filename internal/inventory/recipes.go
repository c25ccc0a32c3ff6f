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

// version is what a campaign has from the solution version that it serves.
type version struct {
	recipe       string    // name after "recipe/"
	datasetGroup model.ARN // zero if unknown
	ready        time.Time // when the version was last changed, that is trained; zero if unknown
	permanent    bool      // read from an ACTIVE version itself, which never changes
}

// latestVersion is the last segment of the ARN of a campaign's solution version if the
// campaign follows the newest version of its solution; such a version cannot be described.
const latestVersion = "$LATEST"

// recipeReader reads solution versions during one Discover or Refresh, each at most once
// however many campaigns serve it.
type recipeReader struct {
	inv *Inventory

	mu    sync.Mutex
	reads map[string]func() (*version, *model.Problem) // by ARN

	denied sync.Once // logs that versions may not be described
}

func newRecipeReader(inv *Inventory) *recipeReader {
	return &recipeReader{inv: inv, reads: map[string]func() (*version, *model.Problem){}}
}

// complete adds recipe and dataset group to a campaign, and caches it. If they cannot be
// read, the campaign has no recipe and the problem names it; the next Discover tries again.
func (l *recipeReader) complete(ctx context.Context, e entry) finding {
	var problem *model.Problem
	if e.version == nil && e.resource.Kind == model.Campaign {
		v, failure := l.version(ctx, e.resource.Region(), e.versionARN)
		if failure == nil {
			e.version = v
		} else {
			own := *failure // the campaigns of a version share the failure
			own.ARN = e.resource.ARN.String()
			problem = &own
		}
	}
	l.inv.entries.put(e.resource.ARN, e)
	resource := e.full()
	return finding{resource: &resource, problem: problem}
}

// version returns a solution version from the cache, or reads it.
func (l *recipeReader) version(ctx context.Context, region, versionARN string) (*version, *model.Problem) {
	if v, ok := l.inv.versions.get(versionARN); ok {
		return v, nil
	}
	l.mu.Lock()
	read, ok := l.reads[versionARN]
	if !ok {
		read = sync.OnceValues(func() (*version, *model.Problem) { return l.read(ctx, region, versionARN) })
		l.reads[versionARN] = read
	}
	l.mu.Unlock()
	v, problem := read()
	if problem == nil && v.permanent {
		l.inv.versions.put(versionARN, v)
	}
	return v, problem
}

// read describes the solution version, or its solution if the version cannot be
// described or does not name its recipe.
func (l *recipeReader) read(ctx context.Context, region, versionARN string) (*version, *model.Problem) {
	fail := func(operation string, err error) (*version, *model.Problem) {
		err = fmt.Errorf("recipe unknown, so only the minimum is published: %w", awsapi.Plain(err))
		return nil, &model.Problem{Region: region, Operation: operation, Err: err}
	}
	client := l.inv.o.Clients.Personalize(region)
	if !strings.HasSuffix(versionARN, "/"+latestVersion) {
		out, err := client.DescribeSolutionVersion(ctx, &personalize.DescribeSolutionVersionInput{SolutionVersionArn: &versionARN})
		switch kind := awsapi.KindOf(err); {
		case err == nil:
			if v := versionOf(out.SolutionVersion); v.recipe != "" {
				return v, nil
			}
		case kind == awsapi.Denied:
			l.denied.Do(func() {
				l.inv.o.Logger.WarnContext(ctx, "recipes are those of solutions, as versions of solutions may not be read", "region", region,
					"op", "DescribeSolutionVersion", "err", awsapi.Line(err))
			})
		case kind != awsapi.NotFound && kind != awsapi.Invalid:
			return fail("DescribeSolutionVersion", err)
		}
	}
	solutionARN, err := solutionOf(versionARN)
	if err != nil {
		return fail("DescribeSolution", err)
	}
	out, err := client.DescribeSolution(ctx, &personalize.DescribeSolutionInput{SolutionArn: &solutionARN})
	if err != nil {
		return fail("DescribeSolution", err)
	}
	v, err := versionFromSolution(out.Solution)
	if err != nil {
		return fail("DescribeSolution", err)
	}
	return v, nil
}

// solutionOf returns the ARN of the solution that a version belongs to.
func solutionOf(versionARN string) (string, error) {
	arn, err := model.ParseARN(versionARN)
	if err != nil {
		return "", fmt.Errorf("the campaign's solution version: %w", err)
	}
	if strings.Count(arn.Resource(), "/") < 2 {
		return "", fmt.Errorf("the campaign's solution version %q names no solution and version", versionARN)
	}
	return versionARN[:strings.LastIndex(versionARN, "/")], nil
}

func versionOf(s *types.SolutionVersion) *version {
	if s == nil {
		return &version{}
	}
	v := newVersion(s.RecipeArn, s.DatasetGroupArn)
	if aws.ToString(s.Status) == string(model.StatusActive) {
		v.ready, v.permanent = timeOf(s.LastUpdatedDateTime), true
	}
	return v
}

func newVersion(recipe, group *string) *version {
	return &version{recipe: shared(model.RecipeName(aws.ToString(recipe))), datasetGroup: arnOf(group)}
}

// versionFromSolution reads recipe and dataset group from the solution, and the training
// time from its newest version. A solution of AutoML names the chosen recipe in its result.
func versionFromSolution(s *types.Solution) (*version, error) {
	if s == nil {
		return nil, errors.New("the response has no solution")
	}
	v := newVersion(s.RecipeArn, s.DatasetGroupArn)
	if v.recipe == "" && s.AutoMLResult != nil {
		v = newVersion(s.AutoMLResult.BestRecipeArn, s.DatasetGroupArn)
	}
	if v.recipe == "" {
		return nil, errors.New("neither solution version nor solution names a recipe")
	}
	if latest := s.LatestSolutionVersion; latest != nil && aws.ToString(latest.Status) == string(model.StatusActive) {
		v.ready = timeOf(latest.LastUpdatedDateTime)
	}
	return v, nil
}
