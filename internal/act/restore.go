package act

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Waiting for a resource that is on its way. Deletions, starts and updates take some
// minutes; nothing is promised by AWS. The pauses between two looks double.
const (
	shortestPause = time.Second
	longestPause  = 16 * time.Second
	restoreTime   = 45 * time.Minute
)

// RestoreOptions says how far a restoration goes.
type RestoreOptions struct {
	// NoWait answers as soon as Personalize has accepted what is asked. A resource that is
	// still on its way out is waited for all the same: nothing can be asked before.
	NoWait bool
	// Progress is told what is being waited for; may be nil.
	Progress func(what string)
}

// Restore undoes the action that an audit record tells of: it creates a deleted campaign
// anew, with its name, solution version, minimum, configuration and tags, starts a stopped
// recommender, or sets the former minimum. What is so already is a success. It waits
// until the resource is in service, 45 minutes at most.
func (a *Actor) Restore(ctx context.Context, record events.Audit, o RestoreOptions) (Answer, error) {
	req, err := events.NewRequest(record.ARN)
	if err != nil {
		return Answer{}, err
	}
	if err := restorable(record, req); err != nil {
		return Answer{}, err
	}
	if err := a.reachable(req.ARN); err != nil {
		return Answer{}, err
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	req.Reason = fmt.Sprintf("restored as it was before %s of %s", record.Action, record.Time.UTC().Format("2006-01-02 15:04 UTC"))
	answer, err := a.restore(ctx, record, req, o)
	if err != nil {
		return answer, err
	}
	if o.NoWait || a.gate.dryRun {
		return answer, nil
	}
	inService := func(s standing) bool { return s.status == model.StatusActive && !s.updating() }
	if _, err := a.await(ctx, req, o, "until it is in service", inService); err != nil {
		return Answer{}, fmt.Errorf("%s It was not waited for to the end: %w", answer.Sentence, err)
	}
	answer.Sentence = strings.TrimSuffix(answer.Sentence, ".") + "; it is in service."
	return answer, nil
}

// restorable refuses records that tell of nothing that could be undone.
func restorable(record events.Audit, req events.Request) error {
	undone := []model.Action{model.ActionUpdate, model.ActionDelete, model.ActionStop}
	switch {
	case record.Outcome != events.OutcomeDone:
		return fmt.Errorf("the record of %s tells that nothing was done (%s), so there is nothing to restore", record.ARN, record.Outcome)
	case !slices.Contains(undone, record.Action):
		return fmt.Errorf("the record of %s is of %q, which cannot be undone", record.ARN, record.Action)
	case record.Before == nil:
		return fmt.Errorf("the record of %s does not tell how the resource was before", record.ARN)
	}
	return events.Request{ARN: req.ARN, Kind: req.Kind, NewMinTPS: max(1, record.NewMinTPS)}.Validate(record.Action)
}

func (a *Actor) restore(ctx context.Context, record events.Audit, req events.Request, o RestoreOptions) (Answer, error) {
	fail := func(err error) (Answer, error) {
		return Answer{}, fmt.Errorf("restore %s: %w", req.ARN, awsapi.Plain(err))
	}
	settled := func(s standing) bool {
		return s.gone || a.gate.dryRun || !s.status.InProgress() && !s.updating()
	}
	s, err := a.await(ctx, req, o, "until what is under way is over", settled)
	switch {
	case err != nil:
		return fail(err)
	case record.Action == model.ActionDelete:
		if err := a.ours(ctx, req); err != nil {
			return fail(err)
		}
		return a.recreate(ctx, record, req, s)
	case s.gone:
		return fail(errors.New("it does not exist any more"))
	case record.Action == model.ActionStop:
		return a.StartRecommender(ctx, req)
	}
	req.NewMinTPS = record.Before.MinTPS
	return a.UpdateTPS(ctx, req)
}

// ours refuses another account's resource: it would be created in the wrong one.
func (a *Actor) ours(ctx context.Context, req events.Request) error {
	identity, err := a.Identity(ctx)
	if err != nil {
		return fmt.Errorf("GetCallerIdentity %s: %w", a.home, err)
	}
	if identity.Account != req.ARN.Account {
		return fmt.Errorf("it belongs to the account %s, the credentials to %s", req.ARN.Account, identity.Account)
	}
	return nil
}

// await looks at a resource again and again until it is as wanted.
func (a *Actor) await(ctx context.Context, req events.Request, o RestoreOptions, what string, wanted func(standing) bool) (standing, error) {
	end := a.clock.Now().Add(restoreTime)
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		s, err := a.look(ctx, req)
		switch transient := awsapi.KindOf(err).Transient() && ctx.Err() == nil; {
		case err != nil && !transient:
			return s, err
		case err == nil && wanted(s):
			return s, nil
		case err != nil:
			s.status = "unknown" // it will be seen another time
		}
		if failed := s.status; strings.HasSuffix(string(failed), "FAILED") {
			return s, fmt.Errorf("its status is %s", failed)
		}
		switch late := !a.clock.Now().Before(end); {
		case late && err != nil:
			return s, fmt.Errorf("it was waited for %v, and could not be looked at last: %w", restoreTime, err)
		case late:
			return s, fmt.Errorf("its status is still %s after %v", s.status, restoreTime)
		}
		o.Progress(fmt.Sprintf("waiting %s: %s is %s", what, req.ARN.Name(), s.status))
		if err := a.clock.Sleep(ctx, pause); err != nil {
			return s, err
		}
	}
}

// creatorAPI is what is asked of Personalize to create a campaign.
type creatorAPI interface {
	CreateCampaign(context.Context, *personalize.CreateCampaignInput, ...func(*personalize.Options)) (*personalize.CreateCampaignOutput, error)
}

// recreate creates a deleted campaign as it was.
func (a *Actor) recreate(ctx context.Context, record events.Audit, req events.Request, now standing) (Answer, error) {
	if !now.gone && !now.status.Deleting() { // a dry run does not wait for the end of a deletion
		return a.nothing(req, "exists"), nil
	}
	in, err := creation(*record.Before)
	if err != nil {
		return Answer{}, fmt.Errorf("restore %s: %w", req.ARN, err)
	}
	var api creatorAPI = a.clients.Personalize(req.ARN.Region)
	intent := Intent{Op: "CreateCampaign", Region: req.ARN.Region, ARN: req.ARN.String(), What: "create it anew, as it was before it was deleted"}
	outcome, err := a.gate.do(ctx, intent, func(ctx context.Context) error {
		_, err := api.CreateCampaign(ctx, in)
		return err
	})
	done := events.Audit{
		Time: a.clock.Now().UTC(), ARN: record.ARN, Kind: req.Kind, Region: req.ARN.Region, Action: model.ActionRestore,
		Outcome: string(outcome), Reason: req.Reason, NewMinTPS: record.Before.MinTPS,
	}
	if err != nil {
		done.Reason = awsapi.Line(err)
		a.trail(ctx, done)
		return Answer{}, fmt.Errorf("restore %s: create the campaign: CreateCampaign: %w", req.ARN, awsapi.Plain(err))
	}
	a.trail(ctx, done)
	does := "is being"
	if outcome == DryRun {
		does = "would be"
	}
	return Answer{Outcome: outcome, Sentence: fmt.Sprintf("Campaign %s %s created anew, with a minimum of %d TPS.", req.ARN, does, record.Before.MinTPS)}, nil
}

// creation is what is asked for to have a campaign as it was. A setting that this build
// does not know cannot be asked for, and is an error.
func creation(before events.Before) (*personalize.CreateCampaignInput, error) {
	in := &personalize.CreateCampaignInput{
		Name: aws.String(before.Name), SolutionVersionArn: aws.String(before.SolutionVersion),
		MinProvisionedTPS: aws.Int32(int32(max(1, before.MinTPS))), // at most an int32, as it came from one
	}
	if before.SolutionVersion == "" {
		return nil, errors.New("the record does not tell its solution version")
	}
	if len(before.Config) > 0 {
		unknown, err := unknownSettings(before.Config, reflect.TypeFor[types.CampaignConfig]())
		switch {
		case err != nil:
			return nil, err
		case len(unknown) > 0:
			return nil, fmt.Errorf("it had settings that this version does not know (%s); nothing was created", strings.Join(unknown, ", "))
		}
		in.CampaignConfig = &types.CampaignConfig{}
		if err := json.Unmarshal(before.Config, in.CampaignConfig); err != nil {
			return nil, fmt.Errorf("read its settings from the record: %w", err)
		}
		if aws.ToBool(in.CampaignConfig.SyncWithLatestSolutionVersion) {
			in.SolutionVersionArn = aws.String(following(before.SolutionVersion))
		}
	}
	for key, value := range before.Tags {
		if strings.HasPrefix(strings.ToLower(key), reservedTag) {
			continue
		}
		in.Tags = append(in.Tags, types.Tag{TagKey: aws.String(key), TagValue: aws.String(value)})
	}
	slices.SortFunc(in.Tags, func(a, b types.Tag) int { return strings.Compare(*a.TagKey, *b.TagKey) })
	return in, nil
}

// reservedTag begins the keys of tags that only AWS sets (CreateCampaign refuses them).
const reservedTag = "aws:"

// following is how the solution version of a campaign is given that moves to each new
// one: <solution ARN>/$LATEST (SyncWithLatestSolutionVersion in the API reference), even if
// it was described by the version that it served.
func following(version string) string {
	const latest = "/$LATEST"
	if strings.HasSuffix(version, latest) {
		return version
	}
	if i := strings.LastIndex(version, "/"); i > strings.Index(version, "/") {
		version = version[:i]
	}
	return version + latest
}
