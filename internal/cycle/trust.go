package cycle

import (
	"context"
	"errors"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// checkClock compares the host's clock with AWS's, by the responses of the cycle so far. If it is
// wrong, that is one problem, and nothing is decided.
func (r *run) checkClock() {
	why := r.ClockOffset.wrong(r.Clock.Now())
	if why == "" {
		return
	}
	r.settings.WrongClock = why
	err := errors.New(why + "; metrics are published by it, and nothing is decided or changed until it is right " +
		"(set it, for example with NTP)")
	r.problems.add(model.Problem{Region: r.Region, Operation: "check the clock", Err: err})
}

// refuseLate refuses the changes of regions whose CloudWatch data are late, and reports each of
// these regions once.
func (r *run) refuseLate(ctx context.Context, decisions []rules.Decision) {
	r.result.DataLate = rules.RefuseLate(decisions, r.readings, r.settings, r.at)
	var data []model.Datum
	for _, late := range r.result.DataLate {
		r.Logger.WarnContext(ctx, "nothing is changed in the region", "region", late.Region, "refused", late.Refused, "reason", late.Reason)
		data = append(data, rules.LateMetric(late, r.settings, r.at))
	}
	r.result.MetricsPublished += r.publish(ctx, data)
}
