package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/audit/history"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// historyOptions are the settings of history as they are given.
type historyOptions struct {
	common
	files    []string
	groups   []string
	since    string
	until    string
	arns     []string
	outcomes []string
	actions  []string
	verbose  bool
	effects  bool
}

func newHistory(g *global) *cobra.Command {
	o := &historyOptions{}
	cmd := &cobra.Command{
		Use:   "history [FILE...]",
		Short: "List what was decided and done, and why",
		Long: `List the records of decisions and actions: when, on which resource, why, the outcome,
and with --verbose how to undo it. They are read from files with a record, a log line or
an event on each line (- for stdin), and from CloudWatch log groups, such as that of the
functions: the stack's output LogGroup. Each record is shown once, the newest last.
Lines without a record are skipped. Log lines may be as docker (json-file), journalctl
-o json --all or aws logs filter-log-events write them, which wrap them in JSON.

Times are dates (2026-07-01), with a time if wanted (2026-07-01T09:30), both UTC or with
their own zone (2026-07-01T09:30:00+02:00), or how long ago (90m, 24h, 7d, 2w).

With --effects or a log group, CloudWatch is read for what came before and after each
step-down of the last 62 days: the share of calls that failed, the response time and the
5-minute steps in which demand came faster than capacity is added (cold steps).

Exit codes: 0 done, also if no record is selected; 1 failed; 2 bad usage or configuration;
3 shown, but some of it could not be read, or the files have no record at all.`,
		Example: `  personalize-monitor history audit.jsonl --outcome done --verbose
  personalize-monitor history --log-group 'personalize-monitor-*' --since 7d`,
		Args: cobra.ArbitraryArgs,
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&o.groups, "log-group", nil, "read these log groups: `NAMES` or ARNs; a * at the end matches the rest of a name")
	flags.StringVar(&o.since, "since", "", "only records from this `TIME` on (default: 24h if there is a log group, else all)")
	flags.StringVar(&o.until, "until", "", "only records before this `TIME`, or of this day and before")
	flags.StringSliceVar(&o.arns, "arn", nil, "only those about these campaigns and recommenders (`ARNS`)")
	flags.StringSliceVar(&o.outcomes, "outcome", nil, "only these `OUTCOMES`: "+strings.Join(auditOutcomes, ", "))
	flags.StringSliceVar(&o.actions, "action", nil, "only these `ACTIONS`: "+strings.Join(auditActions, ", "))
	o.addOutput(cmd)
	flags.BoolVar(&o.verbose, "verbose", false, "show the command that undoes each action, where there is one")
	flags.BoolVar(&o.effects, "effects", false, "show failed calls, response time and cold steps before and after each step-down "+
		"(always with a log group)")
	complete(cmd, "outcome", auditOutcomes)
	complete(cmd, "action", auditActions)
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.files = args
		return o.run(cmd.Context(), g)
	}
	return cmd
}

// Outcomes and actions of records.
var (
	auditOutcomes = []string{
		events.OutcomeDone, events.OutcomeAsked, events.OutcomeBegun, events.OutcomeAlready,
		events.OutcomeDryRun, events.OutcomeRefused, events.OutcomeFailed,
	}
	auditActions = []string{
		string(model.ActionUpdate), string(model.ActionDelete), string(model.ActionStop), string(model.ActionStart), string(model.ActionRestore),
		string(model.ActionPause), string(model.ActionResume),
	}
)

// errNotRead ends a history that was interrupted: half of it could be mistaken for all.
var errNotRead = errors.New("not read to the end, so nothing is shown")

// run reads the records and prints them. It reads only when the whole command line is
// known to be valid.
func (o *historyOptions) run(ctx context.Context, g *global) error {
	filter, err := o.filter(model.SystemClock{}.Now())
	if err != nil {
		return usage(err)
	}
	r := newHistoryReader(g, filter)
	if err := r.read(ctx, o.groups, o.files); err != nil {
		return err
	}
	r.unreadable.print(g.streams.Err)
	records := r.history.Records()
	if len(records) == 0 && len(r.problems) > 0 && len(r.problems) == r.sources {
		return r.failure()
	}
	result := report.History{Unreadable: r.unreadable.count, Commands: o.verbose}
	for _, record := range records {
		result.Records = append(result.Records, report.RecordOf(record))
	}
	if o.effects || len(o.groups) > 0 {
		if err := r.addEffects(ctx, result.Records); err != nil {
			return err
		}
	}
	for _, p := range r.problems {
		result.Problems = append(result.Problems, model.Problem{Region: p.Region, Operation: p.Operation, Err: awsapi.Plain(p.Err)})
	}
	if err := g.streams.print(result, o.output); err != nil {
		return err
	}
	if seen := r.history.Seen(); seen.Records == 0 && len(o.files) > 0 {
		fmt.Fprintln(g.streams.Err, noRecords(seen))
		return partial(true)
	}
	if len(records) == 0 {
		fmt.Fprintln(g.streams.Err, nothingFound(filter))
	}
	return partial(result.Failed())
}

// read reads the log groups and files, all of them or none.
func (r *historyReader) read(ctx context.Context, groups, names []string) error {
	files, err := r.streams.openAll(ctx, names)
	defer func() {
		for _, file := range files {
			_ = file.Close() // read only
		}
	}()
	switch {
	case ctx.Err() != nil:
		return errNotRead
	case err != nil:
		return usage(err)
	}
	if err := r.readGroups(ctx, groups); err != nil {
		return err
	}
	for i, name := range names {
		r.readFile(ctx, name, files[i])
	}
	r.progress.clear()
	if ctx.Err() != nil {
		return errNotRead
	}
	return nil
}

// failure is the first problem, where no source could be read. The others are printed.
func (r *historyReader) failure() error {
	for _, p := range r.problems[1:] {
		fmt.Fprintln(r.streams.Err, awsapi.Plain(p.Err))
	}
	return r.problems[0].Err
}

// noRecords is what was understood of files without a record.
func noRecords(seen history.Seen) string {
	if seen.Lines == 0 {
		return "no records: there is nothing in the input"
	}
	var kinds []string
	for _, kind := range []struct {
		n    int
		what string
	}{
		{seen.Wrapped, "a log line that docker, the journal or CloudWatch Logs wrapped in JSON"},
		{seen.Objects - seen.Wrapped, "other JSON"},
		{seen.Lines - seen.Objects, "text"},
	} {
		if kind.n > 0 {
			kinds = append(kinds, fmt.Sprintf("%d %s", kind.n, kind.what))
		}
	}
	return fmt.Sprintf("no records: of %s, %s. A record is a line of --audit-file, a line of this program's log with the key audit, "+
		"or an event",
		model.Plural(seen.Lines, "line"), strings.Join(kinds, ", "))
}

// nothingFound is that there are no records that the filter wants.
func nothingFound(f history.Filter) string {
	text := "no records"
	if len(f.ARNs)+len(f.Outcomes)+len(f.Actions) > 0 {
		text = "no such records"
	}
	if !f.Since.IsZero() {
		text += " since " + f.Since.UTC().Format(time.RFC3339)
	}
	if !f.Until.IsZero() {
		text += " until " + f.Until.UTC().Format(time.RFC3339)
	}
	return text
}

// openAll opens the files, in their order; - is stdin. The error names all that cannot be
// opened.
func (s Streams) openAll(ctx context.Context, names []string) ([]io.ReadCloser, error) {
	var files []io.ReadCloser
	var faults []error
	stdin := s.In
	for _, name := range names {
		if name == "-" {
			if stdin == nil {
				faults = append(faults, errors.New("- is given twice, or there is no standard input"))
			}
			files, stdin = append(files, io.NopCloser(stdin)), nil
			continue
		}
		file, err := openFile(ctx, name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		files = append(files, file)
		if info, err := file.Stat(); err == nil && info.IsDir() {
			faults = append(faults, fmt.Errorf("%s is a directory", name))
		}
	}
	return files, errors.Join(faults...)
}

// openFile opens a file to read it. A named pipe that no one writes to would block: on Ctrl-C that
// ends with the process.
func openFile(ctx context.Context, name string) (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	ended := make(chan opened, 1)
	go func() {
		file, err := os.Open(name)
		ended <- opened{file, err}
	}()
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("open %s: %w", name, ctx.Err())
	case o := <-ended:
		return o.file, o.err
	}
}

// maxFaults is how many unreadable records are named one by one.
const maxFaults = 20

// historyReader reads records, and keeps what cannot be read.
type historyReader struct {
	*global
	history    *history.History
	progress   *progress
	unreadable *unreadable
	sources    int             // files and log groups
	problems   []model.Problem // of whole sources
}

func newHistoryReader(g *global, filter history.Filter) *historyReader {
	u := &unreadable{}
	return &historyReader{global: g, history: history.New(filter, u.add), progress: newProgress(g.streams.Err), unreadable: u}
}

// unreadable are records that cannot be read.
type unreadable struct {
	count int
	first []history.Fault // at most maxFaults
}

func (u *unreadable) add(f history.Fault) {
	if u.count++; u.count <= maxFaults {
		u.first = append(u.first, f)
	}
}

func (u *unreadable) print(w io.Writer) {
	for _, f := range u.first {
		fmt.Fprintln(w, oneLine(f.Where+": "+f.Err.Error()))
	}
	if more := u.count - len(u.first); more > 0 {
		fmt.Fprintf(w, "and %d more that cannot be read\n", more)
	}
}

// readFile reads one file.
func (r *historyReader) readFile(ctx context.Context, name string, in io.Reader) {
	r.sources++
	r.progress.show("reading "+name, 0, 0)
	if name == "-" {
		name = "stdin"
	}
	ended := make(chan error, 1)
	// Reading a terminal or a pipe cannot be canceled: on Ctrl-C this ends with the process.
	go func() { ended <- r.history.ReadLines(ctx, name, in) }()
	select {
	case <-ctx.Done():
	case err := <-ended:
		if err != nil && ctx.Err() == nil {
			r.problems = append(r.problems, model.Problem{Region: name, Operation: "read", Err: err})
		}
	}
}

// groupsAtOnce is how many log groups are read side by side. Their calls share one limit
// for each region.
const groupsAtOnce = 4

// readGroups reads log groups; what fails is kept as a problem, in their order. The error means
// that none can be read at all.
func (r *historyReader) readGroups(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	if _, err := parseGroups(names); err != nil {
		return usage(err)
	}
	s, err := r.open(ctx, setup{})
	if err != nil {
		return err
	}
	defer s.close()
	return r.readGroupsIn(ctx, s, names)
}

// readGroupsIn reads log groups of a session's account, as readGroups does.
func (r *historyReader) readGroupsIn(ctx context.Context, s *session, names []string) error {
	groups, err := parseGroups(names)
	if err != nil {
		return usage(err)
	}
	reader := history.NewReader(s.clients)
	var all []history.Group
	for _, group := range groups {
		group.Region = cmp.Or(group.Region, s.config.Region)
		found, err := reader.Groups(ctx, group) // a name with * may be that of several
		if err != nil {
			r.sources++
			r.groupFailed(group, "DescribeLogGroups", err)
		}
		all = append(all, found...)
	}
	r.sources += len(all)
	errs := make([]error, len(all))
	var work errgroup.Group
	work.SetLimit(groupsAtOnce)
	for i, group := range all {
		work.Go(func() error {
			errs[i] = reader.Read(ctx, group, r.history, func(pages int) {
				r.progress.show(fmt.Sprintf("reading %s: page %d, %d records so far", group, pages, r.history.Len()), 0, 0)
			})
			return nil
		})
	}
	_ = work.Wait() // each has its own error
	for i, err := range errs {
		if err != nil {
			r.groupFailed(all[i], "FilterLogEvents", err)
		}
	}
	return nil
}

// addEffects adds how calls fared before and after step-downs. The error means that no account
// was found to read it from.
func (r *historyReader) addEffects(ctx context.Context, records []report.AuditRecord) error {
	if !slices.ContainsFunc(records, func(record report.AuditRecord) bool { _, ok := record.Step(); return ok }) {
		return nil
	}
	s, err := r.open(ctx, setup{})
	if err != nil {
		return err
	}
	defer s.close()
	r.problems = append(r.problems, s.addEffects(ctx, records)...)
	s.progress.clear()
	return nil
}

// parseGroups reads the groups, each once. Those not named by an ARN have no region yet.
func parseGroups(names []string) ([]history.Group, error) {
	var groups []history.Group
	var faults []error
	seen := map[history.Group]bool{}
	for _, name := range names {
		group, err := history.ParseGroup(strings.TrimSpace(name), "")
		if err != nil {
			faults = append(faults, fmt.Errorf("--log-group %w", err))
		} else if !seen[group] {
			groups = append(groups, group)
		}
		seen[group] = true
	}
	return groups, errors.Join(faults...)
}

// groupFailed keeps the problem of a log group. The embedded AWS starts without log groups:
// there, one that does not exist counts as empty.
func (r *historyReader) groupFailed(group history.Group, operation string, err error) {
	missing := awsapi.KindOf(err) == awsapi.NotFound || errors.Is(err, history.ErrNoGroup)
	switch {
	case r.local && missing:
		fmt.Fprintf(r.streams.Err, "the embedded AWS has no log group %s\n", group)
		return
	case missing:
		err = &exit{ExitFailed, err, fmt.Sprintf(
			"aws logs describe-log-groups --region %s shows their names; they exist from the first line that is logged", group.Region)}
	case awsapi.KindOf(err) == awsapi.Unreachable: // the hint of all commands
	case awsapi.KindOf(err).Transient():
		err = &exit{ExitFailed, err, "try again, perhaps with a shorter time (--since, --until)"}
	}
	r.problems = append(r.problems, model.Problem{Region: group.Region, Operation: operation, Err: err})
}
