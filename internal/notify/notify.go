// Package notify keeps the way of notifications to people in order: the SNS topic of each
// region with its policy and subscriptions, and the EventBridge rule of the deployment region
// that forwards notifications to the topic. It also holds the lease by which several daemons
// of one deployment agree on a leader, in a tag of that topic. On request it keeps a second topic,
// whose messages chat applications show.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

const (
	// TopicName is the name of the topic that alarms and notifications go to, in every region
	// concerned.
	TopicName = writer.TopicName
	// ChatTopicName is that of the topic for chat applications in the deployment region. Alarms need
	// none: chats show them from the topics that they go to.
	ChatTopicName = "PersonalizeMonitorChatNotifications"
	// RuleName is the name of the rule that forwards notifications to both.
	RuleName = "PersonalizeMonitor-NotificationsRule"
	// TargetID is the rule's target for people.
	TargetID = "PersonalizeMonitorNotificationsId"
	// ChatTargetID is the rule's target for chat applications.
	ChatTargetID = "PersonalizeMonitorChatNotificationsId"
)

// ChatTopic is the topic for chat applications beside the topic of a region.
func ChatTopic(topic model.ARN) model.ARN { return topic.WithResource(ChatTopicName) }

// checkTTL is how long a region that was found in order is not checked again. What someone
// removes meanwhile is restored within the hour.
const checkTTL = time.Hour

// Notifier keeps topics and the rule in order. It is safe for concurrent use, and remembers
// which regions are in order.
type Notifier struct {
	w     *writer.Writer
	owner *writer.Owner

	mu      sync.Mutex
	checked map[string]check // by region
}

// check is the last check of a region that found it in order.
type check struct {
	topic model.ARN
	input string // the account and what is wanted
	at    time.Time
}

// New makes a Notifier. It calls nothing.
func New(w *writer.Writer, owner *writer.Owner) *Notifier {
	return &Notifier{w: w, owner: owner, checked: map[string]check{}}
}

// Input says where notifications are needed and who gets them.
type Input struct {
	Regions   []string // with monitored resources; the deployment region is added
	Endpoints []config.Endpoint
	Chat      bool      // whether the topic for chat applications is wanted
	Key       model.ARN // encrypts the topics of its region; zero: none is encrypted
	// Identity may be given if it is known, from the ARNs of the account's resources for
	// instance; if it is zero, the owner of the credentials is looked up.
	Identity writer.Identity
}

// Ensure keeps notifications in order: in every region the topic, its policy and its
// subscriptions; in the deployment region the rule that forwards notifications; elsewhere it
// deletes the rule that the upstream sample left behind. What is in order costs reads only,
// and not even those for an hour. The result has the topic of each region that has one (in a
// dry run, or would have), for the alarms; a region without one is among the problems.
func (n *Notifier) Ensure(ctx context.Context, in Input) (topics map[string]model.ARN, problems []model.Problem) {
	home := n.w.DeploymentRegion
	regions := slices.Compact(slices.Sorted(slices.Values(append([]string{home}, in.Regions...))))
	identity := in.Identity
	if identity == (writer.Identity{}) {
		var err error
		if identity, err = n.owner.Identity(ctx); err != nil {
			return nil, []model.Problem{writer.Problem(home, "", "GetCallerIdentity", err)}
		}
	}
	results := make([]*setup, len(regions))
	var group errgroup.Group
	group.SetLimit(writer.ParallelCalls)
	for i, region := range regions {
		group.Go(func() error {
			results[i] = n.ensureRegion(ctx, region, identity, in)
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

// Forget makes the next Ensure check a region, because its topic was deleted.
func (n *Notifier) Forget(region string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.checked, region)
}

// setup is the work on one region, and its result.
type setup struct {
	Input
	w          *writer.Writer
	region     string
	account    string
	topic      model.ARN
	exists     bool // the topic exists, or would in a dry run
	chatExists bool // so does that for chats
	problems   []model.Problem
}

func (n *Notifier) ensureRegion(ctx context.Context, region string, id writer.Identity, in Input) *setup {
	s := &setup{Input: in, w: n.w, region: region, account: id.Account, topic: id.ARN("sns", region, TopicName)}
	input := fmt.Sprint(id, in.Endpoints, in.Chat, in.Key)
	n.mu.Lock()
	last, known := n.checked[region]
	n.mu.Unlock()
	known = known && last.topic == s.topic
	age := n.w.Clock.Now().Sub(last.at)
	if known && last.input == input && age >= 0 && age < checkTTL {
		s.exists = true
		return s
	}
	s.exists = s.ensureTopic(ctx)
	if region != n.w.DeploymentRegion {
		s.deleteSampleRule(ctx)
	} else if s.exists {
		s.chatExists = s.Chat && s.ensureChatTopic(ctx)
		s.ensureRule(ctx)
		s.recordVersion(ctx)
	}
	switch {
	case len(s.problems) > 0:
		// The alarms still get the topic of the last check.
		s.exists = s.exists || known
	case !n.w.DryRun:
		n.mu.Lock()
		n.checked[region] = check{topic: s.topic, input: input, at: n.w.Clock.Now()}
		n.mu.Unlock()
	}
	return s
}

// fail records a problem with the region's notifications.
func (s *setup) fail(arn, op, doing string, err error) {
	s.problems = append(s.problems, writer.Problem(s.region, arn, op, fmt.Errorf("%s: %w", doing, err)))
}

// write makes one write, and records its failure.
func (s *setup) write(ctx context.Context, op, arn, what string, do func(context.Context) error) (done bool) {
	_, err := s.w.Do(ctx, writer.Intent{Op: op, Region: s.region, ARN: arn, What: what}, do)
	if err != nil {
		s.fail(arn, op, what, err)
	}
	return err == nil
}

// adopt tags a topic or rule that the upstream sample created, and records a failure.
func (s *setup) adopt(ctx context.Context, arn, what string) {
	if op, err := s.w.Adopt(ctx, s.region, arn, what); err != nil {
		s.problems = append(s.problems, writer.Problem(s.region, arn, op, err))
	}
}

func (s *setup) logKept(ctx context.Context, arn, what string) {
	s.w.LogOnce(ctx, slog.LevelInfo, arn, what, "region", s.region)
}
