package uninstall

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboards"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// removeAlarms removes our alarms.
func (r *removal) removeAlarms(ctx context.Context) {
	list, err := r.u.alarms.List(ctx, r.region)
	if err != nil {
		r.unsearched(ctx, KindAlarm, "DescribeAlarms", err)
		return
	}
	r.searched = true
	changes := make([]alarms.Change, 0, len(list))
	byName := make(map[string]alarms.Alarm, len(list))
	for _, alarm := range list {
		changes = append(changes, alarms.Change{Kind: alarms.Delete, Name: alarm.Name, ARN: alarm.ARN})
		byName[alarm.Name] = alarm
	}
	results, problems := alarms.Deletion{
		Writer: r.w, Region: r.region, Known: r.u.scanned,
		Keep: func(c alarms.Change, tags writer.Tags) string {
			return r.keep(report.CleanupItem{Kind: KindAlarm, ARN: c.ARN}, tags, alarms.FromSample(byName[c.Name]))
		},
	}.Run(ctx, changes)
	for _, result := range results {
		if !r.w.DryRun {
			r.u.scanned.Delete(result.ARN)
		} else if !result.Cached && result.Tags != nil {
			r.u.scanned.Put(result.ARN, result.Tags)
		}
		r.addAlarm(ctx, byName[result.Name], result)
	}
	r.problems = append(r.problems, problems...)
}

// addAlarm records the result for an alarm, and whether it keeps the topic.
func (r *removal) addAlarm(ctx context.Context, alarm alarms.Alarm, result alarms.DeletionResult) {
	state, reason := stateOf(result.Outcome), ownerOf(result.Tags)
	user, userState := "", Kept
	switch {
	case result.Keep == appeared:
		state, reason, user = Kept, appeared, "alarms that were created meanwhile send to it"
	case result.Keep != "":
		state, reason, user = Kept, result.Keep, "alarms that stay send to it"
	case state == AlreadyGone && result.Tags == nil:
		reason = ""
	case state == Remaining:
		user, userState, reason = "alarms that send to it remain", Remaining, awsapi.Line(result.Err)
		if result.Tags == nil {
			state = Unclear
		}
		r.interrupted = r.interrupted || result.Late
	}
	r.add(ctx, report.CleanupItem{Kind: KindAlarm, Name: alarm.Name, ARN: alarm.ARN}, state, reason)
	s := alarm.Settings
	if user != "" && slices.Contains(slices.Concat(s.AlarmActions, s.OKActions, s.InsufficientActions), r.topic.String()) {
		r.alarmTopic.because(userState, user)
	}
	r.w.Logger.Debug("alarm cleaned up", "region", r.region, "arn", alarm.ARN, "state", state, "reason", reason)
}

// removeRule removes our targets of the notification rule, and the rule. A rule with targets of
// other people stays with them.
func (r *removal) removeRule(ctx context.Context) {
	rule, err := notify.DescribeRule(ctx, r.w, r.region)
	if err != nil {
		r.unsearched(ctx, KindRule, notify.OpDescribeRule, err)
		return
	}
	r.searched = true
	if rule == nil {
		return
	}
	item := report.CleanupItem{Kind: KindRule, Name: notify.RuleName, ARN: aws.ToString(rule.Arn)}
	tags, targets, err := r.readRule(ctx, item)
	if err != nil {
		if awsapi.KindOf(err) != awsapi.NotFound {
			r.keepTopics(Remaining, "a rule that could not be read may send to it")
		}
		return
	}
	reason := r.keepReason(tags, notify.SampleRule(rule))
	if by := aws.ToString(rule.ManagedBy); by != "" {
		reason = "it is managed by " + by
	}
	if reason != "" {
		r.add(ctx, item, Kept, reason)
		r.keepTopicOf(targets)
		return
	}
	ours, others := byOwner(targets, r.topic)
	if (!r.selected(KindRule, item.ARN) && len(others) == 0) || (len(ours) > 0 && !r.selected(KindTarget, item.ARN)) {
		r.add(ctx, item, Kept, appeared)
		r.keepTopics(Kept, "a rule that was created meanwhile sends to it")
		return
	}
	if !r.removeTargets(ctx, item.ARN, ownerOf(tags), ours) {
		r.add(ctx, item, Remaining, "its target could not be removed")
		r.keepTopics(Remaining, "the rule that sends to it remains")
		return
	}
	if len(others) == 0 {
		r.remove(ctx, item, ownerOf(tags), notify.OpDeleteRule, notify.DeleteRule(r.w, r.region))
		return
	}
	var ids []string
	for _, t := range others {
		ids = append(ids, aws.ToString(t.Id))
	}
	slices.Sort(ids)
	r.add(ctx, item, Kept, "it has targets of other people: "+strings.Join(ids, ", "))
	r.keepTopicOf(others)
}

// byOwner divides the targets of a rule into those that send to our topic and those of other people.
func byOwner(targets []types.Target, topic model.ARN) (ours, others []types.Target) {
	for _, t := range targets {
		if notify.OurTarget(t, topic) {
			ours = append(ours, t)
		} else {
			others = append(others, t)
		}
	}
	return ours, others
}

// readRule reads the tags and targets of the rule. What fails is noted.
func (r *removal) readRule(ctx context.Context, item report.CleanupItem) (tags writer.Tags, targets []types.Target, err error) {
	if tags, err = r.readTags(ctx, item); err != nil {
		return nil, nil, err
	}
	if targets, err = notify.ListTargets(ctx, r.w, r.region); err != nil {
		r.unread(ctx, item, notify.OpListTargets, "list the targets", err)
	}
	return tags, targets, err
}

// removeTargets removes targets of the rule, and reports whether all of them are gone.
func (r *removal) removeTargets(ctx context.Context, rule, reason string, targets []types.Target) bool {
	gone := true
	for _, target := range targets {
		item := report.CleanupItem{Kind: KindTarget, Name: aws.ToString(target.Id), ARN: rule}
		gone = r.remove(ctx, item, reason, notify.OpRemoveTargets, notify.RemoveTarget(r.w, r.region, item.Name)) && gone
	}
	return gone
}

// keepTopicOf keeps the topics that are among the targets of a rule that stays.
func (r *removal) keepTopicOf(targets []types.Target) {
	const reason = "a rule that stays sends to it"
	for _, t := range targets {
		switch aws.ToString(t.Arn) {
		case r.topic.String():
			r.alarmTopic.because(Kept, reason)
		case notify.ChatTopic(r.topic).String():
			r.chatTopic.because(Kept, reason)
		}
	}
}

// removeTopics removes the topic and that for chats, and with them their subscriptions.
func (r *removal) removeTopics(ctx context.Context) {
	if r.removeTopic(ctx, r.topic, &r.alarmTopic) { // what keeps from one topic keeps from the other
		r.removeTopic(ctx, notify.ChatTopic(r.topic), &r.chatTopic)
	}
}

// removeTopic removes one topic, unless user has something that sends to it. It reports whether the
// region's topics can be searched.
func (r *removal) removeTopic(ctx context.Context, which model.ARN, user *stay) (searched bool) {
	arn := which.String()
	topic, err := r.w.Clients.SNS(r.region).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(arn)})
	switch {
	case awsapi.KindOf(err) == awsapi.NotFound:
		r.searched = true
		return true
	case err != nil:
		r.unsearched(ctx, KindTopic, "GetTopicAttributes", err)
		return false
	}
	r.searched = true
	item := report.CleanupItem{Kind: KindTopic, Name: which.Resource(), ARN: arn}
	tags, err := r.readTags(ctx, item)
	if err != nil {
		return true
	}
	state, reason := Kept, r.keep(item, tags, notify.SampleTopic(topic.Attributes["Policy"], which))
	if reason == "" {
		state, reason = user.state, user.reason
	}
	if reason != "" {
		r.add(ctx, item, state, reason)
		// The tags in which this deployment counted its actions mean nothing after an hour, and its version shows that it is here.
		keys := writer.CountTags(tags, r.w.Deployment)
		if version := notify.VersionKey(r.w.Deployment); tags[version] != "" {
			keys = append(keys, version)
		}
		if len(keys) > 0 {
			if err := r.w.RemoveTopicTags(ctx, which, keys...); err != nil {
				r.w.Logger.WarnContext(ctx, "tags with counts of actions and the version stay", "arn", arn, "err", awsapi.Line(err))
			}
		}
		return true
	}
	removed := r.remove(ctx, item, ownerOf(tags)+subscriptions(topic.Attributes), "DeleteTopic",
		writer.Removal(r.w.Clients.SNS(r.region).DeleteTopic, &sns.DeleteTopicInput{TopicArn: aws.String(arn)}))
	if removed && !r.w.DryRun {
		r.u.notifier.Forget(r.region) // a later cycle must not believe that it exists
	}
	return true
}

// subscriptions counts the subscriptions that end with a topic, in words.
func subscriptions(attributes map[string]string) string {
	total := 0
	for _, name := range []string{"SubscriptionsConfirmed", "SubscriptionsPending"} {
		n, _ := strconv.Atoi(attributes[name]) // an absent one counts nothing
		total += n
	}
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("; subscriptions that end with it: %d", total)
}

// removeDashboards removes the dashboard of a name and its further ones, but not those of another
// series. They are removed one by one: a call for several removes none if one is gone already
// (CloudWatch API reference, DeleteDashboards).
func (r *removal) removeDashboards(ctx context.Context, name string) {
	listed, err := dashboards.List(ctx, r.w, name)
	if err != nil {
		r.unsearched(ctx, KindDashboard, dashboards.OpListDashboards, err)
		return
	}
	for _, one := range dashboards.Names(listed) {
		item := report.CleanupItem{Kind: KindDashboard, Name: one, ARN: listed[one]}
		if item.ARN == "" {
			r.unread(ctx, item, writer.OpListTags, "read the tags", alarms.ErrNoARN)
			continue
		}
		tags, err := r.readTags(ctx, item)
		if err != nil {
			continue
		}
		// The first of a series may be the sample's, which has no tags; a numbered one has ours.
		reason := r.keep(item, tags, one == name)
		if series := tags[dashboards.TagSeries]; one != name && series != name {
			reason = fmt.Sprintf("it belongs to someone else (to the series %q)", series)
		}
		if reason != "" {
			r.add(ctx, item, Kept, reason)
			continue
		}
		r.remove(ctx, item, "of the name "+name, dashboards.OpDeleteDashboards, func(ctx context.Context) error {
			return dashboards.DeleteNamed(ctx, r.w, one)
		})
	}
}

// removeTags removes the tags by which schedules and timed raises are arranged: no one carries them out
// any more. Where another deployment has something, its monitor does, and they stay.
func (r *removal) removeTags(ctx context.Context) {
	if r.in.Endpoints == nil {
		return
	}
	if r.shared { // guard: uninstall: tags that another deployment's monitor obeys
		return
	}
	list, failed := r.in.Endpoints(ctx, r.region)
	for _, p := range failed {
		r.unsearched(ctx, KindTag, p.Operation, p.Err)
		if r.closed || r.interrupted {
			return
		}
	}
	reads := writer.NewBreaker(r.region, writer.OpListTags)
	for i, endpoint := range list {
		switch {
		case ctx.Err() != nil:
			r.interrupted = true
			return
		case reads.Open():
			reads.Skip(len(list) - i)
			r.problems = append(r.problems, reads.Problems()...)
			return
		}
		tags, err := r.w.ReadTags(ctx, r.region, endpoint.ARN.String())
		switch {
		case awsapi.KindOf(err) == awsapi.NotFound:
		case err != nil:
			reads.Fail(endpoint.ARN.String(), fmt.Errorf("look for the tags %s and %s: %w", schedule.Tag, schedule.ReturnTag, err))
		default:
			reads.Succeed()
			r.removeTagsOf(ctx, report.CleanupItem{Kind: KindTag, Name: endpoint.Name, ARN: endpoint.ARN.String()}, tags)
		}
	}
	r.problems = append(r.problems, reads.Problems()...)
}

// removeTagsOf removes the tags of one campaign or recommender.
func (r *removal) removeTagsOf(ctx context.Context, item report.CleanupItem, tags writer.Tags) {
	keys := slices.DeleteFunc([]string{schedule.Tag, schedule.ReturnTag}, func(key string) bool {
		_, ok := tags[key]
		return !ok
	})
	reason := strings.Join(keys, ", ") + "; its minimum stays as it is"
	if b, err := schedule.ParseReturn(tags[schedule.ReturnTag]); err == nil {
		reason = fmt.Sprintf("%s; its minimum does not return to %d automatically", strings.Join(keys, ", "), b.Target)
	}
	switch {
	case len(keys) == 0:
	case !r.selected(KindTag, item.ARN):
		r.add(ctx, item, Kept, appeared)
	default:
		r.remove(ctx, item, reason, writer.OpUntagResource, writer.Removal(r.w.Clients.Personalize(r.region).UntagResource,
			&personalize.UntagResourceInput{ResourceArn: &item.ARN, TagKeys: keys}))
	}
}
