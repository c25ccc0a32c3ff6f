// Package permissions is the table of what each use of the program, and each function of the
// deployed stack, may do in AWS. The deployment template, the printed policies and the documents
// are held equal to it. It calls nothing.
package permissions

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Use is a way to use the program that has a policy of its own.
type Use string

// The uses by a person or a daemon. Act is run --act.
const (
	Plan    Use = "plan"
	Report  Use = "report"
	Run     Use = "run"
	Act     Use = "act"
	Serve   Use = "serve"
	Cleanup Use = "cleanup"
)

// The functions of the deployed stack, by their logical ids.
const (
	MonitorFunction         Use = "MonitorFunction"
	DashboardFunction       Use = "DashboardManagementFunction"
	UpdateTPSFunction       Use = "UpdateTPSFunction"
	DeleteCampaignFunction  Use = "DeleteCampaignFunction"
	StopRecommenderFunction Use = "StopRecommenderFunction"
	CleanupFunction         Use = "CleanupFunction"
)

// columns are the uses in the order in which the table has them.
var columns = []Use{
	Plan, Report, Run, Act, Serve, Cleanup,
	MonitorFunction, DashboardFunction, UpdateTPSFunction, DeleteCampaignFunction, StopRecommenderFunction, CleanupFunction,
}

// Uses are the uses by a person or a daemon.
func Uses() []Use { return slices.Clone(columns[:6]) }

// Functions are the functions of the deployed stack.
func Functions() []Use { return slices.Clone(columns[6:]) }

// Parse finds a use by its name. The error lists all names.
func Parse(name string) (Use, error) {
	if use := Use(name); slices.Contains(Uses(), use) {
		return use, nil
	}
	var names []string
	for _, use := range Uses() {
		names = append(names, string(use))
	}
	return "", fmt.Errorf("%q is not one of %s", name, strings.Join(names, ", "))
}

// Options are what a policy is for. The zero value is any account of the partition aws and any
// region.
type Options struct {
	Partition string // empty means aws
	Account   string // empty means any
	// Region is where events, the notification rule and the dashboards are; empty means any.
	Region string
	// Regions limit all actions to these regions and Region; empty means no limit.
	Regions []string
	// Dashboard is the name of the dashboards; empty means that of the program.
	Dashboard string
	// Deployment is the value of the tag Deployment, for the functions.
	Deployment string

	AllowActions bool     // serve --allow-actions
	LivePrices   bool     // --live-prices
	Chat         bool     // ChatNotifications
	LogGroups    []string // names or ARNs for --log-group; a * at the end matches the rest of a name
	Roles        []string // ARNs of roles to assume in other accounts
	Organization bool     // the accounts of the organization are listed
	RoleName     string   // of a role to assume in any account; empty means none
}

// DefaultDashboard is the name of the dashboards if no other is given.
const DefaultDashboard = "Amazon-Personalize-Monitor"

// Statement allows actions on resources, as IAM reads it.
type Statement struct {
	Sid       string
	Effect    string
	Actions   []string `json:"Action"`
	Resources []string `json:"Resource"`
	// Conditions are values by key by operator; nil means none.
	Conditions map[string]map[string][]string `json:"Condition,omitempty"`
}

// For lists what a use may do, in the order of the table. It is nil for an unknown use.
func For(use Use, o Options) []Statement {
	column := slices.Index(columns, use)
	if column < 0 {
		return nil
	}
	var list []Statement
	for _, t := range targets {
		s := Statement{Sid: t.sid, Effect: "Allow", Resources: t.resources(o), Conditions: t.conditions(o)}
		for _, a := range t.actions {
			wanted := marks[[]rune(strings.ReplaceAll(a.uses, " ", ""))[column]]
			if wanted != nil && wanted(o) {
				s.Actions = append(s.Actions, a.name)
			}
		}
		if len(s.Actions) > 0 && len(s.Resources) > 0 {
			list = append(list, s)
		}
	}
	return list
}

// resources are the patterns of the target, filled in.
func (t target) resources(o Options) (all []string) {
	if t.given != nil {
		return t.given(o)
	}
	for _, pattern := range t.patterns {
		all = append(all, fill(pattern, o))
	}
	return all
}

func (o Options) logGroups() (all []string) {
	for _, pattern := range o.LogGroups {
		if !strings.HasPrefix(pattern, "arn:") {
			pattern = fill("arn:{partition}:logs:{region}:{account}:log-group:", o) + pattern
		}
		if all = append(all, pattern); !strings.HasSuffix(pattern, "*") {
			all = append(all, pattern+":*") // the form with the log streams
		}
	}
	return all
}

// findsLogGroups reports whether the name of a log group ends with *.
func (o Options) findsLogGroups() bool {
	return slices.ContainsFunc(o.LogGroups, func(name string) bool { return strings.HasSuffix(name, "*") })
}

func (o Options) roles() []string {
	if o.RoleName == "" {
		return o.Roles
	}
	return append(slices.Clone(o.Roles), fill("arn:{partition}:iam::*:role/", o)+o.RoleName)
}

// conditions are the target's own and the limit to regions; nil if there are none.
func (t target) conditions(o Options) map[string]map[string][]string {
	equals := map[string][]string{}
	if t.key != "" {
		equals[t.key] = []string{fill(t.value, o)}
	}
	if len(o.Regions) > 0 && !t.global {
		limit := append(slices.Clone(o.Regions), cmp.Or(o.Region, o.Regions[0]))
		slices.Sort(limit)
		equals["aws:RequestedRegion"] = slices.Compact(limit)
	}
	if len(equals) == 0 {
		return nil
	}
	return map[string]map[string][]string{"StringEquals": equals}
}

// fill replaces the placeholders of a pattern.
func fill(pattern string, o Options) string {
	return strings.NewReplacer(
		"{partition}", cmp.Or(o.Partition, "aws"), "{account}", cmp.Or(o.Account, "*"), "{region}", cmp.Or(o.Region, "*"),
		"{dashboard}", cmp.Or(o.Dashboard, DefaultDashboard), "{deployment}", o.Deployment,
	).Replace(pattern)
}
