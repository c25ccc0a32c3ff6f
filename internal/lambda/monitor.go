package lambda

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// metricProblems counts what failed in a cycle while the rest went on, in the deployment
// region. A cycle without problems publishes 0, so that silence is not taken for health.
const metricProblems = "monitorProblems"

// monitor runs one cycle, for a schedule or for a bare event whose keys are parameters.
// It is an error only if nothing could be measured; the next cycle makes up for the rest.
func (h *Handler) monitor(ctx context.Context, e event) (string, error) {
	if e.form == enveloped {
		return "", e.refused(Monitor, "a scheduled event, or parameters")
	}
	sources := config.Sources{Env: h.env}
	if e.form == bare {
		h.passOver(ctx, e.leftOver())
		sources.Event = e.keys
	}
	values, err := config.Resolve(sources)
	if err != nil {
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
	if h.observer != nil {
		h.observer.CycleEnded(e.at, result, err)
	}
	if err != nil {
		return "", err
	}
	h.problems(ctx, result.Problems)
	h.countProblems(ctx, p, len(result.Problems))
	return cycleSentence(result), nil
}

// passOver tells of keys that mean nothing here; they may be misspelt.
func (h *Handler) passOver(ctx context.Context, keys []string) {
	if len(keys) > 0 {
		h.log.WarnContext(ctx, "keys that name no parameter are passed over", "keys", strings.Join(keys, ", "))
	}
}

// problems logs what failed while the rest went on: a warning for a single resource, an
// error for more than that.
func (h *Handler) problems(ctx context.Context, list []model.Problem) {
	for _, p := range list {
		level := slog.LevelWarn
		if p.ARN == "" {
			level = slog.LevelError
		}
		h.log.Log(ctx, level, "problem", "op", p.Operation, "arn", p.ARN, "region", p.Region, "err", p.Message())
	}
}

// countProblems publishes how many problems the cycle had.
func (h *Handler) countProblems(ctx context.Context, p *parts, count int) {
	_, failed := p.Writer.Publish(ctx, []model.Datum{{
		Region: p.region, Metric: model.Metric{Namespace: model.NamespaceMonitor, Name: metricProblems},
		Unit: "Count", Value: float64(count), Time: h.clock.Now().UTC(),
	}})
	h.problems(ctx, failed)
}

// cycleSentence tells of a cycle.
func cycleSentence(r report.Result) string {
	parts := []string{fmt.Sprintf("%s measured from %s to %s UTC, %s published",
		model.Plural(len(r.Resources), "resource"), r.Window.Start.UTC().Format("2006-01-02 15:04"), r.Window.End.UTC().Format("15:04"),
		model.Plural(r.MetricsPublished, "metric value"))}
	for _, count := range []struct {
		n    int
		noun string
		done string
	}{
		{r.Alarms.Created, "alarm", "created"},
		{r.Alarms.Updated, "alarm", "updated"},
		{r.Alarms.Deleted, "alarm", "deleted"},
		{r.Alarms.Left, "alarm change", "left to the next cycle"},
		{len(r.Events), "event", "sent"},
		{len(r.Problems), "problem", "logged"},
	} {
		if count.n > 0 {
			parts = append(parts, model.Plural(count.n, count.noun)+" "+count.done)
		}
	}
	return strings.Join(parts, "; ") + "."
}
