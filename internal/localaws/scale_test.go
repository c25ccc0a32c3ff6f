package localaws

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
)

// TestLargeEstateIsSmall has 20 accounts with 5 regions each. What an endpoint takes is bounded, so
// that 100,000 of them fit into a few hundred megabytes, and each region of each account has its own.
func TestLargeEstateIsSmall(t *testing.T) {
	const accounts, copies, most = 20, 60, 4096 // bytes of an endpoint with its traffic and 30 days of a monitor's metrics
	regions := []string{"us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1"}
	estate := Estate{Monitored: 30 * 24 * time.Hour}
	for a := range accounts {
		account := EstateAccount{ID: fmt.Sprintf("%012d", 200000000000+a), Role: "Reader"}
		for i, name := range regions {
			account.Regions = append(account.Regions, EstateRegion{Name: name, DatasetGroups: []EstateDatasetGroup{{
				Name: "shop", Campaigns: []EstateCampaign{{EstateEndpoint: EstateEndpoint{
					Name: "home", Copies: copies + i, Recipe: "aws-user-personalization-v2", Age: 90 * 24 * time.Hour,
					Traffic: EstateTraffic{Shape: "daily", TPS: 4, PeakTPS: 6, JitterPercent: 5},
				}, MinTPS: 1 + a}},
			}}})
		}
		estate.Accounts = append(estate.Accounts, account)
	}
	before := heap()
	r := newWorld(t, estate)
	if each := (heap() - before) / (accounts * (5*copies + 10)); each > most {
		t.Errorf("an endpoint takes %d bytes, more than %d", each, most)
	}
	for a, account := range estate.Accounts {
		for i, name := range regions {
			cfg := r.config(name)
			cfg.Credentials = credentials.NewStaticCredentialsProvider(account.ID, "secret", "")
			client := personalize.NewFromConfig(cfg)
			arns := campaigns(t, cfg)
			if len(arns) != copies+i {
				t.Fatalf("%s has %d campaigns in %s, want %d", account.ID, len(arns), name, copies+i)
			}
			described := ok[*personalize.DescribeCampaignOutput](t)(client.DescribeCampaign(background, &personalize.DescribeCampaignInput{CampaignArn: &arns[0]}))
			if *described.Campaign.MinProvisionedTPS != int32(1+a) {
				t.Errorf("%s: the minimum is %d, want %d", arns[0], *described.Campaign.MinProvisionedTPS, 1+a)
			}
		}
	}
}

// heap is what is in use, in bytes, after a collection.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
