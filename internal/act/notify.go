package act

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// TopicName is the name of the topic that alarms and notifications go to, in every
// region concerned.
const TopicName = "PersonalizeMonitorNotifications"

// wiringTTL is how long notification plumbing that was found in order is believed to
// be so. What somebody removes meanwhile is put back within the hour.
const wiringTTL = time.Hour

// wiring is what is remembered of a region's notification plumbing.
type wiring struct {
	topic   model.ARN
	asked   string // what was asked for: account and endpoints
	checked time.Time
}

// NotifyInput says where notifications are needed and who gets them.
type NotifyInput struct {
	Regions   []string // with monitored resources; the deployment region is added
	Endpoints []config.Endpoint
	// Identity may be given where it is known, from the ARNs of the account's resources
	// for instance; left zero, Actor.Identity is asked.
	Identity Identity
}

// Notify brings the notification plumbing in order: in every region the topic, its
// policy and its subscriptions; in the deployment region the rule that forwards our
// notifications; elsewhere the rule that the original application left behind is
// removed. What is in order costs reads only, and not even those for an hour. The
// result has the topic of each region that has one (in a dry run, or would have), so
// that alarms can name it; a region without is among the problems.
func (a *Actor) Notify(ctx context.Context, in NotifyInput) (topics map[string]model.ARN, problems []model.Problem) {
	regions := slices.Compact(slices.Sorted(slices.Values(append([]string{a.home}, in.Regions...))))
	identity := in.Identity
	if identity == (Identity{}) {
		var err error
		if identity, err = a.Identity(ctx); err != nil {
			return nil, []model.Problem{problem(a.home, "", "GetCallerIdentity", err)}
		}
	}
	results := make([]notifier, len(regions))
	var group errgroup.Group
	group.SetLimit(parallelCalls)
	for i, region := range regions {
		group.Go(func() error {
			results[i] = a.notifyRegion(ctx, region, identity, in.Endpoints)
			return nil
		})
	}
	_ = group.Wait() // the problems are in the results
	topics = make(map[string]model.ARN, len(regions))
	for i, region := range regions {
		if results[i].exists {
			topics[region] = results[i].topic
		}
		problems = append(problems, results[i].problems...)
	}
	return topics, problems
}

// notifier is the work on one region's plumbing, and its result.
type notifier struct {
	*Actor
	region    string
	account   string
	topic     model.ARN
	exists    bool // the topic does, or would in a dry run
	endpoints []config.Endpoint
	problems  []model.Problem
}

func (a *Actor) notifyRegion(ctx context.Context, region string, id Identity, endpoints []config.Endpoint) notifier {
	n := notifier{
		Actor: a, region: region, account: id.Account, endpoints: endpoints,
		topic: model.ARN{Partition: id.Partition, Service: "sns", Region: region, Account: id.Account, Resource: TopicName},
	}
	asked := fmt.Sprint(id, endpoints)
	a.mu.Lock()
	known, remembered := a.wired[region]
	a.mu.Unlock()
	remembered = remembered && known.topic == n.topic
	age := a.clock.Now().Sub(known.checked)
	if remembered && known.asked == asked && age >= 0 && age < wiringTTL {
		n.exists = true
		return n
	}
	n.exists = n.ensureTopic(ctx, a.clients.SNS(region))
	if events := a.clients.EventBridge(region); region != a.home {
		n.removeOriginalRule(ctx, events)
	} else if n.exists {
		n.ensureRule(ctx, events)
	}
	switch {
	case len(n.problems) > 0:
		// A topic that was there within the last hours is still named to the alarms.
		n.exists = n.exists || remembered
	case !a.gate.dryRun:
		a.mu.Lock()
		a.wired[region] = wiring{topic: n.topic, asked: asked, checked: a.clock.Now()}
		a.mu.Unlock()
	}
	return n
}

// fail notes a problem with the region's plumbing.
func (n *notifier) fail(arn, op, doing string, err error) {
	n.problems = append(n.problems, problem(n.region, arn, op, fmt.Errorf("%s: %w", doing, err)))
}

// sameEndpoint compares addresses as their protocols do: e-mail addresses without
// regard to case.
func sameEndpoint(e config.Endpoint, protocol, address string) bool {
	if string(e.Protocol) != protocol {
		return false
	}
	if e.Protocol == config.Email {
		return strings.EqualFold(e.Address, address)
	}
	return e.Address == address
}
