package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/params"
)

// restoreOptions are the settings of restore.
type restoreOptions struct {
	record string
	file   string
	dryRun bool
	noWait bool
}

func newRestore(g *global) *cobra.Command {
	o := &restoreOptions{}
	cmd := &cobra.Command{
		Use:   "restore [ARN]",
		Short: "Undo a deletion, a stop or a change of a minimum",
		Long: `Undo what the program did to a campaign or recommender: create a deleted campaign anew
with the same name, solution version, minimum, configuration and tags, start a stopped
recommender, or set the former minimum. It waits until the resource is in service.

What is needed stands in the record of the action, which is found in three places: the
notification has it as one word, ready to be pasted; the event has it in its detail; and
the files that --audit-file writes have it among others, of which the latest about the
ARN counts.

Exit codes: 0 done, or nothing to do; 1 failed; 2 bad usage or configuration; 3 done,
but something that follows (a notification) failed.`,
		Example: `  personalize-monitor restore --record eyJ0aW1lIjoi…
  personalize-monitor restore --event deleted.json
  personalize-monitor restore arn:aws:personalize:us-east-1:123456789012:campaign/home --from audit.jsonl`,
		Args: cobra.MaximumNArgs(1),
	}
	var from string
	flags := cmd.Flags()
	flags.StringVar(&o.record, "record", "", "the `WORD` out of a notification")
	flags.StringVar(&o.file, "event", "", "read an event, its detail or a record from this `FILE`, or - for stdin")
	flags.StringVar(&from, "from", "", "with an ARN: look for its latest action in this `FILE` of records")
	flags.BoolVar(&o.dryRun, "dry-run", false, "write nothing; tell what would be done")
	flags.BoolVar(&o.noWait, "no-wait", false, "do not wait until the resource is in service")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		record, err := g.findRecord(args, o, from)
		if err != nil {
			return usage(err)
		}
		return g.runRestore(cmd.Context(), record, o)
	}
	return cmd
}

// findRecord reads the record from wherever the command line says.
func (g *global) findRecord(args []string, o *restoreOptions, from string) (events.Audit, error) {
	given := 0
	for _, place := range []string{o.record, o.file, from} {
		if place != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return events.Audit{}, errors.New("say where the record is: one of --record WORD, --event FILE, or an ARN with --from FILE")
	case (from != "") != (len(args) == 1):
		return events.Audit{}, errors.New("an ARN goes with --from, and --from with an ARN")
	case o.record != "" && strings.HasPrefix(strings.TrimSpace(o.record), "{"):
		return events.DecodeAudit([]byte(o.record))
	case o.record != "":
		return events.FromToken(o.record)
	case o.file != "":
		payload, err := g.readEvent(o.file)
		if err != nil {
			return events.Audit{}, fmt.Errorf("read the event: %w", err)
		}
		return events.DecodeAudit(payload)
	}
	return g.latestRecord(args[0], from)
}

// latestRecord finds the latest action about a resource that can be undone.
func (g *global) latestRecord(arn, from string) (events.Audit, error) {
	req, err := events.NewRequest(arn)
	if err != nil {
		return events.Audit{}, err
	}
	payload, err := g.readEvent(from)
	if err != nil {
		return events.Audit{}, fmt.Errorf("read the records: %w", err)
	}
	var latest events.Audit
	for line := range strings.Lines(string(payload)) {
		record, err := events.DecodeAudit([]byte(line))
		if err != nil || record.ARN != req.ARN.String() || act.RestoreCommand(record) == "" {
			continue // other records, and lines of other things
		}
		if !record.Time.Before(latest.Time) {
			latest = record
		}
	}
	if latest.ARN == "" {
		return latest, fmt.Errorf("%s holds no record of an action about %s that could be undone", from, arn)
	}
	return latest, nil
}

// runRestore restores what a record tells of, and prints the answer.
func (g *global) runRestore(ctx context.Context, record events.Audit, o *restoreOptions) error {
	values, err := params.Resolve(params.Sources{})
	if err != nil {
		return err
	}
	req, err := events.NewRequest(record.ARN)
	if err != nil {
		return usage(err)
	}
	s, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	actor, _ := g.wire(s, values, wiring{dryRun: o.dryRun})
	may := "reads only"
	if !o.dryRun {
		may = fmt.Sprintf("may create, start or change %s %s, and send events", req.Kind, req.ARN.Name())
	}
	if err := g.announce(ctx, actor, "region "+req.ARN.Region, may); err != nil {
		return err
	}
	answer, err := actor.Restore(ctx, record, act.RestoreOptions{NoWait: o.noWait, Progress: func(what string) {
		_, _ = fmt.Fprintln(g.streams.Err, what) // progress; nothing depends on it
	}})
	if err != nil {
		return err
	}
	return g.printAnswer(answer)
}
