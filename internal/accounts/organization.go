package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Selection selects the accounts of an organization.
type Selection struct {
	RoleName string   // of the role in each account, with its path if it has one
	Exclude  []string // IDs or names of accounts that are left out
}

// ErrNoAccount means that an excluded account does not exist.
var ErrNoAccount = errors.New("the organization has no account")

// Check rejects a selection that cannot be one.
func (s Selection) Check() error {
	if !rolePath.MatchString(s.RoleName) || strings.HasPrefix(s.RoleName, "/") {
		return fmt.Errorf("%q is not the name of a role, such as PersonalizeMonitor or monitoring/PersonalizeMonitor", s.RoleName)
	}
	return nil
}

// List lists the active accounts of the organization of the credentials, by ID. The account of the
// credentials itself, own, is used without a role. An account that is excluded and does not exist
// is an error, ErrNoAccount, as its name may be misspelt.
func List(ctx context.Context, clients *awsapi.Clients, region string, own model.ARN, s Selection) ([]Entry, error) {
	client := organizations.NewFromConfig(clients.ConfigFor(region))
	found, err := awsapi.ReadAll(func(token *string) (*organizations.ListAccountsOutput, error) {
		return client.ListAccounts(ctx, &organizations.ListAccountsInput{NextToken: token})
	}, func(o *organizations.ListAccountsOutput) ([]types.Account, *string) { return o.Accounts, o.NextToken })
	if err != nil {
		return nil, fmt.Errorf("list the accounts of the organization: ListAccounts in %s: %w", region, err)
	}
	list, err := s.entries(found, own)
	if err == nil && len(list) == 0 {
		return nil, errors.New("the organization has no active account that is not excluded")
	}
	return list, err
}

func (s Selection) entries(found []types.Account, own model.ARN) ([]Entry, error) {
	var list []Entry
	names := map[string]int{}
	missing := slices.Clone(s.Exclude)
	for _, a := range found {
		id, name := aws.ToString(a.Id), model.OneLine(aws.ToString(a.Name))
		named := func(text string) bool { return text == id || text == name || text == aws.ToString(a.Name) }
		missing = slices.DeleteFunc(missing, named)
		if slices.ContainsFunc(s.Exclude, named) || !active(a) || !model.ValidAccount(id) {
			continue
		}
		e := Entry{Account: model.Account{ID: id, Name: name}}
		if arn, err := model.ParseARN(aws.ToString(a.Arn)); err == nil {
			e.Payer = arn.Account() // the ARN of an account has that of the management account, which pays
		}
		if id != own.Account() {
			e.Role = model.NewARN(own.Partition(), "iam", "", id, "role/"+s.RoleName)
		}
		names[name]++
		list = append(list, e)
	}
	for i, e := range list {
		if e.Name != "" && names[e.Name] > 1 { // nothing keeps an organization from equal names, and tables have the name alone
			list[i].Name = e.Name + " " + e.ID
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%w %s, which --exclude names", ErrNoAccount, strings.Join(missing, ", "))
	}
	slices.SortFunc(list, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// active reports whether an account can be used. Status is the older name of State (Organizations API
// reference, Account); what has neither is not known to be.
func active(a types.Account) bool {
	if a.State != "" {
		return a.State == types.AccountStateActive
	}
	return a.Status == types.AccountStatusActive
}
