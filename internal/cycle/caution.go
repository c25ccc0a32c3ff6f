package cycle

import (
	"context"
	"maps"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// applyCaution applies the caution that the history of minimums calls for. It reads what that takes;
// nothing if no decision steps down or may have found something.
func (r *run) applyCaution(ctx context.Context, decisions []rules.Decision) {
	var queries []model.Query
	for _, d := range decisions {
		queries = append(queries, rules.CautionQueries(d)...)
	}
	maps.Copy(r.readings, r.measure(ctx, "check", queries))
	for i, d := range decisions {
		decisions[i] = rules.ApplyCaution(d, r.readings) // guard: cycle: failures and contests
	}
}

// notifyCautions notifies people of what was found against lowering a minimum, once, and publishes what
// has to be remembered of it. What is remembered is published first: better no one is notified
// than that a minimum is lowered.
func (r *run) notifyCautions(ctx context.Context, decisions []rules.Decision) {
	var data []model.Datum
	var notifications []events.Event
	for _, d := range decisions {
		data = append(data, d.Caution.Remember...)
		for _, event := range events.CautionNotifications(d) {
			notifications = append(notifications, event)
			if detail, ok := event.Detail.(events.NotificationDetail); ok {
				r.Logger.WarnContext(ctx, "minimum is not lowered further", "region", d.Resource.Region(), "arn", detail.ARN, "reason", detail.Reason)
			}
		}
	}
	r.publish(ctx, data)
	r.emit(ctx, notifications)
}
