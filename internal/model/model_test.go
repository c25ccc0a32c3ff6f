package model

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseResourceARN(t *testing.T) {
	long := strings.Repeat("n", 63)
	tests := []struct {
		name, arn string
		kind      Kind
		fault     string // part of the error; empty if the ARN is good
	}{
		{"a campaign", "arn:aws:personalize:eu-west-1:123456789012:campaign/home", Campaign, ""},
		{"a recommender", "arn:aws:personalize:us-east-1:123456789012:recommender/for-you_2", Recommender, ""},
		{"another partition", "arn:aws-cn:personalize:cn-north-1:123456789012:campaign/home", Campaign, ""},
		{"the longest name", "arn:aws:personalize:eu-west-1:123456789012:campaign/" + long, Campaign, ""},
		{"a character more", "arn:aws:personalize:eu-west-1:123456789012:campaign/" + long + "n", "", "does not end in campaign/<name>"},
		{"no ARN at all", "home", "", "is not an ARN"},
		{"five parts", "arn:aws:personalize:eu-west-1:123456789012", "", "is not an ARN"},
		{"no resource", "arn:aws:personalize:eu-west-1:123456789012:", "", "is not an ARN"},
		{"another service", "arn:aws:sns:eu-west-1:123456789012:campaign/home", "", "is not the ARN of a Personalize campaign"},
		{"another type", "arn:aws:personalize:eu-west-1:123456789012:solution/home", "", "is not the ARN of a Personalize campaign"},
		{"no region", "arn:aws:personalize::123456789012:campaign/home", "", "names no valid region"},
		{"a region of another partition", "arn:aws:personalize:cn-north-1:123456789012:campaign/home", "", "not in its partition"},
		{"a partition of another region", "arn:aws-us-gov:personalize:us-east-1:123456789012:campaign/home", "", "not in its partition"},
		{"a partition that is not known", "arn:aws-iso-b:personalize:us-isob-east-1:123456789012:campaign/home", Campaign, ""},
		{"no account", "arn:aws:personalize:eu-west-1::campaign/home", "", "names no 12-digit account"},
		{"eleven digits", "arn:aws:personalize:eu-west-1:12345678901:campaign/home", "", "names no 12-digit account"},
		{"no name", "arn:aws:personalize:eu-west-1:123456789012:campaign/", "", "does not end in"},
		{"a further slash", "arn:aws:personalize:eu-west-1:123456789012:campaign/a/b", "", "does not end in"},
		{"a name that begins with a hyphen", "arn:aws:personalize:eu-west-1:123456789012:campaign/-a", "", "does not end in"},
		{"far too long", "arn:aws:personalize:eu-west-1:123456789012:campaign/" + strings.Repeat("n", 300), "", "at most 256"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			arn, kind, err := ParseResourceARN(tt.arn)
			switch {
			case tt.fault == "" && err != nil:
				t.Fatal(err)
			case tt.fault == "" && (kind != tt.kind || arn.String() != tt.arn):
				t.Errorf("got %s, %s", kind, arn)
			case tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)):
				t.Errorf("error %v, want %q", err, tt.fault)
			}
		})
	}
}

func TestParseSolutionARN(t *testing.T) {
	const prefix = "arn:aws:personalize:eu-west-1:123456789012:"
	for arn, fault := range map[string]string{
		prefix + "solution/shop":                          "",
		prefix + "solution/shop/3f2a":                     "does not end in solution/<name>",
		prefix + "campaign/shop":                          "is not the ARN of a Personalize solution",
		prefix + "solution/":                              "does not end in",
		"arn:aws:personalize::123456789012:solution/shop": "names no valid region",
		"shop": "is not an ARN",
	} {
		got, err := ParseSolutionARN(arn)
		if fault == "" && (err != nil || got.String() != arn) || fault != "" && (err == nil || !strings.Contains(err.Error(), fault)) {
			t.Errorf("%s: %s, %v; want %q", arn, got, err, fault)
		}
	}
}

func FuzzParseARN(f *testing.F) {
	f.Add("arn:aws:personalize:eu-west-1:123456789012:campaign/home")
	f.Add("arn:aws-cn:sns:cn-north-1:123456789012:topic:with:colons")
	f.Add("arn:::::")
	f.Fuzz(func(t *testing.T, s string) {
		if arn, err := ParseARN(s); err == nil && arn.String() != s {
			t.Errorf("%q became %q", s, arn.String())
		}
		if arn, kind, err := ParseResourceARN(s); err == nil && (arn.Name() == "" || kind == "" || arn.Type() != string(kind)) {
			t.Errorf("%q: kind %q, name %q", s, kind, arn.Name())
		}
	})
}

func TestARNParts(t *testing.T) {
	arn, err := ParseARN("arn:aws:personalize:eu-west-1:123456789012:solution/shop/3f2a")
	if err != nil {
		t.Fatal(err)
	}
	if arn.Type() != "solution" || arn.Name() != "3f2a" {
		t.Errorf("type %q, name %q", arn.Type(), arn.Name())
	}
	if (ARN{}).String() != "" {
		t.Error("the zero ARN is not empty")
	}
}

func TestValidRegion(t *testing.T) {
	for region, want := range map[string]bool{
		"eu-west-1": true, "us-gov-west-1": true, "cn-north-1": true, "ap-southeast-12": true,
		"all": false, "": false, "eu-west": false, "EU-WEST-1": false, "eu-west-1a": false, "eu west 1": false, "eu-west-123": false,
	} {
		if ValidRegion(region) != want {
			t.Errorf("%q: got %v", region, !want)
		}
	}
}

func TestStatus(t *testing.T) {
	tests := []struct {
		status                        Status
		inProgress, deleting, settled bool
	}{
		{"ACTIVE", false, false, true},
		{"CREATE FAILED", false, false, true},
		{"CREATE PENDING", true, false, false},
		{"CREATE IN_PROGRESS", true, false, false},
		{"STOP IN PROGRESS", true, false, false},
		{"INACTIVE", false, false, false},
		{"DELETE PENDING", true, true, false},
		{"DELETE IN_PROGRESS", true, true, false},
		{"SOMETHING NEW", false, false, false},
		{"", false, false, false},
	}
	for _, tt := range tests {
		if tt.status.InProgress() != tt.inProgress || tt.status.Deleting() != tt.deleting || tt.status.Settled() != tt.settled {
			t.Errorf("%q: in progress %v, deleting %v, settled %v", tt.status, tt.status.InProgress(), tt.status.Deleting(), tt.status.Settled())
		}
	}
}

func TestMonitored(t *testing.T) {
	tests := []struct {
		name     string
		resource Resource
		want     bool
	}{
		{"active", Resource{Status: "ACTIVE"}, true},
		{"active, updating", Resource{Status: "ACTIVE", Update: &Update{Status: "CREATE IN_PROGRESS"}}, true},
		{"active, but its deletion has begun", Resource{Status: "ACTIVE", Update: &Update{Status: "DELETE PENDING"}}, false},
		{"being created", Resource{Status: "CREATE IN_PROGRESS"}, false},
		{"stopped", Resource{Status: "INACTIVE"}, false},
		{"in an unknown state", Resource{Status: "HIBERNATING"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.resource.Monitored(); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestLastTouchedIsTheLatestOfAll(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 3, 4, h, 0, 0, 0, time.UTC) }
	for name, r := range map[string]Resource{
		"last updated":           {LastUpdated: at(9), Update: &Update{Created: at(7), Changed: at(8)}},
		"an update requested":    {LastUpdated: at(7), Update: &Update{Created: at(9), Changed: at(8)}},
		"an update that went on": {LastUpdated: at(7), Update: &Update{Created: at(8), Changed: at(9)}},
		"no update":              {LastUpdated: at(9)},
	} {
		if got := r.LastTouched(); !got.Equal(at(9)) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestClocks(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	before := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	skip := NewVirtualClock(before)
	if err := skip.Sleep(context.Background(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	skip.Advance(-time.Hour)
	if passed := skip.Now().Sub(before); passed != 24*time.Hour {
		t.Errorf("a day of sleep took %s", passed)
	}
	for _, clock := range []Clock{SystemClock{}, skip} {
		if err := clock.Sleep(ended, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("%T sleeps on after the end: %v", clock, err)
		}
		if err := clock.Sleep(context.Background(), 0); err != nil {
			t.Errorf("%T: %v", clock, err)
		}
	}
}

func TestLatencyFollowsTheRecipe(t *testing.T) {
	for _, tt := range []struct {
		kind         Kind
		recipe, want string
	}{
		{Campaign, "aws-user-personalization-v2", "GetRecommendationsLatency"},
		{Campaign, "aws-personalized-ranking", "GetPersonalizedRankingLatency"},
		{Campaign, "aws-personalized-ranking-v2", "GetPersonalizedRankingLatency"},
		{Campaign, "aws-next-best-action", ""},
		{Campaign, "aws-something-new", "GetRecommendationsLatency"},
		{Campaign, "", "GetRecommendationsLatency"},
		{Recommender, "aws-vod-top-picks", "GetRecommendationsLatency"},
		{Recommender, "aws-next-best-action", "GetRecommendationsLatency"},
	} {
		if got := LatencyMetric(tt.kind, tt.recipe); got != tt.want {
			t.Errorf("%s of recipe %q: %q, want %q", tt.kind, tt.recipe, got, tt.want)
		}
	}
}

// Results sort by ARN as text, the cycle by resource: both orders are the same.
func TestResourcesSortLikeTheirARNs(t *testing.T) {
	var resources []Resource
	for _, region := range []string{"us-west-2", "ap-south-1", "ap-southeast-1", "eu-west-1"} {
		for _, kind := range []Kind{Recommender, Campaign} {
			for _, name := range []string{"b", "a", "a-1", "A", "a1", "a_"} {
				arn := NewARN("aws", "personalize", region, "123456789012", string(kind)+"/"+name)
				resources = append(resources, Resource{ARN: arn, Kind: kind, Name: name})
			}
		}
	}
	slices.SortFunc(resources, CompareResources)
	if !slices.IsSortedFunc(resources, func(a, b Resource) int { return strings.Compare(a.ARN.String(), b.ARN.String()) }) {
		t.Error("not in the order of their ARNs")
	}
	if !slices.IsSortedFunc(resources, func(a, b Resource) int {
		return cmp.Or(strings.Compare(a.Region(), b.Region()), cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	}) {
		t.Error("not by region, kind and name")
	}
}

func TestProblemIsOneLineAndKeepsItsCause(t *testing.T) {
	cause := errors.New("denied:\n\tno \x1b[31mway")
	p := Problem{Region: "eu-west-1", Operation: "ListCampaigns", Err: cause}
	if want := "ListCampaigns eu-west-1: denied: no [31mway"; p.Error() != want || !errors.Is(p, cause) {
		t.Errorf("got %q, want %q", p.Error(), want)
	}
	raw, err := json.Marshal(p)
	if want := `{"arn":"","region":"eu-west-1","operation":"ListCampaigns","error":"denied: no [31mway"}`; err != nil || string(raw) != want {
		t.Errorf("got %s, %v, want %s", raw, err, want)
	}
}
