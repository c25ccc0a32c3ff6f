// Package organizations is AWS Organizations, as far as it lists the accounts.
package organizations

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

const (
	codeInvalid  = "InvalidInputException"
	organization = "o-localaws00"
	perPage      = 20 // ListAccounts in the API reference
)

// Service is an organization, or none if an estate has one account only.
type Service struct {
	management string
	accounts   []account // by ID
}

// account is an account as listings return it. There is no Status: AWS has retired it on
// September 9, 2026, in favour of State (ListAccounts in the API reference).
type account struct {
	ARN    string    `json:"Arn"`
	Email  string    `json:"Email"`
	ID     string    `json:"Id"`
	Joined time.Time `json:"JoinedTimestamp"`
	Method string    `json:"JoinedMethod"`
	Name   string    `json:"Name"`
	State  string    `json:"State"`
}

// New makes the organization of an estate that starts at a time.
func New(estate estatefile.Estate, now time.Time) *Service {
	s := &Service{management: estate.Owner()}
	if len(estate.Accounts) == 0 {
		return s
	}
	list := estate.Accounts
	if !slices.ContainsFunc(list, func(a estatefile.Account) bool { return a.ID == s.management }) {
		list = append(slices.Clip(list), estatefile.Account{ID: s.management, Name: "management"})
	}
	for _, a := range list {
		s.accounts = append(s.accounts, account{
			Email: "aws+" + a.ID + "@example.com", ID: a.ID, Name: cmp.Or(a.Name, a.ID), State: cmp.Or(a.Status, estatefile.Active),
			Joined: now.UTC().Truncate(time.Second).AddDate(-1, 0, 0), Method: "CREATED",
		})
	}
	slices.SortFunc(s.accounts, func(a, b account) int { return strings.Compare(a.ID, b.ID) })
	return s
}

// API describes the service.
func (s *Service) API() *api.Service {
	return &api.Service{
		Name: "organizations", Signing: "organizations", Protocols: []wire.Protocol{wire.JSON}, Target: "AWSOrganizationsV20161128",
		Operations: map[string]api.Operation{"ListAccounts": api.Op(s.listAccounts)},
		Model:      api.NewModel(codeInvalid, codeInvalid, api.Refuse(codeInvalid, "You specified an invalid value for nextToken."), nil),
	}
}

type listAccountsInput struct {
	NextToken  *string `json:"NextToken" check:"..100000"`
	MaxResults *int32  `json:"MaxResults" check:"1..20"`
}

func (s *Service) listAccounts(c *api.Call, in *listAccountsInput) (any, error) {
	if !slices.ContainsFunc(s.accounts, func(a account) bool { return a.ID == c.Account }) {
		return nil, api.Refuse("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
	}
	if c.Account != s.management {
		return nil, api.Refuse("AccessDeniedException", "You don't have permissions to access this resource.")
	}
	page, next, err := api.Page(c, s.accounts, func(a account) string { return a.ID }, in.NextToken, in.MaxResults, perPage)
	list := api.Map(page, func(a account) account {
		a.ARN = "arn:" + api.Partition(c.Region) + ":organizations::" + s.management + ":account/" + organization + "/" + a.ID
		return a
	})
	return api.Listing("Accounts", list, "NextToken", next), err
}
