package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/permissions"
)

const formatJSON = "json"

var (
	policyFormats = []string{formatJSON, "cloudformation", "terraform"}
	policyTexts   = map[string]func(permissions.Use, permissions.Options) string{
		formatJSON: permissions.JSON, "cloudformation": permissions.CloudFormation, "terraform": permissions.Terraform,
	}
)

type permissionsOptions struct {
	permissions.Options
	format string
	form   *choice
}

var permissionsSetup = setup{params: []string{config.Regions, config.DashboardName, config.ChatNotifications}}

func newPermissions(g *global) *cobra.Command {
	o := &permissionsOptions{}
	var uses []string
	for _, use := range permissions.Uses() {
		uses = append(uses, string(use))
	}
	cmd := &cobra.Command{
		Use:   "permissions " + strings.Join(uses, "|"),
		Short: "Print the IAM policy that a use of this program needs",
		Long: `Print the IAM policy that a use of this program needs, and no more: of plan, report, run, act
(run --act), serve or cleanup. It calls nothing, and needs no credentials.

The policy is a JSON document, a CloudFormation template with a managed policy, or a
Terraform policy. In JSON it holds for any account unless --account names one; the other
two fill in that of the stack or provider. With --regions, actions are allowed in these
regions and that of --region alone; cleanup then finds nothing elsewhere. With --region,
events, the notification rule and the log groups of a name are those of that region;
without it, of any.

Policies of serve --dry-run are those of plan and report together.
sts:GetCallerIdentity, which all commands call, needs no permission.

Exit codes: 0 done, 2 bad usage, or more than a managed policy may have.`,
		Example: `  personalize-monitor permissions plan
  personalize-monitor permissions act --region eu-west-1 --account 123456789012
  personalize-monitor permissions serve --allow-actions --format cloudformation
  personalize-monitor permissions report --live-prices --log-group '/aws/lambda/personalize-monitor-*' --format terraform`,
		Args:      exactArgs(1),
		ValidArgs: uses,
	}
	flags := cmd.Flags()
	o.form = addChoice(cmd, flags, &o.format, "format", formatJSON, policyFormats, "`FORM` of the policy: "+strings.Join(policyFormats, ", "))
	o.form.joined = true
	flags.StringVar(&o.Account, "account", "", "`ID` of the account (default: any, or that of the stack or provider)")
	flags.BoolVar(&o.AllowActions, "allow-actions", false, "serve: with the buttons of --allow-actions")
	flags.BoolVar(&o.LivePrices, "live-prices", false, "plan, report and serve: with the prices of --live-prices")
	flags.StringSliceVar(&o.LogGroups, "log-group", nil,
		"report: with the audit records of these log groups, `NAMES` or ARNs, as for its --log-group")
	flags.StringSliceVar(&o.Roles, "assume-role", nil, "all but cleanup: assume these roles of other accounts, `ARNS`; a * matches any text")
	flags.BoolVar(&o.Organization, "organization", false,
		"all but cleanup: list the accounts of the AWS Organization, and assume --role-name in each")
	flags.StringVar(&o.RoleName, "role-name", "", "with --organization, the `NAME` of the role in each account")
	permissionsSetup.addParams(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		use, err := permissions.Parse(args[0])
		if err != nil {
			return badFlag(cmd, err)
		}
		values, err := g.resolve(cmd.Flags(), permissionsSetup)
		if err != nil {
			return err
		}
		if err = o.check(use, g.region); err == nil {
			err = o.complete(g.region, values)
		}
		if err == nil {
			err = o.checkSize(use)
		}
		if err != nil {
			return usage(err)
		}
		_, err = io.WriteString(g.streams.Out, policyTexts[o.format](use, o.Options))
		return err
	}
	return cmd
}

// An account, and the name or pattern of a role, with its path if it has one (IAM API reference, CreateRole).
var (
	accountPattern  = regexp.MustCompile(`^[0-9]{12}$`)
	roleNamePattern = regexp.MustCompile(`^([A-Za-z0-9_+=,.@*-]{1,512}/)*[A-Za-z0-9_+=,.@*-]{1,64}$`)
	roleARN         = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}|\*):role/[A-Za-z0-9_+=,.@*/-]{1,512}$`)
)

func (o *permissionsOptions) check(use permissions.Use, region string) error {
	priced := use == permissions.Plan || use == permissions.Report || use == permissions.Serve
	faults := []error{
		reject(o.AllowActions && use != permissions.Serve, "--allow-actions is for serve"),
		reject(o.LivePrices && !priced, "--live-prices is for plan, report and serve"),
		reject(len(o.LogGroups) > 0 && use != permissions.Report, "--log-group is for report"),
		reject((len(o.Roles) > 0 || o.Organization) && use == permissions.Cleanup,
			"cleanup works in one account; leave out --assume-role and --organization"),
		reject(o.Organization != (o.RoleName != ""), "--organization and --role-name need each other"),
		reject(o.RoleName != "" && !roleNamePattern.MatchString(o.RoleName), "--role-name %q is not the name of a role", o.RoleName),
		reject(o.Account != "" && !accountPattern.MatchString(o.Account), "--account %q is not 12 digits", o.Account),
		reject(region != "" && !model.ValidRegion(region), "--region: %q is not the name of an AWS region (such as eu-west-1)", region),
	}
	for _, role := range o.Roles {
		faults = append(faults, reject(!roleARN.MatchString(role),
			"--assume-role %q is not the ARN of a role, such as arn:aws:iam::123456789012:role/monitor", role))
	}
	_, err := parseGroups(o.LogGroups)
	return errors.Join(append(faults, o.form.check(), err)...)
}

// complete adds what the parameters limit.
func (o *permissionsOptions) complete(region string, values config.Values) error {
	o.Region, o.Regions, o.Dashboard, o.Chat = region, values.Regions, values.DashboardName, values.ChatNotifications
	regions := values.Regions
	if region != "" {
		if err := values.Within(region); err != nil {
			return err
		}
		regions = append(slices.Clone(regions), region)
	}
	if o.format == formatJSON {
		o.Partition = "aws"
		for _, one := range regions {
			if o.Partition = model.PartitionOf(one); o.Partition == "" {
				return fmt.Errorf("the partition of the region %s is not known; --format cloudformation leaves it to the stack", one)
			}
		}
	}
	return nil
}

// checkSize rejects a policy that IAM would not accept.
func (o *permissionsOptions) checkSize(use permissions.Use) error {
	measured := o.Options
	measured.Partition, measured.Account = cmp.Or(o.Partition, "aws-us-gov"), cmp.Or(o.Account, "123456789012")
	size := permissions.Size(permissions.For(use, measured))
	return reject(size > permissions.MaxPolicy,
		"the policy has %d characters, and a managed policy at most %d; name fewer regions, log groups or roles", size, permissions.MaxPolicy)
}
