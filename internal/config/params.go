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

// Endpoint is one subscriber of the notifications.
type Endpoint struct {
	Protocol Protocol
	Address  string // e-mail address, or URL beginning with https://
}

// Protocol is how a notification endpoint is reached, as Amazon SNS spells it.
type Protocol string

// The protocols of notification endpoints.
const (
	Email Protocol = "email"
	HTTPS Protocol = "https"
)

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

const (
	validBoolean = "yes or no (also true, false, 1, 0)"
	validSwitch  = "yes, no (also true, false, 1, 0) or DryRun, which only reports what it would do"
)

var (
	yesNo       = []string{"yes", "no"}
	yesNoDryRun = []string{"yes", "no", "DryRun"}
	modes       = []string{string(model.Auto), string(model.Always), string(model.Never)}
)

var table = []parameter{
	param(Spec{
		Name: CampaignARNs, Flag: "campaign-arns", Form: "ARNS", Choices: []string{"all", "none"}, Default: "all",
		Help: "campaigns to monitor", Valid: "all, none, or the ARNs of campaigns, separated by commas",
	}, func(v *Values) *model.Selection { return &v.Campaigns }, selection(model.Campaign)),
	param(Spec{
		Name: RecommenderARNs, Flag: "recommender-arns", Form: "ARNS", Choices: []string{"all", "none"}, Default: "all",
		Help: "recommenders to monitor", Valid: "all, none, or the ARNs of recommenders, separated by commas",
	}, func(v *Values) *model.Selection { return &v.Recommenders }, selection(model.Recommender)),
	param(Spec{
		Name: Regions, Flag: "regions", Form: "REGIONS",
		Help:  "regions to search where all is selected; the current region if none is named",
		Valid: "names of regions, such as eu-west-1, separated by commas",
	}, func(v *Values) *[]string { return &v.Regions }, optional(parseRegions)),
	param(Spec{
		Name: AutoCreateUtilizationAlarms, Flag: "auto-create-utilization-alarms", Form: "yes|no", Choices: yesNo, Default: "Yes",
		Help: "maintain an alarm on low utilization for every monitored resource", Valid: validBoolean,
	}, func(v *Values) *bool { return &v.AutoCreateUtilizationAlarms }, parseBoolean),
	param(Spec{
		Name: UtilizationThresholdAlarmLowerBound, Flag: "utilization-threshold", Form: "PERCENT", Default: "100",
		Help: "utilization, in percent, below which the alarm on low utilization fires", Valid: "0 to 1000, percent",
	}, func(v *Values) *float64 { return &v.UtilizationThreshold }, number(0, 1000)),
	param(Spec{
		Name: AutoAdjustMinTPS, Flag: "auto-adjust-min-tps", Form: "yes|no|DryRun", Choices: yesNoDryRun, Default: "Yes",
		Help: "lower minimums that are never fully used, step by step", Valid: validSwitch,
	}, func(v *Values) *model.Switch { return &v.AutoAdjustMinTPS }, parseSwitch),
	param(Spec{
		Name: AutoCreateIdleAlarms, Flag: "auto-create-idle-alarms", Form: "yes|no", Choices: yesNo, Default: "Yes",
		Help: "maintain an alarm on idleness for every monitored resource", Valid: validBoolean,
	}, func(v *Values) *bool { return &v.AutoCreateIdleAlarms }, parseBoolean),
	param(Spec{
		Name: IdleThresholdHours, Flag: "idle-threshold-hours", Form: "HOURS", Default: "24",
		Help: "hours without a request after which a resource counts as idle", Valid: "1 to 168, whole hours",
	}, func(v *Values) *int { return &v.IdleThresholdHours }, whole(1, 168)),
	param(Spec{
		Name: UsedIdleThresholdHours, Flag: "used-idle-threshold-hours", Form: "HOURS", Default: "192",
		Help:  "hours without a call before a resource that was called in the last 90 days is deleted or stopped",
		Valid: "1 to 1080, whole hours",
	}, func(v *Values) *int { return &v.UsedIdleThresholdHours }, whole(1, 1080)),
	param(Spec{
		Name: AutoDeleteOrStopIdleResources, Flag: "auto-delete-or-stop-idle", Form: "yes|no|DryRun", Choices: yesNoDryRun,
		Default: "No",
		Help:    "delete idle campaigns and stop idle recommenders", Valid: validSwitch,
	}, func(v *Values) *model.Switch { return &v.AutoDeleteOrStopIdle }, parseSwitch),
	param(Spec{
		Name: MaxStopsOrDeletesPerHour, Flag: "max-stops-per-hour", Form: "NUMBER", Default: "5",
		Help:  "the most campaigns and recommenders of a region that are deleted or stopped automatically within an hour",
		Valid: "1 to 1000, a whole number",
	}, func(v *Values) *int { return &v.MaxRemovalsPerHour }, whole(1, 1000)),
	param(Spec{
		Name: NotificationEndpoint, Flag: "notification-endpoint", Form: "ADDRESSES",
		Help: "who is notified of alarms and actions", Valid: "e-mail addresses or https:// URLs, separated by commas",
	}, func(v *Values) *[]Endpoint { return &v.Endpoints }, optional(parseEndpoints)),
	param(Spec{
		Name: ChatNotifications, Flag: "chat-notifications", Form: "yes|no", Choices: yesNo, Default: "No",
		Help:  "maintain a topic with notifications that Amazon Q Developer in chat applications shows in Slack and Microsoft Teams",
		Valid: validBoolean,
	}, func(v *Values) *bool { return &v.ChatNotifications }, parseBoolean),
	param(Spec{
		Name: KMSKeyARN, Flag: "kms-key-arn", Form: "ARN",
		Help:  "key that encrypts the topics in its region",
		Valid: "the ARN of a key of AWS KMS, with its id and not an alias",
	}, func(v *Values) *model.ARN { return &v.KMSKey }, optional(parseKMSKey)),
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
