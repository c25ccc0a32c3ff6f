package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// historyOptions are the settings of history as they are given.
type historyOptions struct {
	files    []string
	groups   []string
	since    string
	until    string
	arns     []string
	outcomes []string
	actions  []string
	output   string
	verbose  bool
}

func newHistory(g *global) *cobra.Command {
	o := &historyOptions{}
	cmd := &cobra.Command{
		Use:   "history [FILE...]",
		Short: "List what was decided and done, and why",
		Long: `List the records of what was decided and done: when, to what, why, what came of it, and
with --verbose how to undo it. They are read from files with a record, a log line or an
event on each line (- for stdin), and from CloudWatch log groups, such as those of the
functions: /aws/lambda/ and the function's name. Each record is shown once, the newest
last. Lines without a record are passed over.

Times are dates (2026-07-01), with a time if wanted (2026-07-01T09:30), both UTC or with
their own zone (2026-07-01T09:30:00+02:00), or how long ago (90m, 24h, 7d, 2w).

Exit codes: 0 done, also if there was nothing; 1 failed; 2 bad usage or configuration;
3 shown, but some of it could not be read.`,
		Example: `  personalize-monitor history audit.jsonl --outcome done --verbose
  personalize-monitor history --log-group '/aws/lambda/personalize-monitor-*' --since 7d`,
		Args: cobra.ArbitraryArgs,
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&o.groups, "log-group", nil, "read these log groups: `NAMES` or ARNs; a * at the end stands for the rest of a name")
	flags.StringVar(&o.since, "since", "", "only records from this `TIME` on (default: 24h if there is a log group, else all)")
	flags.StringVar(&o.until, "until", "", "only records before this `TIME`, or of this day and before")
	flags.StringSliceVar(&o.arns, "arn", nil, "only those about these campaigns and recommenders (`ARNS`)")
	flags.StringSliceVar(&o.outcomes, "outcome", nil, "only these `OUTCOMES`: "+strings.Join(auditOutcomes, ", "))
	flags.StringSliceVar(&o.actions, "action", nil, "only these `ACTIONS`: "+strings.Join(auditActions, ", "))
	flags.StringVar(&o.output, "output", "table", "`FORM` of the result: table, json or csv")
	flags.BoolVar(&o.verbose, "verbose", false, "show the command that undoes each action, where there is one")
	complete(cmd, "output", []string{"table", "json", "csv"})
	complete(cmd, "outcome", auditOutcomes)
	complete(cmd, "action", auditActions)
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.files = args
		return g.showHistory(cmd.Context(), o)
	}
	return cmd
}

// What records may say.
var (
	auditOutcomes = []string{
		events.OutcomeDone, events.OutcomeAsked, events.OutcomeAlready, events.OutcomeDryRun, events.OutcomeRefused, events.OutcomeFailed,
	}
	auditActions = []string{
		string(model.ActionUpdate), string(model.ActionDelete), string(model.ActionStop), string(model.ActionStart),
		string(model.ActionRestore),
	}
)

// showHistory reads the records and prints them. Nothing is read before all the words of
// the command line are known to be good.
func (g *global) showHistory(ctx context.Context, o *historyOptions) error {
	filter, err := o.filter(model.SystemClock{}.Now())
	if err != nil {
		return usage(err)
	}
	files, err := g.openAll(o.files)
	defer func() {
		for _, file := range files {
			_ = file.Close() // read only
		}
	}()
	if err != nil {
		return usage(err)
	}
	r := g.newHistoryRead(filter, len(o.files))
	if err := r.logGroups(ctx, g, o.groups); err != nil {
		return err
	}
	for i, name := range o.files {
		r.file(ctx, name, files[i])
	}
	r.progress.clear()
	if ctx.Err() != nil {
		return errNotRead
	}
	r.tellFaults()
	return g.printHistory(r, o)
}

// errNotRead ends a history that was interrupted: half of it could be taken for all.
var errNotRead = errors.New("not read to the end, so nothing is shown")

// openAll opens the files, in their order; - is stdin. The error names all that cannot be
// opened.
func (g *global) openAll(names []string) ([]io.ReadCloser, error) {
	var files []io.ReadCloser
	var faults []error
	stdin := false
	for _, name := range names {
		switch {
		case name != "-":
		case stdin || g.streams.In == nil:
			faults = append(faults, errors.New("- is given twice, or there is no standard input"))
			continue
		default:
			stdin = true
			files = append(files, io.NopCloser(g.streams.In))
			continue
		}
		file, err := os.Open(name)
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

// maxFaults is how many unreadable records are told one by one.
const maxFaults = 20

// historyRead is a history being read, and what could not be.
type historyRead struct {
	history  *audit.History
	err      io.Writer
	progress *progress
	sources  int // files and log groups
	faults   []audit.Fault
	unread   int // how many faults there were
	problems []model.Problem
	failed   error // the first of the problems
}

func (g *global) newHistoryRead(filter audit.Filter, files int) *historyRead {
	r := &historyRead{err: g.streams.Err, progress: newProgress(g.streams.Err), sources: files}
	r.history = audit.New(filter, func(f audit.Fault) {
		if r.unread++; r.unread <= maxFaults {
			r.faults = append(r.faults, f)
		}
	})
	return r
}

// tellFaults names the records that cannot be read.
func (r *historyRead) tellFaults() {
	for _, f := range r.faults {
		fmt.Fprintf(r.err, "%s: %s\n", f.Where, oneLine(f.Err.Error()))
	}
	if more := r.unread - len(r.faults); more > 0 {
		fmt.Fprintf(r.err, "and %d more that cannot be read\n", more)
	}
}

func (r *historyRead) problem(p model.Problem) {
	r.failed = cmp.Or(r.failed, p.Err)
	p.Err = awsapi.Plain(p.Err)
	r.problems = append(r.problems, p)
}

// file reads one file.
func (r *historyRead) file(ctx context.Context, name string, in io.Reader) {
	r.progress.show("reading "+name, 0, 0)
	if name == "-" {
		name = "stdin"
	}
	ended := make(chan error, 1)
	// Reading a terminal or a pipe cannot be called off: on Ctrl-C this ends with the process.
	go func() { ended <- r.history.ReadLines(ctx, name, in) }()
	select {
	case <-ctx.Done():
	case err := <-ended:
		if err != nil && ctx.Err() == nil {
			r.problem(model.Problem{Region: name, Operation: "read", Err: err})
		}
	}
}

// logGroups reads log groups. The error says that nothing of them can be read at all.
func (r *historyRead) logGroups(ctx context.Context, g *global, names []string) error {
	if len(names) == 0 {
		return nil
	}
	groups, err := parseGroups(names)
	if err != nil {
		return usage(err)
	}
	s, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	for i := range groups {
		groups[i].Region = cmp.Or(groups[i].Region, s.config.Region)
	}
	reader := audit.NewReader(s.clients)
	groups = r.expand(ctx, g, reader, groups)
	r.readGroups(ctx, g, reader, groups)
	return nil
}

// parseGroups reads the groups, each once. Those not named by an ARN have no region yet.
func parseGroups(names []string) ([]audit.Group, error) {
	var groups []audit.Group
	var faults []error
	seen := map[audit.Group]bool{}
	for _, name := range names {
		group, err := audit.ParseGroup(strings.TrimSpace(name), "")
		if err != nil {
			faults = append(faults, fmt.Errorf("--log-group %w", err))
		} else if !seen[group] {
			groups = append(groups, group)
		}
		seen[group] = true
	}
	return groups, errors.Join(faults...)
}

// expand replaces beginnings of names by the groups that have them.
func (r *historyRead) expand(ctx context.Context, g *global, reader *audit.Reader, groups []audit.Group) []audit.Group {
	var all []audit.Group
	for _, group := range groups {
		found, err := reader.Groups(ctx, group)
		if err != nil {
			r.groupFailed(g, group, "DescribeLogGroups", err)
			r.sources++
		}
		all = append(all, found...)
	}
	return all
}

// groupsAtOnce is how many log groups are read side by side. Their calls share one limit
// for each region.
const groupsAtOnce = 4

// readGroups reads the groups; what fails is kept as a problem, in their order.
func (r *historyRead) readGroups(ctx context.Context, g *global, reader *audit.Reader, groups []audit.Group) {
	r.sources += len(groups)
	errs := make([]error, len(groups))
	var work errgroup.Group
	work.SetLimit(groupsAtOnce)
	for i, group := range groups {
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
			r.groupFailed(g, groups[i], "FilterLogEvents", err)
		}
	}
}

// groupFailed keeps the problem of a log group. The embedded AWS begins without any log
// group: there, one that is missing is an empty one.
func (r *historyRead) groupFailed(g *global, group audit.Group, operation string, err error) {
	missing := awsapi.KindOf(err) == awsapi.NotFound || errors.Is(err, audit.ErrNoGroup)
	switch {
	case g.local && missing:
		fmt.Fprintf(r.err, "the embedded AWS has no log group %s\n", group)
		return
	case missing:
		err = &hinted{err, fmt.Sprintf("aws logs describe-log-groups --region %s shows their names; they come with the first line that is logged", group.Region)}
	case awsapi.KindOf(err).Transient():
		err = &hinted{err, "try again, perhaps with a shorter time (--since, --until)"}
	}
	r.problem(model.Problem{Region: group.Region, Operation: operation, Err: err})
}

// hinted is an error with a hint of its own.
type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

// printHistory prints what was read, and says by the error what was not.
func (g *global) printHistory(r *historyRead, o *historyOptions) error {
	records := r.history.Records()
	if len(records) == 0 && len(r.problems) > 0 && len(r.problems) == r.sources {
		for _, p := range r.problems[1:] {
			fmt.Fprintln(g.streams.Err, p.Err)
		}
		return r.failed
	}
	result := report.History{Unreadable: r.unread, Problems: r.problems}
	for _, a := range records {
		result.Records = append(result.Records, decided(a))
	}
	if err := g.writeHistory(result, o); err != nil {
		return fmt.Errorf("print the history: %w", err)
	}
	if len(records) == 0 {
		fmt.Fprintln(g.streams.Err, nothingFound(r.history.Filter()))
	}
	if result.Failed() {
		return &exit{code: ExitPartial}
	}
	return nil
}

func (g *global) writeHistory(result report.History, o *historyOptions) error {
	out := g.streams.Out
	switch o.output {
	case "json":
		return result.WriteJSON(out)
	case "csv":
		g.tellProblems(result.Problems) // it has no room for them
		return result.WriteCSV(out)
	}
	return result.WriteTable(out, terminalWidth(out), g.streams.color(out), o.verbose)
}

// nothingFound says that there are no records, and which there might have been.
func nothingFound(f audit.Filter) string {
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

// decided is a record in the form of reports.
func decided(a events.Audit) report.Decided {
	d := report.Decided{
		Time: a.Time, ARN: a.ARN, Kind: a.Kind, Region: a.Region, Action: string(a.Action), Outcome: a.Outcome,
		Automatic: a.Automatic, Reason: a.Reason, NewMinTPS: a.NewMinTPS, Restore: a.Restore,
	}
	if arn, err := model.ParseARN(a.ARN); err == nil {
		d.Name = arn.Name()
	}
	if a.Inputs != nil {
		d.Min, d.Inputs = a.Inputs.MinTPS, rawOf(a.Inputs)
	}
	if a.Before != nil {
		d.Min, d.Before = a.Before.MinTPS, rawOf(a.Before)
	}
	return d
}
