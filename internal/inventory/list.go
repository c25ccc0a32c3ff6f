package inventory

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// lister is the listing half of the API.
type lister interface {
	ListCampaigns(context.Context, *personalize.ListCampaignsInput, ...func(*personalize.Options)) (*personalize.ListCampaignsOutput, error)
	ListRecommenders(context.Context, *personalize.ListRecommendersInput, ...func(*personalize.Options)) (*personalize.ListRecommendersOutput, error)
}

// pages reads one page after the other until there is no token for a next one. Empty
// pages with a token are followed.
func pages(ctx context.Context, read func(ctx context.Context, token *string) (next *string, err error)) error {
	var token *string
	var guard awsapi.Pages
	for {
		next, err := read(ctx, token)
		if err != nil {
			return err
		}
		more, err := guard.More(aws.ToString(next))
		if !more {
			return err
		}
		token = next
	}
}

// listed is a listing, as far as it could be read.
type listed struct {
	resources []model.Resource
	err       error // why it is not complete
}

// list reads the resources of a kind in a region. An entry that makes no sense makes
// the listing incomplete, as there is a resource of which nothing is known.
func (inv *Inventory) list(ctx context.Context, region string, kind model.Kind) listed {
	var l listed
	var strange error
	add := func(resource model.Resource, err error) {
		if err != nil {
			strange = errors.Join(strange, err)
			return
		}
		l.resources = append(l.resources, resource)
	}
	client := inv.personalize(region)
	read := func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListCampaigns(ctx, &personalize.ListCampaignsInput{MaxResults: aws.Int32(awsapi.MaxListPage), NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, summary := range out.Campaigns {
			add(campaignFromSummary(region, summary, inv.clock.Now()))
		}
		return out.NextToken, nil
	}
	if kind == model.Recommender {
		read = func(ctx context.Context, token *string) (*string, error) {
			out, err := client.ListRecommenders(ctx, &personalize.ListRecommendersInput{MaxResults: aws.Int32(awsapi.MaxListPage), NextToken: token})
			if err != nil {
				return nil, err
			}
			for _, summary := range out.Recommenders {
				add(recommenderFromSummary(region, summary, inv.clock.Now()))
			}
			return out.NextToken, nil
		}
	}
	if l.err = pages(ctx, read); l.err == nil {
		l.err = strange
	}
	l.err = awsapi.Plain(l.err)
	return l
}

// listOperation is the name of the list operation of a kind.
func listOperation(kind model.Kind) string { return "List" + kind.Title() + "s" }

// describeOperation is the name of the describe operation of a kind.
func describeOperation(kind model.Kind) string { return "Describe" + kind.Title() }
