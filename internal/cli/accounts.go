package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

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
	flags.StringVar(&o.file, "accounts", "", "work in the accounts of `FILE` (YAML or JSON), each through a role (see docs/guide/several-accounts.md)")
	flags.BoolVar(&o.organization, "organization", false, "work in the active accounts of the AWS Organization, each through the role of --role-name")
	flags.StringVar(&o.selection.RoleName, "role-name", "", "with --organization, the `NAME` of the role in each account")
	flags.StringSliceVar(&o.selection.Exclude, "exclude", nil, "with --organization, `ACCOUNTS` to leave out, by ID or name")
}

// several reports whether accounts are selected, if only one of them.
func (o *accountOptions) several() bool { return o.file != "" || o.organization }

// check reads the file, before any AWS call.
func (o *accountOptions) check() error {
	switch {
	case o.file != "" && o.organization:
		return usage(errors.New("--accounts and --organization exclude each other"))
	case !o.organization && (o.selection.RoleName != "" || len(o.selection.Exclude) > 0):
		return usage(errors.New("--role-name and --exclude are for --organization; add it"))
	case o.organization && o.selection.RoleName == "":
		return usage(errors.New("--organization needs --role-name, the role to assume in each account"))
	case o.organization:
		if err := o.selection.Check(); err != nil {
			return usage(fmt.Errorf("--role-name: %w", err))
		}
		return nil
	case o.file == "":
		return nil
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

// member is one of several accounts, with a session of its own in it.
type member struct {
	*session
	of     model.Account
	role   model.ARN // zero: the credentials are used as they are
	values config.Values
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
		if entries, err = accounts.List(ctx, s.clients, s.config.Region, own.ARN("", "", ""), o.selection); errors.Is(err, accounts.ErrNoAccount) {
			return nil, usage(err)
		} else if err != nil {
			return nil, err
		}
	}
	source := accounts.NewSource(s.config, s.clients)
	var list []member
	for _, id := range values.Accounts() {
		if !slices.ContainsFunc(entries, func(e accounts.Entry) bool { return e.ID == id }) {
			return nil, usage(fmt.Errorf("a resource is named in the account %s, which is not among the accounts", id))
		}
	}
	for _, e := range entries {
		own := *s
		own.account.config = source.Config(e)
		own.logger = s.logger.With("account", e.ID)
		own.clients = app.NewClients(own.account.config, s.clock, own.logger)
		m := member{session: &own, of: e.Account, role: e.Role, values: values.OfAccount(e.ID, e.Regions)}
		if err := m.values.Within(s.config.Region); err != nil {
			return nil, usage(fmt.Errorf("account %s: %w", e.Account, err))
		}
		if e.Role.Partition != "" && model.PartitionOf(s.config.Region) != "" && e.Role.Partition != model.PartitionOf(s.config.Region) {
			return nil, usage(fmt.Errorf("account %s: its role is in the partition %s, and the region %s is not", e.Account, e.Role.Partition, s.config.Region))
		}
		list = append(list, m)
	}
	return list, nil
}

// sessionIn is the session in the account of a resource, if accounts are selected; done ends it.
func (o *accountOptions) sessionIn(ctx context.Context, s *session, arn model.ARN) (in *session, done func(), err error) {
	if !o.several() {
		return s, func() {}, nil
	}
	list, err := o.open(ctx, s, config.Values{})
	if err != nil {
		return nil, nil, err
	}
	for _, m := range list {
		if m.of.ID == arn.Account {
			return m.session, func() { closeAll(list) }, nil
		}
	}
	closeAll(list)
	return nil, nil, usage(fmt.Errorf("%s is in an account that is not among the accounts", arn))
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

// reach gets credentials in the account, and makes sure that they are of that account.
func (m member) reach(ctx context.Context, owner *writer.Owner) error {
	bounded, cancel := context.WithTimeout(ctx, stsTimeout)
	defer cancel()
	if _, err := m.config.Credentials.Retrieve(bounded); err != nil {
		return err
	}
	identity, err := owner.Identity(bounded)
	if err == nil && identity.Account != m.of.ID { // guard: credentials of another account
		return fmt.Errorf("the credentials belong to the account %s", identity.Account)
	}
	return err
}

// opAssume is the operation of a problem with the credentials of an account.
const opAssume = "AssumeRole"

// failed is what an account contributes that could not be worked in.
func failed[R any](m member, operation string, err error) report.Of[R] {
	text := awsapi.Line(err)
	if hint := awsapi.Hint(err); hint != "" {
		text += "; " + hint
	}
	return report.Of[R]{Account: m.of, Problems: []model.Problem{{Operation: operation, Err: errors.New(text)}}}
}

// announceAll writes to stderr, for each account that can be reached, what the command may do there. The
// errors are why the others cannot.
func announceAll(list []member, unreached []error, where func(member) string, may string, dryRun bool) {
	if dryRun {
		may = "reads only"
	}
	for i, m := range list {
		if unreached[i] == nil {
			m.streams.note(fmt.Sprintf("account %s, %s: %s.", m.of, where(m), may))
		}
	}
}

// inEach runs a job in every account that can be reached, some at the same time, and returns what each
// contributes, in the order of the accounts.
func inEach[R any](list []member, unreached []error, operation string, run func(m member, i int) (R, error)) []report.Of[R] {
	out := make([]report.Of[R], len(list))
	awsapi.Parallel(len(list), accountsAtOnce, func(i int) {
		if unreached[i] != nil {
			out[i] = failed[R](list[i], opAssume, unreached[i])
			return
		}
		made, err := run(list[i], i)
		if err != nil {
			out[i] = failed[R](list[i], operation, err)
			return
		}
		out[i] = report.Of[R]{Account: list[i].of, Report: &made}
	})
	return out
}

// reachAll gets credentials in all accounts.
func reachAll(ctx context.Context, list []member, parts []*app.App) []error {
	errs := make([]error, len(list))
	awsapi.Parallel(len(list), accountsAtOnce, func(i int) { errs[i] = list[i].reach(ctx, parts[i].Owner) })
	return errs
}

// closeAll drops the connections of accounts.
func closeAll(list []member) {
	for _, m := range list {
		m.clients.Close()
	}
}

// unless is the error of a command whose output was written: exit 1 if no account could be read, or else
// what writing it returned.
func unless[R any](list []report.Of[R], err error) error {
	if own, ok := errors.AsType[*exit](err); err != nil && !(ok && own.err == nil) {
		return err
	}
	if !slices.ContainsFunc(list, func(o report.Of[R]) bool { return o.Report != nil }) {
		return &exit{code: ExitFailed}
	}
	return err
}

// since is how long ago a time of the real clock was, in milliseconds.
func since(began time.Time) int64 { return time.Since(began).Milliseconds() }

// app builds the parts that work in the account.
func (m member) app(o app.Options) *app.App {
	o.Progress = m.showProgress
	return m.session.app(o)
}

// showProgress shows the progress of one of several accounts.
func (m member) showProgress(step string, done, total int) {
	if step != "" {
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
