package verify

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// noIdentity is the whole result without credentials that AWS accepts: everything else would fail for
// the same reason. A wrong clock may be that: signatures have a date.
func (f Facts) noIdentity() []Finding {
	about := Finding{Check: CheckCredentials}
	list := []Finding{about.with(Fail, f.Identity.Failure.Text, f.Identity.Failure.Remedy)}
	if f.Identity.Failure.Kind == Busy {
		list[0].Status = Unchecked
	}
	if clock := f.clock(); clock.Status == Fail {
		list = append(list, clock)
	}
	return append(list, about.with(Unchecked, "everything else: it needs credentials that AWS accepts",
		"run verify again when this is fixed"))
}

// clock compares the host's clock as the monitor does, which decides nothing by a wrong one.
func (f Facts) clock() Finding {
	about := Finding{Check: CheckClock}
	switch wrong := rules.WrongClock(f.Now, f.Clock.Offset, f.Clock.Known); {
	case !f.Clock.Known:
		return about.with(Unchecked, wrong, "look whether a proxy removes the header Date from responses")
	case wrong != "":
		return about.with(Fail, wrong, "set the clock by NTP (timedatectl, chronyc); until then nothing is decided")
	}
	return about.ok("the clock of this host agrees with AWS's")
}

// reach is whether AWS answers in a region, and offers Personalize there.
func (r Region) reach() Finding {
	about := Finding{Check: CheckRegion, Region: r.Name}
	switch {
	case r.Reach.Kind == Disabled:
		return about.with(Fail, "the region is not enabled for this account",
			"enable it in the account's settings (AWS Regions), or leave it out of Regions")
	case r.Reach.Kind == NoHost:
		return about.with(Fail, "Personalize is not offered here: it has no host name", "leave the region out of Regions")
	case r.Reach.Kind == Busy:
		return about.unread("the region and all in it", r.Reach)
	case !r.Reached():
		return about.with(Fail, r.Reach.Text, r.Reach.Remedy)
	case !r.Watched:
		return about.ok("reached; events and the notification rule are here, and nothing is monitored")
	case !r.Listed:
		return about.with(Warn, "AWS answers, but this version knows of no Personalize here",
			"check the name; leave it out of Regions unless Personalize is new there")
	case r.Resources.Failure.Kind != Read:
		return about.ok("reached; what exists here could not be listed")
	case r.Resources.N == 1:
		return about.ok("reached; 1 campaign or recommender")
	}
	return about.ok(fmt.Sprintf("reached; %d campaigns and recommenders", r.Resources.N))
}

// countFinding is about the number of things on which CloudWatch has no quota: alarms and dashboards ("CloudWatch
// service quotas", "No limit on the total number of alarms per account").
func countFinding(region, things string, c Count) Finding {
	about := Finding{Check: CheckQuota, Region: region}
	if c.Failure.Kind != Read {
		return about.unread("number of "+things, c.Failure)
	}
	return about.ok(fmt.Sprintf("%d %s; CloudWatch has no quota on them", c.N, things))
}

// The default quota of EventBridge on the rules of a bus ("Amazon EventBridge quotas", adjustable).
const (
	rulesPerBus = 300
	// RulesNeeded are the rules of a whole stack: schedules, events and notifications.
	RulesNeeded = 7
	// rulesTight is the share of the quota, in percent, from which on it is worth a warning.
	rulesTight = 90
)

func (f Facts) ruleQuota() Finding {
	about, n := Finding{Check: CheckQuota, Region: f.Home}, f.Rules.N
	if f.Rules.Failure.Kind != Read {
		return about.unread("number of EventBridge rules", f.Rules.Failure)
	}
	text := fmt.Sprintf("%d of %d EventBridge rules (default quota)", n, rulesPerBus)
	if n+RulesNeeded > rulesPerBus || n*100 >= rulesPerBus*rulesTight {
		return about.with(Warn, text,
			fmt.Sprintf("a stack needs %d; have the quota raised (Service Quotas, EventBridge), unless it was", RulesNeeded))
	}
	return about.ok(text)
}

// silentAfter is the age from which on the newest metrics mean that cycles do not run: two of them were
// missed at least, and data may take a few minutes to appear. Between two cycles metrics are as old as the
// delay and ten minutes.
func (f Facts) silentAfter() time.Duration { return max(20*time.Minute, f.MetricDelay+15*time.Minute) }

// LookBack is how far back the newest of our metrics is looked for.
const LookBack = 3 * time.Hour

// arrival is whether our own metrics arrive in a region.
func (f Facts) arrival(r Region) []Finding {
	about, latest := Finding{Check: CheckMetrics, Region: r.Name}, r.Metrics.Latest
	age := max(0, f.clockOfAWS().Sub(latest))
	text := "our latest metrics are " + model.Span(age) + " old"
	if latest.IsZero() {
		text = fmt.Sprintf("no metrics of ours in the last %d hours", int(LookBack.Hours()))
	}
	switch {
	case !r.Concerned:
		return nil
	case r.Metrics.Failure.Kind != Read:
		about = about.unread("age of our latest metrics", r.Metrics.Failure)
	case !latest.IsZero() && age < f.silentAfter():
		about = about.ok("our metrics arrive; the latest are " + model.Span(age) + " old")
	case latest.IsZero() && f.undeployed():
		about = about.ok("no metrics of ours; nothing is deployed yet")
	case f.runs():
		about = about.with(Fail, text, "read the log of the monitor (function MonitorFunction, or serve), and check that it is scheduled")
	default:
		about = about.with(Warn, text, "run and serve publish them; schedule one of them every 5 minutes")
	}
	return []Finding{about}
}
