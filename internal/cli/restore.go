package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/audit/history"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

type restoreOptions struct {
	common
	record string
	file   string
	from   string
	groups []string
	noWait bool
	large  bool

	accounts accountOptions
}

func newRestore(g *global) *cobra.Command {
	o := &restoreOptions{}
	cmd := &cobra.Command{
		Use:   "restore [ARN]",
		Short: "Undo a deletion, a stop, or a change of a minimum or of training",
		Long: `Undo what the program did to a campaign or recommender: create a deleted campaign again
with the same name, solution version, minimum, configuration and tags, start a stopped
recommender, or set the former minimum. It waits until the resource is in service. Of a
solution it resumes or pauses automatic training again.

It needs the record of the action, which is in three places: the notification has it as one
word, ready to be pasted; the event has it in its detail; and the files that --audit-file
writes and the functions' logs have it among others, of which the latest about the ARN counts.

A record is checked, and what it would do is shown with its numbers, before anything is done.

Exit codes: 0 done, or nothing to do; 1 failed; 2 bad usage or configuration; 3 done,
but something that follows (a notification) failed, or the resource does not exist.`,
		Example: `  personalize-monitor restore --record eyJ0aW1lIjoi…
  personalize-monitor restore --event deleted.json
  personalize-monitor restore arn:aws:personalize:us-east-1:123456789012:campaign/home --from audit.jsonl
  personalize-monitor restore arn:aws:personalize:us-east-1:123456789012:campaign/home --log-group 'my-stack-*'`,
		Args: cobra.MaximumNArgs(1),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.record, "record", "", "the `WORD` out of a notification")
	flags.StringVar(&o.file, "event", "", "read an event, its detail or a record from this `FILE`, or - for stdin")
	flags.StringVar(&o.from, "from", "", "with an ARN: look for its latest action in this `FILE` of records")
	flags.StringSliceVar(&o.groups, "log-group", nil,
		"with an ARN: look for its latest action in these log groups, by `NAME`, ARN or beginning*")
	o.accounts.addFlags(cmd)
	o.addDryRun(cmd, "write nothing; show what would be done")
	o.addYes(cmd)
	addAllowLarge(cmd, &o.large)
	flags.BoolVar(&o.noWait, "no-wait", false, "do not wait until it is in service; a deletion in progress is waited for")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := cmp.Or(o.checkAsk(g.streams.without(o.file), "restore asks before it acts"), o.accounts.check()); err != nil {
			return err
		}
		record, err := o.findRecord(cmd.Context(), g, args)
		if err != nil {
			return err
		}
		return o.run(cmd.Context(), g, record)
	}
	return cmd
}

// findRecord reads the record from the place that the command line names.
func (o *restoreOptions) findRecord(ctx context.Context, g *global, args []string) (record events.Audit, err error) {
	places := slices.DeleteFunc([]string{o.record, o.file, o.from, strings.Join(o.groups, "")}, func(place string) bool { return place == "" })
	searched := o.from != "" || len(o.groups) > 0
	err = cmp.Or(
		reject(len(places) != 1, "give one record: --record WORD, --event FILE, or an ARN with --from FILE or --log-group NAME"),
		reject(searched != (len(args) == 1), "an ARN goes with --from or --log-group, and they with an ARN"),
	)
	switch {
	case err != nil:
	case searched:
		return o.latestRecord(ctx, g, args[0])
	case strings.HasPrefix(strings.TrimSpace(o.record), "{"):
		record, err = events.DecodeAudit([]byte(o.record))
	case o.record != "":
		record, err = events.FromToken(o.record)
	default:
		var payload []byte
		if payload, err = g.streams.readEvent(o.file); err == nil {
			if record, err = events.DecodeAudit(payload); err != nil {
				err = fmt.Errorf("read the event: %w", err)
			}
		}
	}
	return record, usage(err)
}

// latestRecord finds the latest action about a resource that can be undone. It fails if
// anything cannot be read, as that might be a later one.
func (o *restoreOptions) latestRecord(ctx context.Context, g *global, arn string) (events.Audit, error) {
	subject, err := events.ParseSubject(arn)
	if err != nil {
		return events.Audit{}, usage(err)
	}
	read, files := newHistoryReader(g, history.Filter{ARNs: []string{subject.String()}}), []string{}
	defer read.close()
	if o.from != "" {
		files = append(files, o.from)
	}
	if err := read.read(ctx, o.groups, files); err != nil {
		return events.Audit{}, fmt.Errorf("read the records: %w", err)
	}
	switch {
	case len(read.problems) > 0:
		return events.Audit{}, fmt.Errorf("read the records: %w", read.problems[0].Err)
	case read.unreadable > 0:
		return events.Audit{}, errors.New("not all records can be read, and the latest may be among them; " +
			"history --verbose shows those that can, with the command that undoes each")
	}
	if record, ok := latestRestorable(read.history.Records()); ok {
		return record, nil
	}
	return events.Audit{}, usage(fmt.Errorf("there is no record of an action about %s that could be undone", arn))
}

// latestRestorable finds the latest of the records, by time, whose action can be undone: one that was
// done, or was begun by a process that recorded no other outcome, as it was killed.
func latestRestorable(records []events.Audit) (latest events.Audit, ok bool) {
	ended := map[model.Action]bool{} // in vain
	for _, record := range slices.Backward(records) {
		switch record.Outcome {
		case events.OutcomeFailed, events.OutcomeRefused:
			ended[record.Action] = true
		case events.OutcomeBegun, events.OutcomeDone:
			if record.Restorable() == nil && (record.Outcome == events.OutcomeDone || !ended[record.Action]) {
				return record, true
			}
			ended[record.Action] = false
		}
	}
	return events.Audit{}, false
}

// run undoes the action of a record, and prints the answer.
func (o *restoreOptions) run(ctx context.Context, g *global, record events.Audit) error {
	values, err := config.Resolve(config.Sources{})
	if err != nil {
		return err
	}
	req, err := record.Request()
	if err != nil {
		return usage(err)
	}
	s, done, err := o.accounts.sessionFor(ctx, g, req.ARN)
	if err != nil {
		return err
	}
	defer done()
	parts := s.app(s.acting(values, o.dryRun))
	may := fmt.Sprintf("may create, start or change %s %s, and send events", req.Kind, req.ARN.Name())
	if err := s.announce(ctx, parts.Owner, "region "+req.ARN.Region(), may, o.dryRun); err != nil {
		return err
	}
	answer, err := parts.Actions.Restore(ctx, record, actions.RestoreOptions{
		NoWait: o.noWait, AllowLarge: o.large,
		Progress: s.waiting(),
		Confirm: func(ctx context.Context, what string) error {
			s.progress.clear()
			fmt.Fprintln(g.streams.Err, "to be done:", what)
			return o.confirm(ctx, g.streams, "Restore it?")
		},
	})
	return o.accounts.print(s, answer, err)
}
