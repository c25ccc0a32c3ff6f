package web_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
	"github.com/personalize-monitor/personalize-monitor/test/webstory"
)

// Sums that lack an account say so beside the money.
func TestMoneyNamesTheAccountsItLacks(t *testing.T) {
	for read, want := range map[bool]bool{true: false, false: true} {
		snapshot, _ := webstory.Snapshot("shop")
		ledger := *snapshot.Ledger
		ledger.Accounts = []report.Account{
			{Account: model.Account{ID: "222222222222"}, Read: true}, {Account: model.Account{ID: "333333333333"}, Read: read},
		}
		ledger.Normalize()
		snapshot.Ledger, snapshot.Saved = &ledger, &report.Saved{Reading: report.Reading{Accounts: ledger.Accounts}}
		options, _ := webstory.Options(snapshot)
		handler, err := web.New(options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(handler.Close)
		for _, path := range []string{"/", "/bill"} {
			page := get(t, handler, path).Body.String()
			if got := strings.Contains(page, "without 1 of 2 accounts<br>"); got != want {
				t.Errorf("%s, the second account read: %t; named as missing: %t", path, read, got)
			}
			saved, some := map[bool]string{true: "0", false: "unknown"}[read], strings.Contains(page, "by 0 actions, without 1 of 2 accounts")
			if !strings.Contains(page, `<p class="v">`+saved+`</p>`) || some != want {
				t.Errorf("%s, the second account read: %t; want %s saved, what it lacks is named: %t", path, read, saved, some)
			}
		}
	}
}

// What endpoints of an account are called now is unknown while its last cycle failed, also if that is so of each account. Each
// has the time of what else is shown of it.
func TestAccountsThatCouldNotBeRead(t *testing.T) {
	snapshot, _ := webstory.Snapshot("shop")
	accounts := []model.Account{{ID: "222222222222", Name: "north"}, {ID: "333333333333", Name: "south"}}
	for i := range snapshot.Result.Resources {
		r := &snapshot.Result.Resources[i]
		r.Account, r.AccountName = accounts[i%2].ID, accounts[i%2].Name
	}
	at := time.Date(2026, 3, 4, 10, 5, 0, 0, time.UTC)
	for failed := range 3 {
		snapshot.Accounts = nil
		for i, a := range accounts {
			status := serve.Status{LastSuccess: at.Add(time.Duration(i) * time.Hour), LastCycle: snapshot.Status.LastCycle}
			if i < failed {
				status.LastError = "denied"
			}
			snapshot.Accounts = append(snapshot.Accounts, serve.AccountStatus{Account: a, Status: status})
		}
		snapshot.Status.LastError = ""
		if failed == 2 {
			snapshot.Status.LastError = "denied"
		}
		options, _ := webstory.Options(snapshot)
		handler, err := web.New(options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(handler.Close)
		page := get(t, handler, "/").Body.String()
		for i, text := range []string{
			"The last cycle in north (222222222222) measured nothing.</strong> Its demand now is unknown, and the rest of it is from 2026-03-04 10:05 UTC.",
			"The last cycle in south (333333333333) measured nothing.</strong> Its demand now is unknown, and the rest of it is from 2026-03-04 11:05 UTC.",
		} {
			if strings.Contains(page, text) != (i < failed) {
				t.Errorf("%d accounts failed; %q is %t", failed, text, i >= failed)
			}
		}
		if strings.Contains(page, "The values shown are from") || strings.Contains(page, "Used now") != (failed < 2) {
			t.Errorf("%d accounts failed:\n%s", failed, page)
		}
		table := get(t, handler, "/resources?format=csv").Body.String()
		for i, a := range accounts {
			for line := range strings.Lines(table) {
				if !strings.HasSuffix(strings.TrimSpace(line), ","+a.ID+","+a.Name) {
					continue
				}
				if unknown := strings.Contains(line, ",unknown,") && strings.Contains(line, ",its account could not be read,"); i < failed && !unknown {
					t.Errorf("%d accounts failed: %s", failed, line)
				}
			}
		}
	}
}

// With equal names in two accounts, whatever names an endpoint names its account as well: what to do, the form that does it, charts
// and their pins, training, and what it costs by account.
func TestEverythingNamesTheAccount(t *testing.T) {
	snapshot, _ := webstory.Snapshot("shop")
	north, south := model.Account{ID: "123456789012", Name: "north"}, model.Account{ID: "333333333333", Name: "south"}
	twin := func(arn string) string { return strings.Replace(arn, north.ID, south.ID, 1) }
	ledger := report.MergedLedgers([]report.Of[report.Ledger]{
		{Account: north, Report: snapshot.Ledger}, {Account: south, Report: twinOf(*snapshot.Ledger, twin)}, {Account: model.Account{ID: "444444444444", Name: "finance"}},
	}, " --accounts accounts.yaml")
	snapshot.Ledger, snapshot.Flags = &ledger, " --accounts accounts.yaml"
	var results []report.Resource
	for _, r := range snapshot.Result.Resources {
		r.Account, r.AccountName = north.ID, north.Name
		other := r
		other.ARN, other.Account, other.AccountName = twin(r.ARN), south.ID, south.Name
		results = append(results, r, other)
	}
	snapshot.Result.Resources = results
	for _, r := range snapshot.Resources {
		other := r
		other.ARN, _, _ = model.ParseResourceARN(twin(r.ARN.String()))
		other.DatasetGroup, _ = model.ParseARN(twin(r.DatasetGroup.String()))
		snapshot.Resources = append(snapshot.Resources, other)
	}
	for _, a := range snapshot.Audits {
		a.ARN = twin(a.ARN)
		snapshot.Audits = append(snapshot.Audits, a)
	}
	for _, a := range []model.Account{north, south} {
		snapshot.Accounts = append(snapshot.Accounts, serve.AccountStatus{Account: a, Status: snapshot.Status})
	}
	snapshot.Accounts[1].Role = serve.Standby
	options, _ := webstory.Options(snapshot)
	options.AllowActions, options.Actions = true, &webstory.Actions{}
	handler, err := web.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handler.Close)
	for path, texts := range map[string][]string{
		"/": {
			`<span class="nw">us-east-1 · north</span></span></th>`, `<span class="nw">us-east-1 · south</span></span></th>`,
			"This daemon is on standby in south (333333333333):", "shop-similar-items of north lowered from 40 to 30", "shop-similar-items of south lowered from 40 to 30", "without 1 of 3 accounts",
		},
		"/resources":       {"TPS · us-east-1 · north</span>", "TPS · us-east-1 · south</span>", "without 1 of 3 accounts</span>"},
		"/dashboard":       {"Dataset group online-shop (us-east-1 · north)", "Dataset group online-shop (us-east-1 · south)"},
		"/bill?by=account": {">north (123456789012)</a>", ">south (333333333333)</a>", `>finance (444444444444)</a><span class="sub">not read</span>`},
		"/resource?arn=" + twin(webstory.SimilarItems): {"us-east-1 · south", "update-tps " + twin(webstory.SimilarItems) + " 10 --accounts accounts.yaml"},
	} {
		page := get(t, handler, path).Body.String()
		for _, text := range texts {
			if !strings.Contains(page, text) {
				t.Errorf("%s lacks %q:\n%s", path, text, page)
			}
		}
	}
	token := tokens.FindStringSubmatch(get(t, handler, "/resource?arn="+twin(webstory.SimilarItems)).Body.String())[1]
	form := url.Values{"arn": {twin(webstory.SimilarItems)}, "token": {token}, "action": {"update-tps"}, "min": {"500"}}
	if page := post(handler, "/action", form).Body.String(); !strings.Contains(page, `<span class="soft">us-east-1 · south</span></div>`) {
		t.Errorf("what is to be confirmed lacks its account:\n%s", page)
	}
	if lines := get(t, handler, "/bill?by=account&format=csv").Body.String(); !strings.Contains(lines, "\nfinance (444444444444),,0,,,,,,,\n") {
		t.Errorf("the account that was not read has an amount:\n%s", lines)
	}
}

// twinOf is a ledger of endpoints with the same names in another account.
func twinOf(l report.Ledger, twin func(string) string) *report.Ledger {
	l.Resources, l.Recommendations = slices.Clone(l.Resources), slices.Clone(l.Recommendations)
	for i := range l.Resources {
		l.Resources[i].ARN = twin(l.Resources[i].ARN)
	}
	for i := range l.Recommendations {
		l.Recommendations[i].ARN, l.Recommendations[i].Command = twin(l.Recommendations[i].ARN), twin(l.Recommendations[i].Command)
	}
	return &l
}
