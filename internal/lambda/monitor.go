package lambda

import (
	"context"
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// metricProblems counts what failed in a cycle while the rest went on, in the deployment
// region. A cycle without problems publishes 0: no data are no proof of health.
const metricProblems = "monitorProblems"

// monitor runs one cycle, for a schedule or for a bare event whose keys are parameters. It is
// an error only if nothing could be measured; the next cycle repeats the rest.
func (h *Handler) monitor(ctx context.Context, e event) (string, error) {
	if e.form == enveloped {
		return "", e.refused(string(Monitor), "a scheduled event, or parameters")
	}
	sources := config.Sources{Env: h.Env}
	if e.form == bare {
		h.logUnknownKeys(ctx, e.unknownKeys())
		sources.Event = e.keys
	}
	values, err := config.Resolve(sources)
	if err != nil {
		return "", err
	}
	if err := h.idleTimeHolds(values); err != nil {
		return "", err
	}
	p, err := h.parts(ctx)
	if err == nil {
		err = values.Within(p.region)
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
		Region: p.region, Metric: model.Metric{Namespace: model.NamespaceMonitor, Name: metricProblems},
		Unit: "Count", Value: float64(len(result.Problems)), Time: h.Clock.Now().UTC(),
	}})
	h.logProblems(ctx, append(result.Problems, failed...))
	return cycleSentence(result), nil
}

// idleTimeHolds rejects parameters by which idle resources would be stopped and deleted sooner
// than the deployment allows. The functions that act check each by their own parameters, with
// the longer idle times, and would refuse it every time.
func (h *Handler) idleTimeHolds(values config.Values) error {
	deployed, err := config.Resolve(config.Sources{Env: h.Env})
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
