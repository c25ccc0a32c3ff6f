// Package params holds the parameters of the program: their names, defaults and valid
// values, and how each is found, in the order event, flag, environment variable,
// default. It stands before the line discover → measure → decide → act → report: every
// door resolves its parameters here first, and nothing is asked of AWS while one of
// them is invalid.
package config

import (
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// The parameters, by the name that serves as event key, as environment variable and,
// but for HourlyChecks, as template parameter.
const (
	CampaignARNs                        = "CampaignARNs"
	RecommenderARNs                     = "RecommenderARNs"
	Regions                             = "Regions"
	AutoCreateUtilizationAlarms         = "AutoCreateUtilizationAlarms"
	UtilizationThresholdAlarmLowerBound = "UtilizationThresholdAlarmLowerBound"
	AutoAdjustMinTPS                    = "AutoAdjustMinTPS"
	AutoCreateIdleAlarms                = "AutoCreateIdleAlarms"
	IdleThresholdHours                  = "IdleThresholdHours"
	AutoDeleteOrStopIdleResources       = "AutoDeleteOrStopIdleResources"
	MaxStopsOrDeletesPerHour            = "MaxStopsOrDeletesPerHour"
	NotificationEndpoint                = "NotificationEndpoint"
	HourlyChecks                        = "HourlyChecks"
	MetricDelay                         = "MetricDelay"
	DashboardName                       = "DashboardName"
)

// Spec describes one parameter to those who offer it: flags, help texts, templates.
type Spec struct {
	Name     string // event key, environment variable, template parameter
	Flag     string // without the leading dashes
	Default  string // as text; empty where the default is none
	Help     string // what it does, one sentence without a full stop
	Valid    string // what is accepted, fit to follow "valid:"
	Template bool   // whether the deployment template offers it
}

// Protocol is how a notification endpoint is reached, spelt as Amazon SNS does.
type Protocol string

// The protocols of notification endpoints.
const (
	Email Protocol = "email"
	HTTPS Protocol = "https"
)

// Endpoint is one subscriber of the notifications.
type Endpoint struct {
	Protocol Protocol
	Address  string // e-mail address, or URL beginning with https://
}

// Values are the parameters as they count for one piece of work. The zero value is not
// useful; Resolve makes them, and Resolve(Sources{}) gives the defaults.
type Values struct {
	Campaigns                   model.Selection
	Recommenders                model.Selection
	Regions                     []string // empty: the current region
	AutoCreateUtilizationAlarms bool
	UtilizationThreshold        float64 // percent, 0 to 1000
	AutoAdjustMinTPS            model.Switch
	AutoCreateIdleAlarms        bool
	IdleThresholdHours          int // 1 to 168
	AutoDeleteOrStopIdle        model.Switch
	MaxEndingsPerHour           int        // automatic stops and deletes per region, 1 to 1000
	Endpoints                   []Endpoint // empty: nobody is subscribed
	HourlyChecks                model.Mode
	MetricDelay                 time.Duration // 0 to 15 minutes
	DashboardName               string

	origins map[string]string // of the parameters that were given
}

// Given tells whether an event, a flag or the environment named the parameter, as
// opposed to a default that stands in for it. The value given may equal the default.
func (v Values) Given(name string) bool { return v.origins[name] != "" }

// All lists the parameters in the order in which help shows them.
func All() []Spec {
	specs := make([]Spec, len(table))
	for i, p := range table {
		specs[i] = p.Spec
	}
	return specs
}

// parameter is a Spec with what puts a given value into its place, or says what is
// wrong with it. Where optional is true an empty text is none, and nothing is put there.
type parameter struct {
	Spec
	set      func(*Values, value) error
	optional bool
}

const (
	validBoolean = "yes or no (also true, false, 1, 0)"
	validSwitch  = "yes, no (also true, false, 1, 0) or DryRun, which tells what it would do"
	validMode    = "auto, always or never"
)

var table = []parameter{
	{
		Spec: Spec{
			CampaignARNs, "campaign-arns", "all", "campaigns to monitor",
			"all, none, or the ARNs of campaigns, separated by commas", true,
		},
		set: func(v *Values, in value) (err error) {
			v.Campaigns, err = parseSelection(in, model.Campaign)
			return err
		},
	},
	{
		Spec: Spec{
			RecommenderARNs, "recommender-arns", "all", "recommenders to monitor",
			"all, none, or the ARNs of recommenders, separated by commas", true,
		},
		set: func(v *Values, in value) (err error) {
			v.Recommenders, err = parseSelection(in, model.Recommender)
			return err
		},
	},
	{
		Spec: Spec{
			Regions, "regions", "", "regions in which to look for what is selected by all; the current region if none is named",
			"names of regions, such as eu-west-1, separated by commas", true,
		},
		set: func(v *Values, in value) (err error) {
			v.Regions, err = parseRegions(in)
			return err
		},
		optional: true,
	},
	{
		Spec: Spec{
			AutoCreateUtilizationAlarms, "auto-create-utilization-alarms", "Yes",
			"keep an alarm on low utilization for every monitored resource", validBoolean, true,
		},
		set: func(v *Values, in value) (err error) {
			v.AutoCreateUtilizationAlarms, err = parseBoolean(in)
			return err
		},
	},
	{
		Spec: Spec{
			UtilizationThresholdAlarmLowerBound, "utilization-threshold", "100",
			"utilization, in percent, below which the alarm on low utilization is raised", "0 to 1000, percent", true,
		},
		set: func(v *Values, in value) (err error) {
			v.UtilizationThreshold, err = parseNumber(in, 0, 1000)
			return err
		},
	},
	{
		Spec: Spec{
			AutoAdjustMinTPS, "auto-adjust-min-tps", "Yes",
			"lower minimums that are never used to the full, step by step", validSwitch, true,
		},
		set: func(v *Values, in value) (err error) {
			v.AutoAdjustMinTPS, err = parseSwitch(in)
			return err
		},
	},
	{
		Spec: Spec{
			AutoCreateIdleAlarms, "auto-create-idle-alarms", "Yes",
			"keep an alarm on idleness for every monitored resource", validBoolean, true,
		},
		set: func(v *Values, in value) (err error) {
			v.AutoCreateIdleAlarms, err = parseBoolean(in)
			return err
		},
	},
	{
		Spec: Spec{
			IdleThresholdHours, "idle-threshold-hours", "24",
			"hours without a request after which a resource counts as idle", "1 to 168, whole hours", true,
		},
		set: func(v *Values, in value) (err error) {
			v.IdleThresholdHours, err = parseWhole(in, 1, 168)
			return err
		},
	},
	{
		Spec: Spec{
			AutoDeleteOrStopIdleResources, "auto-delete-or-stop-idle", "No",
			"delete idle campaigns and stop idle recommenders", validSwitch, true,
		},
		set: func(v *Values, in value) (err error) {
			v.AutoDeleteOrStopIdle, err = parseSwitch(in)
			return err
		},
	},
	{
		Spec: Spec{
			MaxStopsOrDeletesPerHour, "max-stops-per-hour", "5",
			"how many campaigns and recommenders of a region are deleted or stopped by themselves within an hour, at most",
			"1 to 1000, a whole number", true,
		},
		set: func(v *Values, in value) (err error) {
			v.MaxEndingsPerHour, err = parseWhole(in, 1, 1000)
			return err
		},
	},
	{
		Spec: Spec{
			NotificationEndpoint, "notification-endpoint", "", "who is told of alarms and actions",
			"e-mail addresses or https:// URLs, separated by commas", true,
		},
		set: func(v *Values, in value) (err error) {
			v.Endpoints, err = parseEndpoints(in)
			return err
		},
		optional: true,
	},
	{
		Spec: Spec{
			HourlyChecks, "hourly-checks", "auto",
			"whether resources are checked for idleness and step-down once an hour each, all now, or not at all", validMode, false,
		},
		set: func(v *Values, in value) (err error) {
			v.HourlyChecks, err = parseMode(in)
			return err
		},
	},
	{
		Spec: Spec{
			MetricDelay, "metric-delay", "2m",
			"how long ago a window must have ended to be measured, as request counts arrive late",
			"a duration from 0s to 15m, such as 90s or 2m", true,
		},
		set: func(v *Values, in value) (err error) {
			v.MetricDelay, err = parseDuration(in, 15*time.Minute)
			return err
		},
	},
	{
		Spec: Spec{
			DashboardName, "dashboard-name", "Amazon-Personalize-Monitor",
			"name of the dashboard; another one for a second deployment in the same account",
			"1 to 250 of the characters A-Z, a-z, 0-9, - and _", true,
		},
		set: func(v *Values, in value) (err error) {
			v.DashboardName, err = parseDashboardName(in)
			return err
		},
	},
}
