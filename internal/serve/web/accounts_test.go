package web_test

import (
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
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
