package web_test

import (
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
		snapshot.Ledger = &ledger
		options, _ := webstory.Options(snapshot)
		handler, err := web.New(options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(handler.Close)
		for _, path := range []string{"/", "/bill"} {
			if got := strings.Contains(get(t, handler, path).Body.String(), "without 1 of 2 accounts<br>"); got != want {
				t.Errorf("%s, the second account read: %t; named as missing: %t", path, read, got)
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
