package act

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// deed is what tells one action from another. perform does the rest.
type deed struct {
	action model.Action
	op     string // the AWS operation
	// participle says what happens to the resource: "deleted".
	participle func(standing) string
	// already says why there is nothing to do, apart from the resource being gone or on
	// its way; empty if there is something.
	already func(standing) string
	// outdated says why an automatic event is dropped without a further look; may be nil.
	outdated func(standing) string
	// contradicted says why the fresh decision does not bear an automatic event out.
	contradicted func(rules.Decision) string
	call         func(context.Context, standing) error
	// notice is what is sent once the call is accepted; nil if nothing is.
	notice func(audit json.RawMessage) events.Event
}

// perform carries out a deed: look at the resource, leave it if there is nothing to do,
// check again if the monitor asks by itself, call, and see to what follows. What came of
// it stands on the trail.
func (a *Actor) perform(ctx context.Context, req events.Request, d deed) (Answer, error) {
	if err := req.Validate(d.action); err != nil {
		return Answer{}, err
	}
	if err := a.reachable(req.ARN); err != nil {
		return Answer{}, err
	}
	before, err := a.lookClosely(ctx, req, d)
	v := judgement{release: func() {}}
	answer := Answer{}
	if err == nil {
		if why := d.nothingToDo(before); why != "" {
			a.settled(ctx, a.record(req, d, before, v), AlreadySo, why)
			return a.nothing(req, why), nil
		}
		v, answer, err = a.attempt(ctx, req, d, before)
	}
	if err != nil {
		v.release()
		err = fmt.Errorf("%s %s: %w", d.action, req.ARN, awsapi.Plain(err))
		a.settled(ctx, a.record(req, d, before, v), Failed, awsapi.Line(err))
	}
	return answer, err
}

// lookClosely describes the resource of a request, with its tags. Those of a resource
// that a person acts on may remain unread: they serve to restore it, no more.
func (a *Actor) lookClosely(ctx context.Context, req events.Request, d deed) (standing, error) {
	before, err := a.look(ctx, req)
	if err != nil {
		return before, err
	}
	if before.gone {
		return before, a.reallyGone(ctx, req, d)
	}
	if d.nothingToDo(before) != "" {
		return before, nil
	}
	before.tags, err = readTags(ctx, a.clients.Personalize(req.ARN.Region), req.ARN.String())
	if err != nil && !req.Automatic() && ctx.Err() == nil {
		a.log.WarnContext(ctx, "its tags are not recorded", "arn", req.ARN.String(), "region", req.ARN.Region, "err", awsapi.Line(err))
		err = nil
	}
	return before, err
}

// attempt makes the checks and, unless one says no, the call.
func (a *Actor) attempt(ctx context.Context, req events.Request, d deed, before standing) (v judgement, _ Answer, err error) {
	v.release = func() {}
	if req.Automatic() {
		v, err = a.judge(ctx, req, d, before)
		switch {
		case err != nil:
			return v, Answer{}, fmt.Errorf("check it again before acting: %w", err)
		case v.why != "":
			return v, a.dropped(ctx, req, d, before, v), nil
		}
	}
	if err := before.complete(d.action); err != nil {
		return v, Answer{}, err
	}
	answer, err := a.carryOut(ctx, req, d, before, v)
	return v, answer, err
}

// carryOut makes the call and sees to what follows it.
func (a *Actor) carryOut(ctx context.Context, req events.Request, d deed, before standing, v judgement) (Answer, error) {
	intent := Intent{Op: d.op, Region: req.ARN.Region, ARN: req.ARN.String(), What: fmt.Sprintf("have it %s: %s", d.participle(before), reason(req))}
	// Said beforehand: if the process is ended by force now, the log tells what may have
	// been done without a notification.
	if !a.gate.dryRun {
		a.log.InfoContext(ctx, "about to act", intent.attrs()...)
	}
	counted, lost := awsapi.CountLost(ctx)
	outcome, err := a.gate.do(counted, intent, func(ctx context.Context) error {
		calling, cancel := outlive(ctx, callTime)
		defer cancel()
		return d.call(calling, before)
	})
	after, cancel := outlive(ctx, graceTime)
	defer cancel()
	if err == nil {
		return a.follow(after, req, d, before, v, outcome), nil
	}
	var done, busy string
	if kind := awsapi.KindOf(err); kind == awsapi.NotFound || kind == awsapi.InUse || lost.Load() > 0 {
		done, busy = a.overtaken(after, req, d)
	}
	switch {
	case done != "" && lost.Load() > 0:
		// Ours was carried out, though its answer was lost, as far as anybody can tell.
		return a.follow(after, req, d, before, v, Done), nil
	case done != "":
		v.release()
		a.settled(ctx, a.record(req, d, before, v), AlreadySo, done)
		return a.nothing(req, done), nil
	case busy != "":
		err = fmt.Errorf("%s: %w", busy, awsapi.Plain(err))
	case lost.Load() > 0:
		err = fmt.Errorf("it may have been accepted all the same, look before you repeat it: %w", awsapi.Plain(err))
	}
	return Answer{}, fmt.Errorf("%s: %w", d.op, awsapi.Plain(err))
}

// reachable refuses an ARN of a partition in which the credentials mean nothing.
func (a *Actor) reachable(arn model.ARN) error {
	if ours := model.PartitionOf(a.home); ours != model.PartitionOf(arn.Region) {
		return fmt.Errorf("%s is in another partition than the region %s", arn, a.home)
	}
	return nil
}

// reallyGone makes sure that a resource which does not exist is not just another
// account's, and that its being gone settles the matter: there is nothing to start.
func (a *Actor) reallyGone(ctx context.Context, req events.Request, d deed) error {
	if d.action == model.ActionStart {
		return errors.New("it does not exist")
	}
	identity, err := a.Identity(ctx)
	if err == nil && identity.Account != req.ARN.Account {
		err = fmt.Errorf("it belongs to the account %s, the credentials to %s", req.ARN.Account, identity.Account)
	}
	return err
}

// nothingToDo says why there is nothing to do; empty if there is something.
func (d deed) nothingToDo(s standing) string {
	switch {
	case s.gone:
		return "does not exist (any more)"
	case s.status.Deleting():
		return fmt.Sprintf("is being deleted already (%s)", s.status)
	}
	return d.already(s)
}

// nothing is the answer where there is nothing to do: somebody, or an earlier delivery of
// the same event, has done it.
func (a *Actor) nothing(req events.Request, why string) Answer {
	n := Answer{Outcome: AlreadySo, Why: why, Sentence: fmt.Sprintf("Nothing to do: %s %s %s.", req.Kind, req.ARN, why)}
	a.log.Info("nothing to do", "arn", req.ARN.String(), "region", req.ARN.Region, "reason", why)
	return n
}

// dropped is the answer to an automatic event that is not carried out.
func (a *Actor) dropped(ctx context.Context, req events.Request, d deed, before standing, v judgement) Answer {
	a.settled(ctx, a.record(req, d, before, v), Refused, v.why)
	a.log.InfoContext(ctx, "automatic event dropped", "op", d.op, "arn", req.ARN.String(), "region", req.ARN.Region, "reason", v.why)
	how := "no longer holds"
	if v.guarded {
		how = "is not carried out"
		a.CountRefused(ctx, map[RefusedKey]int{{req.ARN.Region, rules.VerdictOf(d.action)}: 1})
	}
	return Answer{
		Outcome: Refused, Why: v.why,
		Sentence: fmt.Sprintf("Nothing was done: what was decided about %s %s %s: %s.", req.Kind, req.ARN, how, v.why),
	}
}

// overtaken looks at the resource again after a call that was refused, or whose answer
// was lost. It says why there is nothing left to do, or else what stands in the way; both
// are empty if that is not known.
func (a *Actor) overtaken(ctx context.Context, req events.Request, d deed) (done, busy string) {
	now, err := a.look(ctx, req)
	if err != nil || (now.gone && d.action == model.ActionStart) {
		return "", ""
	}
	return d.nothingToDo(now), now.busy()
}

// graceTime is how long a second look and what follows an accepted action may go on,
// together, once ctx and the call under way have ended.
const graceTime = 10 * time.Second

// callTime is how long a change that has been asked for may go on after ctx has ended. A
// request that is dropped may be carried out all the same, after everybody has looked.
const callTime = 2 * time.Second

// outlive is a context that ends a little later than ctx.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return later, func() { stop(); cancel() }
}

// follow sees to what follows an accepted action, each part whatever becomes of the
// others: the mark of an automatic update, the notification and, if the resource goes out of
// service, the removal of its alarms and the rebuilding of the dashboard.
func (a *Actor) follow(ctx context.Context, req events.Request, d deed, before standing, v judgement, outcome Outcome) Answer {
	n := Answer{Outcome: outcome}
	record := a.settled(ctx, a.record(req, d, before, v), outcome, "")
	n.Restore = record.Restore
	// Side by side: one that hangs must not take the others' time.
	var group sync.WaitGroup
	if req.Automatic() && !d.action.Ends() { // stops and deletes were counted before they were made
		group.Go(func() { a.mark(ctx, req, v.decision) })
	}
	if d.notice != nil {
		event := d.notice(record.Raw())
		event.Resources = []string{req.ARN.String()}
		group.Go(func() { n.add(a.Emit(ctx, []events.Event{event})) })
	}
	var removed int
	var problems []model.Problem
	if d.action.Ends() {
		removed, problems = a.removeAlarms(ctx, req, d.action)
	}
	group.Wait()
	if d.action.Ends() {
		n.AlarmsRemoved = removed
		n.Problems = append(n.Problems, problems...)
		n.add(a.RebuildDashboard(ctx, events.BuildDetail{
			ARN: req.ARN.String(), Reason: fmt.Sprintf("%s %s was %s", req.Kind, req.ARN.Name(), d.participle(before)),
		}))
	}
	n.Sentence = n.sentence(req, d.participle(before))
	return n
}

func (n *Answer) add(sent []events.Event, problems []model.Problem) {
	n.Events = append(n.Events, sent...)
	n.Problems = append(n.Problems, problems...)
}

// sentence tells of an accepted action, and of how much of what follows went wrong.
func (n *Answer) sentence(req events.Request, participle string) string {
	does, alarms := "is being", "alarms removed"
	if n.Outcome == DryRun {
		does, alarms = "would be", "alarms that would be removed"
	}
	parts := []string{fmt.Sprintf("%s %s %s %s", req.Kind.Title(), req.ARN, does, participle)}
	if n.AlarmsRemoved > 0 {
		parts = append(parts, fmt.Sprintf("%s: %d", alarms, n.AlarmsRemoved))
	}
	if len(n.Problems) > 0 {
		parts = append(parts, fmt.Sprintf("what failed after that: %d", len(n.Problems)))
	}
	return strings.Join(parts, "; ") + "."
}

// mark puts the datum by which an automatic change is known as ours later on, unless the
// change hides one that may be a person's. If that fails, the change will be taken for a
// person's, which is the safe side.
func (a *Actor) mark(ctx context.Context, req events.Request, decision *rules.Decision) {
	if decision == nil || !decision.Marker {
		a.log.InfoContext(ctx, "not marked as ours: somebody may have updated it within the idle time before, which this update hides",
			"arn", req.ARN.String(), "region", req.ARN.Region)
		return
	}
	metric := model.Metric{
		Namespace: model.NamespaceMonitor, Name: model.MetricActionsTaken,
		DimensionName: req.Kind.DimensionName(), DimensionValue: req.ARN.String(),
	}
	_, problems := a.Publish(ctx, []model.Datum{{Region: req.ARN.Region, Metric: metric, Unit: "Count", Value: 1, Time: a.clock.Now().UTC()}})
	for _, p := range problems {
		a.log.Warn("automatic change not marked as such", "op", p.Operation, "arn", p.ARN, "region", p.Region, "err", p.Err)
	}
}

// RebuildDashboard has the dashboard built again: by the Rebuild of Options, or else by an
// event that asks for it.
func (a *Actor) RebuildDashboard(ctx context.Context, detail events.BuildDetail) (sent []events.Event, problems []model.Problem) {
	if a.rebuild != nil {
		if taken, problems := a.rebuild(ctx, detail); taken {
			return nil, problems
		}
	}
	event := events.Event{DetailType: events.BuildDashboard, Detail: detail}
	if detail.ARN != "" {
		event.Resources = []string{detail.ARN}
	}
	return a.Emit(ctx, []events.Event{event})
}

// removeAlarms removes the alarms that we made for a resource which goes out of service.
func (a *Actor) removeAlarms(ctx context.Context, req events.Request, action model.Action) (removed int, problems []model.Problem) {
	region := req.ARN.Region
	alarms, err := alarmsOf(ctx, a.clients.CloudWatch(region), req)
	if err != nil {
		return 0, []model.Problem{problem(region, req.ARN.String(), "DescribeAlarms", fmt.Errorf("find its alarms: %w", err))}
	}
	standing := rules.Inactive
	if action == model.ActionDelete {
		standing = rules.Gone
	}
	changes := rules.DiffAlarms(nil, alarms, func(arn model.ARN) rules.Standing {
		if arn == req.ARN {
			return standing
		}
		return rules.Unknown
	}, a.clock.Now())
	counts, problems := a.ReconcileAlarms(ctx, ReconcileInput{Region: region, Changes: changes})
	if counts.Left > 0 {
		err := fmt.Errorf("no time was left to remove %d alarms; the next cycle does", counts.Left)
		problems = append(problems, problem(region, req.ARN.String(), opDeleteAlarms, err))
	}
	return counts.Deleted, problems
}

// alarmsOf finds the alarms that bear the names of a resource's own, whoever made them.
func alarmsOf(ctx context.Context, api listAlarmsAPI, req events.Request) ([]rules.Alarm, error) {
	out, err := api.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: []string{rules.LowUtilization.Name(req.Kind, req.ARN.Name()), rules.IdleAlarm.Name(req.Kind, req.ARN.Name())},
		AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm}, MaxRecords: aws.Int32(awsapi.MaxAlarmPage),
	})
	if err != nil {
		return nil, err
	}
	alarms := make([]rules.Alarm, 0, len(out.MetricAlarms))
	for _, m := range out.MetricAlarms {
		alarms = append(alarms, toAlarm(m))
	}
	return alarms, nil
}
