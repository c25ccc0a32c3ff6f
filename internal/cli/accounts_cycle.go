package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// runAll runs a cycle in each of several accounts, and prints the results as one.
func (o *cycleOptions) runAll(ctx context.Context, s *session, values config.Values) error {
	began := time.Now()
	list, err := o.accounts.open(ctx, s, values)
	if err != nil {
		return err
	}
	defer closeAll(list)
	parts := make([]*app.App, len(list))
	for i, m := range list {
		parts[i] = m.app(o.options(m.session, m.values))
	}
	unreached := reachAll(ctx, list, parts)
	announceAll(list, unreached, func(m member) string { return m.regionsOf(m.values) + m.eventsIn() }, mayWrite(values, o.act), o.dryRun)
	inputs, err := o.confirmAll(ctx, s, list, parts, unreached)
	if err != nil {
		return err
	}
	results := inEach(list, unreached, "run the cycle", func(_ member, i int) (report.Result, error) { return parts[i].Cycle.Run(ctx, inputs[i]) })
	s.progress.clear()
	result := report.Merged(results)
	result.DryRun, result.DurationMs = o.dryRun, since(began)
	report.AddCalls(result.Calls, s.clients.Calls())
	if err := o.print(s, result); err != nil {
		return err
	}
	return unless(results, o.outcome(ctx, result))
}

// confirmAll lists what the cycles would delete or stop in each account, and asks once, naming the
// accounts. All cycles measure the same window. An account whose list could not be made is not
// asked about: nothing is deleted or stopped in it.
func (o *cycleOptions) confirmAll(ctx context.Context, s *session, list []member, parts []*app.App, unreached []error) ([]cycle.Input, error) {
	now := s.clock.Now()
	inputs := make([]cycle.Input, len(list))
	for i, m := range list {
		inputs[i] = cycle.Input{Params: m.values, ScheduledAt: now}
	}
	if !o.accountsAsk(list) {
		return inputs, nil
	}
	var questions []string
	for i, m := range list {
		if unreached[i] != nil {
			continue
		}
		found, err := m.findIdle(ctx, parts[i])
		if err != nil {
			return nil, err
		}
		if inputs[i].MayEnd = found.arns(); len(found) > 0 {
			questions = append(questions, found.counted()+" in "+m.of.String())
		}
	}
	if len(questions) == 0 {
		return inputs, nil
	}
	question := strings.Join(questions, ", ")
	return inputs, o.confirm(ctx, s.streams, strings.ToUpper(question[:1])+question[1:]+"?")
}

// findIdle lists what would be deleted and stopped in the account. What could not be listed is noted, and
// nothing of it is found: the other accounts go on. The error is that of a context that ended.
func (m member) findIdle(ctx context.Context, parts *app.App) (ending, error) {
	fmt.Fprintf(m.streams.Err, "In account %s:\n", m.of)
	found, err := m.findEnding(ctx, parts, m.values)
	if err != nil && ctx.Err() == nil {
		m.streams.note("what is idle there could not be read: " + awsapi.Line(err))
	}
	return found, ctx.Err()
}

// accountsAsk reports whether a person has to confirm.
func (o *cycleOptions) accountsAsk(list []member) bool {
	return len(list) > 0 && o.asks(list[0].values) && !o.dryRun && !o.yes
}
