package cycle_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

var always = map[string]string{config.HourlyChecks: "always"}

// busyAt is an estate of n campaigns with a constant load of 50 TPS, which a monitor has watched for 30 days.
func busyAt(n, minimum int) localaws.Estate {
	return localaws.Estate{Monitored: 30 * 24 * time.Hour, Regions: []localaws.EstateRegion{{
		Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{Name: "shop", Campaigns: []localaws.EstateCampaign{{
			EstateEndpoint: localaws.EstateEndpoint{
				Name: "c", Copies: n, Recipe: "aws-user-personalization", Age: 60 * 24 * time.Hour, Traffic: localaws.EstateTraffic{Shape: "constant", TPS: 50},
			},
			MinTPS: minimum,
		}}}},
	}}}
}

// hoursAgo is a span of the hour that began so many hours before the test begins.
func hoursAgo(f localaws.DataFault, hours ...int) []localaws.DataFault {
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	var list []localaws.DataFault
	for _, n := range hours {
		f.From, f.Until = noon.Add(-time.Duration(n)*time.Hour), noon.Add(-time.Duration(n-1)*time.Hour)
		list = append(list, f)
	}
	return list
}

// What CloudWatch does not show is not low demand: nothing below the demand of 50 TPS is ever set,
// and one whose minimum is above it still steps down.
func TestMissingDataAreNotLowDemand(t *testing.T) {
	counts := localaws.DataFault{Namespace: model.NamespacePersonalize, LostPercent: 100}
	late := func(d time.Duration) []localaws.DataFault {
		return []localaws.DataFault{{Namespace: model.NamespacePersonalize, Late: d}}
	}
	partial := counts
	partial.LostPercent = 90
	for name, faults := range map[string][]localaws.DataFault{
		"none":                         nil,
		"3 hours late":                 late(3 * time.Hour),
		"6 hours late":                 late(6 * time.Hour),
		"48 hours late":                late(48 * time.Hour),
		"an hour lost":                 hoursAgo(counts, 100),
		"a tenth of an hour counted":   hoursAgo(partial, 100),
		"two hours lost, days apart":   hoursAgo(counts, 100, 200),
		"three hours of the region":    hoursAgo(counts, 100, 200, 300),
		"three partly counted":         hoursAgo(partial, 101, 100),
		"our own series of three lost": hoursAgo(localaws.DataFault{LostPercent: 100}, 100, 200, 300),
	} {
		t.Run(name, func(t *testing.T) {
			for minimum, want := range map[int]int{40: 40, 60: 50} {
				b := newBedInMemory(t, busyAt(6, minimum))
				for _, f := range faults {
					b.aws.AddDataFault(f)
				}
				b.act = true
				b.restart(b.clock)
				for range 2 { // an hour each
					for _, r := range b.run(always).Resources {
						if r.Decision == rules.StepDown && r.NewMin != want {
							t.Fatalf("minimum %d: %s to %d (%s)", minimum, r.Name, r.NewMin, r.Reason)
						}
					}
					b.clock.Advance(50 * time.Minute)
					b.next()
					b.run(map[string]string{config.HourlyChecks: "never"}) // publishes, so that data arrive
					b.next()
				}
				r := byName(t, b.run(always), "c-1")
				if r.Min != want {
					t.Errorf("minimum %d: came to %d, want %d (%s)", minimum, r.Min, want, r.Reason)
				}
			}
		})
	}
}

// Counts of a region that are lost for days on end, at any time of the fortnight, are not low demand.
func TestCountsLostForDaysAreNotLowDemand(t *testing.T) {
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for _, lost := range []time.Duration{84 * time.Hour, 160 * time.Hour} {
		for _, until := range []time.Duration{0, 40 * time.Hour, 130 * time.Hour} {
			b := newBedInMemory(t, busyAt(4, 40))
			b.aws.AddDataFault(localaws.DataFault{
				Namespace: model.NamespacePersonalize, LostPercent: 100, From: noon.Add(-until - lost), Until: noon.Add(-until),
			})
			for _, r := range b.run(always).Resources {
				if r.Decision == rules.StepDown || r.Decision == rules.Delete {
					t.Errorf("lost for %s until %s ago: %s %s to %d (%s)", lost, until, r.Name, r.Decision, r.NewMin, r.Reason)
				}
			}
		}
	}
}

// Hours in which one endpoint alone has no calls are its own silence.
func TestOwnSilenceIsLowDemand(t *testing.T) {
	b := newBedInMemory(t, busyAt(20, 40))
	for _, f := range hoursAgo(localaws.DataFault{Namespace: model.NamespacePersonalize, LostPercent: 100, Resource: "campaign/c-01"}, 100, 200, 300) {
		b.aws.AddDataFault(f)
	}
	result := b.run(always)
	if r := byName(t, result, "c-01"); r.Decision != rules.StepDown || r.NewMin != 30 {
		t.Errorf("%s to %d (%s)", r.Decision, r.NewMin, r.Reason)
	}
	if r := byName(t, result, "c-02"); r.Decision != rules.None {
		t.Errorf("another one: %s to %d (%s)", r.Decision, r.NewMin, r.Reason)
	}
	// If the others cannot be read, nothing follows.
	b = newBedInMemory(t, busyAt(2, 40))
	for _, f := range hoursAgo(localaws.DataFault{Namespace: model.NamespacePersonalize, LostPercent: 100}, 100, 200, 300) {
		b.aws.AddDataFault(f)
	}
	b.aws.AddFault(localaws.Fault{Operation: "GetMetricData", Kind: localaws.Partial, Skip: 5})
	if r := byName(t, b.run(always), "c-1"); r.Decision != rules.Refused || !strings.Contains(r.Reason, "their data are missing could not be read") {
		t.Errorf("peers not read: %s (%s)", r.Decision, r.Reason)
	}
}

// The others of a region that cannot be listed, or are not monitored, show all the same that its data
// are missing: without them nothing follows from silence, in a cycle that acts either.
func TestOthersThatAreNotMonitoredShowTheGapsOfTheRegion(t *testing.T) {
	estate := busyAt(1, 40)
	group := &estate.Regions[0].DatasetGroups[0]
	group.Domain = "ECOMMERCE"
	group.Recommenders = []localaws.EstateRecommender{{MinRPS: 40, EstateEndpoint: localaws.EstateEndpoint{
		Name: "r", Copies: 6, Recipe: "aws-ecomm-recommended-for-you", Age: 60 * 24 * time.Hour, Traffic: localaws.EstateTraffic{Shape: "constant", TPS: 50},
	}}}
	alone := map[string]string{config.HourlyChecks: "always", config.RecommenderARNs: "none"}
	for name, tt := range map[string]struct {
		params  map[string]string
		lost    string // whose counts
		listing bool
		want    rules.Verdict
	}{
		"its own silence":              {always, "campaign/c", true, rules.StepDown},
		"the others cannot be listed":  {always, "", false, rules.Refused},
		"the others are not monitored": {alone, "", true, rules.None},
	} {
		b := newBedInMemory(t, estate)
		b.act, b.given = true, tt.params
		b.restart(b.clock)
		for _, f := range hoursAgo(localaws.DataFault{Namespace: model.NamespacePersonalize, LostPercent: 100, Resource: tt.lost}, 100, 200, 300) {
			b.aws.AddDataFault(f)
		}
		if !tt.listing {
			b.aws.AddFault(localaws.Fault{Operation: "ListRecommenders", Code: "AccessDeniedException"})
		}
		if r := byName(t, b.run(tt.params), "c"); r.Decision != tt.want {
			t.Errorf("%s: %s to %d (%s)", name, r.Decision, r.NewMin, r.Reason)
		}
	}
}

// A step of the cycle that rests on silence is made by the recheck too, which lists the others
// itself; and is not if the data of the region are missing by then.
func TestTheRecheckReadsTheGapsOfTheRegion(t *testing.T) {
	own := localaws.DataFault{Namespace: model.NamespacePersonalize, LostPercent: 100, Resource: "campaign/c-1"}
	for _, everywhere := range []bool{false, true} {
		b := newBedInMemory(t, busyAt(6, 40))
		b.given = always
		for _, f := range hoursAgo(own, 100, 200, 300) {
			b.aws.AddDataFault(f)
		}
		b.run(always)
		list := b.commandsOnBus()
		if len(list) != 1 {
			t.Fatalf("%d commands", len(list))
		}
		if everywhere {
			all := own
			all.Resource = ""
			for _, f := range hoursAgo(all, 100, 200, 300) {
				b.aws.AddDataFault(f)
			}
		}
		d, err := b.rechecker.Recheck(context.Background(), list[0])
		if want := map[bool]rules.Verdict{false: rules.StepDown, true: rules.None}[everywhere]; err != nil || d.Verdict != want {
			t.Errorf("missing everywhere %v: %s (%s), %v", everywhere, d.Verdict, d.Reason, err)
		}
		if everywhere {
			continue
		}
		b.restart(b.clock) // remembers nothing
		b.aws.AddFault(localaws.Fault{Operation: "ListRecommenders", Code: "AccessDeniedException"})
		if d, err = b.rechecker.Recheck(context.Background(), list[0]); err != nil || d.Verdict != rules.Refused {
			t.Errorf("when the others cannot be listed: %s (%s), %v", d.Verdict, d.Reason, err)
		}
	}
}

// A recommender that its owner stops for two hours keeps its minimum; one that needs less does not.
func TestTimeInWhichItWasStoppedIsNotLowDemand(t *testing.T) {
	estate := busyAt(1, 40)
	group := &estate.Regions[0].DatasetGroups[0]
	group.Domain = "ECOMMERCE"
	for _, minimum := range []int{8, 12} {
		group.Recommenders = append(group.Recommenders, localaws.EstateRecommender{MinRPS: minimum, EstateEndpoint: localaws.EstateEndpoint{
			Name: fmt.Sprintf("r-%d", minimum), Recipe: "aws-ecomm-recommended-for-you", Age: 60 * 24 * time.Hour,
			Traffic: localaws.EstateTraffic{Shape: "constant", TPS: 9},
		}})
	}
	b := newBedInMemory(t, estate)
	b.act = true
	b.restart(b.clock)
	clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", b.net), Clock: b.clock})
	t.Cleanup(clients.Close)
	owner := clients.Personalize(home)
	for range 2 { // two occasions a day apart
		for _, name := range []string{"r-8", "r-12"} {
			arn := aws.String("arn:aws:personalize:" + home + ":" + account + ":recommender/" + name)
			if _, err := owner.StopRecommender(t.Context(), &personalize.StopRecommenderInput{RecommenderArn: arn}); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 * 12 {
			b.next()
			b.run(nil)
		}
		for _, name := range []string{"r-8", "r-12"} {
			arn := aws.String("arn:aws:personalize:" + home + ":" + account + ":recommender/" + name)
			if _, err := owner.StartRecommender(t.Context(), &personalize.StartRecommenderInput{RecommenderArn: arn}); err != nil {
				t.Fatal(err)
			}
		}
		for range 24 * 12 {
			b.next()
			b.run(nil)
		}
	}
	result := b.run(always)
	for name, want := range map[string]int{"r-8": 8, "r-12": 9} {
		if r := byName(t, result, name); r.Min != want {
			t.Errorf("%s: minimum %d, want %d (%s)", name, r.Min, want, r.Reason)
		}
	}
	if r := byName(t, result, "r-8"); !strings.Contains(r.Reason, " of 336 h known; ") || !strings.Contains(r.Reason, "(from 2026-03-04 13:00)") {
		t.Errorf("which hours are unknown: %s", r.Reason)
	}
}
