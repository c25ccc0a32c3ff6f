package actions

import (
	"context"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// mark counts an automatic update, and publishes the own-change marker by which it is recognized as
// ours later, unless it hides an update that may be a person's. If that fails, it will be taken for
// a person's, which is the safe side.
func (x *execution) mark(ctx context.Context) {
	arn := x.req.ARN
	data := []model.Datum{x.datum(model.MetricActionsTaken, "Count", 1)}
	if x.decision == nil || !x.decision.Marker {
		x.w.Logger.InfoContext(ctx, "not marked as ours: a person may have updated it within the idle time before, which this update hides",
			"arn", arn.String(), "region", arn.Region)
	} else if at, ok := x.acceptedAt(ctx); ok {
		data = append(data, x.datum(model.MetricOwnUpdate, "Seconds", float64(at.UnixMilli())/1000))
	} else {
		x.w.Logger.WarnContext(ctx, "automatic change not marked as ours: its time could not be read", "arn", arn.String(), "region", arn.Region)
	}
	_, problems := x.w.Publish(ctx, data)
	for _, p := range problems {
		x.w.Logger.Warn("automatic change not marked as ours", "op", p.Operation, "arn", p.ARN, "region", p.Region, "err", p.Err)
	}
}

func (x *execution) datum(name, unit string, value float64) model.Datum {
	metric := model.Metric{
		Namespace: model.NamespaceMonitor, Name: name, DimensionName: x.req.Kind.DimensionName(), DimensionValue: x.req.ARN.String(),
	}
	return model.Datum{Region: x.req.ARN.Region, Metric: metric, Unit: unit, Value: value, Time: x.w.Clock.Now().UTC()}
}

// longestMarkPause is the longest of the pauses, which double, before the time of an update is read
// again: the service may show the update a little after it has accepted it.
const longestMarkPause = 2 * time.Second

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
