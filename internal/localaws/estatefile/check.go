package estatefile

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// maxResources bounds an estate, copies included.
const maxResources = 200_000

// NamePattern is the pattern of Name in the Personalize API model.
var NamePattern = api.Lazy(`^[a-zA-Z0-9][a-zA-Z0-9\-_]{0,62}$`)

// Check returns an error that lists what is wrong with the estate, nil if nothing is.
func (e *Estate) Check() error {
	found := &faults{src: e.file}
	e.check(found)
	return found.err()
}

// traffic lists the traffic of every resource, with its place.
func (e *Estate) traffic(found *faults) (list []placedTraffic) {
	for _, r := range e.placed(found) {
		for g := range r.DatasetGroups {
			group, at := &r.DatasetGroups[g], r.place.at("datasetGroups", g)
			for i := range group.Campaigns {
				list = append(list, placedTraffic{&group.Campaigns[i].Traffic, at.at("campaigns", i, "traffic")})
			}
			for i := range group.Recommenders {
				list = append(list, placedTraffic{&group.Recommenders[i].Traffic, at.at("recommenders", i, "traffic")})
			}
		}
	}
	return list
}

type placedTraffic struct {
	*Traffic
	place place
}

func (e *Estate) check(found *faults) {
	root := place{found: found}
	root.forbid(e.Account != "" && !api.AccountPattern().MatchString(e.Account), "account", "account is %q; it is 12 digits", e.Account)
	for key, d := range map[string]time.Duration{
		"create": e.LifeCycle.Create, "update": e.LifeCycle.Update, "stop": e.LifeCycle.Stop, "start": e.LifeCycle.Start,
		"delete": e.LifeCycle.Delete,
	} {
		if d < 0 {
			root.at("lifeCycle", key).bad("%s of lifeCycle is negative; zero means the default", key)
		}
	}
	root.forbid(e.Monitored < 0, "monitored", "monitored is negative; zero means not at all")
	root.forbid(e.MonitorRegion != "" && !api.RegionPattern().MatchString(e.MonitorRegion), "monitorRegion",
		"monitorRegion is %q; it is a region name such as eu-west-1", e.MonitorRegion)
	for i, f := range e.DataFaults {
		f.check(root.at("dataFaults", i))
	}
	for i, action := range e.Denied {
		if !actionPattern().MatchString(action) {
			root.at("denied", i).bad("denied has %q, which is no action; one is like sns:Subscribe or sns:*", action)
		}
	}
	quotas := root.at("quotas")
	quotas.checkCount("quotas", "campaignsPerDatasetGroup", e.Quotas.CampaignsPerDatasetGroup)
	quotas.checkCount("quotas", "recommendersPerDatasetGroup", e.Quotas.RecommendersPerDatasetGroup)
	quotas.checkCount("quotas", "recommendersPerRegion", e.Quotas.RecommendersPerRegion)
	resources := 0
	e.checkAccounts(root)
	homes := map[api.Home]bool{}
	for h, r := range e.placed(found) {
		if !api.RegionPattern().MatchString(r.Name) {
			r.place.bad("region %q is not a region name such as eu-west-1", r.Name)
		}
		if homes[h] {
			r.place.bad("region %q is given twice", r.Name)
		}
		homes[h] = true
		resources += r.check(r.place)
	}
	e.checkPrices(found)
	if resources > maxResources {
		found.add(position{}, "the estate has %d resources, copies included; at most %d are served", resources, maxResources)
	}
}

func (f *DataFault) check(at place) {
	at.forbid(f.Late == 0 && f.LostPercent == 0, "late", "a data fault hides nothing; give late, such as 3h, or lostPercent")
	at.forbid(f.Late < 0, "late", "late of a data fault is negative")
	at.forbid(!(f.LostPercent >= 0 && f.LostPercent <= 100), "lostPercent", "lostPercent is %v; it is from 0 to 100", f.LostPercent)
	at.forbid(f.From < 0 || f.Until < 0 || (f.From != 0 && f.From <= f.Until), "from",
		"a data fault is from %v ago until %v ago; from is the longer", f.From, f.Until)
}

// actionPattern matches actions of IAM, with a * at the end or without.
var actionPattern = api.Lazy(`^[a-z0-9-]+:([A-Za-z0-9]+\*?|\*)$`)

func (r *Region) checkKeys(at place) {
	seen := map[string]bool{}
	for i, key := range r.Keys {
		at := at.at("keys", i)
		at.forbid(key.ID == "" || seen[key.ID], "id", "id of a key is %q; it is not empty, and another one for each key of a region", key.ID)
		at.forbid(key.Alias != "" && (!strings.HasPrefix(key.Alias, "alias/") || strings.HasPrefix(key.Alias, "alias/aws/") || seen[key.Alias]), "alias",
			"alias of a key is %q; it begins with alias/, not with alias/aws/, and is another one for each key of a region", key.Alias)
		at.forbid(!json.Valid([]byte(key.Policy)), "policy", "policy of a key is no JSON document")
		at.forbid(!api.Is(key.State, "", "Enabled", "Disabled", "PendingDeletion"), "state",
			"state of a key is %q; it is Enabled, Disabled or PendingDeletion", key.State)
		seen[key.ID], seen[key.Alias] = true, key.Alias != ""
	}
}

// checkCount checks a whole number from 1 on; zero means the default if it is not given.
func (p place) checkCount(what, key string, n int) {
	if at := p.at(key); n < 0 || n > math.MaxInt32 || (n == 0 && at.given()) {
		at.bad("%s: %s is %d; it is a whole number from 1 on", what, key, n)
	}
}

// names are what must be unique in a region.
type names struct {
	places    map[string]place  // by kind and name: "campaign shop"
	solutions map[string]string // the recipe and dataset group of each solution
	declared  map[string]bool   // solutions with an entry
}

func (n *names) add(kind, name string, at place) {
	key := kind + " " + name
	first, exists := n.places[key]
	if !exists {
		n.places[key] = at
		return
	}
	note := ""
	if p, _ := first.locate(); p.line > 0 {
		note = ", from line " + strconv.Itoa(p.line)
	}
	at.bad("%s %q exists already in this region%s", kind, name, note)
}

func (r *Region) check(at place) (resources int) {
	names := &names{places: map[string]place{}, solutions: map[string]string{}, declared: map[string]bool{}}
	r.checkKeys(at)
	for i := range r.DatasetGroups {
		g, at := &r.DatasetGroups[i], at.at("datasetGroups", i)
		checkName("dataset group", g.Name, at.at("name"))
		names.add("dataset group", g.Name, at.at("name"))
		if _, ok := DomainRecipes[g.Domain]; !ok && g.Domain != "" {
			at.at("domain").bad("domain is %q; it is ECOMMERCE, VIDEO_ON_DEMAND or left out", g.Domain)
		}
		checkTags(g.Tags, at.at("tags"))
		for k := range g.Solutions {
			g.Solutions[k].check(at.at("solutions", k), g.Name, names)
		}
		resources += len(g.Solutions)
		g.checkUse(at, names)
		for k := range g.Campaigns {
			resources += g.Campaigns[k].check(at.at("campaigns", k), g.Name, names)
		}
		for k := range g.Recommenders {
			resources += g.Recommenders[k].check(at.at("recommenders", k), g.Domain, names)
		}
	}
	for product, price := range r.TPSHourPrices {
		at := at.at("tpsHourPrices", product)
		if !api.Is(product, "campaign", "campaignV2", "recommender") {
			at.bad("tpsHourPrices of %s has %q; it is campaign, campaignV2 or recommender", r.Name, product)
		}
		if !(price > 0 && price <= 1000) {
			at.bad("tpsHourPrices of %s has %v for %s; a price is above 0, up to 1000", r.Name, price, product)
		}
	}
	return resources
}

func (c *Campaign) check(at place, group string, names *names) (copies int) {
	what := "campaign " + api.Quoted(c.Name)
	copies = c.EstateEndpoint.check(at, "campaign", what, names)
	switch {
	case c.Unlisted:
		checkUnlisted(c.Recipe, at.at("recipe"))
	case CustomRecipes[c.Recipe] == "":
		at.at("recipe").bad("%s: recipe is %q; a campaign's recipe is one of %s, or any other with unlisted: true",
			what, c.Recipe, strings.Join(slices.Sorted(maps.Keys(CustomRecipes)), ", "))
	}
	at.checkCount(what, "minTPS", c.MinTPS)
	at.forbid(!api.Is(c.Status, "", CreatePending, CreateInProgress, Active, CreateFailed, DeletePending, DeleteInProgress), "status",
		"%s: status is %q; a campaign is CREATE PENDING, CREATE IN_PROGRESS, ACTIVE, CREATE FAILED, "+
			"DELETE PENDING or DELETE IN_PROGRESS, or has an unknownStatus", what, c.Status)
	c.checkSolution(at, what, group, names)
	for key, v := range c.RankingInfluence {
		at.forbid(!api.Is(key, "POPULARITY", "FRESHNESS") || !(v >= 0 && v <= 1), "rankingInfluence",
			"%s: rankingInfluence %s: %v; it is POPULARITY or FRESHNESS from 0 to 1", what, key, v)
	}
	if c.Update != nil && c.Update.MinRPS != 0 {
		at.at("update", "minRPS").bad(`%s: unknown key "minRPS" in the update of a campaign; its minimum is minTPS`, what)
	}
	return copies
}

func (c *Campaign) checkSolution(at place, what, group string, names *names) {
	at.forbid(c.EchoLatest && c.VersionGone, "versionGone", "%s: echoLatest and versionGone exclude each other", what)
	at.forbid((c.TrainEvery != 0 && !c.AutoSync) || c.TrainEvery < 0, "trainEvery",
		"%s: trainEvery needs autoSync: true, and is more than zero", what)
	at.forbid(c.SolutionVersionAge < 0, "solutionVersionAge", "%s: solutionVersionAge is negative", what)
	solution := cmp.Or(c.Solution, c.Name)
	if c.Solution == "" && !names.declared[solution] {
		return
	}
	checkName("solution", solution, at.at("solution"))
	same := group + " " + c.Recipe + " " + strconv.FormatBool(c.AutoML)
	if first, ok := names.solutions[solution]; ok && first != same {
		at.at("solution").bad("%s: solution %q is of another dataset group, recipe or autoML, by its own entry or another campaign",
			what, solution)
	}
	at.forbid(names.declared[solution] && (c.TrainEvery != 0 || c.VersionGone), "trainEvery",
		"%s: solution %q has an entry of its own, which has trainEvery; versionGone does not go with it", what, solution)
	names.solutions[solution] = same
}

func (r *Recommender) check(at place, domain string, names *names) (copies int) {
	what := "recommender " + api.Quoted(r.Name)
	copies = r.EstateEndpoint.check(at, "recommender", what, names)
	prefix := DomainRecipes[domain]
	switch {
	case prefix == "":
		at.bad("%s: its dataset group has no domain; recommenders need ECOMMERCE or VIDEO_ON_DEMAND", what)
	case r.Unlisted:
		checkUnlisted(r.Recipe, at.at("recipe"))
	case !slices.Contains(UseCases, r.Recipe) || !strings.HasPrefix(r.Recipe, prefix):
		valid := api.Filter(UseCases, func(name string) bool { return strings.HasPrefix(name, prefix) })
		at.at("recipe").bad("%s: recipe is %q; in the domain %s it is one of %s, or any other with unlisted: true",
			what, r.Recipe, domain, strings.Join(valid, ", "))
	}
	at.checkCount(what, "minRPS", r.MinRPS)
	at.forbid(r.Status != "" && !slices.Contains(Statuses, r.Status), "status",
		"%s: status is %q; a recommender is CREATE, STOP, START or DELETE with PENDING or IN_PROGRESS, "+
			"ACTIVE, INACTIVE or CREATE FAILED, or has an unknownStatus", what, r.Status)
	if r.Update != nil && strings.HasPrefix(r.Update.Status, "DELETE") {
		at.at("update", "status").bad("%s: the update of a recommender has no status %q", what, r.Update.Status)
	}
	if key := at.at("update", "minTPS"); key.given() {
		key.bad(`%s: unknown key "minTPS" in the update of a recommender; its minimum is minRPS`, what)
	}
	return copies
}

// check checks what both kinds have and returns the number of copies.
func (e *EstateEndpoint) check(at place, kind, what string, names *names) (copies int) {
	copies = max(e.Copies, 1)
	if e.Copies < 0 || e.Copies > maxResources || (e.Copies == 0 && at.at("copies").given()) {
		at.at("copies").bad("%s: copies is %d; it is from 1 to %d", what, e.Copies, maxResources)
		copies = 1
	}
	checkName(kind, e.CopyName(copies), at.at("name"))
	unique := kind
	if copies > 1 {
		unique = "copies of a " + kind
	}
	names.add(unique, e.Name, at.at("name"))
	at.forbid(e.Age < 0 || (e.Age != 0 && !e.Created.IsZero()), "age", "%s: age is more than zero and excludes created", what)
	at.forbid(e.Status != "" && e.UnknownStatus != "", "unknownStatus", "%s: status and unknownStatus exclude each other", what)
	at.forbid(slices.Contains(Statuses, e.UnknownStatus) || len(e.UnknownStatus) > 256, "unknownStatus",
		"%s: unknownStatus is %q; it has up to 256 characters and is not one of the known ones", what, e.UnknownStatus)
	at.forbid(!api.Is(e.Fails, "", "create", "update"), "fails", "%s: fails is %q; it is create, update or left out", what, e.Fails)
	checkTags(e.Tags, at.at("tags"))
	e.checkUpdate(at, what)
	e.Traffic.check(at.at("traffic"), what)
	return copies
}

func (e *EstateEndpoint) checkUpdate(at place, what string) {
	at.forbid(e.Updated < 0 || (e.Updated != 0 && e.Update != nil), "updated", "%s: updated is more than zero and excludes update", what)
	at.forbid(e.Age != 0 && e.Updated > e.Age, "updated", "%s: updated is longer ago than its creation", what)
	u := e.Update
	if u == nil {
		return
	}
	at = at.at("update")
	at.forbid(!api.Is(u.Status, CreatePending, CreateInProgress, Active, CreateFailed, DeletePending, DeleteInProgress), "status",
		"%s: the update's status is %q; it is CREATE PENDING, CREATE IN_PROGRESS, ACTIVE, CREATE FAILED, "+
			"DELETE PENDING or DELETE IN_PROGRESS", what, u.Status)
	at.forbid(u.Age < 0 || (e.Age != 0 && u.Age > e.Age), "age", "%s: the update's age is more than zero and at most the resource's", what)
	at.checkCount(what+": the update", "minTPS", u.MinTPS)
	at.checkCount(what+": the update", "minRPS", u.MinRPS)
}

func checkName(kind, name string, at place) {
	if !NamePattern().MatchString(name) {
		at.bad("%s %q: a name has 1 to 63 letters, digits, - and _, and starts with a letter or digit", kind, name)
	}
}

func checkUnlisted(recipe string, at place) {
	if !NamePattern().MatchString(recipe) {
		at.bad("recipe %q is not a recipe's name", recipe)
	}
}

func checkTags(tags map[string]string, at place) {
	if fault := api.CheckTags(tags); fault != "" {
		at.bad("tags: %s", fault)
	}
}
