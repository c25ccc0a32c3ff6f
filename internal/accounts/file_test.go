package accounts_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/accounts"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

const good = `accounts:
  - name: Shop North
    roleArn: arn:aws:iam::111122223333:role/monitoring/PersonalizeMonitor
    externalId: "0012345"
    regions: [us-east-1, eu-west-1]
  - {name: search, roleArn: "arn:aws:iam::444455556666:role/PersonalizeMonitor"}
`

func TestAFileOfAccounts(t *testing.T) {
	list, err := accounts.ParseFile("a.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	role := func(account, name string) model.ARN {
		return model.NewARN("aws", "iam", "", account, "role/"+name)
	}
	want := []accounts.Entry{
		{
			Account: model.Account{ID: "111122223333", Name: "Shop North"}, Role: role("111122223333", "monitoring/PersonalizeMonitor"),
			ExternalID: "0012345", Regions: []string{"us-east-1", "eu-west-1"},
		},
		{Account: model.Account{ID: "444455556666", Name: "search"}, Role: role("444455556666", "PersonalizeMonitor")},
	}
	if !reflect.DeepEqual(list, want) {
		t.Errorf("got  %+v\nwant %+v", list, want)
	}
}

func TestFaultsOfAFileOfAccounts(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/R"
	entry := func(rest string) string { return "accounts:\n  - " + rest + "\n" }
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "a.yaml: is empty; a file of accounts has the keys accounts"},
		{"no list", "accounts: 7", `a.yaml:1:11: accounts is not a list of 1 to 1000 accounts`},
		{"no account", "accounts: []", `accounts is not a list`},
		{"no accounts", "regions: []", `a.yaml:1:1: "regions" is not a key of a file of accounts: accounts`},
		{"another key", entry("{name: a, roleArn: '" + role + "', role: x}"), `"role" is not a key of an account: externalId, name, regions, roleArn`},
		{"no name", entry("{roleArn: '" + role + "'}"), "name of an account is missing"},
		{"an empty name", entry("{name: '  ', roleArn: '" + role + "'}"), `name: "  " is not one line of 1 to 50 characters`},
		{"a name of two lines", entry(`{name: "a\nb", roleArn: '` + role + "'}"), "is not one line"},
		{"no role", entry("{name: a}"), "roleArn of an account is missing"},
		{"a user", entry("{name: a, roleArn: 'arn:aws:iam::111122223333:user/R'}"), "is not the ARN of a role"},
		{"another service", entry("{name: a, roleArn: 'arn:aws:sts::111122223333:role/R'}"), "is not the ARN of a role"},
		{"no account in the role", entry("{name: a, roleArn: 'arn:aws:iam::1111:role/R'}"), "is not the ARN of a role"},
		{"a short external id", entry("{name: a, roleArn: '" + role + "', externalId: x}"), "externalId is not 2 to 1224"},
		{"an external id with a space", entry("{name: a, roleArn: '" + role + "', externalId: 'a secret'}"), "externalId is not 2 to 1224"},
		{"no region", entry("{name: a, roleArn: '" + role + "', regions: [here]}"), `regions: "here" is not the name of an AWS region`},
		{"regions as text", entry("{name: a, roleArn: '" + role + "', regions: us-east-1}"), "regions is not a list of regions"},
		{"a region twice", entry("{name: a, roleArn: '" + role + "', regions: [us-east-1, us-east-1]}"), "us-east-1 is named twice"},
		{"another partition", entry("{name: a, roleArn: '" + role + "', regions: [cn-north-1]}"), "cn-north-1 is not in the partition of the role, aws"},
		{"a name twice", entry("{name: a, roleArn: '"+role+"'}") + "  - {name: a, roleArn: 'arn:aws:iam::222233334444:role/R'}", `a.yaml:3:6: two accounts have the name "a"`},
		{"an account twice", entry("{name: a, roleArn: '"+role+"'}") + "  - {name: b, roleArn: '" + role + "2'}", "the account 111122223333 is in the file twice"},
		{"an alias", "accounts: &a [*a]", "anchors (&), aliases (*)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := accounts.ParseFile("a.yaml", []byte(c.text))
			if err == nil || list != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v; want %q", list, err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("it repeats the external id: %v", err)
			}
		})
	}
}

// All faults are reported together, each with its place.
func TestAllFaultsOfAFileOfAccounts(t *testing.T) {
	_, err := accounts.ParseFile("a.yaml", []byte("accounts:\n  - name: a\n    roleArn: x\n  - name: b\n    regions: [1]\n"))
	want := "a.yaml:3:14: roleArn: \"x\" is not the ARN of a role such as arn:aws:iam::111122223333:role/PersonalizeMonitor\n" +
		"a.yaml:4:5: roleArn of an account is missing\n" +
		"a.yaml:5:15: regions: 1 is not the name of an AWS region (such as eu-west-1)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// FuzzParseFile: whatever a file holds, it is read without a panic, and what is accepted can be used.
func FuzzParseFile(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("accounts: [{name: a, roleArn: b}]"))
	f.Add([]byte("accounts: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := accounts.ParseFile("a.yaml", data)
		if err != nil && list != nil || err == nil && len(list) == 0 {
			t.Fatalf("%d accounts, %v", len(list), err)
		}
		seen := map[string]bool{}
		for _, e := range list {
			if !model.ValidAccount(e.ID) || e.Name == "" || e.Role.Account() != e.ID || seen[e.ID] {
				t.Fatalf("%+v", e)
			}
			seen[e.ID] = true
		}
	})
}
