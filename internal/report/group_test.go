package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
)

func TestGroupsAddUpToTheTotals(t *testing.T) {
	for by, want := range map[Grouping]string{
		ByDatasetGroup: "shop",
		ByRegion:       "cn-north-1, eu-west-1, us-east-1",
		ByRecipe:       "(unknown), aws-ecomm-recommended-for-you, aws-sims, aws-user-personalization, aws-user-personalization-v2",
		ByAccount:      "123456789012",
		"tag:team":     ", (none), (unknown), web",
	} {
		l := ledgerOf()
		l.GroupBy = by
		l.Resources[0].Tags = map[string]string{"team": "web"}
		l.Resources[1].Tags = map[string]string{"team": ""}
		l.Resources[2].Tags = map[string]string{}
		l.Normalize()
		var keys []string
		var sum Group
		var hours billing.TPSHours
		var saving billing.Savings
		money := map[string]Money{}
		for _, g := range l.Groups.Groups {
			keys = append(keys, g.Key)
			sum.Resources += g.Resources
			sum.Unread += g.Unread
			sum.Idle += g.Idle
			sum.Unpriced += g.Unpriced
			if g.TPSHours != nil {
				hours.Add(*g.TPSHours)
				saving.Add(*g.Saving)
			}
			for _, e := range g.Estimates {
				m := money[e.Currency]
				m.add(e.Money)
				money[e.Currency] = m
			}
		}
		if got := strings.Join(keys, ", "); got != want {
			t.Errorf("%s: groups %q, want %q", by, got, want)
		}
		all := l.Totals
		if sum.Resources != all.Resources || sum.Unread != all.Unread || sum.Idle != all.Idle || sum.Unpriced != all.Unpriced ||
			hours != all.TPSHours || saving != all.Saving {
			t.Errorf("%s: the groups have %+v, %+v and %+v, all have %+v", by, sum, hours, saving, all)
		}
		for _, e := range all.Estimates {
			if money[e.Currency] != e.Money {
				t.Errorf("%s: %s %+v, all have %+v", by, e.Currency, money[e.Currency], e.Money)
			}
		}
	}
}

func TestGroupForms(t *testing.T) {
	l := ledgerOf()
	l.GroupBy = ByRegion
	var csv bytes.Buffer
	if err := Write(&csv, l, CSV, Style{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "groups.csv", csv.Bytes())
	var table bytes.Buffer
	if err := Write(&table, l, Table, Style{Width: 80}); err != nil {
		t.Fatal(err)
	}
	golden(t, "groups-80.txt", table.Bytes())
}

// Of a group of which nothing could be read the hours are unknown, not 0.
func TestAGroupOfWhichNothingCouldBeRead(t *testing.T) {
	l := ledgerOf()
	l.GroupBy = ByRecipe
	for i := range l.Resources {
		if e := &l.Resources[i]; e.Usage == nil {
			e.Recipe = "aws-unread"
		}
	}
	var csv, table, text bytes.Buffer
	if err := errors.Join(Write(&csv, l, CSV, Style{}), Write(&table, l, Table, Style{}), Write(&text, l, JSON, Style{})); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Groups struct {
			Groups []map[string]any `json:"groups"`
		} `json:"groups"`
	}
	if err := json.Unmarshal(text.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	unread := 0
	for _, g := range read.Groups.Groups {
		isUnread := g["unread"] == g["resources"]
		if isUnread {
			unread++
		}
		if (g["tpsHours"] == nil) != isUnread || (g["saving"] == nil) != isUnread {
			t.Errorf("JSON: %v", g)
		}
	}
	if unread != 1 {
		t.Errorf("%d groups could not be read, want 1", unread)
	}
	if !strings.Contains(csv.String(), "\naws-unread,1,1,0,,,,,,,,,0\n") {
		t.Errorf("CSV:\n%s", csv.String())
	}
	if !regexp.MustCompile(`aws-unread +1 \(1 unread\) +0 +– +– +– +– +–`).MatchString(table.String()) {
		t.Errorf("table:\n%s", table.String())
	}
}

func TestParseGrouping(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "region": true, "tag:cost center": true, "tag:": false, "Region": false, "team": false, "tag": false,
	} {
		if _, err := ParseGrouping(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
