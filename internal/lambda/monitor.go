package lambda

import (
	"context"
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// metricProblems counts what failed in a cycle while the rest went on, in the deployment
// region. A cycle without problems publishes 0: no data are no proof of health.
const metricProblems = "monitorProblems"

// monitor runs one cycle, for a schedule or for a bare event whose keys are parameters. It is
// an error only if nothing could be measured, or if the count of problems could not be published: then
// the stack's alarm on it would see nothing, and that on a silent monitor must. The next cycle repeats the rest.
func (h *Handler) monitor(ctx context.Context, e event) (string, error) {
	if e.form == enveloped {
		return "", e.refused(string(Monitor), "a scheduled event, or parameters")
	}
	sources := config.Sources{Env: h.Env}
	if e.form == bare {
		h.log.unknownKeys(ctx, e.unknownKeys())
		sources.Event = e.keys
	}
	values, err := config.Resolve(sources)
	if err != nil {
		return "", err
	}
	if err := idleTimeHolds(values, h.Env); err != nil {
		return "", err
	}
	p, err := h.parts(ctx)
	if err == nil {
		err = values.Within(p.Writer.DeploymentRegion)
	}
	if err != nil {
		return "", err
	}
	result, err := p.Cycle.Run(ctx, cycle.Input{Params: values, ScheduledAt: e.at})
	if h.Observer != nil {
		h.Observer.CycleEnded(e.at, result, err)
	}
	if err != nil {
		return "", err
	}
	_, failed := p.Writer.Publish(ctx, []model.Datum{{
		Region: p.Writer.DeploymentRegion, Metric: model.Metric{Namespace: model.NamespaceMonitor, Name: metricProblems},
		Unit: "Count", Value: float64(len(result.Problems)), Time: h.Clock.Now().UTC(),
	}})
	h.log.problems(ctx, append(result.Problems, failed...))
	if len(failed) > 0 {
		return "", fmt.Errorf("%s But %s could not be published in %s (%s), so that no alarm shows the problems: %w",
			cycleSentence(result), metricProblems, failed[0].Region, failed[0].Operation, failed[0].Err)
	}
	return cycleSentence(result), nil
}

// idleTimeHolds rejects parameters by which idle resources would be stopped and deleted sooner
// than the deployment allows. The functions that act check each by their own parameters, with
// the longer idle times, and would refuse it every time.
func idleTimeHolds(values config.Values, env func(string) (string, bool)) error {
	deployed, err := config.Resolve(config.Sources{Env: env})
	if err != nil || !values.AutoDeleteOrStopIdle.Is(model.On) {
		return nil //nolint:nilerr // invalid ones that the event replaces are of no account here
	}
	for _, hours := range []struct {
		name            string
		given, deployed int
	}{
		{config.IdleThresholdHours, values.IdleThresholdHours, deployed.IdleThresholdHours},
		{config.UsedIdleThresholdHours, values.UsedIdleThresholdHours, deployed.UsedIdleThresholdHours},
	} {
		if hours.given < hours.deployed {
			return fmt.Errorf("invalid parameter %s: %d in the event is shorter than the %d of the deployment, by which the functions check "+
				"each stop and delete; set the stack's parameter, or send %s=DryRun or No with it",
				hours.name, hours.given, hours.deployed, config.AutoDeleteOrStopIdleResources)
		}
	}
	return nil
}

func cycleSentence(r report.Result) string {
	measured := fmt.Sprintf("%s measured from %s to %s UTC, %s published", model.Plural(len(r.Resources), "resource"),
		r.Window.Start.UTC().Format("2006-01-02 15:04"), r.Window.End.UTC().Format("15:04"), model.Plural(r.MetricsPublished, "metric value"))
	return sentence(measured, []tally{
		{r.Alarms.Created, "alarm", "created"},
		{r.Alarms.Updated, "alarm", "updated"},
		{r.Alarms.Deleted, "alarm", "deleted"},
		{r.Alarms.Left, "alarm change", "left to the next cycle"},
		{len(r.Events), "event", "sent"},
		{len(r.Problems), "problem", "logged"},
	})
}

// tally is a count in a sentence.
type tally struct {
	n          int
	noun, done string
}

// sentence adds the counts that are not zero.
func sentence(first string, tallies []tally) string {
	for _, t := range tallies {
		if t.n > 0 {
			first += "; " + model.Plural(t.n, t.noun) + " " + t.done
		}
	}
	return first + "."
}

// followTime is kept free before the deadline, for a call in progress and the follow-ups of an
// accepted action: these go on for 2 and 10 seconds after the context of the action has ended.
const followTime = 14 * time.Second

// action executes what an event or a bare detail requests. An error means that nothing was
// changed, so that Lambda may retry. What fails after the action was accepted is logged and
// counted in the sentence. It is no error: a retry would find nothing left to do.
func (h *Handler) action(ctx context.Context, action model.Action, payload []byte) (string, error) {
	req, err := events.Decode(payload)
	if err == nil {
		err = req.Validate(action)
	}
	if err != nil {
		return "", err
	}
	if _, err := config.Resolve(cycle.RecheckSources(h.Env)); err != nil { // an automatic event has what it was decided by
		return "", err
	}
	p, err := h.parts(ctx)
	if err != nil {
		return "", err
	}
	if account := identityOf(ctx).Account; account != "" && account != req.ARN.Account() {
		return "", fmt.Errorf("%s belongs to the account %s, this function to %s", req.ARN, req.ARN.Account(), account)
	}
	ctx, cancel := shorten(ctx, followTime)
	defer cancel()
	answer, err := p.Actions.Do(ctx, action, req)
	if err != nil {
		return "", err
	}
	h.log.problems(ctx, answer.Problems)
	if answer.Outcome == writer.Refused && len(answer.Problems) > 0 { // it could not be recorded, which may be possible later
		return "", fmt.Errorf("%s %w", answer.Sentence, answer.Err())
	}
	return answer.Sentence, nil
}
