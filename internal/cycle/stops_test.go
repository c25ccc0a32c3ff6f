package cycle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// Hours in which an owner stops or starts a recommender every day have low counts that are not low
// demand, also if the monitor published nothing in them, or all of it as the recommender came back.
func TestDailyStopsAreNotLowDemand(t *testing.T) {
	days := 3
	if testing.Short() {
		days = 1
	}
	type interval struct{ stop, start time.Duration } // of the day
	for name, tt := range map[string]struct {
		at     interval
		offset time.Duration // of the cycles after each 5 minutes
		delay  string
	}{
		"an hour, on the hour":         {interval{14*time.Hour + 20*time.Second, 15 * time.Hour}, 10 * time.Second, "2m"},
		"overnight, with a long delay": {interval{20 * time.Hour, 32*time.Hour + 8*time.Minute}, 10 * time.Second, "15m"},
	} {
		t.Run(name, func(t *testing.T) {
			estate := localaws.Estate{Monitored: 30 * 24 * time.Hour, Regions: []localaws.EstateRegion{{Name: home, DatasetGroups: []localaws.EstateDatasetGroup{{Name: "shop", Domain: "ECOMMERCE"}}}}}
			group := &estate.Regions[0].DatasetGroups[0]
			for _, minimum := range []int{8, 12} {
				group.Recommenders = append(group.Recommenders, localaws.EstateRecommender{MinRPS: minimum, EstateEndpoint: localaws.EstateEndpoint{
					Name: fmt.Sprintf("r-%d", minimum), Recipe: "aws-ecomm-recommended-for-you", Age: 60 * 24 * time.Hour,
					Traffic: localaws.EstateTraffic{Shape: "constant", TPS: 9},
				}})
			}
			b := newBedInMemory(t, estate)
			b.act = true
			b.given = map[string]string{config.MetricDelay: tt.delay}
			b.restart(b.clock)
			clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, b.url, "LOCAL", b.net), Clock: b.clock})
			t.Cleanup(clients.Close)
			owner := clients.Personalize(home)
			arn := func(name string) *string {
				return aws.String("arn:aws:personalize:" + home + ":" + account + ":recommender/" + name)
			}
			to := func(at time.Time) {
				for b.clock.Now().Before(at) {
					next := b.clock.Now().Add(-tt.offset).Truncate(5 * time.Minute).Add(5*time.Minute + tt.offset)
					if next.After(at) {
						b.clock.Advance(at.Sub(b.clock.Now()))
						return
					}
					b.clock.Advance(next.Sub(b.clock.Now()))
					b.aws.Tick()
					b.run(b.given)
				}
			}
			day := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
			for range days {
				to(day.Add(tt.at.stop))
				for _, name := range []string{"r-8", "r-12"} {
					if _, err := owner.StopRecommender(t.Context(), &personalize.StopRecommenderInput{RecommenderArn: arn(name)}); err != nil {
						t.Fatal(err)
					}
				}
				to(day.Add(tt.at.start))
				for _, name := range []string{"r-8", "r-12"} {
					if _, err := owner.StartRecommender(t.Context(), &personalize.StartRecommenderInput{RecommenderArn: arn(name)}); err != nil {
						t.Fatal(err)
					}
				}
				day = day.Add(24 * time.Hour)
			}
			to(day.Add(tt.at.stop - 10*time.Minute))
			result := b.run(with(map[string]string{config.MetricDelay: tt.delay}, config.HourlyChecks, "always"))
			for name, want := range map[string]int{"r-8": 8, "r-12": 9} {
				if r := byName(t, result, name); r.Min != want {
					t.Errorf("%s: minimum %d, want %d (%s)", name, r.Min, want, r.Reason)
				}
			}
		})
	}
}
