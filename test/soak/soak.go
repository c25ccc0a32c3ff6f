package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Options of a soak.
type Options struct {
	Days      int       // virtual days, at least 1
	Resources int       // approximate number of campaigns and recommenders at any time
	Seed      uint64    // of all random choices
	IdleHours int       // IdleThresholdHours of the monitor
	UsedHours int       // UsedIdleThresholdHours of the monitor
	dayHours  int       // length of a day; 0 means 24
	Progress  io.Writer // receives a line for each virtual day; nil discards them
	Log       io.Writer // receives the log of the functions; nil discards it
}

var begin = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

const cycleEvery = 5 * time.Minute

// retention is how long the embedded AWS keeps data: the monitor never asks for older data.
const retention = 15 * 24 * time.Hour

// history is how long requests are known: longer than the monitor looks back on calls.
const history = 91 * 24 * time.Hour

type world struct {
	Options
	ctx      context.Context
	clock    *model.VirtualClock
	aws      *localaws.Server
	memory   *localaws.Memory
	random   *rand.Rand
	owner    *owner
	monitor  *monitor
	oracle   *oracle
	faults   *faults
	figures  *Figures
	foreign  map[string]string // what belongs to others, by its name in a snapshot
	cleaning bool              // the program removes what it made
	// quietSince is when the last fault and the last action of the owner ended; zero while there are any.
	quietSince time.Time
}

// Run runs a soak. What the monitor did wrong is in the figures; the error means that the soak itself failed.
func Run(ctx context.Context, o Options) (*Figures, error) {
	if o.dayHours == 0 {
		o.dayHours = 24
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Days < 1 || o.Resources < len(regions)*4 {
		return nil, fmt.Errorf("%d days with %d resources: at least 1 day and %d resources are needed", o.Days, o.Resources, len(regions)*4)
	}
	w := &world{
		Options: o, ctx: ctx, clock: model.NewVirtualClock(begin), random: rand.New(rand.NewPCG(o.Seed, 0x736f616b)),
		figures: &Figures{counts: map[string]int{}},
	}
	began := time.Now()
	if err := w.build(); err != nil {
		return nil, err
	}
	defer w.memory.Shut()
	f := w.figures
	for day := range o.Days {
		if err := w.day(); err != nil {
			return f, err
		}
		heap := heapInUse()
		f.heapByDay = append(f.heapByDay, heap)
		fmt.Fprintf(o.Progress, "day %d of %d: %d resources, %d stops, %d deletes, %d step-downs, %d faults hit, %d violations, heap %d MB, %s\n",
			day+1, o.Days, w.oracle.count(), f.count("stops"), f.count("deletes"), f.count("step-downs"), f.count("faults injected (calls hit)"), f.violations,
			heap>>20, time.Since(began).Round(time.Second))
	}
	f.checkHeap(w.clock.Now())
	w.checkAbandoned()
	w.checkCleanup()
	f.real, f.virtual = time.Since(began), w.clock.Now().Sub(begin)
	return f, nil
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // the first one runs finalizers and empties pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// quietFrom is the share of the day after which there are no faults and no actions of the owner.
const quietFrom = 13.0 / 24

func (w *world) day() error {
	steps := w.dayHours * int(time.Hour/cycleEvery)
	for step := range steps {
		at := begin.Add(time.Duration(w.figures.count("cycles")) * cycleEvery)
		w.clock.Advance(at.Add(10 * time.Second).Sub(w.clock.Now()))
		w.aws.Tick()
		w.oracle.advance(w.clock.Now())
		quiet := float64(step) >= quietFrom*float64(steps)
		if err := w.step(at, quiet, step); err != nil {
			return fmt.Errorf("at %s: %w", at.Format(time.DateTime), err)
		}
	}
	return w.ctx.Err()
}

// step runs five minutes. Faults hit the program only, not the owner.
func (w *world) step(at time.Time, quiet bool, number int) error {
	w.aws.ClearFaults()
	switch {
	case !quiet:
		w.quietSince = time.Time{}
		if err := w.owner.act(); err != nil {
			return err
		}
		w.monitor.restart()
		w.faults.draw(w.clock.Now())
		w.monitor.trouble(w.clock.Now())
	case w.quietSince.IsZero():
		w.quietSince = w.clock.Now()
		w.monitor.recover()
	}
	w.faults.addData(!quiet)
	if w.monitor.down.After(w.clock.Now()) {
		w.figures.add("cycles")
		return nil
	}
	w.monitor.invoke(lambda.Monitor, scheduled(at))
	w.checkMetrics(at)
	if err := w.monitor.deliver(); err != nil {
		return err
	}
	if number%12 == 0 {
		w.clock.Advance(at.Add(190 * time.Second).Sub(w.clock.Now()))
		w.monitor.invoke(lambda.Dashboard, scheduled(at.Add(3*time.Minute)))
	}
	w.aws.ClearFaults()
	w.figures.add("cycles")
	if quiet {
		return w.checkQuiet(number)
	}
	return nil
}

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
