package verify

import (
	"fmt"
	"strconv"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

func number(n int) string { return strconv.Itoa(n) }

// noIdentity is the whole result without credentials that AWS accepts: everything else would fail for
// the same reason. A wrong clock may be that: signatures have a date.
func (f Facts) noIdentity() []Finding {
	failed := f.Identity.Failure
	list := []Finding{{CheckCredentials, Fail, "", "", failed.Text, failed.Remedy}}
	if clock := f.clock(); clock.Status == Fail {
		list = append(list, clock)
	}
	return append(list, Finding{
		CheckCredentials, Unchecked, "", "", "everything else: it needs credentials that AWS accepts", "run verify again when this is fixed",
	})
}

func (f Facts) identity() Finding {
	return Finding{
		CheckCredentials, OK, "", f.Identity.ARN, "account " + f.Identity.Account + ", " + f.Identity.ARN, "",
	}
}

// clock compares the host's clock as the monitor does, which decides nothing by a wrong one.
func (f Facts) clock() Finding {
	finding := Finding{Check: CheckClock, Status: OK, Text: "the clock of this host agrees with AWS's"}
	if wrong := rules.WrongClock(f.Now, f.Clock.Offset, f.Clock.Known); wrong != "" {
		finding.Status, finding.Text = Fail, wrong
		finding.Remedy = "set the clock by NTP (timedatectl, chronyc); until then nothing is decided"
	}
	if !f.Clock.Known {
		finding.Status, finding.Remedy = Unchecked, "look whether a proxy removes the header Date from responses"
	}
	return finding
}

// region is whether AWS answers in a region, and offers Personalize there.
func (f Facts) region(r Region) Finding {
	finding := Finding{Check: CheckRegion, Status: Fail, Region: r.Name, Text: r.Reach.Text, Remedy: r.Reach.Remedy}
	switch r.Reach.Kind {
	case Read, Denied:
	case Disabled:
		finding.Text = "the region is not enabled for this account"
		finding.Remedy = "enable it in the account's settings (AWS Regions), or leave it out of Regions"
		return finding
	case NoHost:
		finding.Text = "Personalize is not offered here: it has no host name"
		finding.Remedy = "leave the region out of Regions"
		return finding
	default:
		return finding
	}
	finding.Status, finding.Remedy = OK, ""
	if !r.Listed {
		finding.Status, finding.Text = Warn, "AWS answers, but this version knows of no Personalize here"
		finding.Remedy = "check the name; leave it out of Regions unless Personalize is new there"
		return finding
	}
	switch {
	case r.Resources.Failure.Kind != Read:
		finding.Text = "reached; what exists here could not be listed"
	case r.Resources.N == 1:
		finding.Text = "reached; 1 campaign or recommender"
	default:
		finding.Text = fmt.Sprintf("reached; %d campaigns and recommenders", r.Resources.N)
	}
	return finding
}

// Default quotas. CloudWatch has none on alarms and dashboards ("CloudWatch service quotas", "No limit
// on the total number of alarms per account"); EventBridge has one on the rules of a bus
// ("Amazon EventBridge quotas", adjustable).
const (
	rulesPerBus = 300
	// rulesNeeded are the rules of a whole stack: schedules, events and notifications.
	rulesNeeded = 9
	// rulesTight is the share of the quota, in percent, from which on it is worth a warning.
	rulesTight = 90
)

// quotas compares what exists with what the default quotas let the account have.
func (f Facts) quotas() []Finding {
	var list []Finding
	for _, r := range f.Regions {
		switch {
		case !r.Reached():
		case r.Alarms.Failure.Kind != Read:
			list = append(list, r.Alarms.Failure.unchecked(CheckQuota, r.Name, "number of alarms"))
		default:
			text := fmt.Sprintf("%d alarms; CloudWatch has no quota on them", r.Alarms.N)
			list = append(list, Finding{CheckQuota, OK, r.Name, "", text, ""})
		}
	}
	if !f.homeReached() {
		return list
	}
	return append(list, f.ruleQuota(), f.dashboardCount())
}

func (f Facts) ruleQuota() Finding {
	if f.Rules.Failure.Kind != Read {
		return f.Rules.Failure.unchecked(CheckQuota, f.Home, "number of EventBridge rules")
	}
	finding := Finding{CheckQuota, OK, f.Home, "", fmt.Sprintf("%d of %d EventBridge rules (default quota)", f.Rules.N, rulesPerBus), ""}
	if f.Rules.N+rulesNeeded > rulesPerBus || f.Rules.N*100 >= rulesPerBus*rulesTight {
		finding.Status = Warn
		finding.Remedy = fmt.Sprintf("a stack needs %d; have the quota raised (Service Quotas, EventBridge), unless it was", rulesNeeded)
	}
	return finding
}

func (f Facts) dashboardCount() Finding {
	if f.Dashboards.Failure.Kind != Read {
		return f.Dashboards.Failure.unchecked(CheckQuota, "", "number of dashboards")
	}
	return Finding{CheckQuota, OK, "", "", fmt.Sprintf("%d dashboards; CloudWatch has no quota on them", f.Dashboards.N), ""}
}

func (f Facts) homeReached() bool {
	for _, r := range f.Regions {
		if r.Name == f.Home {
			return r.Reached()
		}
	}
	return false
}

// silentAfter is the age from which on the newest metrics mean that cycles do not run: three of them
// were missed, and data may take a few minutes to appear.
const silentAfter = 20 * time.Minute

// LookBack is how far back the newest of our metrics is looked for.
const LookBack = 3 * time.Hour

// arrival is whether our own metrics arrive in a region.
func (f Facts) arrival(r Region) []Finding {
	a := r.Metrics
	finding := Finding{Check: CheckMetrics, Status: OK, Region: r.Name}
	age := f.Now.Sub(a.Latest)
	switch {
	case !r.Concerned:
		return nil
	case a.Failure.Kind != Read:
		return []Finding{a.Failure.unchecked(CheckMetrics, r.Name, "age of our latest metrics")}
	case !a.Latest.IsZero() && age < silentAfter:
		finding.Text = "our metrics arrive; the latest are " + minutes(age) + " old"
		return []Finding{finding}
	case f.undeployed() && a.Latest.IsZero():
		finding.Text = "no metrics of ours; nothing is deployed yet"
		return []Finding{finding}
	case a.Latest.IsZero():
		finding.Text = fmt.Sprintf("no metrics of ours in the last %d hours", int(LookBack.Hours()))
	default:
		finding.Text = "our latest metrics are " + minutes(age) + " old"
	}
	finding.Status, finding.Remedy = Warn, "run and serve publish them; schedule one of them every 5 minutes"
	if f.runs() {
		finding.Status = Fail
		finding.Remedy = "read the log of the monitor (function MonitorFunction, or serve), and check that it is scheduled"
	}
	return []Finding{finding}
}

// minutes is an age for people.
func minutes(age time.Duration) string {
	if m := int(max(0, age).Minutes()); m < 120 {
		return number(m) + " min"
	}
	return number(int(age.Hours())) + " h"
}
