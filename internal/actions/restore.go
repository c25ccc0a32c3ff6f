package actions

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// Bounds of waiting for a resource in transition. Deletions, starts and updates take some
// minutes; AWS promises nothing. The pauses between two reads double.
const (
	shortestPause = time.Second
	longestPause  = 16 * time.Second
	restoreTime   = 45 * time.Minute
)

// RestoreOptions configure a restoration.
type RestoreOptions struct {
	// NoWait returns as soon as Personalize has accepted the change. A change that is still in
	// progress is waited for all the same: nothing can be requested before.
	NoWait bool
	// AllowLarge permits a minimum that rules.LargeMinimum rejects.
	AllowLarge bool
	// Confirm is called with what will be done, before anything is; its error ends the
	// restoration. It may be nil.
	Confirm func(ctx context.Context, what string) error
	// Progress is called with what is being waited for; may be nil.
	Progress func(what string)
}

// confirm asks whether to do something, if there is something to do and someone to ask.
func (o RestoreOptions) confirm(ctx context.Context, what string) error {
	if what == "" || o.Confirm == nil {
		return nil
	}
	return o.Confirm(ctx, what)
}

// Restore undoes the action of an audit record: it creates a deleted campaign again, with its
// name, solution version, minimum, configuration and tags, starts a stopped recommender, or
// sets the former minimum. If nothing has to be done, that is a success. It waits until the
// resource is in service, 45 minutes at most. The record may come from anyone: it is checked,
// and what it requests is confirmed.
func (a *Actions) Restore(ctx context.Context, record events.Audit, o RestoreOptions) (Answer, error) {
	req, err := a.undo(record)
	if err != nil {
		return Answer{}, err
	}
	req.AllowLarge = o.AllowLarge
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	x := &execution{Options: a.o, w: a.w, action: record.Undoing(), req: req}
	var what string
	x.before, err = a.await(ctx, req, o, "until it can be read", func(state) bool { return true })
	if err == nil && x.before.gone {
		// Another account's campaign would be created in the wrong one.
		err = a.o.Owner.Check(ctx, req.ARN)
	}
	if err == nil {
		what, err = x.proposal(*record.Before)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("restore %s: %w", req.ARN, awsapi.Plain(err))
	}
	if err := o.confirm(ctx, what); err != nil {
		return Answer{}, err
	}
	answer, err := a.restore(ctx, record, req, o)
	if err != nil || o.NoWait || a.w.DryRun || record.Action.Training() { // which serves nothing
		return answer, err
	}
	inService := func(s state) bool { return s.status == model.StatusActive && !s.updating() }
	if _, err := a.await(ctx, req, o, "until it is in service", inService); err != nil {
		return Answer{}, fmt.Errorf("%s Waiting for it ended early: %w", answer.Sentence, err)
	}
	answer.Sentence = strings.TrimSuffix(answer.Sentence, ".") + "; it is in service."
	return answer, nil
}

// undo is the request that undoes a record.
func (a *Actions) undo(record events.Audit) (events.Request, error) {
	if err := record.Restorable(); err != nil {
		return events.Request{}, err
	}
	req, err := record.Request()
	if err != nil {
		return req, err
	}
	req.Reason = fmt.Sprintf("restored as it was before %s of %s", record.Action, record.Time.UTC().Format("2006-01-02 15:04 UTC"))
	req.Command = true
	if record.Undoing() == model.ActionUpdate || record.Undoing() == model.ActionRestore {
		req.NewMinTPS = record.Before.MinTPS
	}
	return req, checkPartition(req.ARN, a.w.DeploymentRegion)
}

// proposal is what restores a resource, with its numbers; empty if nothing has to be done. It is an
// error for a minimum that may be a mistake.
func (x *execution) proposal(before events.Before) (string, error) {
	present := model.Number(float64(x.before.minTPS), 0)
	changing := !x.action.Training() && (x.before.status.InProgress() || x.before.updating()) // which may fail
	switch creates := x.action == model.ActionRestore; {
	case creates && !x.before.gone && !x.before.status.Deleting():
		return "", nil
	case !creates && x.before.gone:
		return "", ErrNotFound
	case !creates && !changing && x.nothingToDo(x.before) != "":
		return "", nil
	case creates:
		if _, err := creation(before); err != nil {
			return "", err
		}
		x.before = state{gone: true}
	}
	return model.OneLine(x.proposed(before, present)), x.checkMinimum()
}

// proposed says what an undo does to a resource whose minimum is present.
func (x *execution) proposed(before events.Before, present string) string {
	subject, unit, minimum := fmt.Sprintf("%s %s", x.req.Kind, x.req.ARN), x.req.Kind.RateUnit(), model.Number(float64(before.MinTPS), 0)
	what := fmt.Sprintf("set the minimum of %s from %s to %s %s", subject, present, minimum, unit)
	switch x.action {
	case model.ActionStart:
		what = fmt.Sprintf("start %s, with its minimum of %s %s", subject, present, unit)
	case model.ActionPause:
		what = "pause the automatic training of " + subject
	case model.ActionResume:
		what = fmt.Sprintf("resume the automatic training of %s, %s", subject, cmp.Or(x.req.Schedule, "with the schedule that it has"))
	case model.ActionRestore:
		what = fmt.Sprintf("create %s again, with a minimum of %s %s, the solution version %s, the settings %s, and %s", subject, minimum, unit,
			before.SolutionVersion, cmp.Or(string(before.Config), "of a new one"), model.Plural(len(before.Tags), "tag"))
		if keys := slices.Sorted(maps.Keys(before.Tags)); len(keys) > 0 {
			what += " (" + strings.Join(keys, ", ") + ")"
		}
	}
	return what
}

// restore undoes a record once no other change is in progress.
func (a *Actions) restore(ctx context.Context, record events.Audit, req events.Request, o RestoreOptions) (Answer, error) {
	settled := func(s state) bool {
		return s.gone || a.w.DryRun || !s.status.InProgress() && !s.updating()
	}
	now, err := a.await(ctx, req, o, "until the change in progress is complete", settled)
	switch {
	case err != nil:
	case record.Undoing() == model.ActionRestore:
		return a.recreate(ctx, *record.Before, req, now)
	case now.gone:
		err = ErrNotFound
	default:
		return a.Do(ctx, record.Undoing(), req)
	}
	return Answer{}, fmt.Errorf("restore %s: %w", req.ARN, awsapi.Plain(err))
}

// await reads a resource until it is as wanted.
func (a *Actions) await(ctx context.Context, req events.Request, o RestoreOptions, what string, wanted func(state) bool) (state, error) {
	end := a.w.Clock.Now().Add(restoreTime)
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		s, err := read(ctx, a.w, req)
		switch transient := awsapi.KindOf(err).Transient() && ctx.Err() == nil; {
		case err != nil && !transient:
			return s, err
		case err == nil && wanted(s):
			return s, nil
		case err != nil:
			s.status = "unknown" // it will be read again
		}
		if strings.HasSuffix(string(s.status), "FAILED") {
			return s, fmt.Errorf("its status is %s", s.status)
		}
		switch late := !a.w.Clock.Now().Before(end); {
		case late && err != nil:
			return s, fmt.Errorf("after waiting %v, the last read failed: %w", restoreTime, err)
		case late:
			return s, fmt.Errorf("its status is still %s after %v", s.status, restoreTime)
		}
		o.Progress(fmt.Sprintf("waiting %s: %s: %s", what, req.ARN.Name(), cmp.Or(s.busy(), "its status is "+string(s.status))))
		if err := a.w.Clock.Sleep(ctx, pause); err != nil {
			return s, err
		}
	}
}

func (a *Actions) recreate(ctx context.Context, before events.Before, req events.Request, now state) (Answer, error) {
	x := &execution{Options: a.o, w: a.w, action: model.ActionRestore, req: req, before: state{gone: true}}
	if !now.gone && !now.status.Deleting() { // a dry run does not wait for the end of a deletion
		return x.nothingDone("exists"), nil
	}
	in, err := creation(before)
	if err != nil {
		return Answer{}, fmt.Errorf("restore %s: %w", req.ARN, err)
	}
	intent := writer.Intent{
		Op: "CreateCampaign", Region: req.ARN.Region(), ARN: req.ARN.String(), What: "create it again, as it was before it was deleted",
	}
	outcome, err := a.w.Do(ctx, intent, writer.Call(a.w.Clients.Personalize(req.ARN.Region()).CreateCampaign, in))
	why := ""
	if err != nil {
		why = awsapi.Line(err)
	}
	x.record(ctx, outcome, why)
	x.countLost(ctx)
	if err != nil {
		return Answer{Problems: x.lost}, fmt.Errorf("restore %s: create the campaign: CreateCampaign: %w", req.ARN, awsapi.Plain(err))
	}
	does := "is being"
	if outcome == writer.DryRun {
		does = "would be"
	}
	sentence := fmt.Sprintf("Campaign %s %s created again, with a minimum of %d TPS.", req.ARN, does, before.MinTPS)
	return Answer{Outcome: outcome, Sentence: sentence, Problems: x.lost}, nil
}

// creation requests a campaign as it was. A setting that this build does not know cannot be
// requested, and is an error.
func creation(before events.Before) (*personalize.CreateCampaignInput, error) {
	in := &personalize.CreateCampaignInput{
		Name: aws.String(before.Name), SolutionVersionArn: aws.String(before.SolutionVersion),
		MinProvisionedTPS: aws.Int32(int32(max(1, before.MinTPS))), // at most an int32, as it came from one
	}
	if before.SolutionVersion == "" {
		return nil, errors.New("the record does not have its solution version")
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
			in.SolutionVersionArn = aws.String(latest(before.SolutionVersion))
		}
	}
	tags := writer.Tags{}
	for key, value := range before.Tags {
		if !strings.HasPrefix(strings.ToLower(key), reservedTag) {
			tags[key] = value
		}
	}
	in.Tags = writer.TagList(tags, writer.PersonalizeTag)
	return in, nil
}

// reservedTag begins the keys of tags that only AWS sets (CreateCampaign rejects them).
const reservedTag = "aws:"

// latest turns the ARN of a solution version into <solution ARN>/$LATEST, the version of a
// campaign that follows each new one (SyncWithLatestSolutionVersion in the API reference). Such
// a campaign may be described by the version that it served.
func latest(version string) string {
	const suffix = "/$LATEST"
	if strings.HasSuffix(version, suffix) {
		return version
	}
	if i := strings.LastIndex(version, "/"); i > strings.Index(version, "/") {
		version = version[:i]
	}
	return version + suffix
}
