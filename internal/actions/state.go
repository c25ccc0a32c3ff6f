package actions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// state is the observed state of a resource just before an action.
type state struct {
	gone   bool // it does not exist; nothing else is known then
	status model.Status
	minTPS int
	update *model.Update // the latest one; nil if there was none
	// config is a recommender's whole configuration, and unknown the settings in the answer
	// that the SDK has no field for.
	config  *types.RecommenderConfig
	unknown []string
	// solutionVersion is the ARN of the one that a campaign serves.
	solutionVersion string
	// rawConfig is the campaignConfig or recommenderConfig as received; nil if there is none.
	rawConfig json.RawMessage
	tags      map[string]string // nil if they were not read
	training  *autoTraining     // of a solution; nil of an endpoint
}

// autoTraining is the automatic training of a solution. Pausing it is reversible: what was
// trained stays, and a training in progress is not stopped.
type autoTraining struct {
	on       *bool  // nil if AWS does not return it, which is unknown
	schedule string // empty if unknown
	// requested is what the latest update requests; nil if there was none or it does not say.
	requested *bool
	events    *types.EventsConfig // the other part of what an update of the schedule replaces
}

func (s state) updating() bool { return s.update != nil && !s.update.Status.Settled() }

// busy says what prevents a change; empty if nothing is known to.
func (s state) busy() string {
	switch {
	case s.status != model.StatusActive:
		return fmt.Sprintf("its status is %s", s.status)
	case s.updating() && s.training != nil:
		return fmt.Sprintf("an update of its training is in progress (%s)", s.update.Status)
	case s.updating():
		return fmt.Sprintf("an update to %d is in progress (%s)", s.update.MinTPS, s.update.Status)
	}
	return ""
}

// record is what is needed to restore the resource; nil for one that is gone.
func (s state) record(arn model.ARN) *events.Before {
	if s.gone {
		return nil
	}
	before := &events.Before{Name: arn.Name(), Status: string(s.status)}
	if s.training != nil {
		before.AutoTraining, before.Schedule = s.training.on, s.training.schedule
		return before
	}
	before.SolutionVersion, before.MinTPS, before.Config, before.Tags = s.solutionVersion, s.minTPS, s.rawConfig, s.tags
	return before
}

func read(ctx context.Context, w *writer.Writer, req events.Request) (state, error) {
	describe := readCampaign
	switch req.Kind {
	case model.Recommender:
		describe = readRecommender
	case model.Solution:
		describe = readSolution
	case model.Campaign:
	}
	s, err := describe(ctx, w.Clients.Personalize(req.ARN.Region()), req.ARN.String())
	if awsapi.KindOf(err) == awsapi.NotFound {
		return state{gone: true}, nil
	}
	return s, err
}

// errOtherResource is the error of a description of another resource than requested.
var errOtherResource = errors.New("the answer describes another resource")

func readCampaign(ctx context.Context, api *personalize.Client, arn string) (state, error) {
	var body []byte
	out, err := api.DescribeCampaign(ctx, &personalize.DescribeCampaignInput{CampaignArn: &arn},
		personalize.WithAPIOptions(awsapi.CaptureBody(&body)))
	if err != nil {
		return state{}, fmt.Errorf("DescribeCampaign: %w", awsapi.Plain(err))
	}
	c := out.Campaign
	if c == nil || aws.ToString(c.CampaignArn) != arn {
		return state{}, errOtherResource
	}
	s := state{
		status: model.Status(aws.ToString(c.Status)), minTPS: atLeastOne(c.MinProvisionedTPS),
		solutionVersion: aws.ToString(c.SolutionVersionArn),
	}
	if u := c.LatestCampaignUpdate; u != nil {
		s.update = updateOf(u.Status, u.CreationDateTime, u.MinProvisionedTPS)
	}
	s.rawConfig, err = rawIn(body, "campaign", "campaignConfig")
	return s, err
}

func readRecommender(ctx context.Context, api *personalize.Client, arn string) (state, error) {
	var body []byte
	out, err := api.DescribeRecommender(ctx, &personalize.DescribeRecommenderInput{RecommenderArn: &arn},
		personalize.WithAPIOptions(awsapi.CaptureBody(&body)))
	if err != nil {
		return state{}, fmt.Errorf("DescribeRecommender: %w", awsapi.Plain(err))
	}
	r := out.Recommender
	if r == nil || aws.ToString(r.RecommenderArn) != arn {
		return state{}, errOtherResource
	}
	s := state{status: model.Status(aws.ToString(r.Status)), minTPS: 1, config: r.RecommenderConfig}
	if r.RecommenderConfig != nil {
		s.minTPS = atLeastOne(r.RecommenderConfig.MinRecommendationRequestsPerSecond)
	}
	if u := r.LatestRecommenderUpdate; u != nil {
		var minimum *int32 // nil if the service does not return it
		if u.RecommenderConfig != nil {
			minimum = u.RecommenderConfig.MinRecommendationRequestsPerSecond
		}
		s.update = updateOf(u.Status, u.CreationDateTime, minimum)
	}
	if s.rawConfig, err = rawIn(body, "recommender", "recommenderConfig"); err == nil {
		s.unknown, err = unknownSettings(s.rawConfig, reflect.TypeFor[types.RecommenderConfig]())
	}
	return s, err
}

func readSolution(ctx context.Context, api *personalize.Client, arn string) (state, error) {
	var body []byte
	out, err := api.DescribeSolution(ctx, &personalize.DescribeSolutionInput{SolutionArn: &arn},
		personalize.WithAPIOptions(awsapi.CaptureBody(&body)))
	if err != nil {
		return state{}, fmt.Errorf("DescribeSolution: %w", awsapi.Plain(err))
	}
	described := out.Solution
	if described == nil || aws.ToString(described.SolutionArn) != arn {
		return state{}, errOtherResource
	}
	s := state{status: model.Status(aws.ToString(described.Status)), training: &autoTraining{on: described.PerformAutoTraining}}
	if c := described.SolutionConfig; c != nil {
		s.training.events = c.EventsConfig
		if c.AutoTrainingConfig != nil {
			s.training.schedule = aws.ToString(c.AutoTrainingConfig.SchedulingExpression)
		}
	}
	if u := described.LatestSolutionUpdate; u != nil {
		s.update = updateOf(u.Status, u.CreationDateTime, nil)
		s.training.requested = u.PerformAutoTraining
	}
	raw, err := rawIn(body, "solution", "solutionConfig", "eventsConfig")
	if err == nil {
		s.unknown, err = unknownSettings(raw, reflect.TypeFor[types.EventsConfig]())
	}
	return s, err
}

// atLeastOne reads a minimum; if the service returns none it is 1.
func atLeastOne(tps *int32) int { return max(1, int(aws.ToInt32(tps))) }

func updateOf(status *string, created *time.Time, minTPS *int32) *model.Update {
	return &model.Update{Status: model.Status(aws.ToString(status)), MinTPS: int(aws.ToInt32(minTPS)), Created: aws.ToTime(created)}
}

// rawIn is a member of a description, as received; nil if there is none.
func rawIn(description json.RawMessage, path ...string) (json.RawMessage, error) {
	for _, name := range path {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(description, &members); err != nil {
			return nil, fmt.Errorf("read its settings: %w", err)
		}
		if description = members[name]; len(description) == 0 || string(description) == "null" {
			return nil, nil
		}
	}
	return description, nil
}

// unknownSettings are the settings that the SDK's type has no field for, sorted.
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

// unknownMembers goes through the members of a structure. Those without a value have nothing
// to lose. On the wire members have the names of the SDK's fields, with a lower-case first
// letter.
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

// checkComplete refuses an update that replaces settings if it would drop some unknown to this build.
func (s state) checkComplete(replaces bool) error {
	if !replaces || len(s.unknown) == 0 {
		return nil
	}
	return fmt.Errorf("it has settings that this version does not know (%s), and an update would reset them; nothing was changed",
		strings.Join(s.unknown, ", "))
}
