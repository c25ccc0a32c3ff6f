package main

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

type owner struct {
	*world
	clients      *awsapi.Clients
	created      int                    // resources so far
	alarms       map[string]alarmChange // changes of alarms, by region and name
	ruleDisabled bool
	raising      string // ARN of the resource that the program raises for its owner just now
}

// action is something that an owner does; weight is how often.
type action struct {
	weight int
	run    func(o *owner) (done bool, err error)
}

var actions = []action{
	{30, (*owner).create},
	{5, (*owner).delete},
	{14, (*owner).update},
	{5, (*owner).stop},
	{14, (*owner).start},
	{6, (*owner).protect},
	{5, (*owner).unprotect},
	{8, (*owner).plan},
	{4, (*owner).unplan},
	{10, (*owner).raise},
	{34, (*owner).changeTraffic},
	{3, (*owner).muteAlarm},
	{3, (*owner).changeAlarm},
	{2, (*owner).deleteAlarm},
	{1, (*owner).switchRule},
	{1, (*owner).deleteTopic},
}

// act runs random actions: about one an hour for each 25 resources.
func (o *owner) act() error {
	total := 0
	for _, a := range actions {
		total += a.weight
	}
	if err := o.enforce(); err != nil {
		return fmt.Errorf("the second tool failed: %w", err)
	}
	for range 1 + o.Resources/150 {
		if o.random.IntN(300) >= min(o.Resources, 200) {
			continue
		}
		n := o.random.IntN(total)
		for _, a := range actions {
			if n -= a.weight; n >= 0 {
				continue
			}
			done, err := a.run(o)
			if err != nil {
				return fmt.Errorf("an action of the owner failed: %w", err)
			}
			if done {
				o.figures.add("actions of the owner")
			}
			break
		}
	}
	return nil
}

func (o *owner) pick(holds func(*resource) bool) *resource {
	var list []*resource
	for _, r := range o.oracle.sorted() {
		if holds(r) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[o.random.IntN(len(list))]
}

func (o *owner) change(holds func(*resource) bool, run func(api *personalize.Client, r *resource) error) (bool, error) {
	r := o.pick(holds)
	if r == nil {
		return false, nil
	}
	return true, run(o.clients.Personalize(r.region), r)
}

func ready(r *resource) bool { return !r.busy() }

// create creates a resource, sometimes with the name of a former one.
func (o *owner) create() (bool, error) {
	for _, r := range o.oracle.forgetGone(o.clock.Now()) {
		o.serveMetrics(r, false)
	}
	if o.oracle.count() >= o.Resources {
		return false, nil
	}
	region := regions[o.random.IntN(len(regions))]
	recipe := recipes[o.random.IntN(len(recipes))]
	campaign := o.random.IntN(2) == 0
	metric := useCaseMetric
	if campaign {
		metric = recipe.metric
	}
	o.created++
	name := fmt.Sprintf("later-%05d", o.created)
	former := o.pick(func(r *resource) bool { return r.status == gone })
	if former != nil && o.random.IntN(4) == 0 && former.campaign == campaign && former.metric == metric {
		region, name = former.region, former.name
	}
	minimum := 1 + o.random.IntN(12)
	if err := o.callCreate(region, name, campaign, recipe.name, minimum); err != nil {
		return false, err
	}
	now := o.clock.Now()
	o.oracle.mu.Lock()
	r := o.oracle.add(region, name, campaign, metric, minimum, now, now)
	r.moveVia(creating, createTime, active, now)
	r.phases = append(r.phases, o.phase(r, stepOf(now)))
	o.manage(r)
	o.oracle.mu.Unlock()
	o.serveMetrics(r, true)
	return true, nil
}

func (o *owner) callCreate(region, name string, campaign bool, recipe string, minimum int) error {
	api := o.clients.Personalize(region)
	if campaign {
		_, err := api.CreateCampaign(o.ctx, &personalize.CreateCampaignInput{
			Name: &name, MinProvisionedTPS: aws.Int32(int32(minimum)), SolutionVersionArn: aws.String(arnOf(region, "solution/solution-"+recipe+"/$LATEST")),
		})
		return err
	}
	_, err := api.CreateRecommender(o.ctx, &personalize.CreateRecommenderInput{
		Name: &name, DatasetGroupArn: aws.String(arnOf(region, "dataset-group/"+group)),
		RecipeArn: aws.String("arn:aws:personalize:::recipe/" + useCase), RecommenderConfig: recommenderConfig(minimum),
	})
	return err
}

func recommenderConfig(minimum int) *types.RecommenderConfig {
	return &types.RecommenderConfig{MinRecommendationRequestsPerSecond: aws.Int32(int32(minimum)), ItemExplorationConfig: exploration}
}

func (o *owner) delete() (bool, error) {
	return o.change(ready, func(api *personalize.Client, r *resource) (err error) {
		if r.campaign {
			_, err = api.DeleteCampaign(o.ctx, &personalize.DeleteCampaignInput{CampaignArn: &r.arn})
		} else {
			_, err = api.DeleteRecommender(o.ctx, &personalize.DeleteRecommenderInput{RecommenderArn: &r.arn})
		}
		return err
	})
}

func (o *owner) update() (bool, error) {
	unmanaged := func(r *resource) bool { return !r.busy() && r.tool == 0 }
	return o.change(unmanaged, func(api *personalize.Client, r *resource) error { return o.setMinimum(api, r, 1+o.random.IntN(16)) })
}

func (o *owner) setMinimum(api *personalize.Client, r *resource, minimum int) (err error) {
	if r.campaign {
		_, err = api.UpdateCampaign(o.ctx, &personalize.UpdateCampaignInput{CampaignArn: &r.arn, MinProvisionedTPS: aws.Int32(int32(minimum))})
	} else {
		_, err = api.UpdateRecommender(o.ctx, &personalize.UpdateRecommenderInput{RecommenderArn: &r.arn, RecommenderConfig: recommenderConfig(minimum)})
	}
	return err
}

// enforceEvery is how often the second tool sets the minimums that it manages.
const enforceEvery = 12 * time.Hour

// enforce sets the minimums back that a second tool manages.
func (o *owner) enforce() error {
	for _, r := range o.oracle.sorted() {
		if r.tool == 0 || r.busy() || o.clock.Now().Sub(r.enforced) < enforceEvery {
			continue
		}
		r.enforced = o.clock.Now()
		if r.min == r.tool {
			continue
		}
		o.figures.add("minimums that the second tool set back")
		if err := o.setMinimum(o.clients.Personalize(r.region), r, r.tool); err != nil {
			return err
		}
	}
	return nil
}

func (o *owner) stop() (bool, error) {
	return o.change(func(r *resource) bool { return !r.campaign && !r.busy() }, func(api *personalize.Client, r *resource) error {
		_, err := api.StopRecommender(o.ctx, &personalize.StopRecommenderInput{RecommenderArn: &r.arn})
		return err
	})
}

// start starts a stopped recommender, which usually has other traffic then.
func (o *owner) start() (bool, error) {
	return o.change(func(r *resource) bool { return r.status == inactive }, func(api *personalize.Client, r *resource) error {
		_, err := api.StartRecommender(o.ctx, &personalize.StartRecommenderInput{RecommenderArn: &r.arn})
		if o.random.IntN(3) > 0 {
			o.startPhase(r)
		}
		return err
	})
}

func (o *owner) changeTraffic() (bool, error) {
	return o.change(func(r *resource) bool { return r.status != gone }, func(_ *personalize.Client, r *resource) error {
		o.startPhase(r)
		return nil
	})
}

func (o *owner) startPhase(r *resource) {
	o.oracle.mu.Lock()
	defer o.oracle.mu.Unlock()
	r.phases = append(r.phases, o.phase(r, stepOf(o.clock.Now())+1+int64(o.random.IntN(12))))
}

const protectTag = "personalize-monitor:protect"

func (o *owner) protect() (bool, error) {
	return o.change(func(r *resource) bool { return r.status == active && r.protect == "" }, func(api *personalize.Client, r *resource) error {
		tomorrow := o.clock.Now().AddDate(0, 0, 1).Format(time.DateOnly)
		values := []string{"true", "all", "idle", "tps", "until " + tomorrow, "idle until " + tomorrow, "perhaps"}
		r.protect = values[o.random.IntN(len(values))]
		return o.tag(api, r, protectTag, r.protect)
	})
}

func (o *owner) unprotect() (bool, error) {
	return o.change(func(r *resource) bool { return r.status == active && r.protect != "" }, func(api *personalize.Client, r *resource) error {
		r.protect, r.tagged = "", o.clock.Now()
		return o.tag(api, r, protectTag, "")
	})
}

// tag sets a tag, or removes it if the value is empty.
func (o *owner) tag(api *personalize.Client, r *resource, key, value string) (err error) {
	if value == "" {
		_, err = api.UntagResource(o.ctx, &personalize.UntagResourceInput{ResourceArn: &r.arn, TagKeys: []string{key}})
	} else {
		_, err = api.TagResource(o.ctx, &personalize.TagResourceInput{ResourceArn: &r.arn, Tags: []types.Tag{{TagKey: &key, TagValue: &value}}})
	}
	return err
}
