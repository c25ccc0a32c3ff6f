package app

import (
	"context"
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// Describe reads a resource and its tags as they are now. The error is actions.ErrNotFound if it does
// not exist.
func (a *App) Describe(ctx context.Context, arn model.ARN, kind model.Kind) (model.Resource, writer.Tags, error) {
	found, problems := a.parts.inventory.Refresh(ctx, []model.Resource{{ARN: arn, Kind: kind, Name: arn.Name()}})
	switch {
	case len(found) == 0 && len(problems) > 0:
		return model.Resource{}, nil, problems[0]
	case len(found) == 0:
		return model.Resource{}, nil, fmt.Errorf("%s: %w", arn, actions.ErrNotFound)
	}
	tags, err := a.Writer.ReadTags(ctx, arn.Region(), arn.String())
	if err != nil {
		return model.Resource{}, nil, fmt.Errorf("read the tags of %s: %s: %w", arn, writer.OpListTags, err)
	}
	return found[0], tags, nil
}
