package act

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

const (
	opPutMetricAlarm = "PutMetricAlarm"
	opSetAlarmState  = "SetAlarmState"
	opDeleteAlarms   = "DeleteAlarms"
	opListTags       = "ListTagsForResource"
)

// listAlarmsAPI is what is asked of CloudWatch to list alarms.
type listAlarmsAPI interface {
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
}

// ListAlarms lists the metric alarms of a region whose names begin as ours do, whoever
// made them. It writes nothing and may run beside anything else. An incomplete listing
// is an error.
func (a *Actor) ListAlarms(ctx context.Context, region string) ([]rules.Alarm, error) {
	alarms, err := listAlarms(ctx, a.clients.CloudWatch(region))
	if err != nil {
		return nil, fmt.Errorf("list the alarms of %s: %w", region, awsapi.Plain(err))
	}
	a.log.Debug("alarms listed", "region", region, "alarms", len(alarms))
	return alarms, nil
}

func listAlarms(ctx context.Context, api listAlarmsAPI) ([]rules.Alarm, error) {
	in := &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String(rules.AlarmPrefix),
		AlarmTypes:      []types.AlarmType{types.AlarmTypeMetricAlarm},
		MaxRecords:      aws.Int32(awsapi.MaxAlarmPage),
	}
	var alarms []rules.Alarm
	var pages awsapi.Pages
	for {
		out, err := api.DescribeAlarms(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, m := range out.MetricAlarms {
			alarms = append(alarms, toAlarm(m))
		}
		if in.NextToken, err = nextToken(&pages, out.NextToken); err != nil || in.NextToken == nil {
			return alarms, err
		}
	}
}

// nextToken is the token to go on with, or nil where the listing ends. A listing that
// does not end is an error.
func nextToken(pages *awsapi.Pages, token *string) (*string, error) {
	more, err := pages.More(aws.ToString(token))
	if err != nil || !more {
		return nil, err
	}
	return token, nil
}

// ReconcileInput is the work on the alarms of one region.
type ReconcileInput struct {
	Region  string
	Changes []rules.AlarmChange // in the order in which they should be made
	Until   time.Time           // no write is begun from then on; zero: as long as it takes
	// Progress is told how many creations, updates and resets are behind; may be nil.
	Progress func(done, total int)
}

// AlarmCounts says what became of alarms. In a dry run, what would have become of them.
type AlarmCounts struct {
	Created int
	Updated int // written anew, or their state reset
	Deleted int
	Kept    int // in order as they are, or not ours to change
	Left    int // wanted a write and did not get it for lack of time
}

// Add is the sum of both.
func (c AlarmCounts) Add(d AlarmCounts) AlarmCounts {
	return AlarmCounts{c.Created + d.Created, c.Updated + d.Updated, c.Deleted + d.Deleted, c.Kept + d.Kept, c.Left + d.Left}
}

// ReconcileAll works on several regions side by side, and gives the sum of the counts
// and the problems in the order of the inputs.
func (a *Actor) ReconcileAll(ctx context.Context, inputs []ReconcileInput) (AlarmCounts, []model.Problem) {
	counts := make([]AlarmCounts, len(inputs))
	problems := make([][]model.Problem, len(inputs))
	var group sync.WaitGroup
	for i, in := range inputs {
		group.Go(func() { counts[i], problems[i] = a.ReconcileAlarms(ctx, in) })
	}
	group.Wait()
	var total AlarmCounts
	for _, c := range counts {
		total = total.Add(c)
	}
	return total, slices.Concat(problems...)
}

// ReconcileAlarms makes the changes to the alarms of one region, until time is up:
// deletions first, as a hundred of them take one call, then the rest in the order given.
// A failure with one alarm is a problem and the others go on, unless the same kind of
// change is denied three times in a row: then it is not tried again, and is one problem.
func (a *Actor) ReconcileAlarms(ctx context.Context, in ReconcileInput) (AlarmCounts, []model.Problem) {
	r := &reconciler{
		Actor: a, api: a.clients.CloudWatch(in.Region), region: in.Region, until: in.Until,
		streaks: map[string]*streak{},
	}
	var deletions, writes []rules.AlarmChange
	for _, change := range in.Changes {
		switch change.Kind {
		case rules.DeleteAlarm:
			deletions = append(deletions, change)
		case rules.CreateAlarm, rules.UpdateAlarm, rules.AdoptAlarm, rules.ResetAlarm:
			writes = append(writes, change)
		default:
			r.keep(ctx, change, change.Reason)
		}
	}
	r.delete(ctx, deletions)
	for i, change := range writes {
		r.write(ctx, change)
		if in.Progress != nil {
			in.Progress(i+1, len(writes))
		}
	}
	return r.counts, r.problems()
}

// alarmsAPI is what is asked of CloudWatch to bring alarms in step.
type alarmsAPI interface {
	PutMetricAlarm(context.Context, *cloudwatch.PutMetricAlarmInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricAlarmOutput, error)
	SetAlarmState(context.Context, *cloudwatch.SetAlarmStateInput, ...func(*cloudwatch.Options)) (*cloudwatch.SetAlarmStateOutput, error)
	DeleteAlarms(context.Context, *cloudwatch.DeleteAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DeleteAlarmsOutput, error)
	ListTagsForResource(context.Context, *cloudwatch.ListTagsForResourceInput, ...func(*cloudwatch.Options)) (*cloudwatch.ListTagsForResourceOutput, error)
	TagResource(context.Context, *cloudwatch.TagResourceInput, ...func(*cloudwatch.Options)) (*cloudwatch.TagResourceOutput, error)
}

// reconciler is one ReconcileAlarms under way.
type reconciler struct {
	*Actor
	api     alarmsAPI
	region  string
	until   time.Time
	counts  AlarmCounts
	order   []string // keys of streaks, in the order of their first use
	streaks map[string]*streak
}

// streak is the one for a kind of change.
func (r *reconciler) streak(key, op string) *streak {
	s, ok := r.streaks[key]
	if !ok {
		s = &streak{region: r.region, op: op}
		r.streaks[key] = s
		r.order = append(r.order, key)
	}
	return s
}

func (r *reconciler) problems() []model.Problem {
	var problems []model.Problem
	for _, key := range r.order {
		problems = append(problems, r.streaks[key].problems()...)
	}
	return problems
}

// keep leaves an alarm as it is, and says why if there is something to say.
func (r *reconciler) keep(ctx context.Context, change rules.AlarmChange, reason string) {
	r.counts.Kept++
	if reason != "" {
		about := change.ARN
		if about == "" {
			about = r.region + "/" + change.Name
		}
		r.tell(ctx, about, "alarm kept", "region", r.region, "alarm", change.Name, "reason", reason)
	}
}

// write makes one creation, update or reset. Creating an alarm with tags takes a
// permission more than updating one, so denials of each are told apart.
func (r *reconciler) write(ctx context.Context, change rules.AlarmChange) {
	op, count := opPutMetricAlarm, &r.counts.Updated
	switch change.Kind {
	case rules.CreateAlarm:
		count = &r.counts.Created
	case rules.ResetAlarm:
		op = opSetAlarmState
	}
	streak := r.streak(string(change.Kind), op)
	switch {
	case streak.broken():
		streak.skip(1)
		return
	case r.late(ctx, r.until):
		r.counts.Left++
		return
	}
	if change.Adopt && !r.claim(ctx, change) {
		if change.Kind == rules.AdoptAlarm { // nothing else is to be written
			r.counts.Kept++
			return
		}
		change.Description = rules.Unclaimed(change.Description)
	}
	var err error
	if change.Kind == rules.ResetAlarm {
		err = r.reset(ctx, change)
	} else {
		err = r.put(ctx, change)
	}
	switch {
	case err == nil:
		*count++
		streak.succeed()
		if change.Reset {
			r.resetAfterPut(ctx, change)
		}
	case ctx.Err() != nil:
		r.counts.Left++
	default:
		streak.fail(change.Resource.String(), fmt.Errorf("%s alarm %s: %w", change.Kind, change.Name, err))
	}
}

// resetAfterPut resets the state of an alarm whose actions were just switched on. If
// that fails, the fingerprint in its description tells the next cycle to do it.
func (r *reconciler) resetAfterPut(ctx context.Context, change rules.AlarmChange) {
	streak := r.streak(string(rules.ResetAlarm), opSetAlarmState)
	if streak.broken() {
		streak.skip(1)
		return
	}
	switch err := r.reset(ctx, change); {
	case err == nil:
		streak.succeed()
	case ctx.Err() == nil:
		streak.fail(change.Resource.String(), fmt.Errorf("reset alarm %s: %w", change.Name, err))
	}
}

// put writes an alarm. The tags count when it is made, and are ignored when it is there:
// one that somebody removed since it was listed is made anew, and must be known as ours.
func (r *reconciler) put(ctx context.Context, change rules.AlarmChange) error {
	in := fromAlarm(change.Name, change.Description, change.Settings)
	in.Tags = []types.Tag{
		{Key: aws.String(tagCreatedBy), Value: aws.String(createdBy)},
		{Key: aws.String(tagDeployment), Value: aws.String(r.deployment)},
	}
	intent := Intent{
		Op: opPutMetricAlarm, Region: r.region, ARN: change.Resource.String(),
		What: fmt.Sprintf("%s alarm %s: %s", change.Kind, change.Name, change.Reason),
	}
	_, err := r.gate.do(ctx, intent, func(ctx context.Context) error {
		_, err := r.api.PutMetricAlarm(ctx, in)
		return err
	})
	return err
}

// stateReason stands in the history of an alarm whose state was reset.
const stateReason = "Personalize Monitor switched the actions of this alarm on while it was in ALARM; its next evaluation is told."

// reset takes an alarm out of ALARM, so that its next evaluation is a transition and
// its actions fire. An alarm that is gone by now needs none.
func (r *reconciler) reset(ctx context.Context, change rules.AlarmChange) error {
	intent := Intent{
		Op: opSetAlarmState, Region: r.region, ARN: change.Resource.String(),
		What: fmt.Sprintf("reset the state of alarm %s: %s", change.Name, change.Reason),
	}
	_, err := r.gate.do(ctx, intent, func(ctx context.Context) error {
		_, err := r.api.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{
			AlarmName: aws.String(change.Name), StateValue: types.StateValueInsufficientData, StateReason: aws.String(stateReason),
		})
		if awsapi.KindOf(err) == awsapi.NotFound {
			return errAlreadySo
		}
		return err
	})
	return err
}
