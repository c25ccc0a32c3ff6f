package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Deployment is a monitor by what it left in the account.
type Deployment struct {
	Name string // the value of the tag Deployment; empty for the upstream sample
	// Traces are the things that are tagged as its, such as "the topic in us-east-1".
	Traces []string
	// Served is when a daemon of the deployment last did its work; zero if there never was one.
	Served time.Time
	// Version is the one that last worked; empty if it recorded none.
	Version string
}

// title names a deployment for people.
func (d Deployment) title() string {
	switch {
	case d.Name == "":
		return "the upstream sample"
	case d.stack():
		return "stack " + d.Name
	}
	return "deployment " + d.Name
}

// stack reports whether a deployment is a stack: its name is that of a region and of the stack.
func (d Deployment) stack() bool { return strings.Contains(d.Name, "/") }

// servedWithin is how long ago a daemon that still runs has worked at most: a tick comes every 5
// minutes.
const servedWithin = time.Hour

// active reports whether a deployment works on its own: a stack, the upstream sample, or a daemon
// that runs.
func (d Deployment) active(now time.Time) bool {
	return d.Name == "" || d.stack() || now.Sub(d.Served).Abs() < servedWithin
}

// present are the deployments that are still there. Of daemons that only worked once, by the tags of the
// topic, nothing is left; a stack removes its version from these when it is deleted, and may have no other trace
// if it shares topic, rule and alarms with another one.
func (f Facts) present() []Deployment {
	return slices.DeleteFunc(slices.Clone(f.Deployments), func(d Deployment) bool {
		return len(d.Traces) == 0 && f.clockOfAWS().Sub(d.Served).Abs() >= servedWithin && !(d.stack() && d.Version != "")
	})
}

// undeployed reports whether no monitor left anything in the account. That is not known if not all traces
// could be read.
func (f Facts) undeployed() bool { return len(f.present()) == 0 && f.TracesFailure.Kind == Read }

// runs reports whether something in the account should publish metrics.
func (f Facts) runs() bool {
	return slices.ContainsFunc(f.present(), func(d Deployment) bool { return d.active(f.clockOfAWS()) })
}

// monitors is about what is deployed: one monitor, and of the version of this program. That there is no
// other one is not known if not all traces could be read.
func (f Facts) monitors() (list []Finding) {
	about, unknown, present := Finding{Check: CheckMonitor}, f.TracesFailure.Kind != Read, f.present()
	var titles []string
	for _, d := range present {
		where := "a daemon that runs"
		switch {
		case len(d.Traces) > 0:
			where = names(d.Traces)
		case d.stack():
			where = "its version in the tags of a topic"
		}
		titles = append(titles, fmt.Sprintf("%s (%s)", d.title(), where))
		list = append(list, f.version(d)...)
	}
	switch {
	case len(present) > 1:
		list = append(list, about.with(Warn, fmt.Sprintf("%d monitors in the account: %s", len(titles), strings.Join(titles, "; ")),
			"keep one: two change the same minimums and notify twice; cleanup removes what another one made"))
	case len(present) == 1 && present[0].Name == "":
		list = append(list, about.with(Warn, "the upstream sample is deployed here: "+names(present[0].Traces),
			"update its stack to this program's template in place; do not run both"))
	case len(present) == 1 && unknown:
		list = append(list, about.ok("a monitor: "+present[0].title()))
	case len(present) == 1:
		list = append(list, about.ok("one monitor in these regions: "+present[0].title()))
	case !unknown:
		list = append(list, about.ok("no trace of another monitor in these regions"))
	}
	if unknown {
		list = append(list, about.unread("whether there are other monitors", f.TracesFailure))
	}
	return list
}

// version compares the version of a deployment that works on its own with this program's.
func (f Facts) version(d Deployment) []Finding {
	about := Finding{Check: CheckVersion}
	switch {
	case d.Name == "" || !d.active(f.clockOfAWS()):
		return nil
	case d.Version == "":
		about = about.with(Warn, d.title()+" has recorded no version: it is older than this program, or has not worked yet",
			"deploy this version, and run verify again after its first cycle")
	case f.Version == "":
		about = about.with(Unchecked, d.title()+" is of version "+d.Version+"; this program has none", "use a release of the program")
	case d.Version != f.Version:
		about = about.with(Warn, fmt.Sprintf("%s is of version %s, this program of %s", d.title(), d.Version, f.Version),
			"deploy this version, or verify with the program of that one")
	default:
		about = about.ok(d.title() + " is of this version, " + d.Version)
	}
	return []Finding{about}
}
