package actions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// arrange writes the tag that ends a timed raise and reads it back: a raise is only requested once its
// return is arranged. Other requests arrange nothing.
func (x *execution) arrange(ctx context.Context) (err error) {
	if !x.req.Timed() {
		return nil
	}
	if x.returns, err = x.timedRaise(); err == nil {
		err = x.setReturn(ctx, x.returns)
	}
	if err != nil {
		x.disarrange(ctx)
	}
	return err
}

func (x *execution) setReturn(ctx context.Context, r schedule.Return) error {
	intent := x.tagIntent(fmt.Sprintf("arrange its return to %d at %s", r.Target, r.Due.Format(time.RFC3339)))
	if err := x.w.SetTags(ctx, intent, writer.Tags{schedule.ReturnTag: r.String()}); err != nil {
		return fmt.Errorf("arrange the return: %s: %w", writer.OpTagResource, awsapi.Plain(err))
	}
	if x.w.DryRun {
		return nil
	}
	tags, err := x.w.ReadTags(ctx, x.req.ARN.Region(), x.req.ARN.String())
	switch {
	case err != nil:
		return fmt.Errorf("read the arranged return back: %s: %w", writer.OpListTags, awsapi.Plain(err))
	case tags[schedule.ReturnTag] != r.String(): // guard: return: arranged before the raise
		return errors.New("the return was not arranged: its tag is not shown after it was written; try again")
	}
	return nil
}

// disarrange makes the tag what it was before a raise that was not requested, or not accepted. If that
// fails the tag is harmless: without the raise there is nothing to return from.
func (x *execution) disarrange(ctx context.Context) {
	if x.returns == (schedule.Return{}) {
		return
	}
	after, cancel := extend(ctx, followUpTime)
	defer cancel()
	var err error
	if found := x.before.tags[schedule.ReturnTag]; found != "" {
		err = x.w.SetTags(after, x.tagIntent("arrange its return as before"), writer.Tags{schedule.ReturnTag: found})
	} else {
		err = x.removeReturn(after, "no raise to return from")
	}
	if err != nil {
		x.w.Logger.WarnContext(ctx, "a return stays arranged, without a raise", "arn", x.req.ARN.String(), "region", x.req.ARN.Region(),
			"err", awsapi.Line(err))
	}
}

func (x *execution) tagIntent(what string) writer.Intent {
	return writer.Intent{Region: x.req.ARN.Region(), ARN: x.req.ARN.String(), What: what}
}

func (x *execution) removeReturn(ctx context.Context, why string) error {
	return x.w.RemoveTags(ctx, x.tagIntent("remove its tag "+schedule.ReturnTag+": "+why), schedule.ReturnTag)
}

// endReturn removes the tag where a person's request ends what it arranges. A
// failure is a problem and no error: a monitor drops a return that no longer fits.
func (x *execution) endReturn(ctx context.Context, why string) []model.Problem {
	if x.before.tags[schedule.ReturnTag] == "" {
		return nil
	}
	if err := x.removeReturn(ctx, why); err != nil {
		return []model.Problem{writer.Problem(x.req.ARN.Region(), x.req.ARN.String(), writer.OpUntagResource, err)}
	}
	return nil
}

func (x *execution) timedRaise() (schedule.Return, error) {
	none := schedule.Return{}
	now := x.w.Clock.Now().UTC()
	offset, known := x.w.Clients.ClockOffset()
	if why := rules.WrongClock(now, offset, known); why != "" { // guard: return: arranged by a right clock
		return none, fmt.Errorf("a return cannot be arranged: %s", why)
	}
	due, err := x.req.Due(now)
	if err != nil {
		return none, err
	}
	present := x.before.minTPS
	r := schedule.Return{Target: present, From: present, Raised: x.req.NewMinTPS, Due: due, Arranged: now.Truncate(time.Second)}
	if x.before.tags == nil {
		return none, errors.New("a return cannot be arranged: its tags could not be read")
	}
	tags := maps.Clone(x.before.tags)
	if _, err := schedule.ParseReturn(tags[schedule.ReturnTag]); err != nil {
		delete(tags, schedule.ReturnTag) // one that is not understood is replaced
	}
	arranged, err := rules.ArrangementOf(x.req.Kind, tags)
	if err != nil { // guard: return: not beside a schedule that would keep it from being carried out
		return none, fmt.Errorf("a return cannot be arranged: %w", err)
	}
	r.Target = rules.ReturnTarget(present, x.before.update, arranged.Return)
	switch why := rules.Protected(x.before.tags, rules.Return, due); {
	case why != "": // guard: return: not where a tag would keep it from being carried out
		return none, fmt.Errorf("a return cannot be arranged: it would be %s; change that tag, or leave out the end to set %d", why, r.Raised)
	case r.Raised < present || r.Raised <= r.Target:
		return none, fmt.Errorf("its minimum is %d %s, and a raise that returns needs a higher one; leave out the end to set %d",
			present, x.req.Kind.RateUnit(), r.Raised)
	case x.before.busy() != "":
		return none, fmt.Errorf("%s; try again when that is done", x.before.busy())
	}
	return r, nil
}

// extend changes the end of a raise that was made before: the tag alone.
func (x *execution) extend(ctx context.Context) (Answer, error) {
	pending, notPending := schedule.ParseReturn(x.before.tags[schedule.ReturnTag])
	due, err := x.req.Due(x.w.Clock.Now())
	again := x.req.For != 0 && x.req.Asked.IsZero() || err == nil && pending.Due.Equal(due) // an event may come twice
	if notPending == nil && again && !x.req.Command && pending.Raised == x.req.NewMinTPS {
		return x.alreadySo(ctx, fmt.Sprintf("is raised to %d until %s already", pending.Raised, pending.Due.Format(time.RFC3339))), nil
	}
	if err := x.arrange(ctx); err != nil {
		return Answer{}, err
	}
	outcome := writer.AlreadySo
	if x.w.DryRun {
		outcome = writer.DryRun
	}
	x.record(ctx, outcome, "")
	return Answer{Outcome: outcome, Problems: x.lost, Sentence: fmt.Sprintf("%s %s stays at %d %s; it %s.",
		x.req.Kind.Title(), x.req.ARN, x.returns.Raised, x.req.Kind.RateUnit(), x.returning())}, nil
}

// returning says how a timed raise ends; empty for any other request.
func (x *execution) returning() string {
	if x.returns == (schedule.Return{}) {
		return ""
	}
	return fmt.Sprintf("returns to %d at %s UTC", x.returns.Target, x.returns.Due.Format("2006-01-02 15:04"))
}

// reason is why the action is executed, with the end of a timed raise.
func (x *execution) reason() string {
	if end := x.returning(); end != "" {
		return reason(x.req) + "; " + end
	}
	return reason(x.req)
}

// drop removes the tag of a timed raise that is over, and reports it if somebody has changed the
// minimum meanwhile.
func (x *execution) drop(ctx context.Context, d rules.Decision) (Answer, error) {
	if err := x.removeReturn(ctx, d.Reason); err != nil {
		return Answer{}, fmt.Errorf("%s: %w", writer.OpUntagResource, awsapi.Plain(err))
	}
	n := Answer{Outcome: writer.Done, Sentence: fmt.Sprintf("%s %s: %s.", x.req.Kind.Title(), x.req.ARN, d.Reason)}
	if x.w.DryRun {
		n.Outcome = writer.DryRun
	}
	if !d.Has(rules.ReasonChanged) {
		return n, nil
	}
	record := x.record(ctx, writer.Refused, d.Reason)
	n.Problems = x.lost
	n.add(x.w.Emit(ctx, []events.Event{events.Notification(events.ReturnDropped, record, events.NotificationDetail{})}))
	return n, nil
}
