package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Grouping is what a ledger is divided by, for show-back. The zero value divides by nothing.
type Grouping string

// The groupings; a tag is followed by its key.
const (
	ByDatasetGroup Grouping = "dataset-group"
	ByRegion       Grouping = "region"
	ByRecipe       Grouping = "recipe"
	ByAccount      Grouping = "account"
	byTag          Grouping = "tag:"
)

// Groupings lists the groupings as a flag has them.
func Groupings() []string {
	return []string{string(ByDatasetGroup), string(ByRegion), string(ByRecipe), string(ByAccount), string(byTag) + "KEY"}
}

// ParseGrouping reads a grouping as in Groupings; empty is none.
func ParseGrouping(text string) (Grouping, error) {
	g := Grouping(text)
	switch {
	case text == "", g == ByDatasetGroup, g == ByRegion, g == ByRecipe, g == ByAccount, g.Tag() != "":
		return g, nil
	}
	return "", fmt.Errorf("%q is not one of %s", text, strings.Join(Groupings(), ", "))
}

// Tag is the key of the tag that is grouped by, or empty.
func (g Grouping) Tag() string {
	key, ok := strings.CutPrefix(string(g), string(byTag))
	if !ok {
		return ""
	}
	return key
}

// Keys of groups whose real key is missing or not known. A tag cannot have such a value, as AWS
// allows no parentheses in one.
const (
	keyUnknown = "(unknown)"
	keyNone    = "(none)"
)

// key is the group of an entry.
func (g Grouping) key(e Entry) string {
	switch g {
	case ByDatasetGroup:
		return cmp.Or(e.DatasetGroup, keyUnknown)
	case ByRegion:
		return e.Region
	case ByRecipe:
		return cmp.Or(e.Recipe, keyUnknown)
	case ByAccount:
		arn, err := model.ParseARN(e.ARN)
		if err != nil {
			return keyUnknown
		}
		return arn.Account()
	}
	if e.Tags == nil {
		return keyUnknown
	}
	if value, ok := e.Tags[g.Tag()]; ok {
		return value
	}
	return keyNone
}

// Groups are the groups of a ledger. Its JSON keys are stable.
type Groups struct {
	By     Grouping `json:"by"`
	Groups []Group  `json:"groups"` // by key
}

// Group adds up the resources of one group, as Totals does those of all.
type Group struct {
	Key       string            `json:"key"`
	Resources int               `json:"resources"`
	Unread    int               `json:"unread"`
	Idle      int               `json:"idle"`
	TPSHours  *billing.TPSHours `json:"tpsHours"` // null if nothing could be read
	Saving    *billing.Savings  `json:"saving"`   // the same
	Estimates []EstimateTotal   `json:"estimates"`
	Unpriced  int               `json:"unpriced"`
}

// groupsOf divides entries; nil if they are not grouped.
func groupsOf(entries []Entry, by Grouping, idleAfter time.Duration) *Groups {
	if by == "" {
		return nil
	}
	members := map[string][]Entry{}
	for _, e := range entries {
		key := by.key(e)
		members[key] = append(members[key], e)
	}
	out := &Groups{By: by, Groups: []Group{}}
	for key, list := range members {
		t := totalsOf(list, idleAfter)
		group := Group{Key: key, Resources: t.Resources, Unread: t.Unread, Idle: t.Idle, Estimates: t.Estimates, Unpriced: t.Unpriced}
		if t.Unread < t.Resources {
			group.TPSHours, group.Saving = &t.TPSHours, &t.Saving
		}
		out.Groups = append(out.Groups, group)
	}
	slices.SortFunc(out.Groups, func(a, b Group) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

const groupColumns = `group=key resources unread idle tpsHoursPaid=tpsHours.paid tpsHoursUsed=tpsHours.used tpsHoursWasted=tpsHours.wasted
	tpsHoursSavedPerMonth=saving.tpsHoursPerMonth
	estimateCurrency=estimate.currency estimatePaid=estimate.paid estimateWasted=estimate.wasted estimateSavedPerMonth=estimate.savedPerMonth
	unpriced`

// rows are the groups as a CSV, a row for each currency of a group; without an estimate its
// fields are empty.
func (g Groups) rows() [][]string {
	type record struct {
		Group
		Estimate *EstimateTotal `json:"estimate"`
	}
	var records []record
	for _, one := range g.Groups {
		if len(one.Estimates) == 0 {
			records = append(records, record{Group: one})
		}
		for _, e := range one.Estimates {
			records = append(records, record{one, &e})
		}
	}
	return rowsOf(groupColumns, records)
}

// grid is the groups as a table. Accounts are named, those that could not be read too.
func (g Groups) grid(accounts []Account) Grid {
	out := Grid{Columns: []Column{{Title: strings.ToUpper(string(g.By)), Name: true}}}
	for i, title := range []string{"ENDPOINTS", "IDLE", "PAID", "USED", "WASTED", "ESTIMATE", "SAVES A MONTH"} {
		out.Columns = append(out.Columns, Column{Title: title, Right: true, Minor: []int{0, 2, 0, 1, 0, 0, 0}[i]})
	}
	names := map[string]string{}
	for _, a := range accounts {
		names[a.ID] = a.String()
	}
	for _, one := range g.Groups {
		paid, saves := "–", "–"
		for i, e := range one.Estimates {
			if i == 0 {
				paid, saves = "", ""
			} else {
				paid, saves = paid+" + ", saves+" + "
			}
			paid, saves = paid+e.Currency+" "+amount(e.Paid), saves+e.Currency+" "+amount(e.SavedPerMonth)
		}
		endpoints := strconv.Itoa(one.Resources)
		if one.Unread > 0 { // in no sum
			endpoints += fmt.Sprintf(" (%d unread)", one.Unread)
		}
		hours := []string{"–", "–", "–"}
		if h := one.TPSHours; h != nil {
			hours = []string{commas(h.Paid), commas(h.Used), commas(h.Wasted)}
		}
		name := one.Key
		if g.By == ByAccount {
			name = cmp.Or(names[name], name)
		}
		cells := slices.Concat([]string{name, endpoints, strconv.Itoa(one.Idle)}, hours, []string{paid, saves})
		out.Rows = append(out.Rows, Row{Cells: Cells(cells...)})
	}
	for _, a := range accounts {
		if g.By == ByAccount && !a.Read {
			out.Rows = append(out.Rows, Row{Cells: Cells(a.String(), "not read", "–", "–", "–", "–", "–", "–")})
		}
	}
	return out
}
