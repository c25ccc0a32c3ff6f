package estatefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// noFiles is for estates that must not name a CSV.
func noFiles(path string) ([]byte, error) { return nil, errors.New("no file " + path) }

const smallTrace = "timestamp,value\n2026-01-01 00:03:00,10\n2026-01-01 00:08:00,0\n2026-01-01 00:13:00,32.5\n"

func traceFiles(path string) ([]byte, error) {
	if path == "shop.csv" {
		return []byte(smallTrace), nil
	}
	return noFiles(path)
}

// solutionFile is an estate with a solution s, on line 4.
func solutionFile(keys string) string {
	return "regions:\n  eu-west-1:\n    datasetGroups:\n      - {name: g, solutions: [{name: s, " + keys + "}]}\n"
}

func TestParseReadsAccounts(t *testing.T) {
	const file = `
account: 111111111111
accounts:
  - {id: 111111111111, name: tools}
  - id: 222222222222
    name: shop
    status: SUSPENDED
    role: arn:aws:iam::222222222222:role/path/Reader
    externalId: a/b:7
    faults: [{kind: denied, service: sns, after: 2h, lasting: 1d}]
    regions:
      us-east-1: {datasetGroups: [{name: g, campaigns: [{name: c, recipe: aws-sims, traffic: {csv: shop.csv}}]}]}
      eu-west-1:
`
	e, err := Parse([]byte(file), "estate.yaml", traceFiles)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Regions) != 0 || len(e.Accounts) != 2 || e.Accounts[0].ID != e.Owner() || e.Accounts[0].Name != "tools" {
		t.Fatalf("the estate: %+v", e)
	}
	a := e.Accounts[1]
	if a.ID != "222222222222" || a.Name != "shop" || a.Status != "SUSPENDED" || a.Role != "arn:aws:iam::222222222222:role/path/Reader" || a.ExternalID != "a/b:7" ||
		len(a.Faults) != 1 || a.Faults[0] != (AccountFault{"denied", "sns", 2 * time.Hour, 24 * time.Hour}) {
		t.Errorf("the account: %+v", a)
	}
	var homes []string
	for h, r := range e.All() {
		homes = append(homes, h.Account+" "+h.Region+" "+r.Name)
	}
	if want := "222222222222 us-east-1 us-east-1, 222222222222 eu-west-1 eu-west-1"; strings.Join(homes, ", ") != want {
		t.Errorf("regions %v, want %s", homes, want)
	}
	if a.Regions[0].DatasetGroups[0].Campaigns[0].Traffic.Trace == nil {
		t.Error("the account's CSV was not read")
	}
}

func TestParseReadsEveryKey(t *testing.T) {
	const file = `# ------------------------------------------------------------------------------------
account: 012345678901
seed: 7
lifeCycle: {create: 1m, update: 2m, stop: 3m, start: 4m, delete: 5m}
quotas: {campaignsPerDatasetGroup: 2, recommendersPerDatasetGroup: 3, recommendersPerRegion: 4}
regions:
  eu-west-1:
    datasetGroups:
      - name: shop
        domain: ECOMMERCE
        tags: {team: web, size: 3}
        campaigns:
          - name: home
            copies: 12
            recipe: aws-user-personalization-v2
            minTPS: 5
            age: 2d12h
            update: {status: CREATE FAILED, minTPS: 4, age: 1h, failureReason: no luck}
            solution: main
            solutionVersionAge: 3d
            autoSync: true
            trainEvery: 7d
            autoML: true
            echoLatest: true
            metadata: true
            fails: update
            itemExploration: {explorationWeight: 0.3}
            rankingInfluence: {POPULARITY: 0.4}
            tags: {stage: test}
            traffic: {csv: shop.csv, scale: 70.1, repeat: true}
        solutions:
          - name: gifts
            recipe: aws-sims
            age: 40d
            autoTraining: true
            trainEvery: 14d
            manualEvery: 36h
            trainedAgo: 2h
            trainingHours: 3.5
            failingFor: 3d
            failureReason: no data
            stoppedFor: 1d
            tags: {team: gifts}
        batchJobs: [{name: mail, solution: gifts, age: 3d, segment: true}]
        eventTrackers: [{name: web, age: 9d}]
        recommenders:
          - name: also-viewed
            recipe: aws-ecomm-customers-who-viewed-x-also-viewed
            minRPS: 3
            created: 2026-01-02T15:04:05Z
            updated: 20m
            status: INACTIVE
            excludedColumns: {ITEMS: [PRICE]}
            includedColumns: {USERS: [AGE, SEX]}
            traffic: {shape: spikes, tps: 1, peakTPS: 9, every: 4h, lasting: 10m, jitterPercent: 5, percent4xx: 1.5, percent5xx: 2, latencyMillis: 20}
  us-east-1:
`
	e, err := Parse([]byte(file), "estate.yaml", traceFiles)
	if err != nil {
		t.Fatal(err)
	}
	if e.Account != "012345678901" || e.Seed != 7 || e.LifeCycle.Delete != 5*time.Minute || e.Quotas.RecommendersPerRegion != 4 {
		t.Errorf("settings: %+v", e)
	}
	if len(e.Regions) != 2 || e.Regions[1].Name != "us-east-1" {
		t.Fatalf("regions: %+v", e.Regions)
	}
	g := e.Regions[0].DatasetGroups[0]
	c, r := g.Campaigns[0], g.Recommenders[0]
	if g.Domain != "ECOMMERCE" || g.Tags["size"] != "3" {
		t.Errorf("dataset group: %+v", g)
	}
	sol, j, tr := g.Solutions[0], g.BatchJobs[0], g.EventTrackers[0]
	if sol.Name != "gifts" || sol.Recipe != "aws-sims" || sol.Age != 960*time.Hour || sol.AutoTraining != AutoTrainingOn ||
		sol.TrainEvery != 336*time.Hour || sol.ManualEvery != 36*time.Hour || sol.TrainedAgo != 2*time.Hour || sol.TrainingHours != 3.5 ||
		sol.FailingFor != 72*time.Hour || sol.FailureReason != "no data" || sol.StoppedFor != 24*time.Hour || sol.Tags["team"] != "gifts" {
		t.Errorf("the solution: %+v", sol)
	}
	if j != (BatchJob{"mail", "gifts", 72 * time.Hour, true}) || tr != (EventTracker{"web", 216 * time.Hour}) {
		t.Errorf("the batch job %+v, the event tracker %+v", j, tr)
	}
	if c.Copies != 12 || c.MinTPS != 5 || c.Age != 60*time.Hour || !c.AutoSync || !c.AutoML || !c.EchoLatest || !c.Metadata ||
		c.ItemExploration["explorationWeight"] != "0.3" || c.RankingInfluence["POPULARITY"] != 0.4 || c.Fails != "update" ||
		c.Solution != "main" || c.SolutionVersionAge != 72*time.Hour || c.TrainEvery != 7*24*time.Hour {
		t.Errorf("campaign: %+v", c)
	}
	if u := c.Update; u == nil || u.Status != "CREATE FAILED" || u.MinTPS != 4 || u.Age != time.Hour || u.FailureReason != "no luck" {
		t.Errorf("update: %+v", u)
	}
	if c.Traffic.Trace == nil || c.Traffic.Scale != 70.1 || !c.Traffic.Repeat || c.Traffic.Trace.Mean() != 42.5/3 {
		t.Errorf("replay: %+v", c.Traffic)
	}
	if r.MinRPS != 3 || !r.Created.Equal(time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)) || r.Updated != 20*time.Minute || r.Status != "INACTIVE" ||
		r.IncludedColumns["USERS"][1] != "SEX" || r.ExcludedColumns["ITEMS"][0] != "PRICE" {
		t.Errorf("recommender: %+v", r)
	}
	want := Traffic{
		Shape: "spikes", TPS: 1, PeakTPS: 9, Every: 4 * time.Hour, Lasting: 10 * time.Minute, JitterPercent: 5,
		Percent4xx: 1.5, Percent5xx: 2, LatencyMillis: 20,
	}
	got := r.Traffic
	if got.Shape != want.Shape || got.TPS != want.TPS || got.PeakTPS != want.PeakTPS || got.Every != want.Every || got.Lasting != want.Lasting ||
		got.JitterPercent != want.JitterPercent || got.Percent4xx != want.Percent4xx || got.Percent5xx != want.Percent5xx || got.LatencyMillis != want.LatencyMillis {
		t.Errorf("traffic: %+v, want %+v", got, want)
	}
}

// campaignFile puts a campaign's lines into an otherwise valid estate; they begin at line 6.
func campaignFile(lines string) string {
	return "regions:\n  eu-west-1:\n    datasetGroups:\n      - name: shop\n        campaigns:\n          - " +
		strings.ReplaceAll(lines, "\n", "\n            ") + "\n"
}

func recommenderFile(lines string) string {
	return "regions:\n  eu-west-1:\n    datasetGroups:\n      - {name: shop, domain: ECOMMERCE, recommenders: [{" + lines + "}]}\n"
}

func TestParseRefuses(t *testing.T) {
	const base = "name: a\nrecipe: aws-similar-items\n"
	tests := []struct {
		name, file string
		want       []string // in the error, in this order
	}{
		{"an empty file", "", []string{"e.yaml", "empty"}},
		{"text that is not YAML", "regions: [", []string{"e.yaml", "not readable as YAML"}},
		{"a scalar", "7", []string{"e.yaml:1:", "keys and values"}},
		{"no regions", "seed: 1", []string{"e.yaml:1:", "no regions"}},
		{"brackets without end", "seed: 1\nregions: " + strings.Repeat("[", 65), []string{"e.yaml:2:", "nested more than 64 deep"}},
		{"dashes without end", "regions:\n  " + strings.Repeat("- ", 65), []string{"e.yaml:2:", "nested more than 64 deep"}},
		{"more than 4 MiB", "seed: 1 #" + strings.Repeat("x", maxFile), []string{"e.yaml: the file has", "at most"}},
		{"no region under regions", "seed: 1\nregions: {}", []string{"e.yaml:2:10: the estate has no regions; write regions:"}},
		{"nothing under regions", "seed: 1\nregions:\n", []string{"the estate has no regions; write regions:"}},
		{"two documents", "regions: {}\n---\nregions: {}", []string{"second YAML document"}},
		{"an unknown key at the top", "regions: {}\nregion: x", []string{"e.yaml:2:", `unknown key "region"`, "valid are account, seed, lifeCycle, monitored, monitorRegion, dataFaults, denied, clockSkew, quotas, accounts, regions"}},
		{"a key given twice", "seed: 1\nseed: 2\nregions: {}", []string{"e.yaml:2:"}},
		{"an account of 11 digits", "account: 12345678901\nregions: {}", []string{"e.yaml:1:", "12 digits"}},
		{"a region that is none", "regions: {mars: {}}", []string{`"mars"`, "eu-west-1"}},
		{"a quota of zero", "quotas: {recommendersPerRegion: 0}\nregions: {}", []string{"recommendersPerRegion", "from 1 on"}},
		{"a length of time without unit", "lifeCycle: {stop: 5}\nregions: {}", []string{"stop of lifeCycle", "20m"}},
		{"an empty list of accounts", "accounts: []\n", []string{"the estate has no regions"}},
		{"an account without an id", "accounts: [{name: shop}]", []string{"e.yaml:1:", `id of an account is ""; it is 12 digits`}},
		{"an account given twice", "accounts: [{id: 222222222222}, {id: '222222222222'}]", []string{"is given twice"}},
		{"regions of the estate's own account", "account: 222222222222\naccounts: [{id: 222222222222, regions: {eu-west-1: {}}}]", []string{"e.yaml:2:", "those at the top"}},
		{"an unknown region of an account", "accounts:\n- id: 222222222222\n  regions: {mars: {}}", []string{"e.yaml:3:", `"mars"`}},
		{"a state that no account has", "accounts: [{id: 222222222222, status: GONE}]", []string{`status is "GONE"; it is ACTIVE, SUSPENDED`}},
		{"a name that no role can have", "accounts: [{id: 222222222222, role: a b}]", []string{`role is "a b"`, "arn:aws:iam::222222222222:role/Reader"}},
		{"a role of another account", "accounts: [{id: 222222222222, role: 'arn:aws:iam::333333333333:role/R'}]", []string{"is of another account"}},
		{"an external id without a role", "accounts: [{id: 222222222222, externalId: abc}]", []string{"externalId needs a role"}},
		{"an external id of one letter", "accounts: [{id: 222222222222, role: R, externalId: a}]", []string{`externalId is "a"; it has 2 to 1224`}},
		{"a fault of no kind", "accounts: [{id: 222222222222, faults: [{service: sns}]}]", []string{`kind of a fault is ""`}},
		{"a fault of no service", "accounts: [{id: 222222222222, faults: [{kind: denied, service: ec2}]}]", []string{`service of a fault is "ec2"`, "cloudwatch"}},
		{"a key no fault has", "accounts: [{id: 222222222222, faults: [{from: 3h}]}]", []string{`unknown key "from" in a fault of an account`, "kind, service, after, lasting"}},
		{
			"a campaign of an account", "accounts:\n- id: 222222222222\n  regions:\n    eu-west-1:\n      datasetGroups:\n      - {name: g, campaigns: [{name: a b, recipe: aws-sims}]}\n",
			[]string{"e.yaml:6:", `"a b"`},
		},
		{
			"two prices for the same", "regions: {eu-west-1: {tpsHourPrices: {campaign: 1}}}\naccounts: [{id: 222222222222, regions: {eu-west-1: {tpsHourPrices: {campaign: 2}}}}]",
			[]string{"e.yaml:2:", "2 for campaign, and another account has 1"},
		},
		{"an anchor", "regions: &r {}\n", []string{"anchor"}},
		{"an unknown key of a campaign", campaignFile(base + "minTps: 4"), []string{"e.yaml:8:", `unknown key "minTps"`, "minTPS"}},
		{"a misspelt recipe", campaignFile("name: a\nrecipe: aws-similar-item"), []string{"e.yaml:7:", "aws-similar-items", "unlisted: true"}},
		{"a name with a blank", campaignFile("name: a b\nrecipe: aws-sims"), []string{"e.yaml:6:", `"a b"`}},
		{"a minimum of zero", campaignFile(base + "minTPS: 0"), []string{"e.yaml:8:", "from 1 on"}},
		{"a minimum that is no number", campaignFile(base + "minTPS: many"), []string{"e.yaml:8:", "a whole number", `"many"`}},
		{"a status of recommenders on a campaign", campaignFile(base + "status: INACTIVE"), []string{"e.yaml:8:", "INACTIVE", "CREATE FAILED"}},
		{"a known status as an unknown one", campaignFile(base + "unknownStatus: ACTIVE"), []string{"unknownStatus"}},
		{"age and created", campaignFile(base + "age: 3d\ncreated: 2026-01-02T15:04:05Z"), []string{"e.yaml:8:", "excludes created"}},
		{"updated before its creation", campaignFile(base + "age: 3d\nupdated: 4d"), []string{"e.yaml:9:", "longer ago"}},
		{"an update without a status", campaignFile(base + "update: {age: 3m}"), []string{"e.yaml:8:", "the update's status"}},
		{"trainEvery without autoSync", campaignFile(base + "trainEvery: 3d"), []string{"e.yaml:8:", "autoSync"}},
		{"an unknown shape", campaignFile(base + "traffic: {shape: wavy, tps: 1}"), []string{"e.yaml:8:", "constant, daily, spikes, stopped"}},
		{"traffic without shape or csv", campaignFile(base + "traffic: {tps: 1}"), []string{"e.yaml:8:", "shape"}},
		{"a key of another shape", campaignFile(base + "traffic: {shape: constant, tps: 1, peakTPS: 2}"), []string{"peakTPS does not go with shape: constant"}},
		{"a daily peak beyond twice the mean", campaignFile(base + "traffic: {shape: daily, tps: 5, peakTPS: 10.1}"), []string{"from 5 to 10"}},
		{"an hour of the day beyond 23", campaignFile(base + "traffic: {shape: daily, tps: 5, peakTPS: 10, peakHour: 24}"), []string{"from 0 to 23"}},
		{"more errors than calls", campaignFile(base + "traffic: {shape: constant, tps: 5, percent4xx: 60, percent5xx: 41}"), []string{"at most 100"}},
		{"monitored for a negative time", "monitored: -24h\nregions: {eu-west-1: {}}\n", []string{"is not a length of time"}},
		{"monitored from nowhere", "monitorRegion: Ireland\nregions: {eu-west-1: {}}\n", []string{`monitorRegion is "Ireland"`}},
		{"a data fault of nothing", "dataFaults: [{region: eu-west-1}]\nregions: {eu-west-1: {}}\n", []string{"e.yaml:1:", "hides nothing"}},
		{"a data fault of too much", "dataFaults: [{lostPercent: 101}]\nregions: {eu-west-1: {}}\n", []string{"lostPercent is 101"}},
		{"a data fault backwards", "dataFaults: [{late: 1h, from: 1h, until: 2h}]\nregions: {eu-west-1: {}}\n", []string{"from is the longer"}},
		{"a key no data fault has", "dataFaults: [{lost: 1}]\nregions: {eu-west-1: {}}\n", []string{
			`unknown key "lost" in a data fault`, "namespace, metric, region, resource, late, lostPercent, from, until",
		}},
		{"negative traffic", campaignFile(base + "traffic: {shape: constant, tps: -5}"), []string{"tps is -5"}},
		{"traffic that stopped at no time", campaignFile(base + "traffic: {shape: stopped, tps: 5}"), []string{"since"}},
		{"scale and mean", campaignFile(base + "traffic: {csv: shop.csv, scale: 2, meanTPS: 3}"), []string{"exclude each other"}},
		{"a csv that is not there", campaignFile(base + "traffic: {csv: gone.csv}"), []string{"e.yaml:8:", "gone.csv"}},
		{
			"a recommender without a domain", "regions:\n  eu-west-1:\n    datasetGroups:\n      - {name: g, recommenders: [{name: r, recipe: aws-vod-top-picks}]}",
			[]string{"e.yaml:4:", "no domain"},
		},
		{"a recipe of another domain", recommenderFile("name: r, recipe: aws-vod-top-picks"), []string{"aws-ecomm-recommended-for-you"}},
		{
			"a delete state of a recommender's update", recommenderFile("name: r, recipe: aws-ecomm-recommended-for-you, update: {status: DELETE PENDING, age: 1m}"),
			[]string{"DELETE PENDING"},
		},
		{"the minimum of the other kind", recommenderFile("name: r, recipe: aws-ecomm-recommended-for-you, minTPS: 2"), []string{`unknown key "minTPS"`, "minRPS"}},
		{"a tag that AWS reserves", campaignFile(base + "tags: {'aws:x': y}"), []string{"e.yaml:8:", "reserved"}},
		{
			"one name twice", "regions:\n  eu-west-1:\n    datasetGroups:\n      - {name: g, campaigns: [{name: c, recipe: aws-sims}]}\n      - {name: h, campaigns: [{name: c, recipe: aws-sims}]}",
			[]string{"e.yaml:5:", "exists already", "line 4"},
		},
		{
			"a solution of two recipes", "regions:\n  eu-west-1:\n    datasetGroups:\n      - {name: g, campaigns: [{name: c, recipe: aws-sims, solution: s}, {name: d, recipe: aws-hrnn, solution: s}]}",
			[]string{`solution "s"`},
		},
		{"a solution of a recommender's recipe", solutionFile("recipe: aws-vod-top-picks"), []string{"e.yaml:4:", "aws-similar-items"}},
		{"automatic training that is neither on nor off", solutionFile("recipe: aws-sims, autoTraining: maybe"), []string{"e.yaml:4:", "true, false or absent"}},
		{"training every 36 hours", solutionFile("recipe: aws-sims, trainEvery: 36h"), []string{"e.yaml:4:", "1 to 30 whole days"}},
		{"training every 31 days", solutionFile("recipe: aws-sims, trainEvery: 31d"), []string{"1 to 30 whole days"}},
		{"a schedule that is off", solutionFile("recipe: aws-sims, autoTraining: false, trainEvery: 7d"), []string{"trainEvery needs autoTraining"}},
		{"a training before the creation", solutionFile("recipe: aws-sims, age: 3d, trainedAgo: 4d"), []string{"longer ago than its creation"}},
		{"negative training hours", solutionFile("recipe: aws-sims, trainingHours: -1"), []string{"trainingHours is -1"}},
		{"a reason of no failure", solutionFile("recipe: aws-sims, failureReason: x"), []string{"needs failingFor"}},
		{"a key no solution has", solutionFile("recipe: aws-sims, trainHours: 1"), []string{`unknown key "trainHours" in a solution`, "trainingHours"}},
		{"a solution given twice", solutionFile("recipe: aws-sims}, {name: s, recipe: aws-sims"), []string{"exists already", "line 4"}},
		{"a solution of another recipe than its campaign's", solutionFile("recipe: aws-hrnn}], campaigns: [{name: s, recipe: aws-sims"), []string{`solution "s"`, "its own entry"}},
		{"two schedules for one solution", solutionFile("recipe: aws-sims}], campaigns: [{name: s, recipe: aws-sims, autoSync: true, trainEvery: 3d"), []string{"has an entry of its own"}},
		{"a batch job of a solution elsewhere", solutionFile("recipe: aws-sims}], batchJobs: [{name: b, solution: other"), []string{`solution is "other"`}},
		{"a tracker without a name", solutionFile("recipe: aws-sims}], eventTrackers: [{age: 3d"), []string{"a name has 1 to 63 letters"}},
		{"a key no batch job has", solutionFile("recipe: aws-sims}], batchJobs: [{name: b, solution: s, created: 3d"), []string{`unknown key "created" in a batch job`}},
		{"an unlisted recipe that is no name", campaignFile("name: a\nrecipe: a b\nunlisted: true"), []string{"e.yaml:7:", "not a recipe's name"}},
		{"a list where there is none", campaignFile(base + "tags: [a]"), []string{"e.yaml:8:", "a list"}},
		{"a truth value that is none", campaignFile(base + "autoSync: maybe"), []string{"e.yaml:8:", "true or false"}},
		{"a number that is none", campaignFile(base + "traffic: {shape: constant, tps: many}"), []string{"e.yaml:8:", "a number"}},
		{"a time that is none", campaignFile(base + "created: yesterday"), []string{"e.yaml:8:", "2026-01-02T15:04:05Z"}},
		{"campaigns that are no list", "regions: {eu-west-1: {datasetGroups: [{name: g, campaigns: 4}]}}", []string{"e.yaml:1:", "a list"}},
		{"columns that are no lists", recommenderFile("name: r, recipe: aws-ecomm-recommended-for-you, includedColumns: {ITEMS: PRICE}"), []string{"a list"}},
		{"a ranking influence beyond 1", campaignFile(base + "rankingInfluence: {FRESHNESS: 1.1}"), []string{"e.yaml:8:", "from 0 to 1"}},
		{"a denied action without its service", "denied: [Subscribe]\nregions: {eu-west-1: {}}", []string{"e.yaml:1:10", `denied has "Subscribe"`, "sns:Subscribe"}},
		{"a key without an id", "regions: {eu-west-1: {keys: [{policy: '{}'}]}}", []string{"e.yaml:1:", "id of a key"}},
		{"two keys with one id", "regions: {eu-west-1: {keys: [{id: a, policy: '{}'}, {id: a, policy: '{}'}]}}", []string{"e.yaml:1:", "id of a key"}},
		{"a key with an alias of AWS", "regions: {eu-west-1: {keys: [{id: a, alias: alias/aws/x, policy: '{}'}]}}", []string{"e.yaml:1:", "alias of a key"}},
		{"a policy that is no JSON", "regions: {eu-west-1: {keys: [{id: a, policy: x}]}}", []string{"e.yaml:1:", "policy of a key is no JSON"}},
		{"a state that no key has", "regions: {eu-west-1: {keys: [{id: a, policy: '{}', state: Off}]}}", []string{"e.yaml:1:", `state of a key is "Off"`}},
		{"too many resources", campaignFile(base+"copies: 200000") + "          - {name: b, recipe: aws-sims, copies: 2}", []string{"at most 200000"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.file), "e.yaml", traceFiles)
			if err == nil {
				t.Fatal("accepted")
			}
			rest := err.Error()
			for _, want := range tt.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("the error lacks %q (in that order): %v", want, err)
				}
				rest = after
			}
		})
	}
}

func TestParseListsSoManyFaultsOnly(t *testing.T) {
	campaigns := strings.Repeat("          - {name: a, recipe: aws-sims, minTPS: 0, tps: 1}\n", 2000)
	_, err := Parse([]byte("regions:\n  us-east-1:\n    datasetGroups:\n      - name: shop\n        campaigns:\n"+campaigns), "e.yaml", noFiles)
	if err == nil {
		t.Fatal("accepted")
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != maxFaults+1 || !strings.HasSuffix(lines[maxFaults], " more") {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}

func TestParseReportsAllFaultsByLine(t *testing.T) {
	// The recipe is missing altogether, which is told where the campaign begins.
	_, err := Parse([]byte(campaignFile("name: a\nminTps: 3\nage: soon\nstatus: 4\nfails: never\ntraffic: {csv: none.csv}")), "e.yaml", noFiles)
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 6 {
		t.Errorf("%d faults:\n%v", len(lines), err)
	}
	for i, line := range lines {
		if want := fmt.Sprintf("e.yaml:%d:", 6+i); !strings.HasPrefix(line, want) {
			t.Errorf("fault %d is not on line %d:\n%v", i+1, 6+i, err)
		}
	}
}

func TestParseSpan(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration // 0: refused
	}{
		{"30d", 720 * time.Hour},
		{"2d12h", 60 * time.Hour},
		{"31h", 31 * time.Hour},
		{"20m", 20 * time.Minute},
		{"1d1h1m1s", 25*time.Hour + 61*time.Second},
		{"3653d", maxSpan},
		{"3654d", 0},
		{"", 0},
		{"0d", 0},
		{"d", 0},
		{"5", 0},
		{"1h1d", 0},
		{"1h1h", 0},
		{"-1h", 0},
		{"1.5h", 0},
		{"1w", 0},
		{"9999999999h", 0},
		{"1h ", 0},
	}
	for _, tt := range tests {
		got, err := parseSpan(tt.text)
		if got != tt.want || (err == nil) != (tt.want != 0) {
			t.Errorf("parseSpan(%q) = %v, %v; want %v", tt.text, got, err, tt.want)
		}
	}
}

func TestLoadResolvesPathsBesideTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "estate.yaml")
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("estate.yaml", campaignFile("name: a\nrecipe: aws-sims\ntraffic: {csv: shop.csv, meanTPS: 20}"))
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "shop.csv") {
		t.Fatalf("without the CSV: %v", err)
	}
	write("shop.csv", smallTrace)
	e, err := Load(path)
	if err != nil || e.Regions[0].DatasetGroups[0].Campaigns[0].Traffic.Trace == nil {
		t.Fatalf("with the CSV: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a missing estate: %v", err)
	}
}

func TestCheckOfAProgramsEstate(t *testing.T) {
	e := Estate{Regions: []Region{{Name: "eu-west-1", DatasetGroups: []DatasetGroup{{
		Name: "g", Campaigns: []Campaign{{EstateEndpoint: EstateEndpoint{Name: "c", Recipe: "aws-none"}, MinTPS: -1}},
	}}}}}
	err := e.Check()
	if err == nil || !strings.Contains(err.Error(), "aws-none") || !strings.Contains(err.Error(), "minTPS is -1") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"estate.yaml", "accounts.yaml"} {
		example, err := os.ReadFile("../example/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(example))
	}
	f.Add("accounts: [{id: 222222222222, role: R, faults: [{kind: denied, after: 1h}], regions: {eu-west-1: }}]")
	f.Add(campaignFile("name: a\nrecipe: aws-sims\ntraffic: {csv: shop.csv, repeat: true}"))
	f.Add("regions: &a [*a]")
	f.Add("regions: {eu-west-1: {datasetGroups: [{name: g, domain: ECOMMERCE}]}}")
	f.Add("? [a]\n: b")
	f.Fuzz(func(t *testing.T, file string) {
		estate, err := Parse([]byte(file), "e.yaml", traceFiles)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "e.yaml") {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		if err := estate.Check(); err != nil {
			t.Errorf("parsed, but invalid: %v", err)
		}
	})
}
