package main

import (
	"fmt"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// regions are where the resources are; the first is the deployment region.
var regions = []string{"us-east-1", "eu-west-1", "ap-southeast-2"}

// Access keys, by which the embedded AWS distinguishes the callers.
const (
	programKey = "PROGRAM"
	ownerKey   = "OWNER"
)

// recipes of campaigns, with the metric that counts their requests.
var recipes = []struct{ name, metric string }{
	{"aws-user-personalization-v2", "GetRecommendations"},
	{"aws-personalized-ranking-v2", "GetPersonalizedRanking"},
	{"aws-similar-items", "GetRecommendations"},
}

const (
	account       = "000000000000"
	useCase       = "aws-ecomm-recommended-for-you"
	useCaseMetric = "GetRecommendations"
	group         = "shop"
)

// exploration is a setting of recommenders that an update of the minimum must keep.
var exploration = map[string]string{"explorationWeight": "0.3", "explorationItemAgeCutOff": "30"}

// build makes the world as it is at the beginning.
func (w *world) build() error {
	w.oracle = newOracle(w.clock)
	estate := localaws.Estate{
		Account: account, Monitored: 40 * 24 * time.Hour,
		LifeCycle: localaws.EstateLifeCycle{
			Create: createTime, Update: updateTime, Start: startTime, Stop: stopTime, Delete: deleteTime,
		},
		Quotas: localaws.EstateQuotas{CampaignsPerDatasetGroup: 1000, RecommendersPerDatasetGroup: 1000, RecommendersPerRegion: 1000},
	}
	for i, region := range regions {
		n := w.Resources / len(regions)
		if i < w.Resources%len(regions) {
			n++
		}
		estate.Regions = append(estate.Regions, w.region(region, n))
	}
	w.faults = &faults{world: w, hits: map[hit]int{}, lately: map[string][]time.Time{}}
	var err error
	w.aws, err = localaws.New(estate, localaws.WithClock(w.clock), localaws.WithRetention(retention), localaws.WithObserver(w.observe))
	if err != nil {
		return err
	}
	for _, r := range w.oracle.sorted() {
		w.serveMetrics(r, true)
	}
	w.memory = localaws.InMemory(w.aws)
	w.owner = &owner{world: w, alarms: map[string]alarmChange{}, clients: awsapi.New(awsapi.Options{
		Config: awsapi.LocalConfig(regions[0], w.memory.URL(), ownerKey, w.memory.Transport()),
		Clock:  model.NewVirtualClock(w.clock.Now()), // the owner's waits must not advance the world's clock
	})}
	w.monitor = newMonitor(w)
	if err := w.monitor.deploy(); err != nil {
		return err
	}
	if err := w.owner.createForeign(); err != nil {
		return err
	}
	w.foreign = foreignThings(w.aws.Snapshot())
	return nil
}

// region describes a region with n resources of all ages.
func (w *world) region(name string, n int) localaws.EstateRegion {
	g := localaws.EstateDatasetGroup{Name: group, Domain: "ECOMMERCE"}
	for i := range n {
		age := time.Duration(1+w.random.IntN(40*24*60)) * time.Minute
		minimum := 1 + w.random.IntN(12)
		e := localaws.EstateEndpoint{Name: fmt.Sprintf("first-%03d", i), Age: age}
		born := begin.Add(-age)
		var r *resource
		if i%2 == 0 || i < len(recipes) {
			recipe := recipes[i%len(recipes)]
			e.Recipe = recipe.name
			g.Campaigns = append(g.Campaigns, localaws.EstateCampaign{EstateEndpoint: e, MinTPS: minimum, Solution: "solution-" + recipe.name})
			r = w.oracle.add(name, e.Name, true, recipe.metric, minimum, begin, born)
		} else {
			e.Recipe, e.ItemExploration = useCase, exploration
			g.Recommenders = append(g.Recommenders, localaws.EstateRecommender{EstateEndpoint: e, MinRPS: minimum})
			r = w.oracle.add(name, e.Name, false, useCaseMetric, minimum, begin, born)
		}
		r.status, r.since, r.spans = active, born, []span{{from: born}}
		r.phases = []phase{w.phase(r, stepOf(born))}
		w.manage(r)
		if w.random.IntN(3) == 0 { // its traffic changed lately
			ago := int64(w.random.IntN(3 * 288))
			r.phases = append(r.phases, w.phase(r, stepOf(begin)-ago))
		}
		tags := w.arrange(r, i)
		if r.campaign {
			last := &g.Campaigns[len(g.Campaigns)-1]
			last.Tags, last.MinTPS = tags, r.min
		} else {
			last := &g.Recommenders[len(g.Recommenders)-1]
			last.Tags, last.MinRPS = tags, r.min
		}
	}
	return localaws.EstateRegion{Name: name, DatasetGroups: []localaws.EstateDatasetGroup{g}}
}

// manage lets a second tool manage the minimum of one in fifteen resources.
func (w *world) manage(r *resource) {
	if w.random.IntN(15) == 0 {
		r.tool = r.min
	}
}

// phase returns random traffic from a step on.
func (w *world) phase(r *resource, from int64) phase {
	p := phase{from: from, shape: shape(w.random.IntN(int(shapes))), tps: float64(r.min) * (0.2 + 1.2*w.random.Float64())}
	if w.random.IntN(2) == 0 {
		p.shape = constant // most resources are in regular use
	}
	return p
}

// serveMetrics switches the metrics on or off in which the embedded AWS counts the requests to a resource.
func (w *world) serveMetrics(r *resource, on bool) {
	for suffix, pick := range map[string]func(requests) float32{
		"":          func(n requests) float32 { return n.ok },
		"4xxErrors": func(n requests) float32 { return n.failed4xx },
		"5xxErrors": func(n requests) float32 { return n.failed5xx },
	} {
		var source localaws.Source
		if on {
			source = series{oracle: w.oracle, resource: r, pick: pick}
		}
		w.aws.ServeMetric(r.region, "AWS/Personalize", r.metric+suffix, r.dimension(), source)
	}
}
