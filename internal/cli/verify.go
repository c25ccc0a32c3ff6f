package cli

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/accounts"
	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/permissions"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/verify"
	"github.com/personalize-monitor/personalize-monitor/internal/verify/probe"
)

var verifySetup = setup{params: []string{
	config.Regions, config.NotificationEndpoint, config.ChatNotifications, config.DashboardName, config.MetricDelay,
}}

type verifyOptions struct {
	common
	accounts   accountOptions
	use        string
	roleARN    string
	role       model.ARN // zero without --role-arn
	externalID string
}

func newVerify(g *global) *cobra.Command {
	o := &verifyOptions{}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check whether the program can work in an account, and whether what is deployed works",
		Long: `Check, before or after a deployment, the credentials and the account, the clock, each
region, the permissions, quotas, our metrics, topics with their keys and subscribers,
the notification rule, whether another monitor works in the account, and the version of
what is deployed. There is one line for each finding, OK, WARN, FAIL or not checked,
with what to try below it.

It only reads. Permissions that read are checked by calling them; those that write by a
simulation of IAM (iam:SimulatePrincipalPolicy), or else not. --for selects the way of
working whose permissions are checked. --role-arn checks as the role that will run,
which the credentials must be able to assume.

Exit codes: 0 all is OK or a warning; 1 something failed, or interrupted; 2 bad usage or
configuration; 3 nothing failed, but something could not be checked.`,
		Example: `  personalize-monitor verify --regions us-east-1,eu-west-1
  personalize-monitor verify --for act --role-arn arn:aws:iam::123456789012:role/monitor --output json`,
	}
	flags := cmd.Flags()
	addChoice(cmd, flags, &o.use, "for", string(permissions.Run), uses(),
		"check the permissions of this `WAY` of working: "+strings.Join(uses(), ", "))
	flags.StringVar(&o.roleARN, "role-arn", "", "check as this role (`ARN`), which is assumed")
	flags.StringVar(&o.externalID, "external-id", "", "external `ID` that the role's trust policy asks for")
	o.addOutput(cmd)
	o.accounts.addFlags(cmd)
	verifySetup.addParams(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		values, err := g.resolve(cmd.Flags(), verifySetup)
		if err = cmp.Or(err, o.check()); err != nil {
			return err
		}
		return o.run(cmd.Context(), g, values)
	}
	return cmd
}

func (o *verifyOptions) check() (err error) {
	if o.roleARN != "" {
		o.role, err = accounts.ParseRole(o.roleARN)
	}
	return cmp.Or(
		reject(o.externalID != "" && o.roleARN == "", "--external-id is for --role-arn"),
		reject(o.roleARN != "" && o.accounts.several(), "--role-arn is for one account; --accounts and --organization have a role in each"),
		reject(err != nil, "--role-arn: %w", err),
		o.accounts.check(),
	)
}

// useLambda is the deployed stack: all of its functions.
const useLambda = "lambda"

// uses are the ways of working whose permissions can be checked.
func uses() []string {
	var names []string
	for _, use := range permissions.Uses() {
		names = append(names, string(use))
	}
	return append(names, useLambda)
}

// policy is where the policy of the way of working is.
func (o *verifyOptions) policy(values config.Values) string {
	switch {
	case o.use == useLambda:
		return "the template has the policies of the functions"
	case values.ChatNotifications:
		return "personalize-monitor permissions " + o.use + " --chat-notifications yes prints the whole policy"
	}
	return "personalize-monitor permissions " + o.use + " prints the whole policy"
}

// statements are what the way of working may do in an account.
func (o *verifyOptions) statements(region string, values config.Values) func(account, partition string) []permissions.Statement {
	of, owner := []permissions.Use{permissions.Use(o.use)}, deployment
	if o.use == useLambda {
		of, owner = permissions.Functions(), region+"/personalize-monitor" // the stack of make deploy
	}
	return func(account, partition string) []permissions.Statement {
		var all []permissions.Statement
		for _, use := range of {
			all = append(all, permissions.For(use, permissions.Options{
				Partition: partition, Account: account, Region: region,
				Dashboard: values.DashboardName, Deployment: owner, Chat: values.ChatNotifications,
			})...)
		}
		return all
	}
}

// run reads the facts and prints the findings. That there are no credentials is one of them. A finding that
// failed decides the exit code before one that is not known.
func (o *verifyOptions) run(ctx context.Context, g *global, values config.Values) error {
	facts, calls := []verify.Facts{}, map[string]int{}
	s, err := g.open(ctx, verifySetup)
	switch {
	case awsapi.KindOf(err) == awsapi.NoCredentials && ctx.Err() == nil:
		facts = append(facts, verify.Facts{
			Now: model.SystemClock{}.Now(), Use: o.use, Version: notify.VersionTag(g.version), Home: g.region,
			Identity: verify.Identity{Failure: probe.FailureOf(err)},
		})
	case err != nil:
		return err
	default:
		defer s.close()
		if facts, err = o.allFacts(ctx, s, values, calls); err != nil {
			return err
		}
	}
	result := report.VerificationOf(facts, calls)
	return g.streams.finish(result, o.output, result.Count(verify.Fail) > 0, result.Count(verify.Unchecked) > 0)
}

// allFacts reads those of each account: of those that are selected, or that of the credentials or of the role.
func (o *verifyOptions) allFacts(ctx context.Context, s *session, values config.Values, calls map[string]int) ([]verify.Facts, error) {
	if len(values.Regions) == 0 {
		values.Regions = s.regions
	}
	if err := values.Within(s.config.Region); err != nil {
		return nil, err
	}
	list, err := o.accounts.members(ctx, s, values)
	if err != nil {
		return nil, err
	}
	defer closeAll(list)
	if o.role != (model.ARN{}) {
		own := *s
		own.account.config = accounts.Settings(s.config, s.clients)(accounts.Entry{Role: o.role, ExternalID: o.externalID})
		own.clients = app.NewClients(own.account.config, s.clock, s.logger)
		list[0] = member{session: &own, role: o.role, values: values}
	}
	facts, errs := make([]verify.Facts, len(list)), make([]error, len(list))
	awsapi.Parallel(len(list), accountsAtOnce, func(i int) { facts[i], errs[i] = o.facts(ctx, list[i]) })
	s.progress.clear()
	for _, m := range list {
		report.AddCalls(calls, m.clients.Calls())
	}
	return facts, errors.Join(errs...)
}

func (o *verifyOptions) facts(ctx context.Context, m member) (verify.Facts, error) {
	parts := m.app(app.Options{DryRun: true})
	facts, err := probe.Facts(ctx, probe.Options{
		Writer: parts.Writer, Meter: parts.Meter, List: parts.Endpoints, Progress: m.showProgress,
		Use: o.use, Policy: o.policy(m.values), Version: notify.VersionTag(m.version), Regions: m.values.Regions,
		Statements: o.statements(m.config.Region, m.values), Wanted: m.values.Endpoints, ChatWanted: m.values.ChatNotifications,
		MetricDelay: m.values.MetricDelay, Dashboard: m.values.DashboardName, Principal: m.role.String(),
	})
	facts.Identity.Account, facts.Identity.Name = cmp.Or(facts.Identity.Account, m.of.ID), m.of.Name
	return facts, err
}
