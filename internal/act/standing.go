package act

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// standing is how a resource stands just before it is acted on.
type standing struct {
	gone   bool // it does not exist; nothing else is known then
	status model.Status
	minTPS int
	update *model.Update // the latest one; nil if there was none
	// config is a recommender's whole configuration, and unknown what the answer held
	// beside it that the SDK has no place for.
	config  *types.RecommenderConfig
	unknown []string
	// solutionVersion is the one that a campaign serves; its ARN.
	solutionVersion string
	// rawConfig is the campaignConfig or recommenderConfig as it came; nil if there is none.
	rawConfig json.RawMessage
	tags      map[string]string // nil if they were not read
}

// updating tells whether an update is under way.
func (s standing) updating() bool { return s.update != nil && !s.update.Status.Settled() }

// busy says what stands in the way of a change; empty if nothing is known to.
func (s standing) busy() string {
	switch {
	case s.status != model.StatusActive:
		return fmt.Sprintf("its status is %s", s.status)
	case s.updating():
		return fmt.Sprintf("an update to %d is in progress (%s)", s.update.MinTPS, s.update.Status)
	}
	return ""
}

// complete refuses an update that would drop settings this build does not know.
func (s standing) complete(action model.Action) error {
	if action != model.ActionUpdate || len(s.unknown) == 0 {
		return nil
	}
	return fmt.Errorf("it has settings that this version does not know (%s), and an update would reset them; nothing was changed", strings.Join(s.unknown, ", "))
}

// describerAPI is what is asked of Personalize to look at a resource.
type describerAPI interface {
	DescribeCampaign(context.Context, *personalize.DescribeCampaignInput, ...func(*personalize.Options)) (*personalize.DescribeCampaignOutput, error)
	DescribeRecommender(context.Context, *personalize.DescribeRecommenderInput, ...func(*personalize.Options)) (*personalize.DescribeRecommenderOutput, error)
}

// look describes the resource of a request.
func (a *Actor) look(ctx context.Context, req events.Request) (standing, error) {
	var api describerAPI = a.clients.Personalize(req.ARN.Region)
	see := seeCampaign
	if req.Kind == model.Recommender {
		see = seeRecommender
	}
	s, err := see(ctx, api, req.ARN.String())
	if awsapi.KindOf(err) == awsapi.NotFound {
		return standing{gone: true}, nil
	}
	return s, err
}

func seeCampaign(ctx context.Context, api describerAPI, arn string) (standing, error) {
	var body []byte
	out, err := api.DescribeCampaign(ctx, &personalize.DescribeCampaignInput{CampaignArn: &arn},
		personalize.WithAPIOptions(awsapi.CaptureBody(&body)))
	if err != nil {
		return standing{}, fmt.Errorf("DescribeCampaign: %w", awsapi.Plain(err))
	}
	c := out.Campaign
	if c == nil || aws.ToString(c.CampaignArn) != arn {
		return standing{}, errors.New("the description is of something else")
	}
	s := standing{
		status: model.Status(aws.ToString(c.Status)), minTPS: atLeastOne(c.MinProvisionedTPS),
		solutionVersion: aws.ToString(c.SolutionVersionArn),
	}
	if u := c.LatestCampaignUpdate; u != nil {
		s.update = &model.Update{Status: model.Status(aws.ToString(u.Status)), MinTPS: int(aws.ToInt32(u.MinProvisionedTPS))}
	}
	s.rawConfig, err = settingsIn(body)
	return s, err
}

func seeRecommender(ctx context.Context, api describerAPI, arn string) (standing, error) {
	var body []byte
	out, err := api.DescribeRecommender(ctx, &personalize.DescribeRecommenderInput{RecommenderArn: &arn},
		personalize.WithAPIOptions(awsapi.CaptureBody(&body)))
	if err != nil {
		return standing{}, fmt.Errorf("DescribeRecommender: %w", awsapi.Plain(err))
	}
	r := out.Recommender
	if r == nil || aws.ToString(r.RecommenderArn) != arn {
		return standing{}, errors.New("the description is of something else")
	}
	s := standing{status: model.Status(aws.ToString(r.Status)), minTPS: minimumIn(r.RecommenderConfig), config: r.RecommenderConfig}
	if u := r.LatestRecommenderUpdate; u != nil {
		s.update = &model.Update{Status: model.Status(aws.ToString(u.Status))}
		if u.RecommenderConfig != nil { // 0 where the service does not tell
			s.update.MinTPS = int(aws.ToInt32(u.RecommenderConfig.MinRecommendationRequestsPerSecond))
		}
	}
	if s.rawConfig, err = settingsIn(body); err == nil {
		s.unknown, err = unknownSettings(s.rawConfig, reflect.TypeFor[types.RecommenderConfig]())
	}
	return s, err
}

// atLeastOne reads a minimum; where the service names none it is 1.
func atLeastOne(tps *int32) int { return max(1, int(aws.ToInt32(tps))) }

func minimumIn(c *types.RecommenderConfig) int {
	if c == nil {
		return 1
	}
	return atLeastOne(c.MinRecommendationRequestsPerSecond)
}

// settingsIn finds the settings in the description of a campaign or recommender, as it
// came from the service; nil if there are none.
func settingsIn(description []byte) (json.RawMessage, error) {
	var answer struct {
		Campaign struct {
			Config json.RawMessage `json:"campaignConfig"`
		} `json:"campaign"`
		Recommender struct {
			Config json.RawMessage `json:"recommenderConfig"`
		} `json:"recommender"`
	}
	if err := json.Unmarshal(description, &answer); err != nil {
		return nil, fmt.Errorf("read its settings: %w", err)
	}
	for _, config := range []json.RawMessage{answer.Campaign.Config, answer.Recommender.Config} {
		if len(config) > 0 && string(config) != "null" {
			return config, nil
		}
	}
	return nil, nil
}

// unknownSettings names the settings that the SDK's type has no place for, sorted.
func unknownSettings(config json.RawMessage, t reflect.Type) ([]string, error) {
	if config == nil {
		return nil, nil
	}
	var settings any
	if err := json.Unmarshal(config, &settings); err != nil {
		return nil, fmt.Errorf("read its settings: %w", err)
	}
	unknown := unknownMembers(settings, t, "")
	slices.Sort(unknown)
	return unknown, nil
}

// unknownMembers goes through the members of a structure. Those without a value are
// nothing to lose. On the wire members are spelt as the SDK's fields, with a small
// first letter.
func unknownMembers(value any, t reflect.Type, path string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	members, ok := value.(map[string]any)
	if !ok || t.Kind() != reflect.Struct {
		return nil
	}
	var unknown []string
	for name, member := range members {
		if member == nil {
			continue
		}
		first, size := utf8.DecodeRuneInString(name)
		field, ok := t.FieldByName(string(unicode.ToUpper(first)) + name[size:])
		if !ok || !field.IsExported() || !unicode.IsLower(first) {
			unknown = append(unknown, path+name)
			continue
		}
		unknown = append(unknown, unknownMembers(member, field.Type, path+name+".")...)
	}
	return unknown
}
