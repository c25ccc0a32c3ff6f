package soak

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// regions are where the resources are; the first is the deployment region.
var regions = []string{"us-east-1", "eu-west-1", "ap-southeast-2"}

// Access keys, by which the embedded AWS tells who calls.
const (
	programsKey = "PROGRAM"
	ownersKey   = "OWNER"
)

// recipes of campaigns, with the metric that counts their requests.
var recipes = []struct{ name, metric string }{
	{"aws-user-personalization-v2", "GetRecommendations"},
	{"aws-personalized-ranking-v2", "GetPersonalizedRanking"},
	{"aws-similar-items", "GetRecommendations"},
}

const (
	useCase      = "aws-ecomm-recommended-for-you"
	useCaseCalls = "GetRecommendations"
	group        = "shop"
)

// exploration is a setting of recommenders that has nothing to do with their minimum.
var exploration = map[string]string{"explorationWeight": "0.3", "explorationItemAgeCutOff": "30"}

// build makes the world as it is at the beginning.
func (w *world) build() error {
	w.model = newDemand(w.clock)
	description := localaws.Estate{
		Account: account,
		LifeCycle: localaws.EstateLifeCycle{
			Create: createTakes, Update: updateTakes, Start: startTakes, Stop: stopTakes, Delete: deleteTakes,
		},
		Quotas: localaws.EstateQuotas{CampaignsPerDatasetGroup: 1000, RecommendersPerDatasetGroup: 1000, RecommendersPerRegion: 1000},
	}
	for i, region := range regions {
		n := w.Resources / len(regions)
		if i < w.Resources%len(regions) {
			n++
		}
		description.Regions = append(description.Regions, w.region(region, n))
	}
	w.faults = newFaults(w)
	var err error
	w.aws, err = localaws.New(description, localaws.WithClock(w.clock), localaws.WithRetention(retention), localaws.WithObserver(w.observe))
	if err != nil {
		return err
	}
	for _, r := range w.model.sorted() {
		w.serve(r)
	}
	w.memory = localaws.InMemory(w.aws)
	w.model.record(w.clock.Now())
	w.owner = newOwner(w, awsapi.New(awsapi.Options{
		Config: awsapi.LocalConfig(regions[0], w.memory.URL(), ownersKey, w.memory.Transport()),
		Clock:  model.NewVirtualClock(w.clock.Now()), // the owner's waits must not advance the world's clock
	}))
	w.monitor = newMonitor(w)
	if err := w.monitor.deploy(); err != nil {
		return err
	}
	return w.owner.settleIn()
}

// region describes a region with n resources of all ages.
func (w *world) region(name string, n int) localaws.EstateRegion {
	g := localaws.EstateDatasetGroup{Name: group, Domain: "ECOMMERCE"}
	for i := range n {
		age := time.Duration(1+w.chance.IntN(40*24*60)) * time.Minute
		minimum := 1 + w.chance.IntN(12)
		e := localaws.EstateEndpoint{Name: fmt.Sprintf("first-%03d", i), Age: age}
		if i < 2*len(recipes) {
			e.Name = fmt.Sprintf("kept-%d", i) // its solution is there for the campaigns to come
		}
		born := begin.Add(-age)
		var r *resource
		if i%2 == 0 || i < len(recipes) {
			recipe := recipes[i%len(recipes)]
			e.Recipe = recipe.name
			g.Campaigns = append(g.Campaigns, localaws.EstateCampaign{EstateEndpoint: e, MinTPS: minimum, Solution: "solution-" + recipe.name})
			r = w.model.add(name, e.Name, true, recipe.metric, minimum, begin, born)
		} else {
			e.Recipe, e.ItemExploration = useCase, exploration
			g.Recommenders = append(g.Recommenders, localaws.EstateRecommender{EstateEndpoint: e, MinRPS: minimum})
			r = w.model.add(name, e.Name, false, useCaseCalls, minimum, begin, born)
		}
		r.status, r.since, r.spans = active, born, []span{{from: born}}
		r.phases = []phase{w.phase(r, stepOf(born))}
		if w.chance.IntN(3) == 0 { // somebody lost interest, or found it, lately
			ago := int64(w.chance.IntN(3 * 288))
			r.phases = append(r.phases, w.phase(r, stepOf(begin)-ago))
		}
	}
	return localaws.EstateRegion{Name: name, DatasetGroups: []localaws.EstateDatasetGroup{g}}
}

// phase draws how callers behave from a step on.
func (w *world) phase(r *resource, from int64) phase {
	p := phase{from: from, shape: shape(w.chance.IntN(int(shapes))), tps: float64(r.min) * (0.2 + 1.2*w.chance.Float64())}
	if w.chance.IntN(2) == 0 {
		p.shape = constant // most are in good use
	}
	return p
}

// serve has the embedded AWS count the calls to a resource.
func (w *world) serve(r *resource) { w.setSeries(r, true) }

func (w *world) setSeries(r *resource, on bool) {
	dimension := "RecommenderArn"
	if r.campaign {
		dimension = "CampaignArn"
	}
	for suffix, pick := range map[string]func(calls) float32{
		"":          func(c calls) float32 { return c.ok },
		"4xxErrors": func(c calls) float32 { return c.failed4xx },
		"5xxErrors": func(c calls) float32 { return c.failed5xx },
	} {
		var source localaws.Source
		if on {
			source = series{model: w.model, of: r, pick: pick}
		}
		w.aws.ServeMetric(r.region, "AWS/Personalize", r.metric+suffix, map[string]string{dimension: r.arn}, source)
	}
}
