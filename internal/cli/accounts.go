package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/accounts"
	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// accountsAtOnce bounds the accounts that a command works in at the same time, to limit memory. Each
// has the rate limits of its own, as AWS counts calls by account and region.
const accountsAtOnce = 4

// accountOptions select several accounts. The zero value works in that of the credentials.
type accountOptions struct {
	file         string
	organization bool
	selection    accounts.Selection
	read         []accounts.Entry // from the file, once checked
}

func (o *accountOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.file, "accounts", "",
		"work in the accounts of `FILE` (YAML or JSON), each through a role (see docs/guide/several-accounts.md)")
	flags.BoolVar(&o.organization, "organization", false,
		"work in the active accounts of the AWS Organization, each through the role of --role-name")
	flags.StringVar(&o.selection.RoleName, "role-name", "", "with --organization, the `NAME` of the role in each account")
	flags.StringSliceVar(&o.selection.Exclude, "exclude", nil, "with --organization, `ACCOUNTS` to leave out, by ID or name")
}

// several reports whether accounts are selected, if only one of them.
func (o *accountOptions) several() bool { return o.file != "" || o.organization }

// check reads the file, before any AWS call.
func (o *accountOptions) check() error {
	role := o.selection.Check()
	err := cmp.Or(
		reject(o.file != "" && o.organization, "--accounts and --organization exclude each other"),
		reject(!o.organization && (o.selection.RoleName != "" || len(o.selection.Exclude) > 0),
			"--role-name and --exclude are for --organization; add it"),
		reject(o.organization && o.selection.RoleName == "", "--organization needs --role-name, the role to assume in each account"),
		reject(o.organization && role != nil, "--role-name: %w", role),
	)
	if err != nil || o.file == "" {
		return err
	}
	data, err := readLimited(o.file, maxAccountsFile)
	if err != nil {
		return usage(fmt.Errorf("--accounts: %w", err))
	}
	o.read, err = accounts.ParseFile(o.file, data)
	return usage(err)
}

// maxAccountsFile bounds what is read of a file of accounts, in bytes: one more than it may have.
const maxAccountsFile = 1<<20 + 1

// member is an account that a command works in: that of the credentials, or one of several, with a
// session of its own in it.
type member struct {
	*session
	parts     *app.App
	of        model.Account // zero: the only one, that of the credentials
	role      model.ARN     // zero: the credentials are used as they are
	values    config.Values
	unreached error           // why the account cannot be worked in
	mayEnd    map[string]bool // ARNs that a person has confirmed to delete or stop; nil: what the rules decide
}

// only reports whether the command works in no other account.
func (m member) only() bool { return m.of.ID == "" }

// members are the accounts to work in. It assumes no role.
func (o *accountOptions) members(ctx context.Context, s *session, values config.Values) ([]member, error) {
	if !o.several() {
		return []member{{session: s, values: values}}, nil
	}
	return o.open(ctx, s, values)
}

// work builds the parts of the program in each account, and announces what they may write.
func (o *accountOptions) work(
	ctx context.Context, s *session, values config.Values, options func(member) app.Options, where, may string, dryRun bool,
) ([]member, error) {
	list, err := o.members(ctx, s, values)
	if err != nil {
		return nil, err
	}
	for i, m := range list {
		list[i].parts = m.app(options(m))
	}
	return list, announceAll(ctx, list, where, may, dryRun)
}

// open finds the accounts, and makes a session of each. It assumes no role. Resources that are named
// must be in one of the accounts.
func (o *accountOptions) open(ctx context.Context, s *session, values config.Values) ([]member, error) {
	entries := o.read
	if o.organization {
		own, err := s.identity(ctx, s.app(app.Options{}).Owner)
		if err != nil {
			return nil, err
		}
		entries, err = accounts.List(ctx, s.clients, s.config.Region, own.ARN("", "", ""), o.selection)
		if errors.Is(err, accounts.ErrNoAccount) {
			return nil, usage(err)
		}
		if err != nil {
			return nil, err
		}
	}
	settings := accounts.Settings(s.config, s.clients)
	var list []member
	for _, id := range values.Accounts() {
		if !slices.ContainsFunc(entries, func(e accounts.Entry) bool { return e.ID == id }) {
			return nil, usage(fmt.Errorf("a resource is named in the account %s, which is not among the accounts", id))
		}
	}
	for _, e := range entries {
		own := *s
		own.account.config = settings(e)
		own.logger = s.logger.With("account", e.ID)
		own.clients = app.NewClients(own.account.config, s.clock, own.logger)
		m := member{session: &own, of: e.Account, role: e.Role, values: values.OfAccount(e.ID, e.Regions)}
		if err := m.values.Within(s.config.Region); err != nil {
			return nil, usage(fmt.Errorf("account %s: %w", e.Account, err))
		}
		if e.Role.Partition() != "" && model.PartitionOf(s.config.Region) != "" && e.Role.Partition() != model.PartitionOf(s.config.Region) {
			return nil, usage(fmt.Errorf("account %s: its role is in the partition %s, and the region %s is not",
				e.Account, e.Role.Partition(), s.config.Region))
		}
		list = append(list, m)
	}
	return list, nil
}

// sessionFor opens a session in the account of a resource; done ends it.
func (o *accountOptions) sessionFor(ctx context.Context, g *global, arn model.ARN) (in *session, done func(), err error) {
	s, err := g.open(ctx, setup{})
	if err != nil {
		return nil, nil, err
	}
	list, err := o.members(ctx, s, config.Values{})
	done = func() { closeAll(list); s.close() }
	if err == nil && model.PartitionOf(arn.Region()) != model.PartitionOf(s.config.Region) {
		err = usage(fmt.Errorf("%s is in another partition than the region %s", arn, s.config.Region))
	}
	at := slices.IndexFunc(list, func(m member) bool { return m.only() || m.of.ID == arn.Account() })
	if err == nil && at < 0 {
		err = usage(fmt.Errorf("%s is in an account that is not among the accounts", arn))
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return list[at].session, done, nil
}

// text is the selection as a command line has it, after a space; empty for one account.
func (o *accountOptions) text() string {
	switch {
	case o.file != "":
		return " --accounts " + shellWord(o.file)
	case o.organization:
		return " --organization --role-name " + shellWord(o.selection.RoleName)
	}
	return ""
}

// identity asks STS, within stsTimeout, who owns credentials.
func (s *session) identity(ctx context.Context, owner *writer.Owner) (writer.Identity, error) {
	bounded, cancel := context.WithTimeout(ctx, stsTimeout)
	defer cancel()
	return owner.Identity(bounded)
}

const opAssume = "AssumeRole"

// failed is what an account contributes that could not be worked in.
func failed[R any](m member, operation string, err error) report.Of[R] {
	return report.Of[R]{Account: m.of, Problems: []model.Problem{{Operation: operation, Err: errors.New(awsapi.Explain(err))}}}
}

// announceAll writes to stderr, for each account, where the command works and what it may do there. One of
// several that cannot be reached is noted in the list; of the only one that is the error.
func announceAll(ctx context.Context, list []member, where, may string, dryRun bool) error {
	if dryRun {
		may = "reads only"
	}
	if len(list) == 1 && list[0].only() {
		return list[0].announce(ctx, list[0].parts.Owner, list[0].regionsOf(list[0].values)+where, may, false)
	}
	awsapi.Parallel(len(list), accountsAtOnce, func(i int) { list[i].unreached = list[i].parts.Reach(ctx, list[i].of.ID) })
	if err := ctx.Err(); err != nil {
		return err // nothing has begun
	}
	for _, m := range list {
		if m.unreached == nil {
			m.streams.note(fmt.Sprintf("account %s, %s: %s.", m.of, m.regionsOf(m.values)+where, may))
		}
	}
	return nil
}

// inEach runs a job in every account that can be reached, some at the same time, and puts together what
// each contributes; none means that no account could be worked in. In the only account the error is the job's.
func inEach[R any](
	list []member, operation string, merged func([]report.Of[R]) R, run func(member) (R, error),
) (result R, none bool, err error) {
	if len(list) == 1 && list[0].only() {
		result, err = run(list[0])
		list[0].progress.clear()
		return result, false, err
	}
	out := make([]report.Of[R], len(list))
	awsapi.Parallel(len(list), accountsAtOnce, func(i int) {
		if err := list[i].unreached; err != nil {
			out[i] = failed[R](list[i], opAssume, err)
		} else if made, err := run(list[i]); err != nil {
			out[i] = failed[R](list[i], operation, err)
		} else {
			out[i] = report.Of[R]{Account: list[i].of, Report: &made}
		}
	})
	list[0].progress.clear()
	return merged(out), !slices.ContainsFunc(out, func(o report.Of[R]) bool { return o.Report != nil }), nil
}

// closeAll drops the connections of accounts.
func closeAll(list []member) {
	for _, m := range list {
		m.clients.Close()
	}
}

// app builds the parts that work in the account, whose progress is shown with its name if there are several.
func (m member) app(o app.Options) *app.App {
	o.Progress = m.showProgress
	return m.session.app(o)
}

func (m member) showProgress(step string, done, total int) {
	if step != "" && !m.only() {
		step = strings.TrimSpace(m.of.Label() + ": " + step)
	}
	m.progress.show(step, done, total)
}

// plainWord matches what a shell takes as it is.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// shellWord is a text as one word of a command for people to paste.
func shellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
