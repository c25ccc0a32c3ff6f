package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/audit/history"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

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
	o.form.joined = true
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
	filter, err := o.filter(model.SystemClock{}.Now(), o.form.check())
	if err != nil {
		return usage(err)
	}
	r := newHistoryReader(g, filter)
	defer r.close()
	if err := r.read(ctx, o.groups, o.files); err != nil {
		return err
	}
	records := r.history.Records()
	result := report.History{Unreadable: r.unreadable, Commands: o.verbose}
	for _, record := range records {
		result.Records = append(result.Records, report.RecordOf(record))
	}
	if o.effects || len(o.groups) > 0 {
		if err := r.addEffects(ctx, result.Records); err != nil {
			return err
		}
	}
	result.Problems = r.problemsFound()
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

// usualSince is how far back from now, or from an earlier --until, log groups are read without --since: a
// page of them costs a call, and there may be years.
const usualSince = 24 * time.Hour

// filter is which records are wanted, now being the time that durations count from. The error
// has all that is wrong with the flags, after what is known already.
func (o *historyOptions) filter(now time.Time, known ...error) (history.Filter, error) {
	since, badSince := parseTime("--since", o.since, now, false)
	until, badUntil := parseTime("--until", o.until, now, true)
	if o.since == "" && len(o.groups) > 0 {
		since = now.Add(-usualSince)
		if !until.IsZero() && !until.After(since) {
			since = until.Add(-usualSince)
		}
	}
	f := history.Filter{Since: since, Until: until, ARNs: o.arns}
	faults := append(known,
		reject(len(o.files)+len(o.groups) == 0, "nothing to read: name files, - for stdin, or log groups with --log-group"), badSince, badUntil,
		reject(cmp.Or(badSince, badUntil) == nil && !until.IsZero() && !since.Before(until),
			"--since (%s) is not before --until (%s)", since.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339)),
	)
	for _, text := range o.arns {
		_, err := events.ParseSubject(text)
		faults = append(faults, err)
	}
	for _, text := range o.outcomes {
		outcome := strings.ReplaceAll(text, "-", " ")
		faults = append(faults, oneOf("--outcome", outcome, auditOutcomes))
		f.Outcomes = append(f.Outcomes, outcome)
	}
	for _, text := range o.actions {
		faults = append(faults, oneOf("--action", text, auditActions))
		f.Actions = append(f.Actions, model.Action(text))
	}
	return f, errors.Join(faults...)
}

// daysPattern matches days and weeks, which time.ParseDuration does not have.
var daysPattern = regexp.MustCompile(`^([0-9]{1,5})([dw])$`)

// parseTime reads a date, a time, or how long ago; empty is the zero time. A date is the
// beginning of the day in UTC or, if end is true, the end of it.
func parseTime(flag, text string, now time.Time, end bool) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago := daysPattern.FindStringSubmatch(text); ago != nil {
		days, err := strconv.Atoi(ago[1])
		if ago[2] == "w" {
			days *= 7
		}
		return now.UTC().AddDate(0, 0, -days), err
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 { // such as 1h30m
		return now.Add(-d), nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		if end {
			day = day.AddDate(0, 0, 1)
		}
		return day, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf(
		"%s %q is not a time: give how long ago (90m, 24h, 7d), a date (2026-07-01) or a time (2026-07-01T09:30)", flag, text)
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

// maxFaults is how many unreadable records are named one by one.
const maxFaults = 20

// historyReader reads records, and keeps what cannot be read.
type historyReader struct {
	*global
	session    *session // for log groups and metrics; nil until it is needed
	history    *history.History
	progress   *progress
	unreadable int             // records
	sources    int             // files and log groups
	problems   []model.Problem // of whole sources
}

func newHistoryReader(g *global, filter history.Filter) *historyReader {
	r := &historyReader{global: g, progress: newProgress(g.streams.Err)}
	r.history = history.New(filter, r.addFault)
	return r
}

// addFault prints a record that cannot be read, unless there are many.
func (r *historyReader) addFault(f history.Fault) {
	if r.unreadable++; r.unreadable <= maxFaults {
		r.progress.clear()
		fmt.Fprintln(r.streams.Err, oneLine(f.Where+": "+f.Err.Error()))
	}
}

// in is the session that log groups and metrics are read in, which close ends.
func (r *historyReader) in(ctx context.Context) (_ *session, err error) {
	if r.session == nil {
		r.session, err = r.open(ctx, setup{})
	}
	return r.session, err
}

func (r *historyReader) close() {
	if r.session != nil {
		r.session.close()
	}
}

// read reads log groups and files. What fails of them is kept as problems, in their order. It is an error if
// a file cannot be opened, if it is not read to the end, or if all sources fail.
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
	if more := r.unreadable - maxFaults; more > 0 {
		fmt.Fprintf(r.streams.Err, "and %d more that cannot be read\n", more)
	}
	if r.history.Len() > 0 || len(r.problems) == 0 || len(r.problems) < r.sources {
		return nil
	}
	for _, p := range r.problems[1:] {
		fmt.Fprintln(r.streams.Err, awsapi.Plain(p.Err))
	}
	return r.problems[0].Err
}

// problemsFound are the problems as a result has them.
func (r *historyReader) problemsFound() (list []model.Problem) {
	for _, p := range r.problems {
		list = append(list, model.Problem{Region: p.Region, Operation: p.Operation, Err: awsapi.Plain(p.Err)})
	}
	return list
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
		// A named pipe that no one writes to would block.
		file, err := unlessEnded(ctx, func() (*os.File, error) { return os.Open(name) })
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

// unlessEnded runs a job that cannot be canceled, such as reading from a terminal or a pipe. If ctx ends
// first, the job ends with the process.
func unlessEnded[T any](ctx context.Context, job func() (T, error)) (T, error) {
	type outcome struct {
		made T
		err  error
	}
	ended := make(chan outcome, 1)
	go func() {
		made, err := job()
		ended <- outcome{made, err}
	}()
	select {
	case <-ctx.Done():
		return outcome{}.made, ctx.Err()
	case o := <-ended:
		return o.made, o.err
	}
}

func (r *historyReader) readFile(ctx context.Context, name string, in io.Reader) {
	r.sources++
	r.progress.show("reading "+name, 0, 0)
	if name == "-" {
		name = "stdin"
	}
	_, err := unlessEnded(ctx, func() (struct{}, error) { return struct{}{}, r.history.ReadLines(ctx, name, in) })
	if err != nil {
		r.problems = append(r.problems, model.Problem{Region: name, Operation: "read", Err: err})
	}
}

// groupsAtOnce is how many log groups are read side by side. Their calls share one limit
// for each region.
const groupsAtOnce = 4

// readGroups reads log groups. The error means that none can be read at all.
func (r *historyReader) readGroups(ctx context.Context, names []string) error {
	groups, err := parseGroups(names)
	if len(groups) == 0 || err != nil {
		return usage(err)
	}
	s, err := r.in(ctx)
	if err != nil {
		return err
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
	awsapi.Parallel(len(all), groupsAtOnce, func(i int) {
		errs[i] = reader.Read(ctx, all[i], r.history, func(pages int) {
			r.progress.show(fmt.Sprintf("reading %s: page %d, %d records so far", all[i], pages, r.history.Len()), 0, 0)
		})
	})
	for i, err := range errs {
		if err != nil {
			r.groupFailed(all[i], "FilterLogEvents", err)
		}
	}
	return nil
}

// addEffects adds to the records of step-downs how calls fared before and after, read from CloudWatch.
// What cannot be read is a problem, and its effect stays unknown. The error means that no account was
// found to read it from.
func (r *historyReader) addEffects(ctx context.Context, records []report.AuditRecord) error {
	steps := map[string][]rules.AcceptedStep{}
	for _, record := range records {
		if step, ok := record.Step(); ok {
			steps[record.ARN] = append(steps[record.ARN], step)
		}
	}
	if len(steps) == 0 {
		return nil
	}
	s, err := r.in(ctx)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	resources := make(map[string]model.Resource, len(steps))
	var queries []model.Query
	for arn, list := range steps {
		if parsed, kind, err := model.ParseResourceARN(arn); err == nil { // records with another are not read
			resources[arn] = model.Resource{ARN: parsed, Kind: kind}
			queries = append(queries, rules.EffectQueries(resources[arn], list, now)...)
		}
	}
	if len(queries) == 0 {
		return nil
	}
	readings, problems := s.app(app.Options{Deployment: deployment}).Meter.Measure(ctx, queries, func(done, total int) {
		s.progress.show("reading what followed the step-downs", done, total)
	})
	s.progress.clear()
	r.problems = append(r.problems, problems...)
	effects := make(map[string]map[time.Time]rules.Effect, len(steps))
	for arn, list := range steps {
		effects[arn] = rules.Effects(resources[arn], list, readings, now)
	}
	for i, record := range records {
		_, step := record.Step()
		if effect, known := effects[record.ARN][record.Time]; step && known {
			records[i].Effect = &effect
		}
	}
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
