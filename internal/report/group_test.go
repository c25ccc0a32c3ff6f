package report

import (
	"bytes"
	"strings"
	"testing"
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
		money := map[string]Money{}
		for _, g := range l.Groups.Groups {
			keys = append(keys, g.Key)
			sum.Resources += g.Resources
			sum.Unread += g.Unread
			sum.Idle += g.Idle
			sum.Unpriced += g.Unpriced
			sum.TPSHours.Add(g.TPSHours)
			sum.Saving.Add(g.Saving)
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
			sum.TPSHours != all.TPSHours || sum.Saving != all.Saving {
			t.Errorf("%s: the groups have %+v, all have %+v", by, sum, all)
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

func TestParseGrouping(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "region": true, "tag:cost center": true, "tag:": false, "Region": false, "team": false, "tag": false,
	} {
		if _, err := ParseGrouping(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
