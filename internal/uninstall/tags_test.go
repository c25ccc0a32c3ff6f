package uninstall

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// The tags of schedules and timed raises go, other tags stay; and all stay where another
// deployment's monitor obeys them.
func TestTagsAreRemoved(t *testing.T) {
	for name, shared := range map[string]bool{"alone": false, "beside another deployment": true} {
		t.Run(name, func(t *testing.T) {
			endpoint := func(name string) localaws.EstateEndpoint {
				return localaws.EstateEndpoint{Name: name, Recipe: "aws-user-personalization-v2", Tags: map[string]string{"team": "web"}}
			}
			clock := model.NewVirtualClock(testTime)
			server, err := localaws.New(localaws.Estate{Account: testAccount, Regions: []localaws.EstateRegion{{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{
				Name: "shop", Campaigns: []localaws.EstateCampaign{{EstateEndpoint: endpoint("home")}, {EstateEndpoint: endpoint("plain")}},
			}}}}}, localaws.WithClock(clock))
			if err != nil {
				t.Fatal(err)
			}
			w := worldAround(t, clock, server, server)
			a, _ := w.actor()
			api := a.w.Clients.Personalize(home)
			arn := "arn:aws:personalize:" + home + ":" + testAccount + ":campaign/home"
			_, err = api.TagResource(ctxAll, &personalize.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{
				{TagKey: aws.String(schedule.Tag), TagValue: aws.String("base=1 daily@09:00-10:00=5")},
				{TagKey: aws.String(schedule.ReturnTag), TagValue: aws.String("to=1 from=1 raised=5 due=2026-03-04T14:00:00Z arranged=2026-03-04T12:00:00Z")},
			}})
			w.Must(err)
			if shared {
				_, err := a.w.Clients.SNS(home).CreateTopic(ctxAll, &sns.CreateTopicInput{Name: aws.String(notify.TopicName), Tags: []snstypes.Tag{
					{Key: aws.String(writer.TagCreatedBy), Value: aws.String(writer.CreatedBy)}, {Key: aws.String(writer.TagDeployment), Value: aws.String("eu-west-1/other")},
				}})
				w.Must(err)
			}
			in := Input{Endpoints: inventory.New(inventory.Options{Clients: a.w.Clients, Clock: clock}).List}
			dry := in
			dry.DryRun = true
			if found := InState(a.Run(ctxAll, dry).Items, WouldRemove); (len(found) == 1) == shared || !shared && !strings.Contains(found[0].Reason, "does not return to 1") {
				t.Errorf("would remove %+v", found)
			}
			result := a.Run(ctxAll, in)
			if len(result.Problems) > 0 {
				t.Errorf("problems %v", result.Problems)
			}
			tags, err := a.w.ReadTags(context.Background(), home, arn)
			w.Must(err)
			_, scheduled := tags[schedule.Tag]
			_, returns := tags[schedule.ReturnTag]
			if scheduled != shared || returns != shared || tags["team"] != "web" {
				t.Errorf("left %v", tags)
			}
			if again := a.Run(ctxAll, in); slices.ContainsFunc(again.Problems, func(model.Problem) bool { return true }) || len(InState(again.Items, Removed)) > 0 {
				t.Errorf("again: %+v", again)
			}
		})
	}
}
