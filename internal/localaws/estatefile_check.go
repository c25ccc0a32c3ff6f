package localaws

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
)

// maxResources bounds an estate, copies included.
const maxResources = 200_000

// namePattern is that of Name in the Personalize API model: 1 to 63 characters.
var namePattern = lazy(`^[a-zA-Z0-9][a-zA-Z0-9\-_]{0,62}$`)

// Domains of dataset groups, with the prefix of the recipes their recommenders use.
var domainRecipes = map[string]string{"ECOMMERCE": "aws-ecomm-", "VIDEO_ON_DEMAND": "aws-vod-"}

// traffic goes over the traffic of every resource, for change.
func (e *Estate) traffic() iter.Seq[*EstateTraffic] {
	return func(yield func(*EstateTraffic) bool) {
		for r := range e.Regions {
			for g := range e.Regions[r].DatasetGroups {
				group := &e.Regions[r].DatasetGroups[g]
				for i := range group.Campaigns {
					if !yield(&group.Campaigns[i].Traffic) {
						return
					}
				}
				for i := range group.Recommenders {
					if !yield(&group.Recommenders[i].Traffic) {
						return
					}
				}
			}
		}
	}
}

// check reports what is wrong with the estate's values. It does not change them.
func (e *Estate) check(found *faultList) {
	if e.Account != "" && !accountPattern().MatchString(e.Account) {
		found.add(1, "account is %q; it is 12 digits", e.Account)
	}
	e.checkSettings(found)
	resources := 0
	regions := map[string]bool{}
	for i := range e.Regions {
		r := &e.Regions[i]
		if !regionPattern().MatchString(r.Name) {
			found.add(r.where.line, "region %q is not a region name such as eu-west-1", r.Name)
		}
		if regions[r.Name] {
			found.add(r.where.line, "region %q is given twice", r.Name)
		}
		regions[r.Name] = true
		resources += r.check(found)
		r.checkPrices(found)
	}
	if resources > maxResources {
		found.add(0, "the estate has %d resources, copies included; at most %d are served", resources, maxResources)
	}
}

func (e *Estate) checkSettings(found *faultList) {
	for _, d := range []struct {
		key string
		neg bool
	}{
		{"create", e.LifeCycle.Create < 0},
		{"update", e.LifeCycle.Update < 0},
		{"stop", e.LifeCycle.Stop < 0},
		{"start", e.LifeCycle.Start < 0},
		{"delete", e.LifeCycle.Delete < 0},
	} {
		if d.neg {
			found.add(0, "%s of lifeCycle is negative; zero means the default", d.key)
		}
	}
	q := e.Quotas
	if q.CampaignsPerDatasetGroup < 0 || q.RecommendersPerDatasetGroup < 0 || q.RecommendersPerRegion < 0 {
		found.add(0, "a quota is negative; zero means the default")
	}
}

// takenNames keeps what must be unique in a region: names, by what they name.
type takenNames struct {
	taken     map[string]int    // "campaign shop" to the line that took it
	solutions map[string]string // the recipe and dataset group a solution was first given
	found     *faultList
}

func (n *takenNames) take(what, name string, line int) {
	key := what + " " + name
	if first, ok := n.taken[key]; ok {
		n.found.add(line, "%s %q exists already in this region%s", what, name, lineNote(first))
		return
	}
	n.taken[key] = line
}

func lineNote(line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf(", from line %d", line)
}

func (r *EstateRegion) check(found *faultList) (resources int) {
	names := &takenNames{taken: map[string]int{}, solutions: map[string]string{}, found: found}
	for i := range r.DatasetGroups {
		g := &r.DatasetGroups[i]
		checkName("dataset group", g.Name, g.where.of("name"), found)
		names.take("dataset group", g.Name, g.where.of("name"))
		if _, ok := domainRecipes[g.Domain]; !ok && g.Domain != "" {
			found.add(g.where.of("domain"), "domain is %q; it is ECOMMERCE, VIDEO_ON_DEMAND or left out", g.Domain)
		}
		checkEstateTags(g.Tags, g.where.of("tags"), found)
		for k := range g.Campaigns {
			resources += g.Campaigns[k].check(g.Name, names)
		}
		for k := range g.Recommenders {
			resources += g.Recommenders[k].check(g.Domain, names)
		}
	}
	return resources
}

func (c *EstateCampaign) check(group string, names *takenNames) int {
	found, what := names.found, "campaign "+quoted(c.Name)
	n := c.checkCommon(what, names, "campaign")
	line := c.where.of("recipe")
	switch {
	case c.Unlisted:
		checkUnlisted(c.Recipe, line, found)
	case customRecipes[c.Recipe] == "":
		found.add(line, "%s: recipe is %q; a campaign's recipe is one of %s, or any other with unlisted: true",
			what, c.Recipe, strings.Join(slices.Sorted(maps.Keys(customRecipes)), ", "))
	}
	if c.MinTPS < 0 || c.MinTPS > math.MaxInt32 {
		found.add(c.where.of("minTPS"), "%s: minTPS is %d; it is a whole number from 1 on", what, c.MinTPS)
	}
	if !anyOf(c.Status, "", statusCreatePending, statusCreateInProgress, statusActive, statusCreateFailed, statusDeletePending, statusDeleteInProgress) {
		found.add(c.where.of("status"), "%s: status is %q; a campaign is %s, or has an unknownStatus", what, c.Status,
			"CREATE PENDING, CREATE IN_PROGRESS, ACTIVE, CREATE FAILED, DELETE PENDING or DELETE IN_PROGRESS")
	}
	c.checkSolution(what, group, names)
	for key, v := range c.RankingInfluence {
		if !anyOf(key, "POPULARITY", "FRESHNESS") || !(v >= 0 && v <= 1) {
			found.add(c.where.of("rankingInfluence"), "%s: rankingInfluence %s: %v; it is POPULARITY or FRESHNESS from 0 to 1", what, key, v)
		}
	}
	return n
}

// checkSolution checks what a campaign says of its solution and solution version.
func (c *EstateCampaign) checkSolution(what, group string, names *takenNames) {
	found := names.found
	if c.EchoLatest && c.VersionGone {
		found.add(c.where.of("versionGone"), "%s: echoLatest and versionGone exclude each other", what)
	}
	if (c.TrainEvery != 0 && !c.AutoSync) || c.TrainEvery < 0 {
		found.add(c.where.of("trainEvery"), "%s: trainEvery needs autoSync: true, and is more than zero", what)
	}
	if c.SolutionVersionAge < 0 {
		found.add(c.where.of("solutionVersionAge"), "%s: solutionVersionAge is negative", what)
	}
	if c.Solution != "" {
		checkName("solution", c.Solution, c.where.of("solution"), found)
		same := fmt.Sprintf("%s %s %t", group, c.Recipe, c.AutoML)
		if first, ok := names.solutions[c.Solution]; ok && first != same {
			found.add(c.where.of("solution"), "%s: solution %q is shared with a campaign of another dataset group, recipe or autoML", what, c.Solution)
		}
		names.solutions[c.Solution] = same
	}
}

func (r *EstateRecommender) check(domain string, names *takenNames) int {
	found, what := names.found, "recommender "+quoted(r.Name)
	n := r.checkCommon(what, names, "recommender")
	prefix, line := domainRecipes[domain], r.where.of("recipe")
	switch {
	case prefix == "":
		found.add(r.where.line, "%s: its dataset group has no domain; recommenders need ECOMMERCE or VIDEO_ON_DEMAND", what)
	case r.Unlisted:
		checkUnlisted(r.Recipe, line, found)
	case !useCases[r.Recipe] || !strings.HasPrefix(r.Recipe, prefix):
		found.add(line, "%s: recipe is %q; in the domain %s it is one of %s, or any other with unlisted: true",
			what, r.Recipe, domain, strings.Join(useCasesOf(prefix), ", "))
	}
	if r.MinRPS < 0 || r.MinRPS > math.MaxInt32 {
		found.add(r.where.of("minRPS"), "%s: minRPS is %d; it is a whole number from 1 on", what, r.MinRPS)
	}
	if !anyOf(r.Status, "", statusCreatePending, statusCreateInProgress, statusActive, statusCreateFailed,
		statusStopPending, statusStopInProgress, statusInactive, statusStartPending, statusStartInProgress,
		statusDeletePending, statusDeleteInProgress) {
		found.add(r.where.of("status"), "%s: status is %q; a recommender is CREATE, STOP, START or DELETE with PENDING or IN_PROGRESS, "+
			"ACTIVE, INACTIVE or CREATE FAILED, or has an unknownStatus", what, r.Status)
	}
	if r.Update != nil && strings.HasPrefix(r.Update.Status, "DELETE") {
		found.add(r.Update.where.of("status"), "%s: the update of a recommender has no status %q", what, r.Update.Status)
	}
	return n
}

// checkCommon checks what both kinds have and returns the number of copies.
func (e *EstateEndpoint) checkCommon(what string, names *takenNames, kind string) int {
	found, w := names.found, e.where
	copies := max(e.Copies, 1)
	if e.Copies < 0 || e.Copies > maxResources {
		found.add(w.of("copies"), "%s: copies is %d; it is from 1 to %d", what, e.Copies, maxResources)
		copies = 1
	}
	checkName(kind, e.copyName(copies), w.of("name"), found)
	if copies == 1 {
		names.take(kind, e.Name, w.of("name"))
	} else {
		names.take("copies of a "+kind, e.Name, w.of("name"))
	}
	if e.Age < 0 || (e.Age != 0 && !e.Created.IsZero()) {
		found.add(w.of("age"), "%s: age is more than zero and excludes created", what)
	}
	if e.Status != "" && e.UnknownStatus != "" {
		found.add(w.of("unknownStatus"), "%s: status and unknownStatus exclude each other", what)
	}
	if anyOf(e.UnknownStatus, knownStatuses...) || len(e.UnknownStatus) > 256 {
		found.add(w.of("unknownStatus"), "%s: unknownStatus is %q; it has up to 256 characters and is none of the known ones", what, e.UnknownStatus)
	}
	if !anyOf(e.Fails, "", "create", "update") {
		found.add(w.of("fails"), "%s: fails is %q; it is create, update or left out", what, e.Fails)
	}
	checkEstateTags(e.Tags, w.of("tags"), found)
	e.checkUpdate(what, found)
	e.Traffic.check(what, found)
	return copies
}

func (e *EstateEndpoint) checkUpdate(what string, found *faultList) {
	if e.Updated < 0 || (e.Updated != 0 && e.Update != nil) {
		found.add(e.where.of("updated"), "%s: updated is more than zero and excludes update", what)
	}
	if e.Age != 0 && e.Updated > e.Age {
		found.add(e.where.of("updated"), "%s: updated is longer ago than its creation", what)
	}
	u := e.Update
	if u == nil {
		return
	}
	if !anyOf(u.Status, statusCreatePending, statusCreateInProgress, statusActive, statusCreateFailed, statusDeletePending, statusDeleteInProgress) {
		found.add(u.where.of("status"), "%s: the update's status is %q; it is CREATE PENDING, CREATE IN_PROGRESS, ACTIVE, CREATE FAILED, "+
			"DELETE PENDING or DELETE IN_PROGRESS", what, u.Status)
	}
	if u.Age < 0 || (e.Age != 0 && u.Age > e.Age) {
		found.add(u.where.of("age"), "%s: the update's age is more than zero and at most the resource's", what)
	}
	if u.MinTPS < 0 || u.MinTPS > math.MaxInt32 {
		found.add(u.where.line, "%s: the update's minimum is %d; it is a whole number from 1 on", what, u.MinTPS)
	}
}

func checkName(what, name string, line int, found *faultList) {
	if !namePattern().MatchString(name) {
		found.add(line, "%s %q: a name has 1 to 63 letters, digits, - and _, and starts with a letter or digit", what, name)
	}
}

func checkUnlisted(recipe string, line int, found *faultList) {
	if !namePattern().MatchString(recipe) {
		found.add(line, "recipe %q is not a recipe's name", recipe)
	}
}

func checkEstateTags(tags map[string]string, line int, found *faultList) {
	if fault := tagFault(tags); fault != "" {
		found.add(line, "tags: %s", fault)
	}
}

func anyOf(s string, valid ...string) bool { return slices.Contains(valid, s) }
