package cycle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboards"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

const boardName = "Amazon-Personalize-Monitor"

var bothRegions = map[string]string{config.Regions: "us-east-1,eu-west-1"}

// boards wires the dashboard in front of the embedded AWS.
func (b *bed) boards() *cycle.Dashboard {
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", nil), Clock: b.clock})
	b.tb.Cleanup(clients.Close)
	return cycle.NewDashboard(cycle.DashboardOptions{
		Inventory: inventory.New(inventory.Options{Clients: clients, Clock: b.clock}),
		Writer:    dashboards.New(writer.New(writer.Options{Clients: clients, Clock: b.clock, DeploymentRegion: home, Deployment: "cli"})),
		Region:    home,
	})
}

// body is that of a dashboard; empty if there is none.
func (b *bed) body(name string) string {
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", nil), Clock: b.clock})
	defer clients.Close()
	out, err := clients.CloudWatch(home).GetDashboard(context.Background(), &cloudwatch.GetDashboardInput{DashboardName: &name})
	if awsapi.KindOf(err) == awsapi.NotFound {
		return ""
	}
	if err != nil {
		b.tb.Fatal(err)
	}
	return aws.ToString(out.DashboardBody)
}

func TestDashboardOfTheExampleEstate(t *testing.T) {
	b := newBed(t, localaws.ExampleEstate())
	result, err := b.boards().Build(context.Background(), cycle.DashboardInput{Params: values(t, bothRegions)})
	if err != nil {
		t.Fatal(err)
	}
	if result.Resources != 14 || result.Failed() || !slices.Equal(result.Dashboards, []report.Board{{Name: boardName, Change: report.Written, Outcome: "done"}}) {
		t.Errorf("result %+v", result)
	}
	body := b.body(boardName)
	for _, part := range []string{
		"Dataset group online-shop (us-east-1)", "Dataset group video-service (eu-west-1)",
		"GetPersonalizedRankingLatency", "campaign/shop-home-page", "recommender/video-top-picks",
	} {
		if !strings.Contains(body, part) {
			t.Errorf("the body lacks %s", part)
		}
	}
	if strings.Contains(body, "shop-popular-items") || strings.Contains(body, "GetActionRecommendationsLatency") {
		t.Error("the body shows a stopped recommender, or a metric that there is not")
	}
	if deleted, err := b.boards().Delete(context.Background(), boardName); err != nil || deleted.Dashboards[0].Outcome != "done" || b.body(boardName) != "" {
		t.Errorf("deleted %+v, %v", deleted, err)
	}
	if again, err := b.boards().Delete(context.Background(), boardName); err != nil || again.Dashboards[0].Outcome != "already so" {
		t.Errorf("deleted again %+v, %v", again, err)
	}
}

func TestADashboardThatWouldLackARegionIsNotWritten(t *testing.T) {
	for _, operation := range []string{"ListCampaigns", "ListRecommenders"} {
		t.Run(operation, func(t *testing.T) {
			b := newBed(t, localaws.ExampleEstate())
			in := cycle.DashboardInput{Params: values(t, bothRegions)}
			if _, err := b.boards().Build(context.Background(), in); err != nil {
				t.Fatal(err)
			}
			before := b.body(boardName)
			b.aws.AddFault(localaws.Fault{Service: "personalize", Operation: operation, Region: "eu-west-1", Code: "AccessDeniedException", Message: "no"})
			b.aws.ResetCalls()
			_, err := b.boards().Build(context.Background(), in)
			if !errors.Is(err, cycle.ErrIncompleteEstate) || !strings.Contains(err.Error(), operation+" eu-west-1: AccessDeniedException: no") {
				t.Errorf("error %v", err)
			}
			if _, err = b.boards().Render(context.Background(), in); !errors.Is(err, cycle.ErrIncompleteEstate) {
				t.Errorf("error %v", err)
			}
			if calls := b.aws.Calls(); calls["cloudwatch.PutDashboard"]+calls["cloudwatch.DeleteDashboards"] != 0 || b.body(boardName) != before {
				t.Errorf("calls %v", calls)
			}
		})
	}
}

func TestAResourceThatCannotBeDescribedIsToldOf(t *testing.T) {
	b := newBed(t, localaws.ExampleEstate())
	b.aws.AddFault(localaws.Fault{Service: "personalize", Operation: "DescribeCampaign", Region: "us-east-1", Times: 1, Code: "InvalidInputException", Message: "no"})
	result, err := b.boards().Build(context.Background(), cycle.DashboardInput{Params: values(t, bothRegions)})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Problems) != 1 || result.Problems[0].Operation != "DescribeCampaign" || result.Resources != 13 || result.Dashboards[0].Outcome != "done" {
		t.Errorf("result %+v", result)
	}
}

func TestAResourceJustDeletedIsLeftOut(t *testing.T) {
	b := newBed(t, localaws.ExampleEstate())
	arn := model.NewARN("aws", "personalize", "us-east-1", "123456789012", "campaign/shop-spring-sale")
	result, err := b.boards().Build(context.Background(), cycle.DashboardInput{Params: values(t, nil), LeaveOut: []model.ARN{arn}})
	if err != nil {
		t.Fatal(err)
	}
	if body := b.body(boardName); result.Resources != 6 || strings.Contains(body, "shop-spring-sale") || !strings.Contains(body, "shop-checkout") {
		t.Errorf("%d resources; body %s", result.Resources, body)
	}
}

func TestADashboardThatIsDeniedIsAnError(t *testing.T) {
	b := newBed(t, localaws.ExampleEstate())
	b.aws.AddFault(localaws.Fault{Service: "cloudwatch", Code: "AccessDenied", Message: "no"})
	_, err := b.boards().Build(context.Background(), cycle.DashboardInput{Params: values(t, nil)})
	if !errors.Is(err, cycle.ErrNoBoards) || awsapi.KindOf(err) != awsapi.Denied {
		t.Errorf("built: %v", err)
	}
	if _, err = b.boards().Delete(context.Background(), boardName); !errors.Is(err, cycle.ErrNoBoards) || !strings.Contains(err.Error(), "(and 1 more)") {
		t.Errorf("deleted: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err = b.boards().Build(ctx, cycle.DashboardInput{Params: values(t, nil)}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestDashboardsOfLargeEstates(t *testing.T) {
	for n, want := range map[int]int{1: 1, 100: 1, 5000: 9} {
		t.Run(fmt.Sprintf("%d in one dataset group", n), func(t *testing.T) {
			b := newBed(t, localaws.Estate{Regions: []localaws.EstateRegion{{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{
				Name: "shop", Domain: "ECOMMERCE",
				Recommenders: []localaws.EstateRecommender{{EstateEndpoint: localaws.EstateEndpoint{
					Name: "r", Copies: n, Recipe: "aws-ecomm-recommended-for-you", Age: 24 * time.Hour,
				}}},
			}}}}})
			result, err := b.boards().Build(context.Background(), cycle.DashboardInput{Params: values(t, nil)})
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Dashboards) != want || result.Failed() || result.Resources != n {
				t.Errorf("%d resources on %d dashboards, problems %v", result.Resources, len(result.Dashboards), result.Problems)
			}
			if b.body(fmt.Sprintf("%s-%d", boardName, want+1)) != "" {
				t.Error("there is one more")
			}
		})
	}
}
