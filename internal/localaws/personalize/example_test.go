package personalize

import (
	"cmp"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// world is a service with the sources of its metrics, by ARN and name.
type world struct {
	*Service
	sources map[string]api.Source
}

func newWorld(t testing.TB, estate estatefile.Estate, now time.Time) *world {
	t.Helper()
	sources := map[string]api.Source{}
	estate.Account = cmp.Or(estate.Account, "123456789012")
	s, err := New(estate, now, func(_ api.Home, _, metric string, dims map[string]string, src api.Source) {
		for _, arn := range dims {
			sources[arn+" "+metric] = src
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return &world{s, sources}
}

func exampleWorld(t testing.TB, now time.Time) *world {
	t.Helper()
	estate, err := estatefile.Load("../example/estate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(t, estate, now)
}

// finding is what a monitor finds out about a resource by the rules of its trade: whether
// its last five minutes reach the minimum, and the lowest hour of its life.
type finding struct {
	utilization float64
	watermark   float64
	failures    float64       // failed calls in the last 24 hours
	lastSeen    time.Duration // since the begin of the last five minutes with requests
}

func examine(w *world, e *endpoint, metric string, now time.Time) finding {
	value := func(name string, start time.Time) float64 {
		src := w.sources[e.arn+" "+name]
		if src == nil {
			return 0
		}
		v, _ := src.Value(start)
		return v
	}
	minimum := float64(e.MinTPS)
	if e.kind == kindRecommender {
		minimum = float64(*e.recommender.MinRPS)
	}
	end := now.Truncate(estatefile.Step)
	f := finding{utilization: value(metric, end.Add(-estatefile.Step)) / 300 / minimum * 100, watermark: math.Inf(1), lastSeen: -1}
	begin := now.Add(-14 * 24 * time.Hour)
	if e.Created.After(begin) {
		begin = e.Created
	}
	for hour := begin.Truncate(time.Hour).Add(time.Hour); !hour.Add(time.Hour).After(end); hour = hour.Add(time.Hour) {
		sum := 0.0
		for at := hour; at.Before(hour.Add(time.Hour)); at = at.Add(estatefile.Step) {
			v := value(metric, at)
			sum += v
			if v > 0 {
				f.lastSeen = now.Sub(at)
			}
			if now.Sub(at) <= 24*time.Hour {
				f.failures += value(metric+suffix4xx, at) + value(metric+suffix5xx, at)
			}
		}
		f.watermark = min(f.watermark, sum/3600)
	}
	return f
}

// The promise of each resource of the example holds whenever a user runs it.
func TestExampleEstateHoldsAtAnyTimeOfDay(t *testing.T) {
	healthy := func(f finding, minimum float64) bool { return f.utilization >= 100 && f.watermark >= minimum }
	oversized := func(f finding, minimum float64) bool {
		return f.utilization > 0 && f.utilization < 100 && math.Floor(f.watermark) < minimum && minimum > 1
	}
	idle := func(f finding, _ float64) bool { return f.utilization == 0 && f.failures == 0 }
	want := map[string]func(finding, float64) bool{
		"shop-home-page":           healthy,
		"shop-similar-items":       oversized,
		"shop-search-ranking":      func(f finding, m float64) bool { return healthy(f, m) && f.failures > 0 },
		"shop-spring-sale":         func(f finding, m float64) bool { return idle(f, m) && f.lastSeen >= 12*24*time.Hour },
		"shop-checkout":            oversized,
		"shop-recommended-for-you": oversized,
		"shop-customers-also-viewed": func(f finding, m float64) bool {
			return idle(f, m) && f.lastSeen >= 240*time.Hour && f.lastSeen < 242*time.Hour
		},
		"shop-popular-items":      idle,
		"video-home-rows":         healthy,
		"video-next-best-action":  idle, // by its metrics
		"video-kids-profile":      idle,
		"video-trailers":          func(f finding, _ float64) bool { return f.utilization == 0 && f.failures > 300_000 },
		"video-continue-watching": oversized,
		"video-top-picks":         healthy,
		"video-more-like-this":    healthy,
	}
	for hour := range 24 {
		now := noon.Add(time.Duration(hour)*time.Hour + 7*time.Minute + 31*time.Second)
		w := exampleWorld(t, now)
		seen := 0
		for _, h := range w.regions {
			for _, e := range append(append([]*endpoint{}, h.campaigns...), h.recommenders...) {
				seen++
				metric, minimum := estatefile.MetricRecommendations, float64(e.MinTPS)
				if e.kind == kindRecommender {
					minimum = float64(*e.recommender.MinRPS)
				} else {
					metric = estatefile.MetricOf(strings.TrimPrefix(h.versions[e.Version].recipe, h.recipeARN("")), true)
				}
				holds := want[e.name]
				if holds == nil {
					t.Fatalf("the example has %s, which this test does not know", e.name)
				}
				if f := examine(w, e, metric, now); !holds(f, minimum) {
					t.Errorf("at %s: %s with a minimum of %v does not show what it is there for: %+v", now.Format("15:04"), e.name, minimum, f)
				}
			}
		}
		if seen != len(want) {
			t.Errorf("%d resources, want %d", seen, len(want))
		}
	}
}

func TestExampleEstateStates(t *testing.T) {
	w := exampleWorld(t, noon)
	find := func(region, resource string) *endpoint {
		h := w.region(api.Home{Account: "123456789012", Region: region})
		return h.endpoints[h.arn(resource)]
	}
	if e := find("us-east-1", "recommender/shop-popular-items"); e.Status != estatefile.Inactive {
		t.Errorf("the stopped recommender is %s", e.Status)
	}
	if e := find("us-east-1", "campaign/shop-checkout"); !e.Updated.Equal(noon.Add(-20*time.Minute)) || e.latest.Status != estatefile.Active {
		t.Errorf("the updated campaign: %v, %+v", e.Updated, e.latest)
	}
	if e := find("eu-west-1", "campaign/video-continue-watching"); e.latest.Status != estatefile.CreateInProgress || e.MinTPS != 25 || e.latest.MinTPS != 10 {
		t.Errorf("the campaign being updated: %+v, latest %+v", e.settings, e.latest)
	}
	if e := find("eu-west-1", "campaign/video-home-rows"); !e.Config.syncs() || !e.Updated.Equal(noon.Add(-48*time.Hour+10*time.Minute)) {
		t.Errorf("the synced campaign: %+v, %v", e.Config, e.Updated)
	}
	if e := find("eu-west-1", "campaign/video-kids-profile"); !e.Created.Equal(noon.Add(-3 * time.Hour)) {
		t.Errorf("the new campaign is from %v", e.Created)
	}
}

func TestCopiesAreNumberedAndQuickToLoad(t *testing.T) {
	begin := time.Now()
	w := newWorld(t, manyCampaigns(estatefile.Traffic{Shape: "constant", TPS: 3, Percent4xx: 1}), noon)
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("loading took %v", took)
	}
	r := w.region(api.Home{Account: "123456789012", Region: "eu-west-1"})
	if n := len(r.campaigns); n != 10_000 || r.campaigns[0].name != "c-00001" || r.campaigns[n-1].name != "c-10000" {
		t.Errorf("%d campaigns, from %s to %s", n, r.campaigns[0].name, r.campaigns[n-1].name)
	}
}

func manyCampaigns(traffic estatefile.Traffic) estatefile.Estate {
	return estatefile.Estate{Regions: []estatefile.Region{{Name: "eu-west-1", DatasetGroups: []estatefile.DatasetGroup{{
		Name: "g", Campaigns: []estatefile.Campaign{{EstateEndpoint: estatefile.EstateEndpoint{
			Name: "c", Recipe: "aws-sims", Copies: 10_000, Traffic: traffic,
		}}},
	}}}}}
}

func BenchmarkLoadEstate(b *testing.B) {
	e := manyCampaigns(estatefile.Traffic{Shape: "constant", TPS: 3})
	b.ReportAllocs()
	for b.Loop() {
		newWorld(b, e, noon)
	}
}
