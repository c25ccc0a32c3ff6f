package alarms

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

const (
	opDescribeAlarms = "DescribeAlarms"
	opPutMetricAlarm = "PutMetricAlarm"
	opSetAlarmState  = "SetAlarmState"
)

// tag is the first step of a change that adopts an alarm.
const tag ChangeKind = "tag"

// operations are the calls that write alarms, in the order in which their problems are reported.
// Creating an alarm with tags takes one permission more than updating it, so that each kind of
// change has its own circuit breaker.
var operations = []struct {
	kind ChangeKind
	op   string
}{{tag, writer.OpTagResource}, {Create, opPutMetricAlarm}, {Update, opPutMetricAlarm}, {Adopt, opPutMetricAlarm}, {Reset, opSetAlarmState}}

// tagsTTL is how long the tags of an alarm that stays because of them are believed, so that a
// person's alarm does not cost a call in every cycle.
const tagsTTL = 6 * time.Hour

// Alarms reads and writes alarms. It is safe for concurrent use, and remembers between cycles
// the tags of alarms that are not to be deleted.
type Alarms struct {
	w    *writer.Writer
	kept *writer.Memory[writer.Tags] // by ARN
}

// New makes an Alarms. It calls nothing.
func New(w *writer.Writer) *Alarms {
	return &Alarms{w: w, kept: writer.NewMemory[writer.Tags](w.Clock, tagsTTL)}
}

// List lists the metric alarms of a region whose names begin with Prefix, regardless of their
// owner. It writes nothing and may run beside anything else. An incomplete listing is an
// error.
func (a *Alarms) List(ctx context.Context, region string) ([]Alarm, error) {
	alarms, err := a.describe(ctx, region, cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String(Prefix)})
	if err != nil {
		return nil, awsapi.Plain(err)
	}
	a.w.Logger.Debug("alarms listed", "region", region, "alarms", len(alarms))
	return alarms, nil
}

func (a *Alarms) describe(ctx context.Context, region string, in cloudwatch.DescribeAlarmsInput) ([]Alarm, error) {
	in.AlarmTypes, in.MaxRecords = []types.AlarmType{types.AlarmTypeMetricAlarm}, aws.Int32(awsapi.MaxAlarmPage)
	var alarms []Alarm
	err := awsapi.ReadPages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := a.w.Clients.CloudWatch(region).DescribeAlarms(ctx, &in)
		if err != nil {
			return nil, err
		}
		for _, m := range out.MetricAlarms {
			alarms = append(alarms, toAlarm(m))
		}
		return out.NextToken, nil
	})
	return alarms, err
}

// ReconcileInput is the work on the alarms of one region.
type ReconcileInput struct {
	Region  string
	Changes []Change  // in the order in which they should be made
	Until   time.Time // no write begins from then on; zero: no limit
	// Progress is called with the number of creations, updates and resets made; may be nil.
	Progress func(done, total int)
}

// Counts are the numbers of alarms by outcome; in a dry run, what would be done.
type Counts struct {
	Created int
	Updated int // rewritten, or their state reset
	Deleted int
	Kept    int // as they should be, or not ours to change
	Left    int // not written for lack of time
}

// Add is the sum of both.
func (c Counts) Add(d Counts) Counts {
	return Counts{c.Created + d.Created, c.Updated + d.Updated, c.Deleted + d.Deleted, c.Kept + d.Kept, c.Left + d.Left}
}

// ReconcileAll works on several regions in parallel. It returns the sum of the counts, and
// the problems in the order of the inputs.
func (a *Alarms) ReconcileAll(ctx context.Context, inputs []ReconcileInput) (Counts, []model.Problem) {
	counts := make([]Counts, len(inputs))
	problems := make([][]model.Problem, len(inputs))
	var group sync.WaitGroup
	for i, in := range inputs {
		group.Go(func() { counts[i], problems[i] = a.Reconcile(ctx, in) })
	}
	group.Wait()
	var total Counts
	for _, c := range counts {
		total = total.Add(c)
	}
	return total, slices.Concat(problems...)
}

// Reconcile makes the changes to the alarms of one region, until time is up: deletions first,
// because a hundred of them take one call, then the rest in the order given. A failure with
// one alarm is a problem and the others go on, unless the same kind of change is denied three
// times in a row: then it is not tried again, and is one problem.
func (a *Alarms) Reconcile(ctx context.Context, in ReconcileInput) (Counts, []model.Problem) {
	r := &reconciler{Alarms: a, region: in.Region, until: in.Until, breakers: map[ChangeKind]*writer.Breaker{}}
	for _, o := range operations {
		r.breakers[o.kind] = writer.NewBreaker(in.Region, o.op)
	}
	var deletions []Change
	writes := 0
	for _, change := range in.Changes {
		switch {
		case change.Kind == Delete:
			deletions = append(deletions, change)
		case change.Kind.Writes():
			writes++
		default:
			r.keep(ctx, change, change.Reason)
		}
	}
	problems := r.delete(ctx, deletions)
	done := 0
	for _, change := range in.Changes {
		if !change.Kind.Writes() {
			continue
		}
		r.write(ctx, change)
		if done++; in.Progress != nil {
			in.Progress(done, writes)
		}
	}
	for _, o := range operations {
		problems = append(problems, r.breakers[o.kind].Problems()...)
	}
	return r.counts, problems
}

// reconciler is one Reconcile in progress.
type reconciler struct {
	*Alarms
	region   string
	until    time.Time
	counts   Counts
	breakers map[ChangeKind]*writer.Breaker
}

// keep leaves an alarm as it is, and logs the reason if there is one.
func (r *reconciler) keep(ctx context.Context, change Change, reason string) {
	r.counts.Kept++
	if reason != "" {
		about := cmp.Or(change.ARN, r.region+"/"+change.Name)
		r.w.LogOnce(ctx, slog.LevelInfo, about, "alarm kept", "region", r.region, "alarm", change.Name, "reason", reason)
	}
}

// write makes one creation, update or reset.
func (r *reconciler) write(ctx context.Context, change Change) {
	count, call := &r.counts.Updated, r.put
	switch change.Kind {
	case Create:
		count = &r.counts.Created
	case Reset:
		call = r.reset
	}
	open := r.breakers[change.Kind].Open()
	if !open && r.w.OutOfTime(ctx, r.until) {
		r.counts.Left++
		return
	}
	if !open && change.Adopt && !r.try(ctx, change, tag, r.adopt) {
		if change.Kind == Adopt { // nothing else is to be written
			r.counts.Kept++
			return
		}
		change.Description = withTagsDue(change.Description)
	}
	if !r.try(ctx, change, change.Kind, call) {
		if !open && ctx.Err() != nil {
			r.counts.Left++
		}
		return
	}
	*count++
	if change.Reset { // if it fails, the fingerprint in its description makes the next cycle do it
		r.try(ctx, change, Reset, r.reset)
	}
}

// try makes one call about an alarm, unless such calls are denied, and reports whether it succeeded.
func (r *reconciler) try(ctx context.Context, change Change, kind ChangeKind, call func(context.Context, Change) error) bool {
	breaker := r.breakers[kind]
	if breaker.Open() {
		breaker.Skip(1)
		return false
	}
	err := call(ctx, change)
	if err == nil {
		breaker.Succeed()
	} else if ctx.Err() == nil {
		breaker.Fail(change.Resource.String(), fmt.Errorf("%s alarm %s: %w", kind, change.Name, err))
	}
	return err == nil
}

// adopt tags an alarm that the upstream sample created. One that is gone is created again, with tags.
func (r *reconciler) adopt(ctx context.Context, change Change) error {
	op, err := r.w.Adopt(ctx, r.region, change.ARN, "the alarm "+change.Name)
	if err == nil || awsapi.KindOf(err) == awsapi.NotFound {
		return nil
	}
	return fmt.Errorf("%s: %w", op, err)
}

// put writes an alarm. The tags count when it is created and are ignored when it exists: one
// that was deleted since it was listed is created again, and must be known as ours.
func (r *reconciler) put(ctx context.Context, change Change) error {
	in := fromAlarm(change.Name, change.Description, change.Settings)
	in.Tags = writer.TagList(r.w.OwnTags(), writer.CloudWatchTag)
	_, err := r.w.Do(ctx, writer.Intent{
		Op: opPutMetricAlarm, Region: r.region, ARN: change.Resource.String(),
		What: fmt.Sprintf("%s alarm %s: %s", change.Kind, change.Name, change.Reason),
	}, writer.Call(r.w.Clients.CloudWatch(r.region).PutMetricAlarm, in))
	return err
}

// resetReason is in the history of an alarm whose state was reset.
const resetReason = "Personalize Monitor switched the actions of this alarm on while it was in ALARM; " +
	"its next evaluation sends a notification."

// reset takes an alarm out of ALARM, so that its next evaluation is a transition and its
// actions run. An alarm that is gone by now needs no reset.
func (r *reconciler) reset(ctx context.Context, change Change) error {
	_, err := r.w.Do(ctx, writer.Intent{
		Op: opSetAlarmState, Region: r.region, ARN: change.Resource.String(),
		What: fmt.Sprintf("reset the state of alarm %s: %s", change.Name, change.Reason),
	}, writer.Removal(r.w.Clients.CloudWatch(r.region).SetAlarmState, &cloudwatch.SetAlarmStateInput{
		AlarmName: aws.String(change.Name), StateValue: types.StateValueInsufficientData, StateReason: aws.String(resetReason),
	}))
	return err
}

// keepReason is why an alarm with these tags is not deleted; empty if it may be. An alarm
// without the tag CreatedBy is a person's, whatever its name. If ownOnly is set, another
// deployment's alarm stays. The upstream sample's alarms name no deployment.
func keepReason(tags writer.Tags, ownOnly bool, deployment string) string {
	owner := tags[writer.TagDeployment]
	switch {
	case !tags.Ours():
		return "not deleted: it has no tag " + writer.TagCreatedBy + "=" + writer.CreatedBy
	case ownOnly && owner != "" && owner != deployment:
		return "not deleted: it belongs to the deployment " + owner
	}
	return ""
}

// delete deletes alarms, and counts the results.
func (r *reconciler) delete(ctx context.Context, changes []Change) []model.Problem {
	results, problems := Deletion{
		Writer: r.w, Region: r.region, Until: r.until, Known: r.kept,
		Keep: func(c Change, tags writer.Tags) string { return keepReason(tags, c.OwnOnly, r.w.Deployment) },
	}.Run(ctx, changes)
	for _, result := range results {
		switch {
		case result.Late:
			r.counts.Left++
		case result.Keep != "":
			if !result.Cached {
				r.kept.Put(result.ARN, result.Tags)
			}
			r.keep(ctx, result.Change, result.Keep)
		case result.Err == nil && result.Outcome != writer.AlreadySo:
			r.counts.Deleted++
		}
	}
	return problems
}

// DeleteFor deletes the alarms of a resource that goes out of service, except those of other
// people.
func (a *Alarms) DeleteFor(ctx context.Context, arn model.ARN, state ResourceState) (deleted int, problems []model.Problem) {
	kind := kindOf(arn)
	list, err := a.describe(ctx, arn.Region(), cloudwatch.DescribeAlarmsInput{
		AlarmNames: []string{LowUtilization.Name(kind, arn.Name()), Idle.Name(kind, arn.Name())},
	})
	if err != nil {
		return 0, []model.Problem{writer.Problem(arn.Region(), arn.String(), opDescribeAlarms, fmt.Errorf("find its alarms: %w", err))}
	}
	changes := Diff(nil, list, func(other model.ARN) ResourceState {
		if other == arn {
			return state
		}
		return Unknown
	}, a.w.Clock.Now())
	counts, problems := a.Reconcile(ctx, ReconcileInput{Region: arn.Region(), Changes: changes})
	if counts.Left > 0 {
		err := fmt.Errorf("no time was left to delete %d alarms; the next cycle does", counts.Left)
		problems = append(problems, writer.Problem(arn.Region(), arn.String(), opDeleteAlarms, err))
	}
	return counts.Deleted, problems
}
