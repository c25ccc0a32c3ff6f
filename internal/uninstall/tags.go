package uninstall

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// removeTags removes the tags by which schedules and timed raises are arranged: no one carries them out
// any more. Where another deployment has something, its monitor does, and they stay.
func (r *removal) removeTags(ctx context.Context) {
	if r.endpoints == nil {
		return
	}
	if r.shared.Load() { // guard: uninstall: tags that another deployment's monitor obeys
		return
	}
	list, failed := r.endpoints(ctx, r.region)
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
