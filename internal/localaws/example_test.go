package localaws

import (
	"math"
	"testing"
	"time"
)

// finding is what a monitor finds out about a resource by the rules of its trade: whether
// its last five minutes reach the minimum, and the lowest hour of its life.
type finding struct {
	utilization float64
	watermark   float64
	failures    float64       // failed calls in the last 24 hours
	lastSeen    time.Duration // since the begin of the last five minutes with requests
}

func examine(s *Server, e *endpoint, metric string, now time.Time) finding {
	h := home{s.account, e.home.region}
	value := func(name string, start time.Time) float64 {
		sr := s.metrics.find(h, seriesKey(personalizeNamespace, name, dimensionsOf(e.dimensions())))
		if sr == nil || sr.source == nil {
			return 0
		}
		v, _ := sr.source.Value(start)
		return v
	}
	minimum := float64(e.minTPS)
	if e.kind == kindRecommender {
		minimum = float64(*e.recommender.MinRPS)
	}
	end := now.Truncate(step)
	f := finding{utilization: value(metric, end.Add(-step)) / 300 / minimum * 100, watermark: math.Inf(1), lastSeen: -1}
	begin := now.Add(-14 * 24 * time.Hour)
	if e.created.After(begin) {
		begin = e.created
	}
	for hour := begin.Truncate(time.Hour).Add(time.Hour); !hour.Add(time.Hour).After(end); hour = hour.Add(time.Hour) {
		sum := 0.0
		for at := hour; at.Before(hour.Add(time.Hour)); at = at.Add(step) {
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
		"shop-spring-sale":         func(f finding, m float64) bool { return idle(f, m) && f.lastSeen >= 5*24*time.Hour },
		"shop-checkout":            oversized,
		"shop-recommended-for-you": oversized,
		"shop-customers-also-viewed": func(f finding, m float64) bool {
			return idle(f, m) && f.lastSeen >= 31*time.Hour && f.lastSeen < 33*time.Hour
		},
		"shop-popular-items":      idle,
		"video-home-rows":         healthy,
		"video-next-best-action":  idle, // to who can only see metrics
		"video-kids-profile":      idle,
		"video-trailers":          func(f finding, _ float64) bool { return f.utilization == 0 && f.failures > 300_000 },
		"video-continue-watching": oversized,
		"video-top-picks":         healthy,
		"video-more-like-this":    healthy,
	}
	for hour := range 24 {
		now := noon.Add(time.Duration(hour)*time.Hour + 7*time.Minute + 31*time.Second)
		s, err := New(ExampleEstate(), WithClock(&handClock{now: now}))
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for _, h := range s.personalize.homes {
			for _, e := range append(append([]*endpoint{}, h.campaigns...), h.recommenders...) {
				seen++
				metric, minimum := metricRecommendations, float64(e.minTPS)
				if e.kind == kindRecommender {
					minimum = float64(*e.recommender.MinRPS)
				} else {
					metric = metricOf(recipeName(h.versions[e.version].recipe), true)
				}
				holds := want[e.name]
				if holds == nil {
					t.Fatalf("the example has %s, which this test does not know", e.name)
				}
				if f := examine(s, e, metric, now); !holds(f, minimum) {
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
	s, err := New(ExampleEstate(), WithClock(&handClock{now: noon}))
	if err != nil {
		t.Fatal(err)
	}
	find := func(region, resource string) *endpoint {
		h := s.regionOf(home{testAccount, region})
		return h.endpoints[h.arn(resource)]
	}
	if e := find("us-east-1", "recommender/shop-popular-items"); e.status != statusInactive {
		t.Errorf("the stopped recommender is %s", e.status)
	}
	if e := find("us-east-1", "campaign/shop-checkout"); !e.updated.Equal(noon.Add(-20*time.Minute)) || e.latest.status != statusActive {
		t.Errorf("the updated campaign: %v, %+v", e.updated, e.latest)
	}
	if e := find("eu-west-1", "campaign/video-continue-watching"); e.latest.status != statusCreateInProgress || e.minTPS != 25 || e.latest.minTPS != 10 {
		t.Errorf("the campaign being updated: %+v, latest %+v", e.settings, e.latest)
	}
	if e := find("eu-west-1", "campaign/video-home-rows"); !e.campaign.syncs() || !e.updated.Equal(noon.Add(-48*time.Hour+10*time.Minute)) {
		t.Errorf("the synced campaign: %+v, %v", e.campaign, e.updated)
	}
	if e := find("eu-west-1", "campaign/video-kids-profile"); !e.created.Equal(noon.Add(-3 * time.Hour)) {
		t.Errorf("the new campaign is from %v", e.created)
	}
}

func TestExampleEstateFileIsACopy(t *testing.T) {
	a := ExampleEstateFile()
	a[0] = '!'
	if b := ExampleEstateFile(); b[0] == '!' {
		t.Error("a change to it changes the example")
	}
}
