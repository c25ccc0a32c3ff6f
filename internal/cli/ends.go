package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// ending are the campaigns and recommenders that a cycle would delete or stop now.
type ending []report.Resource

// findEnding runs a cycle that writes nothing, and shows on stderr what one that acts would delete or
// stop now. Every resource is checked, whenever its check is due.
func (s *session) findEnding(ctx context.Context, parts *app.App, values config.Values) (ending, error) {
	values.HourlyChecks = model.Always
	result, err := parts.ReadOnlyCycle().Run(ctx, cycle.Input{Params: values})
	s.progress.clear()
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var found ending
	for _, one := range result.Resources {
		if one.Decision.Action().Ends() {
			found = append(found, one)
		}
	}
	for i, one := range found {
		if i == 0 {
			fmt.Fprintln(s.streams.Err, "To be deleted or stopped, each after a check on fresh data:")
		}
		s.streams.note(model.OneLine(fmt.Sprintf("- %s %s %s (%s): %s", one.Decision, one.Kind, one.Name, one.Region, one.Reason)))
	}
	if len(found) == 0 {
		fmt.Fprintln(s.streams.Err, "Nothing is to be deleted or stopped now.")
	}
	if n := len(result.Problems); n > 0 {
		s.streams.note(model.Plural(n, "problem") + ": of what could not be read, nothing is deleted or stopped. plan shows them.")
	}
	return found, nil
}

// arns are those that a person has confirmed; never nil.
func (e ending) arns() map[string]bool {
	list := map[string]bool{}
	for _, one := range e {
		list[one.ARN] = true
	}
	return list
}

// question names what is confirmed, as in "Delete 2 campaigns and stop 1 recommender?".
func (e ending) question() string {
	text := e.counted()
	return strings.ToUpper(text[:1]) + text[1:] + "?"
}

// counted is what would be deleted and stopped, as in "delete 2 campaigns and stop 1 recommender".
func (e ending) counted() string {
	counts := map[rules.Verdict]int{}
	for _, one := range e {
		counts[one.Decision]++
	}
	var parts []string
	if n := counts[rules.Delete]; n > 0 {
		parts = append(parts, "delete "+model.Plural(n, string(model.Campaign)))
	}
	if n := counts[rules.Stop]; n > 0 {
		parts = append(parts, "stop "+model.Plural(n, string(model.Recommender)))
	}
	return strings.Join(parts, " and ")
}
