package cli

import (
	"cmp"
	"context"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/audit/history"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

type savedOptions struct {
	wanted    bool
	auditFile *string // the flag of all commands
	groups    []string
	since     *string // the flag of report
}

func (o *savedOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&o.wanted, "savings", false, "show what the actions on record have saved; needs --audit-file or --log-group")
	flags.StringSliceVar(&o.groups, "log-group", nil, "with --savings, read the records of these log groups: `NAMES` or ARNs; "+
		"a * at the end matches the rest of a name")
}

// groupsSince is how far back log groups are read without --since: as long as 5 minutes are kept.
const groupsSince = "63d"

// check rejects settings that contradict each other, before any AWS call.
func (o *savedOptions) check(html string) error {
	if !o.wanted {
		return reject(len(o.groups) > 0, "--log-group is for --savings; add it")
	}
	_, badGroups := parseGroups(o.groups)
	_, badTime := o.filter(time.Now())
	err := cmp.Or(
		reject(html != "", "--savings has no page; leave out --html"),
		reject(*o.auditFile == "" && len(o.groups) == 0, "--savings needs the audit records: add --audit-file or --log-group"),
		usage(badGroups), usage(badTime),
	)
	if err != nil || *o.auditFile == "" {
		return err
	}
	info, err := os.Stat(*o.auditFile)
	return cmp.Or(
		reject(err != nil, "--audit-file: %w", err),
		reject(err == nil && !info.Mode().IsRegular(), "--audit-file: %s is not a file, so that no record can be read from it", *o.auditFile),
	)
}

// filter selects what was done. Filters of log groups take only what a record has for certain.
func (o *savedOptions) filter(now time.Time) (history.Filter, error) {
	since := *o.since
	if since == "" && len(o.groups) > 0 {
		since = groupsSince
	}
	from, err := parseTime("--since", since, now, false)
	return history.Filter{Since: from, Outcomes: []string{events.OutcomeDone}}, err
}

// run reads the records, meters in each account what the records about it have saved, and prints the ledger
// of savings, with what could not be read of the records.
func (o *savedOptions) run(ctx context.Context, s *session, list []member, r *reportOptions) error {
	filter, err := o.filter(s.clock.Now())
	if err != nil {
		return usage(err)
	}
	reader, files := newHistoryReader(s.global, filter), []string{}
	reader.session = s
	if *o.auditFile != "" {
		files = append(files, *o.auditFile)
	}
	if err := reader.read(ctx, o.groups, files); err != nil {
		return err
	}
	records := reader.history.Records()
	saved, none, err := inEach(list, "meter savings", report.MergedSaved, func(m member) (report.Saved, error) {
		return m.parts.Savings(r.prices.source(m.session)).Run(ctx, cycle.SavingsInput{Params: m.values, Records: recordsOf(records, m.of)})
	})
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return errNotRead
	}
	saved.Records, saved.Unreadable, saved.Problems = len(records), reader.unreadable, append(saved.Problems, reader.problemsFound()...)
	return s.streams.finish(saved, r.output, none, saved.Failed())
}

// recordsOf are the audit records about resources of an account.
func recordsOf(records []events.Audit, of model.Account) []events.Audit {
	if of.ID == "" { // the only account
		return records
	}
	return slices.DeleteFunc(slices.Clone(records), func(a events.Audit) bool {
		arn, err := model.ParseARN(a.ARN)
		return err != nil || arn.Account() != of.ID
	})
}
