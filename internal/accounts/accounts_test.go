package accounts_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/personalize-monitor/personalize-monitor/internal/accounts"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

const region = "us-east-1"

const estate = `
account: "111111111111"
regions: {us-east-1: {}}
accounts:
  - {id: "222222222222", name: north, role: Reader, externalId: north-7}
  - {id: "333333333333", name: south, role: "arn:aws:iam::333333333333:role/team/Reader"}
  - {id: "444444444444", name: closed, role: Reader, status: SUSPENDED}
`

type bed struct {
	server   *localaws.Server
	clock    *model.VirtualClock
	settings aws.Config
	clients  *awsapi.Clients
}

func newBed(t *testing.T) *bed { return newBedOf(t, estate) }

func newBedOf(t *testing.T, estate string) *bed {
	t.Helper()
	parsed, err := localaws.ParseEstate([]byte(estate), "estate.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	clock := model.NewVirtualClock(time.Now())
	server, err := localaws.New(parsed, localaws.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	t.Cleanup(endpoint.Close)
	settings := awsapi.LocalConfig(region, endpoint.URL, "HUB", nil)
	clients := awsapi.New(awsapi.Options{Config: settings, Clock: clock})
	t.Cleanup(clients.Close)
	return &bed{server, clock, settings, clients}
}

func entry(id, role, external string) accounts.Entry {
	return accounts.Entry{
		Account: model.Account{ID: id}, ExternalID: external,
		Role: model.NewARN("aws", "iam", "", id, "role/"+role),
	}
}

// Each account is worked in with credentials of its role, which are got once and renewed in time.
func TestCredentialsOfARole(t *testing.T) {
	b := newBed(t)
	settings := accounts.Settings(b.settings, b.clients)
	clients := awsapi.New(awsapi.Options{Config: settings(entry("222222222222", "Reader", "north-7")), Clock: b.clock})
	defer clients.Close()
	for range 3 {
		out, err := clients.STS(region).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil || *out.Account != "222222222222" || !strings.HasSuffix(*out.Arn, "assumed-role/Reader/personalize-monitor") {
			t.Fatalf("%v %v", out, err)
		}
	}
	if n := b.clients.Calls()["sts.AssumeRole"]; n != 1 {
		t.Errorf("the role was assumed %d times, want once", n)
	}
	out, err := b.clients.STS(region).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *out.Account != "111111111111" {
		t.Errorf("the given credentials changed: %v %v", out, err)
	}
	if creds, err := settings(accounts.Entry{}).Credentials.Retrieve(t.Context()); err != nil || creds.AccessKeyID != "HUB" {
		t.Errorf("an account without a role has %v, %v", creds.AccessKeyID, err)
	}
	creds, err := settings(entry("222222222222", "Reader", "north-7")).Credentials.Retrieve(t.Context())
	if left := time.Until(creds.Expires); err != nil || left < 50*time.Minute || left > 56*time.Minute {
		t.Errorf("credentials are renewed in %v (%v), want 5 minutes before their hour is over", left, err)
	}
}

// The given credentials have expired, and others are there by then: roles are assumed with those at once, so that no account
// misses a cycle.
func TestRolesAreAssumedWithRenewedCredentials(t *testing.T) {
	b := newBed(t)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "Credential=HUB1/") {
			b.server.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>expired</Message></Error></ErrorResponse>`)
	}))
	t.Cleanup(endpoint.Close)
	given, made := awsapi.LocalConfig(region, endpoint.URL, "", nil), 0
	given.Credentials = aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		made++
		return aws.Credentials{AccessKeyID: fmt.Sprint("HUB", made), SecretAccessKey: "x"}, nil
	}))
	clients := awsapi.New(awsapi.Options{Config: given, Clock: b.clock})
	t.Cleanup(clients.Close)
	creds, err := accounts.Settings(given, clients)(entry("222222222222", "Reader", "north-7")).Credentials.Retrieve(t.Context())
	if n := clients.Calls()["sts.AssumeRole"]; err != nil || !creds.HasKeys() || n != 2 {
		t.Errorf("%d calls, %v", n, err)
	}
}

func TestARoleThatCannotBeAssumed(t *testing.T) {
	b := newBed(t)
	settings := accounts.Settings(b.settings, b.clients)
	for _, c := range []struct {
		name  string
		entry accounts.Entry
		want  string
	}{
		{"another external id", entry("222222222222", "Reader", "south-1"), "cannot assume the role arn:aws:iam::222222222222:role/Reader with the external id given: AccessDenied"},
		{"no external id", entry("222222222222", "Reader", ""), "with no external id: AccessDenied"},
		{"no such role", entry("333333333333", "Writer", ""), "role/Writer with no external id: AccessDenied"},
		{"a closed account", entry("444444444444", "Reader", ""), "AccessDenied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			clients := awsapi.New(awsapi.Options{Config: settings(c.entry), Clock: b.clock})
			defer clients.Close()
			_, err := clients.STS(region).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			if line := awsapi.Line(err); !strings.Contains(line, c.want) || strings.Contains(line, "south-1") {
				t.Errorf("got %q, want %q, and no external id", line, c.want)
			}
			if hint := awsapi.Hint(err); !strings.Contains(hint, "trust policy") {
				t.Errorf("hint %q", hint)
			}
		})
	}
}

func TestTheAccountsOfAnOrganization(t *testing.T) {
	b := newBed(t)
	own := model.NewARN("aws", "", "", "111111111111", "")
	list := func(s accounts.Selection) ([]string, error) {
		found, err := accounts.List(t.Context(), b.clients, region, own, s)
		var texts []string
		for _, e := range found {
			if e.Payer != "111111111111" {
				t.Errorf("%s is paid by %q", e.Account, e.Payer)
			}
			texts = append(texts, e.ID+" "+e.Role.String())
		}
		return texts, err
	}
	all, err := list(accounts.Selection{RoleName: "team/Reader"})
	want := []string{"111111111111 ", "222222222222 arn:aws:iam::222222222222:role/team/Reader", "333333333333 arn:aws:iam::333333333333:role/team/Reader"}
	if err != nil || !slices.Equal(all, want) {
		t.Errorf("got %q, %v", all, err)
	}
	some, err := list(accounts.Selection{RoleName: "Reader", Exclude: []string{"north", "111111111111", "closed"}})
	if err != nil || !slices.Equal(some, []string{"333333333333 arn:aws:iam::333333333333:role/Reader"}) {
		t.Errorf("got %q, %v", some, err)
	}
	if _, err := list(accounts.Selection{RoleName: "Reader", Exclude: []string{"nroth"}}); err == nil || !strings.Contains(err.Error(), "no account nroth") {
		t.Errorf("a misspelt account is not reported: %v", err)
	}
	if _, err := list(accounts.Selection{RoleName: "Reader", Exclude: []string{"north", "south", "111111111111"}}); err == nil {
		t.Error("no account is left, and that is no error")
	}
	for _, bad := range []string{"", "/x/Reader", "arn:aws:iam::1:role/x y", "a role"} {
		if (accounts.Selection{RoleName: bad}).Check() == nil {
			t.Errorf("%q is accepted as the name of a role", bad)
		}
	}
}

// Accounts that could not be listed are no empty list.
func TestAccountsOfOneNameShowTheirID(t *testing.T) {
	b := newBedOf(t, strings.ReplaceAll(estate, "south", "north"))
	found, err := accounts.List(t.Context(), b.clients, region, model.NewARN("aws", "", "", "111111111111", ""), accounts.Selection{RoleName: "Reader"})
	if err != nil || len(found) != 3 || found[1].Label() != "north 222222222222" || found[2].Label() != "north 333333333333" {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestAnOrganizationThatCannotBeListed(t *testing.T) {
	own := model.NewARN("aws", "", "", "111111111111", "")
	for name, fault := range map[string]localaws.Fault{
		"denied": {Code: "AccessDeniedException"}, "broken": {Kind: localaws.Garbage},
	} {
		b := newBed(t)
		fault.Operation = "ListAccounts"
		b.server.AddFault(fault)
		found, err := accounts.List(t.Context(), b.clients, region, own, accounts.Selection{RoleName: "Reader"})
		if err == nil || len(found) > 0 || !strings.Contains(awsapi.Line(err), "ListAccounts") {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}
