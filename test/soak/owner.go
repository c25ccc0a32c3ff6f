package soak

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

// owner is the person to whom the account belongs, and who does as people do.
type owner struct {
	*world
	clients *awsapi.Clients
	made    int                 // resources so far
	persons map[string]personal // what became of alarms, by region and name
	ruleOff bool                // the rule is disabled
	others  string              // what else is in the account, as it was
}

// personal is what a person made of an alarm.
type personal struct {
	muted     bool
	threshold float64 // 0 if it was left
	unsure    bool    // it may have been removed since, and made anew
}

func newOwner(w *world, clients *awsapi.Clients) *owner {
	return &owner{world: w, clients: clients, persons: map[string]personal{}}
}

// doing is one of the things that an owner does, with how often it comes.
type doing struct {
	often int
	do    func(o *owner) (done bool, err error)
}

var doings = []doing{
	{30, (*owner).create},
	{5, (*owner).delete},
	{14, (*owner).update},
	{5, (*owner).stop},
	{14, (*owner).startAgain},
	{6, (*owner).protect},
	{5, (*owner).unprotect},
	{34, (*owner).otherCallers},
	{3, (*owner).muteAlarm},
	{3, (*owner).alterAlarm},
	{2, (*owner).deleteAlarm},
	{1, (*owner).switchRule},
	{1, (*owner).removeTopic},
}

// act does some of it: about one thing for each 25 resources in an hour.
func (o *owner) act() error {
	total := 0
	for _, d := range doings {
		total += d.often
	}
	for range 1 + o.Resources/150 {
		if o.chance.IntN(300) >= min(o.Resources, 200) {
			continue
		}
		lot := o.chance.IntN(total)
		for _, d := range doings {
			if lot -= d.often; lot >= 0 {
				continue
			}
			done, err := d.do(o)
			if err != nil {
				return fmt.Errorf("the owner was refused: %w", err)
			}
			if done {
				o.figures.OwnerDoings++
			}
			break
		}
	}
	return nil
}

// some picks a resource of which something holds, or none.
func (o *owner) some(holds func(*resource) bool) *resource {
	var list []*resource
	for _, r := range o.model.sorted() {
		if holds(r) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[o.chance.IntN(len(list))]
}

func idleHands(r *resource) bool { return !r.busy() }

// create makes a new resource, at times one of a name that was there before.
func (o *owner) create() (bool, error) {
	for _, r := range o.model.forgetGone(o.clock.Now()) {
		o.setSeries(r, false)
	}
	if o.model.count() >= o.Resources {
		return false, nil
	}
	region := regions[o.chance.IntN(len(regions))]
	recipe := recipes[o.chance.IntN(len(recipes))]
	campaign := o.chance.IntN(2) == 0
	metric := useCaseCalls
	if campaign {
		metric = recipe.metric
	}
	o.made++
	name := fmt.Sprintf("later-%05d", o.made)
	if former := o.some(func(r *resource) bool { return r.status == gone }); former != nil && o.chance.IntN(4) == 0 && former.campaign == campaign && former.metric == metric {
		region, name = former.region, former.name
	}
	minimum := 1 + o.chance.IntN(12)
	if err := o.make(region, name, campaign, recipe.name, minimum); err != nil {
		return false, err
	}
	now := o.clock.Now()
	o.model.mu.Lock()
	r := o.model.add(region, name, campaign, metric, minimum, now, now)
	r.become(creating, createTakes, active, now)
	r.phases = append(r.phases, o.phase(r, stepOf(now)))
	o.model.mu.Unlock()
	o.serve(r)
	return true, nil
}

func (o *owner) make(region, name string, campaign bool, recipe string, minimum int) error {
	api := o.clients.Personalize(region)
	least := aws.Int32(int32(minimum)) // at most 12
	if campaign {
		_, err := api.CreateCampaign(o.ctx, &personalize.CreateCampaignInput{
			Name: &name, MinProvisionedTPS: least, SolutionVersionArn: aws.String(arnOf(region, "solution/solution-"+recipe+"/$LATEST")),
		})
		return err
	}
	_, err := api.CreateRecommender(o.ctx, &personalize.CreateRecommenderInput{
		Name: &name, DatasetGroupArn: aws.String(arnOf(region, "dataset-group/"+group)),
		RecipeArn:         aws.String("arn:aws:personalize:::recipe/" + useCase),
		RecommenderConfig: &types.RecommenderConfig{MinRecommendationRequestsPerSecond: least, ItemExplorationConfig: exploration},
	})
	return err
}

// delete deletes a resource.
func (o *owner) delete() (bool, error) {
	r := o.some(idleHands)
	if r == nil {
		return false, nil
	}
	var err error
	if r.campaign {
		_, err = o.clients.Personalize(r.region).DeleteCampaign(o.ctx, &personalize.DeleteCampaignInput{CampaignArn: &r.arn})
	} else {
		_, err = o.clients.Personalize(r.region).DeleteRecommender(o.ctx, &personalize.DeleteRecommenderInput{RecommenderArn: &r.arn})
	}
	return true, err
}

// update raises or lowers a minimum.
func (o *owner) update() (bool, error) {
	r := o.some(idleHands)
	if r == nil {
		return false, nil
	}
	minimum := 1 + o.chance.IntN(16)
	least := aws.Int32(int32(minimum))
	var err error
	if r.campaign {
		_, err = o.clients.Personalize(r.region).UpdateCampaign(o.ctx, &personalize.UpdateCampaignInput{CampaignArn: &r.arn, MinProvisionedTPS: least})
	} else {
		_, err = o.clients.Personalize(r.region).UpdateRecommender(o.ctx, &personalize.UpdateRecommenderInput{
			RecommenderArn:    &r.arn,
			RecommenderConfig: &types.RecommenderConfig{MinRecommendationRequestsPerSecond: least, ItemExplorationConfig: exploration},
		})
	}
	return true, err
}

// stop stops a recommender.
func (o *owner) stop() (bool, error) {
	r := o.some(func(r *resource) bool { return !r.campaign && !r.busy() })
	if r == nil {
		return false, nil
	}
	_, err := o.clients.Personalize(r.region).StopRecommender(o.ctx, &personalize.StopRecommenderInput{RecommenderArn: &r.arn})
	return true, err
}

// startAgain starts a recommender that was stopped, and has somebody call it, mostly.
func (o *owner) startAgain() (bool, error) {
	r := o.some(func(r *resource) bool { return r.status == inactive })
	if r == nil {
		return false, nil
	}
	_, err := o.clients.Personalize(r.region).StartRecommender(o.ctx, &personalize.StartRecommenderInput{RecommenderArn: &r.arn})
	if o.chance.IntN(3) > 0 {
		o.change(r)
	}
	return true, err
}

// otherCallers has the callers of a resource behave in another way soon.
func (o *owner) otherCallers() (bool, error) {
	r := o.some(func(r *resource) bool { return r.status != gone })
	o.change(r)
	return true, nil
}

func (o *owner) change(r *resource) {
	o.model.mu.Lock()
	defer o.model.mu.Unlock()
	r.phases = append(r.phases, o.phase(r, stepOf(o.clock.Now())+1+int64(o.chance.IntN(12))))
}

const protectTag = "personalize-monitor:protect"

// protect tags a resource.
func (o *owner) protect() (bool, error) {
	r := o.some(func(r *resource) bool { return r.status == active && r.protect == "" })
	if r == nil {
		return false, nil
	}
	soon := o.clock.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	values := []string{"true", "all", "idle", "tps", "until " + soon, "idle until " + soon, "perhaps"}
	value := values[o.chance.IntN(len(values))]
	_, err := o.clients.Personalize(r.region).TagResource(o.ctx, &personalize.TagResourceInput{
		ResourceArn: &r.arn, Tags: []types.Tag{{TagKey: aws.String(protectTag), TagValue: &value}},
	})
	r.protect = value
	return true, err
}

// unprotect removes such a tag.
func (o *owner) unprotect() (bool, error) {
	r := o.some(func(r *resource) bool { return r.status == active && r.protect != "" })
	if r == nil {
		return false, nil
	}
	_, err := o.clients.Personalize(r.region).UntagResource(o.ctx, &personalize.UntagResourceInput{ResourceArn: &r.arn, TagKeys: []string{protectTag}})
	r.protect = ""
	return true, err
}

// missing tells whether an error says that there is no such thing.
func missing(err error) bool {
	return errors.Is(err, errNone) || err != nil && awsapi.KindOf(err) == awsapi.NotFound
}

var errNone = errors.New("there is none")
