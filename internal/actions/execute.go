package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

type execution struct {
	Options
	distinction
	w      *writer.Writer
	action model.Action
	req    events.Request
	// before is the state of the resource before the action.
	before state
	// decision is the fresh decision about an automatic request; nil before there is one.
	decision *rules.Decision
	// release returns what was reserved of the budget; never nil.
	release func(context.Context)
	// returns is the return that a timed raise arranges; zero for other requests.
	returns schedule.Return
	// lost are the audit records that could not be written.
	lost []model.Problem
}

// run executes the action: read the resource, return early if there is nothing to do, check an
// automatic request again, make the call, and see to what follows. The outcome is recorded in
// the audit log.
func (x *execution) run(ctx context.Context) (Answer, error) {
	err := cmp.Or(x.req.Validate(x.action), checkPartition(x.req.ARN, x.w.DeploymentRegion))
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{}
	if err = x.read(ctx); err == nil {
		answer, err = x.handle(ctx)
	}
	if err != nil {
		x.release(ctx)
		err = fmt.Errorf("%s %s: %w", x.action, x.req.ARN, awsapi.Plain(err))
		x.record(ctx, writer.Failed, awsapi.Line(err))
		answer.Problems = append(answer.Problems, x.lost...)
	}
	return answer, err
}

func (x *execution) handle(ctx context.Context) (Answer, error) {
	why := x.nothingToDo(x.before)
	switch {
	case why == "" || x.req.Scheduled == rules.Drop || x.req.Scheduled == rules.Return:
		return x.attempt(ctx)
	case x.req.Timed() && !x.before.gone && !x.before.status.Deleting():
		return x.extend(ctx)
	}
	answer := x.alreadySo(ctx, why)
	if x.setsForGood() {
		answer.add(nil, x.endReturn(ctx, "the minimum is to stay"))
	}
	return answer, nil
}

// setsForGood reports whether a person sets the minimum without an end: an arranged return is off.
func (x *execution) setsForGood() bool {
	return x.action == model.ActionUpdate && !x.req.Automatic() && !x.req.Timed()
}

func keep(context.Context) {}

// countLost counts lost audit records, also if ctx has ended.
func (x *execution) countLost(ctx context.Context) {
	counting, cancel := extend(ctx, followUpTime)
	defer cancel()
	x.w.CountLostRecords(counting, len(x.lost))
}

// checkPartition refuses an ARN of a partition in which the credentials are not valid.
func checkPartition(arn model.ARN, home string) error {
	if model.PartitionOf(home) != model.PartitionOf(arn.Region()) {
		return fmt.Errorf("%s is in another partition than the region %s", arn, home)
	}
	return nil
}

// read describes the resource, with its tags. The tags of a resource that a person acts on may
// be missing: they only serve to restore it.
func (x *execution) read(ctx context.Context) (err error) {
	if x.before, err = read(ctx, x.w, x.req); err != nil {
		return err
	}
	switch {
	case x.before.gone && x.action == model.ActionStart:
		return ErrNotFound
	case x.before.gone: // or another account's
		return x.Owner.Check(ctx, x.req.ARN)
	case x.action.Training(): // which changes no tags
		return nil
	case x.nothingToDo(x.before) != "" && (x.action != model.ActionUpdate || x.req.Automatic() && x.req.Scheduled == ""):
		return nil
	}
	tags, err := x.w.ReadTags(ctx, x.req.ARN.Region(), x.req.ARN.String())
	switch {
	case err == nil:
		x.before.tags = tags
	case x.req.Automatic() || ctx.Err() != nil:
		return fmt.Errorf("read its tags: %s: %w", writer.OpListTags, awsapi.Plain(err))
	default:
		x.w.Logger.WarnContext(ctx, "its tags are not recorded", "arn", x.req.ARN.String(), "region", x.req.ARN.Region(), "err", awsapi.Line(err))
	}
	return nil
}

// ErrNotFound is the error of an action on a resource that does not exist and would have to.
var ErrNotFound = errors.New("it does not exist")

func (x *execution) attempt(ctx context.Context) (Answer, error) {
	if x.req.Automatic() {
		why, guarded, err := x.check(ctx)
		switch {
		case err != nil:
			return Answer{}, fmt.Errorf("check it again before acting: %w", err)
		case why != "":
			return x.refused(ctx, why, guarded), nil
		case x.req.Scheduled == rules.Drop:
			return x.drop(ctx, *x.decision)
		}
	}
	if err := errors.Join(x.before.checkComplete(x.replaces()), x.checkMinimum()); err != nil {
		return Answer{}, err
	}
	if err := x.arrange(ctx); err != nil {
		return Answer{}, err
	}
	if why := x.unrecorded(ctx); why != "" { // guard: actions: no stop or deletion without a record of it
		x.release(ctx)
		return x.refused(ctx, why, true), nil
	}
	intent := writer.Intent{
		Op: x.operation, Region: x.req.ARN.Region(), ARN: x.req.ARN.String(),
		What: fmt.Sprintf("have it %s: %s", x.participle(), x.reason()),
	}
	// Logged beforehand: if the process is killed now, the log has what may have been done
	// without a notification.
	if !x.w.DryRun {
		x.w.Logger.InfoContext(ctx, "about to act", intent.Attrs()...)
	}
	counted, lost := awsapi.CountLost(ctx)
	outcome, err := x.w.Do(counted, intent, func(ctx context.Context) error {
		calling, cancel := extend(ctx, callTime)
		defer cancel()
		return x.call()(calling)
	})
	after, cancel := extend(ctx, followUpTime)
	defer cancel()
	if err == nil {
		return x.followUp(after, outcome), nil
	}
	if lost.Load() == 0 { // guard: return: stays arranged while the raise may have been accepted; never, always
		x.disarrange(after)
	}
	return x.afterFailure(after, err, lost.Load() > 0)
}

// checkMinimum refuses a minimum that may be a mistake, unless the request confirms it. An event is
// not compared with the present minimum: it may raise 1 to 50 before a sale, and no one is there to
// repeat it.
func (x *execution) checkMinimum() error {
	if x.action != model.ActionUpdate && x.action != model.ActionRestore || x.req.AllowLarge || x.req.NewMinTPS <= x.before.minTPS {
		return nil
	}
	present := 0
	if x.req.Command {
		present = x.before.minTPS
	}
	why := rules.LargeMinimum(x.req.Kind, x.req.NewMinTPS, present)
	if why == "" {
		return nil
	}
	return fmt.Errorf("%s; if that is meant, allow it (--allow-large, or \"AllowLarge\": true in an event)", why)
}

// check makes the checks before an automatic action, each of which can only refuse: the decision
// must still hold on fresh data, no tag may protect the resource, and the action must fit the
// budget of the hour. guarded means that the action would still be right, but a guard
// refuses it. An error means that a check was not possible.
func (x *execution) check(ctx context.Context) (why string, guarded bool, err error) {
	if x.action == model.ActionUpdate {
		if why := outdated(x.req, x.before.minTPS); why != "" {
			return why, false, nil
		}
	}
	if x.Rechecker == nil {
		return "", false, errNoRechecker
	}
	var decision rules.Decision
	if x.req.Scheduled != "" {
		decision, err = x.Rechecker.RecheckSchedule(ctx, x.req, x.before.tags)
	} else {
		decision, err = x.Rechecker.Recheck(ctx, x.req)
	}
	if err != nil {
		return "", false, err
	}
	x.decision = &decision
	if why := contradicted(x.action, x.req, decision); why != "" {
		return why, false, nil
	}
	verdict := x.verdict()
	why = rules.Protected(x.before.tags, verdict, x.w.Clock.Now())
	if why == "" && x.req.Scheduled == "" {
		// guard: actions: what tags arrange; skip
		why = rules.ScheduleForbids(x.req.Kind, x.before.tags, verdict, x.req.NewMinTPS, x.w.Clock.Now())
	}
	if why == "" && rules.BudgetOf(verdict) != "" {
		x.release, why = x.Budget.Reserve(ctx, x.req.ARN, verdict) // guard: an automatic action draws on a budget
		if why != "" && errors.Is(ctx.Err(), context.Canceled) {
			return "", false, ctx.Err() // interrupted, and not refused
		}
	}
	return why, why != "", nil
}

func (x *execution) verdict() rules.Verdict {
	return cmp.Or(x.req.Scheduled, rules.VerdictOf(x.action))
}

var errNoRechecker = errors.New("this process cannot check decisions again; send the event to a deployed function or to serve")

// alreadySo is the answer if there is nothing to do: someone, or an earlier delivery of the same
// event, has done it.
func (x *execution) alreadySo(ctx context.Context, why string) Answer {
	x.record(ctx, writer.AlreadySo, why)
	answer := x.nothingDone(why)
	answer.Problems, answer.Gone = x.lost, x.before.gone
	return answer
}

func (x *execution) nothingDone(why string) Answer {
	x.w.Logger.Info("nothing to do", "arn", x.req.ARN.String(), "region", x.req.ARN.Region(), "reason", why)
	return Answer{Outcome: writer.AlreadySo, Why: why, Sentence: fmt.Sprintf("Nothing to do: %s %s %s.", x.req.Kind, x.req.ARN, why)}
}

// unrecorded records a stop or deletion that is about to be requested, with all that is needed to
// undo it, and says why it must not be: no record of it can be written.
func (x *execution) unrecorded(ctx context.Context) (why string) {
	if !x.action.Ends() || x.w.DryRun {
		return ""
	}
	x.record(ctx, writer.Outcome(events.OutcomeBegun), "")
	if len(x.lost) == 0 {
		return ""
	}
	return "its audit record could not be written, and nothing is stopped or deleted without one"
}

func (x *execution) refused(ctx context.Context, why string, guarded bool) Answer {
	x.record(ctx, writer.Refused, why)
	how := "no longer holds"
	x.w.Logger.InfoContext(ctx, "action refused", "automatic", x.req.Automatic(),
		"op", x.operation, "arn", x.req.ARN.String(), "region", x.req.ARN.Region(), "reason", why)
	if guarded {
		how = "is not executed"
		x.w.CountRefused(ctx, map[writer.RefusedKey]int{{Region: x.req.ARN.Region(), Verdict: x.verdict()}: 1})
	}
	return Answer{
		Outcome: writer.Refused, Why: why, Problems: x.lost,
		Sentence: fmt.Sprintf("Nothing was done: the decision about %s %s %s: %s.", x.req.Kind, x.req.ARN, how, why),
	}
}

// afterFailure finds out what became of a call that was refused, or whose answer was lost. If it
// can tell, it reads the resource again.
func (x *execution) afterFailure(ctx context.Context, err error, lost bool) (Answer, error) {
	var done, busy string
	if lost { // guard: actions: what may have been done stays counted
		x.release = keep
	}
	if kind := awsapi.KindOf(err); kind == awsapi.NotFound || kind == awsapi.InUse || lost {
		now, readErr := read(ctx, x.w, x.req)
		if readErr == nil && !(now.gone && x.action == model.ActionStart) {
			done, busy = x.nothingToDo(now), now.busy()
		}
	}
	switch {
	case done != "" && lost: // ours was executed, although its answer was lost, as far as anyone can tell
		return x.followUp(ctx, writer.Done), nil
	case done != "":
		x.release(ctx)
		return x.alreadySo(ctx, done), nil
	case busy != "":
		err = fmt.Errorf("%s: %w", busy, awsapi.Plain(err))
	case lost:
		err = fmt.Errorf("it may have been accepted all the same, check before you repeat it: %w", awsapi.Plain(err))
	}
	return Answer{}, fmt.Errorf("%s: %w", x.operation, awsapi.Plain(err))
}

const (
	// followUpTime is how long the second read and the follow-up of an accepted action may take,
	// together, once ctx and the call in progress have ended.
	followUpTime = 10 * time.Second
	// callTime is how long a change that was requested may take after ctx has ended. A request that
	// is dropped may be executed all the same, after it was last checked.
	callTime = 2 * time.Second
	// longestMarkPause is the longest of the pauses, which double, before the time of an update is read
	// again: the service may show the update a little after it has accepted it.
	longestMarkPause = 2 * time.Second
)

// extend is a context that ends a little later than ctx.
func extend(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(by, cancel) })
	return later, func() { stop(); cancel() }
}

// followUp sees to what follows an accepted action, each part regardless of the others: the
// own-change marker of an automatic update, the notification and, if the resource goes out of
// service, its alarms and the dashboard.
func (x *execution) followUp(ctx context.Context, outcome writer.Outcome) Answer {
	record := x.record(ctx, outcome, "")
	n := Answer{Outcome: outcome, Restore: record.Restore, Problems: x.lost}
	arn, ends, participle := x.req.ARN, x.action.Ends(), x.participle()
	// In parallel: one that hangs must not take the others' time.
	var group sync.WaitGroup
	var problems []model.Problem
	if x.req.Automatic() && !ends && x.req.Scheduled == "" { // stops and deletes were counted before they were made
		group.Go(func() { x.mark(ctx) })
	}
	// The tag of a return stays until the minimum is seen to be back: the update may still fail, and is repeated then.
	if x.setsForGood() {
		problems = x.endReturn(ctx, "the minimum is "+participle)
	}
	if x.notification != "" {
		detail := events.NotificationDetail{NewMinTPS: record.NewMinTPS}
		group.Go(func() { n.add(x.w.Emit(ctx, []events.Event{events.Notification(x.notification, record, detail)})) })
	}
	var left string
	if x.action == model.ActionDelete {
		group.Go(func() { left = x.leftBehind(ctx) })
	}
	if ends {
		state := alarms.Inactive
		if x.action == model.ActionDelete {
			state = alarms.Gone
		}
		n.AlarmsRemoved, problems = x.Alarms.DeleteFor(ctx, arn, state)
	}
	group.Wait()
	n.add(nil, problems)
	if ends {
		reason := fmt.Sprintf("%s %s was %s", x.req.Kind, arn.Name(), participle)
		n.add(x.Rebuilder.Rebuild(ctx, events.BuildDetail{ARN: arn.String(), Reason: reason}))
	}
	if end := x.returning(); end != "" {
		participle += ", and " + end
	}
	n.Sentence = n.sentence(x.req, participle) + left
	return n
}

// sentence describes an accepted action, and how much of its follow-up failed.
func (n *Answer) sentence(req events.Request, participle string) string {
	does, removed := "is being", "alarms removed"
	if n.Outcome == writer.DryRun {
		does, removed = "would be", "alarms that would be removed"
	}
	subject := req.Kind.Title()
	if req.Kind == model.Solution {
		subject = "The automatic training of solution"
	}
	parts := []string{fmt.Sprintf("%s %s %s %s", subject, req.ARN, does, participle)}
	if n.AlarmsRemoved > 0 {
		parts = append(parts, fmt.Sprintf("%s: %d", removed, n.AlarmsRemoved))
	}
	if len(n.Problems) > 0 {
		parts = append(parts, fmt.Sprintf("failures after that: %d", len(n.Problems)))
	}
	return strings.Join(parts, "; ") + "."
}

// record writes the record of the action to the audit log, with the command that undoes it; one
// that cannot be written is lost. An empty reason means that of the request.
func (x *execution) record(ctx context.Context, outcome writer.Outcome, why string) events.Audit {
	record := events.Audit{
		Time: x.w.Clock.Now().UTC(), ARN: x.req.ARN.String(), Kind: x.req.Kind, Region: x.req.ARN.Region(),
		Action: x.action, Outcome: string(outcome), Automatic: x.req.Automatic(), Reason: cmp.Or(why, x.reason()),
		Before: x.before.record(x.req.ARN), Scheduled: x.req.Scheduled, PromisedPerMonth: x.promise(),
	}
	if x.returning() != "" {
		record.ReturnAt = &x.returns.Due
	}
	if x.action == model.ActionUpdate || x.action == model.ActionRestore {
		record.NewMinTPS = x.req.NewMinTPS
	}
	if x.decision != nil {
		record.Inputs = events.InputsOf(*x.decision)
	}
	if record.Restore = record.RestoreCommand(); record.Restore != "" {
		record.Note = "To undo it: " + record.Restore
	}
	if err := x.AuditLog(ctx, record); err != nil {
		x.lost = append(x.lost, audit.Problem(record, err))
	}
	return record
}

// promise is what the action is expected to save, in TPS-hours in a month; nil if that is not known:
// a person's request is not checked against the demand.
func (x *execution) promise() *float64 {
	switch {
	case x.before.minTPS < 1:
		return nil
	case x.action.Ends():
		return new(float64(x.before.minTPS) * billing.HoursPerMonth)
	case x.action == model.ActionUpdate && x.decision != nil && x.decision.Verdict == rules.StepDown:
		return billing.Promise(x.before.minTPS, x.req.NewMinTPS, x.decision.StepDown)
	}
	return nil
}

// mark counts an automatic update, and publishes the own-change marker by which it is recognized as
// ours later, unless it hides an update that may be a person's. If that fails, it will be taken for
// a person's, which is the safe side.
func (x *execution) mark(ctx context.Context) {
	arn := x.req.ARN
	datum := func(name, unit string, value float64) model.Datum {
		metric := model.Metric{
			Namespace: model.NamespaceMonitor, Name: name, DimensionName: x.req.Kind.DimensionName(), DimensionValue: arn.String(),
		}
		return model.Datum{Region: arn.Region(), Metric: metric, Unit: unit, Value: value, Time: x.w.Clock.Now().UTC()}
	}
	data := []model.Datum{datum(model.MetricActionsTaken, "Count", 1)}
	if x.decision == nil || !x.decision.Marker {
		x.w.Logger.InfoContext(ctx, "not marked as ours: a person may have updated it within the idle time before, which this update hides",
			"arn", arn.String(), "region", arn.Region())
	} else if at, ok := x.acceptedAt(ctx); ok {
		data = append(data, datum(model.MetricOwnUpdate, "Seconds", float64(at.UnixMilli())/1000))
	} else {
		x.w.Logger.WarnContext(ctx, "automatic change not marked as ours: its time could not be read", "arn", arn.String(),
			"region", arn.Region())
	}
	_, problems := x.w.Publish(ctx, data)
	for _, p := range problems {
		x.w.Logger.Warn("automatic change not marked as ours", "op", p.Operation, "arn", p.ARN, "region", p.Region, "err", p.Err)
	}
}

// acceptedAt is when the service has accepted our update, by its own clock. It is not ok if the
// update is not shown in time, or cannot be read. A dry run returns the current time.
func (x *execution) acceptedAt(ctx context.Context) (at time.Time, ok bool) {
	if x.w.DryRun {
		return x.w.Clock.Now(), true
	}
	for pause := longestMarkPause / 2; ; pause *= 2 {
		if now, err := read(ctx, x.w, x.req); err == nil && now.update != nil && x.isOurs(*now.update) {
			return now.update.Created, true
		}
		if pause > longestMarkPause || x.w.Clock.Sleep(ctx, pause) != nil {
			return time.Time{}, false
		}
	}
}

// isOurs reports whether an update that is shown after ours was accepted is ours: not the one before.
func (x *execution) isOurs(u model.Update) bool {
	if x.before.update != nil && !u.Created.After(x.before.update.Created) { // guard: a marker has the time of our own update
		return false
	}
	return !u.Created.IsZero() && (u.MinTPS == x.req.NewMinTPS || u.MinTPS == 0) // 0: the service does not show it
}
