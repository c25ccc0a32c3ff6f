package inventory_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/inventory"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testStart = time.Date(2025, 6, 2, 12, 0, 0, 0, time.UTC)

// object is a thing as the wire has it.
type object map[string]any

// with is a copy with some members changed; nil removes one.
func (o object) with(changes object) object {
	c := maps.Clone(o)
	for key, value := range changes {
		if value == nil {
			delete(c, key)
		} else {
			c[key] = value
		}
	}
	return c
}

func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// service is a scripted control plane of Personalize: what it shows is set by tests,
// independently, so that they can test rules that a real one would always apply together.
type service struct {
	t      *testing.T
	server *httptest.Server

	mu           sync.Mutex
	campaigns    []object          // descriptions; list entries are made of them
	recommenders []object          // list entries
	described    map[string]object // descriptions of recommenders by ARN, where they differ
	versions     map[string]object
	solutions    map[string]object
	pageSize     int
	fault        func(operation, region, arn string, page int) string // an error code, or "token:<t>" for a list's next token
	asked        map[string]int                                       // "operation arn"
	clk          *model.VirtualClock
}

func newService(t *testing.T) *service {
	s := &service{
		t: t, described: map[string]object{}, versions: map[string]object{}, solutions: map[string]object{},
		pageSize: 100, asked: map[string]int{}, clk: model.NewVirtualClock(testStart),
	}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

// inventory looks at the service. The rate limits wait on another clock than the one of
// the test, which does not advance.
func (s *service) inventory() (*inventory.Inventory, *awsapi.Clients) {
	cfg := awsapi.LocalConfig("eu-west-1", s.server.URL, "AKIDEXAMPLE", nil)
	cfg.RetryMaxAttempts = 1
	clients := awsapi.New(awsapi.Options{Config: cfg, Clock: model.NewVirtualClock(testStart)})
	s.t.Cleanup(clients.Close)
	return inventory.New(inventory.Options{Clients: clients, Clock: s.clk}), clients
}

func (s *service) change(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// count returns and resets the number of calls of an operation, by its name or its name
// and ARN.
func (s *service) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for key, n := range s.asked {
		if key == what || strings.HasPrefix(key, what+" ") {
			total += n
			delete(s.asked, key)
		}
	}
	return total
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	region := strings.Split(r.Header.Get("Authorization"), "/")[2]
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	arn, page := "", 0
	for key, value := range in {
		switch {
		case strings.HasSuffix(key, "Arn"):
			arn, _ = value.(string)
		case key == "nextToken":
			_, _ = fmt.Sscanf(value.(string), "p%d", &page)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[operation+" "+arn]++
	code := ""
	if s.fault != nil {
		code = s.fault(operation, region, arn, page)
	}
	token, isToken := strings.CutPrefix(code, "token:")
	if code != "" && !isToken {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(object{"__type": code, "message": "scripted"})
		return
	}
	out, code := s.answer(operation, region, arn, page)
	if code != "" {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(object{"__type": code, "message": "none of that ARN"})
		return
	}
	if isToken {
		out["nextToken"] = token
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *service) answer(operation, region, arn string, page int) (object, string) {
	find := func(list []object, key string) (object, bool) {
		i := slices.IndexFunc(list, func(o object) bool { return o[key] == arn })
		if i < 0 {
			return nil, false
		}
		return list[i], true
	}
	switch operation {
	case "ListCampaigns":
		return s.list(s.campaigns, "campaigns", "campaignArn", region, page), ""
	case "ListRecommenders":
		return s.list(s.recommenders, "recommenders", "recommenderArn", region, page), ""
	case "DescribeCampaign":
		if c, ok := find(s.campaigns, "campaignArn"); ok {
			return object{"campaign": c}, ""
		}
	case "DescribeRecommender":
		if r, ok := s.described[arn]; ok {
			return object{"recommender": r}, ""
		}
		if r, ok := find(s.recommenders, "recommenderArn"); ok {
			return object{"recommender": r}, ""
		}
	case "DescribeSolutionVersion":
		if v, ok := s.versions[arn]; ok {
			return object{"solutionVersion": v}, ""
		}
	case "DescribeSolution":
		if v, ok := s.solutions[arn]; ok {
			return object{"solution": v}, ""
		}
	case "ListTagsForResource":
		o, ok := find(s.campaigns, "campaignArn")
		if !ok {
			o, ok = find(s.recommenders, "recommenderArn")
		}
		if ok {
			return object{"tags": o["tags"]}, ""
		}
	}
	return nil, "ResourceNotFoundException"
}

// list is a page of what is in the region, as summaries.
func (s *service) list(all []object, member, key, region string, page int) object {
	entries := []object{}
	for _, o := range all {
		arn, _ := o[key].(string)
		if strings.Contains(arn, ":"+region+":") || !strings.HasPrefix(arn, "arn:") {
			o = o.with(object{"minProvisionedTPS": nil, "solutionVersionArn": nil, "campaignConfig": nil, "latestCampaignUpdate": nil})
			if listed, ok := o["listed"].(object); ok {
				o = o.with(listed)
			}
			entries = append(entries, o.with(object{"listed": nil}))
		}
	}
	start := min(page*s.pageSize, len(entries))
	end := min(start+s.pageSize, len(entries))
	out := object{member: entries[start:end]}
	if end < len(entries) {
		out["nextToken"] = fmt.Sprintf("p%d", page+1)
	}
	return out
}

// The resources of tests: account and names are always the same.

func arnOf(region string, kind model.Kind, name string) model.ARN {
	return model.NewARN("aws", "personalize", region, "123456789012", string(kind)+"/"+name)
}

func versionARN(region, solution, version string) string {
	return "arn:aws:personalize:" + region + ":123456789012:solution/" + solution + "/" + version
}

// addCampaign adds an ACTIVE campaign of 30 days of age on version "v1" of solution
// "s-<name>", which it adds too.
func (s *service) addCampaign(region, name string, changes object) model.ARN {
	arn := arnOf(region, model.Campaign, name)
	version := versionARN(region, "s-"+name, "v1")
	s.change(func() {
		s.campaigns = append(s.campaigns, object{
			"campaignArn": arn.String(), "name": name, "status": "ACTIVE", "minProvisionedTPS": 5, "solutionVersionArn": version,
			"creationDateTime": epoch(testStart.AddDate(0, 0, -30)), "lastUpdatedDateTime": epoch(testStart.AddDate(0, 0, -20)),
		}.with(changes))
		s.versions[version] = s.version("aws-user-personalization-v2")
	})
	return arn
}

func (s *service) version(recipe string) object {
	return object{
		"recipeArn": "arn:aws:personalize:::recipe/" + recipe, "datasetGroupArn": "arn:aws:personalize:eu-west-1:123456789012:dataset-group/shop",
		"status": "ACTIVE", "lastUpdatedDateTime": epoch(testStart.AddDate(0, 0, -21)),
	}
}

func (s *service) addRecommender(region, name string, changes object) model.ARN {
	arn := arnOf(region, model.Recommender, name)
	s.change(func() {
		s.recommenders = append(s.recommenders, object{
			"recommenderArn": arn.String(), "name": name, "status": "ACTIVE",
			"datasetGroupArn": "arn:aws:personalize:" + region + ":123456789012:dataset-group/films",
			"recipeArn":       "arn:aws:personalize:::recipe/aws-vod-top-picks", "recommenderConfig": object{"minRecommendationRequestsPerSecond": 3},
			"creationDateTime": epoch(testStart.AddDate(0, 0, -30)), "lastUpdatedDateTime": epoch(testStart.AddDate(0, 0, -20)),
		}.with(changes))
	})
	return arn
}

// update changes a campaign.
func (s *service) update(arn model.ARN, changes object) {
	s.change(func() {
		for i, c := range s.campaigns {
			if c["campaignArn"] == arn.String() {
				s.campaigns[i] = c.with(changes)
			}
		}
	})
}

func (s *service) remove(arn model.ARN) {
	s.change(func() {
		is := func(o object) bool { return o["campaignArn"] == arn.String() || o["recommenderArn"] == arn.String() }
		s.campaigns = slices.DeleteFunc(s.campaigns, is)
		s.recommenders = slices.DeleteFunc(s.recommenders, is)
	})
}

// fail makes an operation fail with a code for an ARN, or for all if that is zero; an
// empty code repairs it.
func (s *service) fail(operation string, arn model.ARN, code string) {
	s.change(func() {
		s.fault = func(op, _, of string, _ int) string {
			if op == operation && (arn == (model.ARN{}) || of == arn.String()) {
				return code
			}
			return ""
		}
	})
}

// everything is the scope of all resources of regions.
func everything(regions ...string) model.Scope {
	return model.Scope{Campaigns: model.Selection{All: true}, Recommenders: model.Selection{All: true}, Regions: regions}
}
