// Package verify checks whether the program can work in an account, and whether what is deployed
// there works: facts that were read → findings, each with a remedy. It knows no AWS and reads
// nothing; package probe does.
package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
)

// Status is the outcome of a check.
type Status string

// The statuses. Unchecked means that the fact is not known: neither good nor bad.
const (
	OK        Status = "OK"
	Warn      Status = "WARN" // it works, but a person may want something else
	Fail      Status = "FAIL" // something does not work, or notifications get lost
	Unchecked Status = "not checked"
)

// Check names what is checked. The values are keys of the JSON, and stable.
type Check string

// The checks.
const (
	CheckCredentials Check = "credentials"
	CheckClock       Check = "clock"
	CheckRegion      Check = "region"
	CheckPermission  Check = "permission"
	CheckQuota       Check = "quota"
	CheckMetrics     Check = "metrics"
	CheckTopic       Check = "topic"
	CheckKey         Check = "key"
	CheckSubscriber  Check = "subscriber"
	CheckRule        Check = "rule"
	CheckMonitor     Check = "monitor"
	CheckVersion     Check = "version"
)

// checks are in the order in which findings are listed.
var checks = []Check{
	CheckCredentials, CheckClock, CheckRegion, CheckPermission, CheckQuota, CheckMetrics, CheckTopic, CheckKey, CheckSubscriber, CheckRule,
	CheckMonitor, CheckVersion,
}

// Finding is the outcome of one check of one thing. Its JSON keys are stable.
type Finding struct {
	Check    Check  `json:"check"`    // credentials, clock, region, permission, quota, metrics, topic, key, subscriber, rule, monitor, version
	Status   Status `json:"status"`   // OK, WARN, FAIL, not checked
	Region   string `json:"region"`   // empty for the whole account, or for every region
	Resource string `json:"resource"` // an ARN, an action or an address; may be empty
	Text     string `json:"text"`     // one line
	Remedy   string `json:"remedy"`   // what to try; empty for OK
}

func (f Finding) ok(text string) Finding { return f.with(OK, text, "") }

func (f Finding) with(status Status, text, remedy string) Finding {
	f.Status, f.Text, f.Remedy = status, text, remedy
	return f
}

// unread is the finding for something that could not be read.
func (f Finding) unread(what string, why Failure) Finding {
	f.Resource = ""
	return f.with(Unchecked, what+": "+why.Text, why.Remedy)
}

// Failure is why something is not known. The zero value means that it was read.
type Failure struct {
	Kind   FailureKind
	Text   string // one line
	Remedy string
}

// FailureKind classifies a Failure.
type FailureKind string

// The kinds. NoHost means that the service has no host name in the region, Disabled that the region
// is not enabled for the account, Busy that AWS throttles calls or has an internal fault.
const (
	Read        FailureKind = ""
	Denied      FailureKind = "denied"
	Missing     FailureKind = "missing"
	Disabled    FailureKind = "disabled"
	NoHost      FailureKind = "no host"
	Unreachable FailureKind = "unreachable"
	Credentials FailureKind = "credentials"
	Busy        FailureKind = "busy"
	Other       FailureKind = "other"
)

// Facts are what was read. What could not be read has a Failure beside it.
type Facts struct {
	Now     time.Time // by this host's clock
	Use     string    // the way of working whose permissions were checked, such as run
	Version string    // of this program; empty if it has none
	Policy  string    // where the whole policy of Use is
	Home    string    // the deployment region
	// MetricDelay is how long the monitor waits for late counts, which makes its metrics older.
	MetricDelay time.Duration

	Identity Identity
	Clock    Clock
	Regions  []Region
	// Permissions are the actions of Use that were checked, one for each region and resource.
	Permissions []Permission
	Rules       Count // in the deployment region
	Dashboards  Count
	// Deployments are the monitors that left traces in the account. TracesFailure is why there may be
	// more.
	Deployments   []Deployment
	TracesFailure Failure
	// Chat is the topic for chats in the deployment region, and ChatWanted whether the parameters want
	// one. Wanted are the addresses that the parameters want to be notified.
	Chat       Topic
	ChatWanted bool
	Wanted     []config.Endpoint
}

// Identity is who owns the credentials. With a Failure, the account is the one that was meant, if any.
type Identity struct {
	Account string
	Name    string // of one of several accounts; may be empty
	ARN     string
	Failure Failure
}

// Clock is how far the host's clock is ahead of AWS's, negative if behind.
type Clock struct {
	Offset time.Duration
	Known  bool
}

// clockOfAWS is the time by AWS's clock: what AWS keeps is as old as that shows, whatever this host's clock does.
func (f Facts) clockOfAWS() time.Time {
	if !f.Clock.Known {
		return f.Now
	}
	return f.Now.Add(-f.Clock.Offset)
}

// Count is how many of something exist.
type Count struct {
	N       int
	Failure Failure
}

// Region is what was read in one region.
type Region struct {
	Name      string
	Watched   bool    // among the regions in which resources are looked for; the deployment region need not be
	Concerned bool    // resources exist here, or it is the deployment region: a monitor has work here
	Listed    bool    // among the regions known to offer Personalize
	Reach     Failure // of the first calls; nothing else was read unless it is Read or Denied
	Resources Count   // campaigns and recommenders
	Alarms    Count   // of everyone
	Metrics   Arrival
	Topic     Topic
	Rule      Rule
}

// Reached reports whether AWS answered in the region, be it with a denial.
func (r Region) Reached() bool { return r.Reach.Kind == Read || r.Reach.Kind == Denied }

// Arrival is the newest of our own metrics that can be read.
type Arrival struct {
	Latest  time.Time // the end of the newest five minutes; zero if there is nothing within the look-back
	Failure Failure
}

// Findings are the outcome of all checks, in the order of the checks and regions.
func Findings(f Facts) []Finding {
	if f.Identity.Failure.Kind != Read {
		return f.noIdentity()
	}
	list := []Finding{
		{CheckCredentials, OK, "", f.Identity.ARN, "account " + f.Identity.Account + ", " + f.Identity.ARN, ""},
		f.clock(),
	}
	list = append(list, f.permissions()...)
	for _, r := range f.Regions {
		list = append(list, r.reach())
		if r.Reached() {
			list = append(list, countFinding(r.Name, "alarms", r.Alarms))
			list = append(list, f.arrival(r)...)
			list = append(list, f.notifications(r)...)
		}
		if r.Name == f.Home && r.Reached() {
			list = append(list, f.ruleQuota(), countFinding("", "dashboards", f.Dashboards))
			list = append(list, f.monitors()...)
		}
	}
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Compare(slices.Index(checks, a.Check), slices.Index(checks, b.Check))
	})
	return list
}

// names joins the names of things, the last of many left out.
func names(list []string) string {
	const most = 8
	if more := len(list) - most; more > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), more)
	}
	return strings.Join(list, ", ")
}
