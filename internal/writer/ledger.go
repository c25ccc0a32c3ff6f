package writer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// TopicName is the name of the topic that alarms and notifications go to, in every region
// concerned. Its tags hold the counts of automatic actions there.
const TopicName = "PersonalizeMonitorNotifications"

const (
	// tagLimit begins the key of the tag with the step-downs that a region may have in an hour;
	// the deployment follows.
	tagLimit = "StepDownsAnHour/"
	// slotLayout is the time of a count in a tag. A tag has up to 256 characters: 14 times with
	// up to three digits each.
	slotLayout = "20060102T1504"
	// maxDeployment bounds the deployment in a key, which has up to 128 characters.
	maxDeployment = 80
	// sweepAfter is how long a tag must be over before anyone removes it. Its process writes no
	// tag that is over, but its clock may differ.
	sweepAfter = 10 * time.Minute
	// writeTries and readTries bound how often a tag is written while another process writes one,
	// and read until it shows what was written.
	writeTries, readTries = 5, 3
	tryAgain              = 300 * time.Millisecond
	// withdrawTime is how long a count may take to be withdrawn after its context has ended, and
	// how long an action waits for old tags to be removed.
	withdrawTime = 2 * time.Second
)

// errNotShown means that a count which was written cannot be read.
var errNotShown = errors.New("a count that was just written cannot be read back")

// ledger counts the automatic actions of one kind in a region in tags of its topic, which answer with
// what was written last, unlike metrics. Each process has tags of its own, so that none
// overwrites another's counts. It is safe for concurrent use.
type ledger struct {
	w     *Writer
	topic model.ARN
	kind  rules.Budgeted

	// turn has room for one: who counts an action. A tag has one writer, and a wait ends with its context.
	turn chan struct{}
	// counts are what this process has counted, as the tag of the key holds it. The key is used no
	// longer than the counts last: others may remove it then.
	key    string
	counts rules.Counts
}

func (l *ledger) done() { <-l.turn }

// topicTags returns the tags of the topic of a region.
func (w *Writer) topicTags(ctx context.Context, topic model.ARN) (Tags, error) {
	tags, err := w.ReadTags(ctx, topic.Region(), topic.String())
	switch {
	case err == nil:
		return tags, nil
	case w.DryRun && awsapi.KindOf(err) == awsapi.NotFound: // the topic would have been created
		return Tags{}, nil
	}
	return nil, topicError(topic, OpListTags, err)
}

// topicError is the error of an operation on the topic.
func topicError(topic model.ARN, op string, err error) error {
	if awsapi.KindOf(err) == awsapi.NotFound {
		return fmt.Errorf("there is no topic %s in %s; the next cycle of the monitor creates it", topic.Resource(), topic.Region())
	}
	return fmt.Errorf("%s of the topic %s: %w", op, topic, awsapi.Plain(err))
}

// take counts one action before it is made, and returns the tags with all that are counted,
// this one included. A dry run reads only.
func (l *ledger) take(ctx context.Context, now time.Time) (Tags, error) {
	if l.w.DryRun {
		return l.w.topicTags(ctx, l.topic)
	}
	if l.counts = l.counts.Current(now); len(l.counts) == 0 {
		l.key = keyPrefix(l.kind, l.w.Deployment) + rand.Text()
	}
	l.counts[rules.CountedAt(now)]++
	tags, err := l.writeAndRead(ctx, now)
	if err != nil {
		l.withdraw(ctx, now)
		return nil, err
	}
	return tags, nil
}

// writeAndRead writes a tag and returns all tags, among which it must be.
func (l *ledger) writeAndRead(ctx context.Context, now time.Time) (tags Tags, err error) {
	err = l.write(ctx)
	if awsapi.KindOf(err) == awsapi.Quota { // tags that are over may take the room
		if tags, err = l.w.topicTags(ctx, l.topic); err == nil {
			l.sweep(ctx, tags, now)
			err = l.write(ctx)
		}
	}
	for try := 1; err == nil; try++ {
		if tags, err = l.w.topicTags(ctx, l.topic); err != nil {
			return nil, err
		}
		if tags[l.key] == formatCounts(l.counts) { // guard: budget: counted where all can read it; always
			l.sweep(ctx, tags, now)
			return tags, nil
		}
		if try == readTries {
			return nil, errNotShown
		}
		err = l.w.Clock.Sleep(ctx, tryAgain)
	}
	return nil, err
}

// write writes a tag. While another process writes one, SNS may refuse.
func (l *ledger) write(ctx context.Context) error {
	arn := l.topic.String()
	intent := Intent{Region: l.topic.Region(), ARN: arn, What: "count an automatic action in a tag of the topic", Routine: true}
	for try := 1; ; try++ {
		err := l.w.SetTags(ctx, intent, Tags{l.key: formatCounts(l.counts)})
		if err == nil {
			return nil
		}
		wait := tryAgain * time.Duration(try) * time.Duration(1+l.key[len(l.key)-1]%4) // others wait differently
		if awsapi.KindOf(err) != awsapi.InUse || try == writeTries || l.w.Clock.Sleep(ctx, wait) != nil {
			return topicError(l.topic, OpTagResource, err)
		}
	}
}

// withdraw takes one action out of the counts that was not made. If that fails it stays
// counted, which is the safe side.
func (l *ledger) withdraw(ctx context.Context, counted time.Time) {
	slot := rules.CountedAt(counted)
	if l.w.DryRun || l.counts[slot] == 0 {
		return
	}
	if l.counts[slot]--; l.counts[slot] == 0 {
		delete(l.counts, slot)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTime)
	defer cancel()
	var err error
	if len(l.counts) > 0 {
		err = l.write(ctx)
	} else {
		err = l.w.RemoveTopicTags(ctx, l.topic, l.key)
	}
	if err != nil {
		l.w.Logger.WarnContext(ctx, "an action that was not made stays counted for an hour", "arn", l.topic.String(), "err", awsapi.Line(err))
	}
}

// sweep removes tags whose counts are over.
func (l *ledger) sweep(ctx context.Context, tags Tags, now time.Time) {
	var over []string
	for key, value := range tags {
		if !counts(key, rules.Removals) && !counts(key, rules.StepDowns) {
			continue
		}
		c, err := parseCounts(value)
		if err == nil && len(rules.Counts{c.Last().Add(sweepAfter): 1}.Current(now)) == 0 { // guard: budget: only what is over is removed; each
			over = append(over, key)
		}
	}
	if len(over) == 0 {
		return
	}
	slices.Sort(over)
	ctx, cancel := context.WithTimeout(ctx, withdrawTime)
	defer cancel()
	if err := l.w.RemoveTopicTags(ctx, l.topic, over...); err != nil {
		l.w.Logger.WarnContext(ctx, "counts that are over stay in tags", "arn", l.topic.String(), "err", awsapi.Line(err))
	}
}

// counted adds up the counts of all processes. Counts of a time that is far ahead are an error:
// they would use up the budget until then.
func counted(tags Tags, kind rules.Budgeted, now time.Time) (rules.Counts, error) {
	sum := rules.Counts{}
	for key, value := range tags {
		if !counts(key, kind) {
			continue
		}
		c, err := parseCounts(value)
		if err != nil || c.Last().Sub(now) > time.Hour {
			return nil, fmt.Errorf("the tag %s of the topic holds %q, which is no count of the last hour; remove it", key, value)
		}
		for slot, n := range c {
			sum[slot] += n
		}
	}
	return sum, nil
}

// limitIn is the number of step-downs an hour that the cycle of a deployment has left in the
// tags of a region's topic; the smallest if there is none.
func limitIn(tags Tags, deployment string) int {
	n, _ := strconv.Atoi(tags[limitKey(deployment)]) // none is 0
	return max(n, rules.StepDownsAnHour(0))
}

func limitKey(deployment string) string { return tagLimit + shortened(deployment) }

// counts reports whether a tag holds counts of a kind.
func counts(key string, kind rules.Budgeted) bool { return strings.HasPrefix(key, string(kind)+"/") }

// keyPrefix begins the keys of a deployment.
func keyPrefix(kind rules.Budgeted, deployment string) string {
	return string(kind) + "/" + shortened(deployment) + "/"
}

func shortened(deployment string) string { return deployment[:min(len(deployment), maxDeployment)] }

// CountTags are the keys of the tags of a topic in which a deployment has counted its actions.
func CountTags(tags Tags, deployment string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(tags)), func(key string) bool {
		return !strings.HasPrefix(key, keyPrefix(rules.Removals, deployment)) &&
			!strings.HasPrefix(key, keyPrefix(rules.StepDowns, deployment)) && key != limitKey(deployment)
	})
}

// RemoveTopicTags removes tags in which the program keeps records, such as counts of actions, from a topic.
func (w *Writer) RemoveTopicTags(ctx context.Context, topic model.ARN, keys ...string) error {
	return w.RemoveTags(ctx, Intent{
		Region: topic.Region(), ARN: topic.String(), What: "remove the tags " + strings.Join(keys, ", ") + " of the topic", Routine: true,
	}, keys...)
}

// formatCounts is the text of a tag: "20260304T1205:2 20260304T1210:1".
func formatCounts(c rules.Counts) string {
	var list []string
	for _, slot := range slices.SortedFunc(maps.Keys(c), time.Time.Compare) {
		list = append(list, slot.UTC().Format(slotLayout)+":"+strconv.Itoa(c[slot]))
	}
	return strings.Join(list, " ")
}

// parseCounts reads the text of a tag.
func parseCounts(text string) (rules.Counts, error) {
	c := rules.Counts{}
	for _, field := range strings.Fields(text) {
		at, number, _ := strings.Cut(field, ":")
		slot, err := time.Parse(slotLayout, at)
		n, numberErr := strconv.Atoi(number)
		if err := errors.Join(err, numberErr); err != nil {
			return nil, err
		}
		if n < 1 {
			return nil, fmt.Errorf("%d actions", n)
		}
		c[rules.CountedAt(slot)] += n
	}
	return c, nil
}
