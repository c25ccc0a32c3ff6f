// Package config holds the parameters of the program: one table with their names, flags,
// defaults, help texts and validation. It resolves each from event, flag, environment
// variable and default, in this order. Every entry point resolves its parameters first,
// and makes no AWS call while one of them is invalid.
package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// The names of the parameters: event key, environment variable and, except for
// HourlyChecks, template parameter.
const (
	CampaignARNs                        = "CampaignARNs"
	RecommenderARNs                     = "RecommenderARNs"
	Regions                             = "Regions"
	AutoCreateUtilizationAlarms         = "AutoCreateUtilizationAlarms"
	UtilizationThresholdAlarmLowerBound = "UtilizationThresholdAlarmLowerBound"
	AutoAdjustMinTPS                    = "AutoAdjustMinTPS"
	AutoCreateIdleAlarms                = "AutoCreateIdleAlarms"
	IdleThresholdHours                  = "IdleThresholdHours"
	UsedIdleThresholdHours              = "UsedIdleThresholdHours"
	AutoDeleteOrStopIdleResources       = "AutoDeleteOrStopIdleResources"
	MaxStopsOrDeletesPerHour            = "MaxStopsOrDeletesPerHour"
	NotificationEndpoint                = "NotificationEndpoint"
	ChatNotifications                   = "ChatNotifications"
	KMSKeyARN                           = "KMSKeyARN"
	HourlyChecks                        = "HourlyChecks"
	MetricDelay                         = "MetricDelay"
	DashboardName                       = "DashboardName"
)

// Values are the resolved parameters. The zero value is not useful; Resolve(Sources{})
// returns the defaults.
type Values struct {
	Campaigns                   model.Selection
	Recommenders                model.Selection
	Regions                     []string // empty: the current region
	AutoCreateUtilizationAlarms bool
	UtilizationThreshold        float64 // percent, 0 to 1000
	AutoAdjustMinTPS            model.Switch
	AutoCreateIdleAlarms        bool
	IdleThresholdHours          int // 1 to 168
	UsedIdleThresholdHours      int // 1 to 1080
	AutoDeleteOrStopIdle        model.Switch
	MaxRemovalsPerHour          int        // automatic stops and deletes per region, 1 to 1000
	Endpoints                   []Endpoint // empty: no one is subscribed
	ChatNotifications           bool
	KMSKey                      model.ARN // of the topics in its region; zero: none
	HourlyChecks                model.Mode
	MetricDelay                 time.Duration // 0 to 15 minutes
	DashboardName               string

	origins map[string]string // by name: event, --flag or environment; a default has none
}

// Spec describes one parameter for flags, help texts and templates.
type Spec struct {
	Name    string   // event key, environment variable, template parameter
	Flag    string   // without the leading dashes
	Form    string   // the flag's value in help texts, such as HOURS
	Choices []string // the values that a shell completes; nil if there are too many
	Default string   // as text; empty for none
	Help    string   // what it does, one sentence without a full stop
	Valid   string   // what is accepted, to follow "valid:"
}

// All returns the parameters in the order of help texts.
func All() []Spec {
	specs := make([]Spec, len(table))
	for i, p := range table {
		specs[i] = p.Spec
	}
	return specs
}

// parameter is a Spec with its field of Values.
type parameter struct {
	Spec
	set func(*Values, value) error
	get func(*Values) any
}

func param[T any](spec Spec, field func(*Values) *T, parse func(value) (T, error)) parameter {
	return parameter{
		Spec: spec,
		set: func(v *Values, in value) (err error) {
			*field(v), err = parse(in)
			return err
		},
		get: func(v *Values) any { return *field(v) },
	}
}

// selects is a parameter that selects resources of a kind.
func selects(name, flag string, kind model.Kind, field func(*Values) *model.Selection) parameter {
	kinds := string(kind) + "s"
	return param(Spec{
		Name: name, Flag: flag, Form: "ARNS", Choices: []string{"all", "none"}, Default: "all",
		Help: kinds + " to monitor", Valid: "all, none, or the ARNs of " + kinds + ", separated by commas",
	}, field, selection(kind))
}

// yesNo is a parameter that switches something.
func yesNo(name, flag, initial, help string, field func(*Values) *bool) parameter {
	return param(Spec{
		Name: name, Flag: flag, Form: "yes|no", Choices: []string{"yes", "no"}, Default: initial, Help: help,
		Valid: "yes or no (also true, false, 1, 0)",
	}, field, parseBoolean)
}

// yesNoDryRun is a parameter that switches what changes resources.
func yesNoDryRun(name, flag, initial, help string, field func(*Values) *model.Switch) parameter {
	return param(Spec{
		Name: name, Flag: flag, Form: "yes|no|DryRun", Choices: []string{"yes", "no", "DryRun"}, Default: initial, Help: help,
		Valid: "yes, no (also true, false, 1, 0) or DryRun, which only reports what it would do",
	}, field, parseSwitch)
}

// wholeNumber is a parameter from 1 to a limit.
func wholeNumber(name, flag, form, unit string, initial, limit int, help string, field func(*Values) *int) parameter {
	return param(Spec{
		Name: name, Flag: flag, Form: form, Default: strconv.Itoa(initial), Help: help, Valid: fmt.Sprintf("1 to %d, %s", limit, unit),
	}, field, whole(1, limit))
}

var modes = []string{string(model.Auto), string(model.Always), string(model.Never)}

var table = []parameter{
	selects(CampaignARNs, "campaign-arns", model.Campaign, func(v *Values) *model.Selection { return &v.Campaigns }),
	selects(RecommenderARNs, "recommender-arns", model.Recommender, func(v *Values) *model.Selection { return &v.Recommenders }),
	param(Spec{
		Name: Regions, Flag: "regions", Form: "REGIONS",
		Help:  "regions to search where all is selected; the current region if none is named",
		Valid: "names of regions, such as eu-west-1, separated by commas",
	}, func(v *Values) *[]string { return &v.Regions }, listOf(parseRegion, equal)),
	yesNo(AutoCreateUtilizationAlarms, "auto-create-utilization-alarms", "Yes",
		"maintain an alarm on low utilization for every monitored resource",
		func(v *Values) *bool { return &v.AutoCreateUtilizationAlarms }),
	param(Spec{
		Name: UtilizationThresholdAlarmLowerBound, Flag: "utilization-threshold", Form: "PERCENT", Default: "100",
		Help: "utilization, in percent, below which the alarm on low utilization fires", Valid: "0 to 1000, percent",
	}, func(v *Values) *float64 { return &v.UtilizationThreshold }, number(0, 1000)),
	yesNoDryRun(AutoAdjustMinTPS, "auto-adjust-min-tps", "Yes", "lower minimums that are never fully used, step by step",
		func(v *Values) *model.Switch { return &v.AutoAdjustMinTPS }),
	yesNo(AutoCreateIdleAlarms, "auto-create-idle-alarms", "Yes", "maintain an alarm on idleness for every monitored resource",
		func(v *Values) *bool { return &v.AutoCreateIdleAlarms }),
	wholeNumber(IdleThresholdHours, "idle-threshold-hours", "HOURS", "whole hours", 24, 168,
		"hours without a request after which a resource counts as idle", func(v *Values) *int { return &v.IdleThresholdHours }),
	wholeNumber(UsedIdleThresholdHours, "used-idle-threshold-hours", "HOURS", "whole hours", 192, 1080,
		"hours without a call before a resource that was called in the last 90 days is deleted or stopped",
		func(v *Values) *int { return &v.UsedIdleThresholdHours }),
	yesNoDryRun(AutoDeleteOrStopIdleResources, "auto-delete-or-stop-idle", "No", "delete idle campaigns and stop idle recommenders",
		func(v *Values) *model.Switch { return &v.AutoDeleteOrStopIdle }),
	wholeNumber(MaxStopsOrDeletesPerHour, "max-stops-per-hour", "NUMBER", "a whole number", 5, 1000,
		"the most campaigns and recommenders of a region that are deleted or stopped automatically within an hour",
		func(v *Values) *int { return &v.MaxRemovalsPerHour }),
	param(Spec{
		Name: NotificationEndpoint, Flag: "notification-endpoint", Form: "ADDRESSES",
		Help: "who is notified of alarms and actions", Valid: "e-mail addresses or https:// URLs, separated by commas",
	}, func(v *Values) *[]Endpoint { return &v.Endpoints }, listOf(parseEndpoint, Endpoint.Same)),
	yesNo(ChatNotifications, "chat-notifications", "No",
		"maintain a topic with notifications that Amazon Q Developer in chat applications shows in Slack and Microsoft Teams",
		func(v *Values) *bool { return &v.ChatNotifications }),
	param(Spec{
		Name: KMSKeyARN, Flag: "kms-key-arn", Form: "ARN", Help: "key that encrypts the topics in its region",
		Valid: "the ARN of a key of AWS KMS, with its id and not an alias",
	}, func(v *Values) *model.ARN { return &v.KMSKey }, parseKMSKey),
	param(Spec{
		Name: HourlyChecks, Flag: "hourly-checks", Form: "WHEN", Choices: modes, Default: string(model.Auto),
		Help:  "whether resources are checked for idleness and step-down once an hour each, all now, or not at all",
		Valid: "auto, always or never",
	}, func(v *Values) *model.Mode { return &v.HourlyChecks }, parseMode),
	param(Spec{
		Name: MetricDelay, Flag: "metric-delay", Form: "DURATION", Default: "2m",
		Help:  "how long ago a window must have ended to be measured, because request counts arrive late",
		Valid: "a duration from 0s to 15m, such as 90s or 2m",
	}, func(v *Values) *time.Duration { return &v.MetricDelay }, parseMetricDelay),
	param(Spec{
		Name: DashboardName, Flag: "dashboard-name", Form: "NAME", Default: "Amazon-Personalize-Monitor",
		Help:  "name of the dashboard; another one for a second deployment in the same account",
		Valid: "1 to 250 of the characters A-Z, a-z, 0-9, - and _",
	}, func(v *Values) *string { return &v.DashboardName }, parseDashboardName),
}

// Text returns the value of a parameter as people write it. Addresses are personal data:
// the text is their number.
func (v Values) Text(name string) string {
	i := slices.IndexFunc(table, func(p parameter) bool { return p.Name == name })
	switch field := table[i].get(&v).(type) {
	case bool:
		if field {
			return "Yes"
		}
		return "No"
	case []string:
		return strings.Join(field, ", ")
	case []Endpoint:
		return strconv.Itoa(len(field))
	case model.Selection:
		if field.All {
			return "all"
		}
		if field.None() {
			return "none"
		}
		texts := make([]string, len(field.ARNs))
		for i, arn := range field.ARNs {
			texts[i] = arn.String()
		}
		return strings.Join(texts, ", ")
	default:
		return fmt.Sprint(field)
	}
}

// OfAccount are the parameters of one of several accounts: of named resources those in it and, if the
// account has regions of its own, these.
func (v Values) OfAccount(id string, regions []string) Values {
	narrow := func(s model.Selection) model.Selection {
		return model.Selection{All: s.All, ARNs: slices.DeleteFunc(slices.Clone(s.ARNs), func(arn model.ARN) bool { return arn.Account() != id })}
	}
	v.Campaigns, v.Recommenders = narrow(v.Campaigns), narrow(v.Recommenders)
	if len(regions) > 0 {
		v.Regions = regions
	}
	return v
}

// Accounts are the accounts of the resources that are named.
func (v Values) Accounts() []string {
	var ids []string
	for _, arn := range slices.Concat(v.Campaigns.ARNs, v.Recommenders.ARNs) {
		ids = append(ids, arn.Account())
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
