package localaws

import (
	"errors"
	"math"

	"github.com/goccy/go-yaml/ast"
)

// readEstate turns the file's document into an estate. What it means is checked later,
// by Estate.check, which estates filled by programs go through too.
func readEstate(root ast.Node, found *faultList) Estate {
	m := readMap(root, "the estate", found)
	e := Estate{
		Account:   m.digits("account"),
		Seed:      m.whole("seed"),
		LifeCycle: readLifeCycle(m, found),
		Quotas:    readQuotas(m, found),
		Regions:   readRegions(m, found),
	}
	m.close()
	return e
}

func readLifeCycle(m *yamlMap, found *faultList) EstateLifeCycle {
	n, ok := m.take("lifeCycle")
	if !ok {
		return EstateLifeCycle{}
	}
	c := readMap(n, "lifeCycle", found)
	defer c.close()
	return EstateLifeCycle{
		Create: c.span("create"), Update: c.span("update"), Stop: c.span("stop"),
		Start: c.span("start"), Delete: c.span("delete"),
	}
}

func readQuotas(m *yamlMap, found *faultList) EstateQuotas {
	n, ok := m.take("quotas")
	if !ok {
		return EstateQuotas{}
	}
	q := readMap(n, "quotas", found)
	defer q.close()
	return EstateQuotas{
		CampaignsPerDatasetGroup:    q.count("campaignsPerDatasetGroup"),
		RecommendersPerDatasetGroup: q.count("recommendersPerDatasetGroup"),
		RecommendersPerRegion:       q.count("recommendersPerRegion"),
	}
}

// count reads a whole number from 1 on. What is given must not be taken for not given.
func (m *yamlMap) count(key string) int {
	line, given := m.where.keys[key]
	v := m.whole(key)
	if given && (v < 1 || v > math.MaxInt32) {
		m.found.add(line, "%s of %s is %d; it is a whole number from 1 on", key, m.what, v)
	}
	return int(v)
}

func readRegions(m *yamlMap, found *faultList) []EstateRegion {
	n, ok := m.take("regions")
	if !ok {
		found.add(m.where.line, "the estate has no regions; write regions: with at least one region name under it")
		return nil
	}
	byName := readMap(n, "regions", found)
	regions := make([]EstateRegion, 0, len(byName.order))
	for _, name := range byName.order {
		node := byName.nodes[name]
		region := EstateRegion{Name: name, where: place{line: byName.where.keys[name]}}
		if _, empty := node.(*ast.NullNode); !empty && node != nil {
			r := readMap(node, "region "+name, found)
			for _, item := range r.list("datasetGroups") {
				region.DatasetGroups = append(region.DatasetGroups, readDatasetGroup(item, found))
			}
			region.TPSHourPrices = r.numbers("tpsHourPrices")
			r.close()
		}
		regions = append(regions, region)
	}
	return regions
}

func readDatasetGroup(n ast.Node, found *faultList) EstateDatasetGroup {
	m := readMap(n, "a dataset group", found)
	g := EstateDatasetGroup{
		Name: m.text("name"), Domain: m.text("domain"), Tags: m.texts("tags"), where: m.where,
	}
	for _, item := range m.list("campaigns") {
		g.Campaigns = append(g.Campaigns, readCampaign(item, found))
	}
	for _, item := range m.list("recommenders") {
		g.Recommenders = append(g.Recommenders, readRecommender(item, found))
	}
	m.close()
	return g
}

func readCampaign(n ast.Node, found *faultList) EstateCampaign {
	m := readMap(n, "a campaign", found)
	c := EstateCampaign{
		EstateEndpoint:     readEndpoint(m, "minTPS", found),
		MinTPS:             m.count("minTPS"),
		Solution:           m.text("solution"),
		SolutionVersionAge: m.span("solutionVersionAge"),
		AutoSync:           m.truth("autoSync"),
		TrainEvery:         m.span("trainEvery"),
		EchoLatest:         m.truth("echoLatest"),
		VersionGone:        m.truth("versionGone"),
		AutoML:             m.truth("autoML"),
		RankingInfluence:   m.numbers("rankingInfluence"),
	}
	m.close()
	return c
}

func readRecommender(n ast.Node, found *faultList) EstateRecommender {
	m := readMap(n, "a recommender", found)
	r := EstateRecommender{
		EstateEndpoint:  readEndpoint(m, "minRPS", found),
		MinRPS:          m.count("minRPS"),
		ExcludedColumns: m.textLists("excludedColumns"),
		IncludedColumns: m.textLists("includedColumns"),
	}
	m.close()
	return r
}

func readEndpoint(m *yamlMap, minimumKey string, found *faultList) EstateEndpoint {
	return EstateEndpoint{
		Name:            m.text("name"),
		Copies:          m.count("copies"),
		Recipe:          m.text("recipe"),
		Unlisted:        m.truth("unlisted"),
		Age:             m.span("age"),
		Created:         m.moment("created"),
		Updated:         m.span("updated"),
		Update:          readUpdate(m, minimumKey, found),
		Status:          m.text("status"),
		UnknownStatus:   m.text("unknownStatus"),
		FailureReason:   m.text("failureReason"),
		Fails:           m.text("fails"),
		ItemExploration: m.texts("itemExploration"),
		Metadata:        m.truth("metadata"),
		Tags:            m.texts("tags"),
		Traffic:         readTraffic(m, found),
		where:           m.where,
	}
}

func readUpdate(m *yamlMap, minimumKey string, found *faultList) *EstateUpdate {
	n, ok := m.take("update")
	if !ok {
		return nil
	}
	u := readMap(n, "update", found)
	defer u.close()
	return &EstateUpdate{
		Status: u.text("status"), Age: u.span("age"), MinTPS: u.count(minimumKey),
		FailureReason: u.text("failureReason"), where: u.where,
	}
}

func readTraffic(m *yamlMap, found *faultList) EstateTraffic {
	n, ok := m.take("traffic")
	if !ok {
		return EstateTraffic{}
	}
	t := readMap(n, "traffic", found)
	defer t.close()
	return EstateTraffic{
		Shape:         t.text("shape"),
		TPS:           t.number("tps"),
		PeakTPS:       t.number("peakTPS"),
		PeakHour:      int(t.whole("peakHour")),
		Every:         t.span("every"),
		Lasting:       t.span("lasting"),
		Since:         t.span("since"),
		JitterPercent: t.number("jitterPercent"),
		Percent4xx:    t.number("percent4xx"),
		Percent5xx:    t.number("percent5xx"),
		LatencyMillis: t.number("latencyMillis"),
		Visible:       t.truth("visible"),
		CSV:           t.text("csv"),
		Scale:         t.number("scale"),
		MeanTPS:       t.number("meanTPS"),
		Repeat:        t.truth("repeat"),
		where:         t.where,
	}
}

// readTraces reads the CSV files that traffic names, each once.
func readTraces(e *Estate, open func(string) ([]byte, error), found *faultList) {
	traces := map[string]*Trace{}
	failed := map[string]bool{}
	for t := range e.traffic() {
		if t.CSV == "" || failed[t.CSV] {
			continue
		}
		trace, ok := traces[t.CSV]
		if !ok {
			var err error
			if trace, err = readTrace(t.CSV, open); err != nil {
				failed[t.CSV] = true
				found.add(t.where.of("csv"), "%v", err)
				continue
			}
			traces[t.CSV] = trace
		}
		t.Trace = trace
	}
}

func readTrace(path string, open func(string) ([]byte, error)) (*Trace, error) {
	if open == nil {
		return nil, errors.New("csv " + quoted(path) + " cannot be read here; leave it out, or load the estate from a file")
	}
	data, err := open(path)
	if err != nil {
		return nil, err
	}
	return ParseTrace(data, path)
}
