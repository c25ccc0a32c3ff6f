package faultmatrix

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

var matrixFile = flag.String("matrix", "", "write the fault matrix to this file")

// kind is a column of the matrix: a fault that can hit a call.
type kind struct {
	name string
	// fault returns the fault of an operation, or nil and the reason why the operation cannot have it.
	fault func(operation) (*localaws.Fault, string)
	// hidden are the metric data that the fault hides from a run that begins at a time; nil if it is another fault.
	hidden func(now time.Time) localaws.DataFault
}

// always returns a fault that any call can have.
func always(f func(operation) localaws.Fault) func(operation) (*localaws.Fault, string) {
	return func(o operation) (*localaws.Fault, string) {
		fault := f(o)
		return &fault, ""
	}
}

func ofKind(k localaws.FaultKind) func(operation) (*localaws.Fault, string) {
	return always(func(operation) localaws.Fault { return localaws.Fault{Kind: k} })
}

// skewed is how far the clock of a service is off: enough to reject our signatures.
const skewed = 20 * time.Minute

// kinds are the columns.
func kinds() []kind {
	return []kind{
		{"throttled", ofKind(localaws.Error), nil},
		{"500", always(func(o operation) localaws.Fault { return localaws.Fault{Code: internalError[o.Service]} }), nil},
		{"denied", always(func(o operation) localaws.Fault { return localaws.Fault{Code: denial[o.Service], Status: 403} }), nil},
		{"timeout", ofKind(localaws.Hang), nil},
		{"reset", ofKind(localaws.Reset), nil},
		{"truncated", ofKind(localaws.Truncate), nil},
		{"malformed", ofKind(localaws.Garbage), nil},
		{"partial", partial, nil},
		{"empty page", emptyPage, nil},
		{"skew", always(func(operation) localaws.Fault { return localaws.Fault{Kind: localaws.Skew, Skew: skewed} }), nil},
		{"late data", hide, func(time.Time) localaws.DataFault { return localaws.DataFault{Late: 3 * time.Hour} }},
		{"lost hour", hide, func(now time.Time) localaws.DataFault {
			hour := now.Truncate(time.Hour).Add(-30 * time.Hour)
			return localaws.DataFault{LostPercent: 100, From: hour, Until: hour.Add(time.Hour)}
		}},
		{"no data", hide, func(time.Time) localaws.DataFault { return localaws.DataFault{LostPercent: 100} }},
		{"lower counts", hide, func(now time.Time) localaws.DataFault {
			return localaws.DataFault{LostPercent: 60, From: now.Add(-40 * time.Hour), Until: now.Add(-20 * time.Hour), Namespace: requestCounts}
		}},
	}
}

// hidingKinds are the kinds that hide data in an answer that looks complete.
var hidingKinds = []string{"late data", "lost hour", "no data", "lower counts"}

// requestCounts is the namespace of the service's own metrics.
const requestCounts = model.NamespacePersonalize

func hide(o operation) (*localaws.Fault, string) {
	if o.Name != "GetMetricData" {
		return nil, "it reads no metric data"
	}
	return &localaws.Fault{Kind: localaws.Hide}, ""
}

// Error codes of the services for internal errors and for denied access.
var (
	internalError = map[string]string{
		"personalize": "InternalServerException", "cloudwatch": "InternalServiceFault", "events": "InternalException",
		"sns": "InternalError", "sts": "InternalFailure", "logs": "ServiceUnavailableException",
		"pricing": "InternalErrorException",
	}
	denial = map[string]string{
		"personalize": "AccessDeniedException", "cloudwatch": "AccessDenied", "events": "AccessDeniedException",
		"sns": "AuthorizationError", "sts": "AccessDenied", "logs": "AccessDeniedException",
		"pricing": "AccessDeniedException",
	}
)

// partialOperations are the operations that can execute a part of a call.
var partialOperations = []string{
	"cloudwatch.GetMetricData", "cloudwatch.DeleteDashboards", "events.PutEvents", "events.PutTargets", "events.RemoveTargets",
}

// partial is a partial success, where an operation can have one.
func partial(o operation) (*localaws.Fault, string) {
	switch {
	case slices.Contains(partialOperations, o.String()):
		return &localaws.Fault{Kind: localaws.Partial}, ""
	case o.Name == "DeleteAlarms":
		return nil, "it ignores alarms that do not exist, and does not report them"
	case o.Name == "PutMetricData":
		return nil, "it accepts all of its data or none"
	case pages[o.String()]:
		return nil, "a page does not report what it lacks; a partial listing is an empty page, or a page that fails"
	}
	return nil, "it changes one thing, completely or not at all"
}

// pages are the operations that return pages.
var pages = map[string]bool{
	"personalize.ListCampaigns": true, "personalize.ListRecommenders": true,
	"cloudwatch.GetMetricData": true, "cloudwatch.DescribeAlarms": true, "cloudwatch.ListDashboards": true,
	"events.ListTargetsByRule": true, "sns.ListSubscriptionsByTopic": true, "logs.FilterLogEvents": true, "logs.DescribeLogGroups": true,
	"pricing.GetProducts": true,
}

func emptyPage(o operation) (*localaws.Fault, string) {
	if !pages[o.String()] {
		return nil, "it returns no pages"
	}
	return &localaws.Fault{Kind: localaws.EmptyPage}, ""
}

// variant is how often a fault hits, and in which cells.
type variant struct {
	name        string
	skip, times int
	kinds       []string // nil means all
	second      []string // in the deployment region, where the call is made in both; nil means none
	others      []string // in jobs after the first one that makes the call; nil means none
	change      func(*localaws.Fault)
}

// variants are how often a fault hits. A call and its retries are three attempts.
var variants = []variant{
	{
		name: "the first call, once", times: 1, others: []string{"truncated"},
		change: func(f *localaws.Fault) { // the other form of the same kind
			f.Skew = -f.Skew
			if f.Kind == localaws.Partial && f.Operation == "GetMetricData" {
				f.Code = "InternalError"
			}
		},
	},
	{name: "the first call, counts only", times: 1, kinds: []string{"late data", "lost hour"}, others: hidingKinds, change: func(f *localaws.Fault) {
		f.Hidden.Namespace = requestCounts
	}},
	{name: "the second call, once", skip: 1, times: 1, kinds: hidingKinds, others: hidingKinds},
	{name: "the third call, once", skip: 2, times: 1, kinds: hidingKinds, others: hidingKinds},
	{name: "the second call, three times", skip: 1, times: 3, kinds: []string{"500", "timeout", "denied"}},
	{
		name: "every call", second: []string{"throttled", "timeout", "denied"},
		others: append([]string{"throttled", "500", "denied", "timeout", "reset", "truncated", "malformed", "partial"}, hidingKinds...),
	},
	{name: "every call, counts only", kinds: []string{"late data", "lost hour"}, others: hidingKinds, change: func(f *localaws.Fault) {
		f.Hidden.Namespace = requestCounts
	}},
}

// tested reports whether the variant is tested for a kind.
func (v variant) tested(k kind, calls int, second, other bool) bool {
	return v.skip < calls && (v.kinds == nil || slices.Contains(v.kinds, k.name)) &&
		(!second || slices.Contains(v.second, k.name)) && (!other || slices.Contains(v.others, k.name) && !second)
}

// stage is the state after a run.
type stage struct {
	things map[string]string
	data   map[string]float64 // metrics of the window of the faults
	sent   []string
	out    outcome
}

// trace is how a scenario ran.
type trace struct {
	calls  map[made]int
	before map[string]string
	prior  []string // events sent before the run
	stages []stage  // after the run and after each run that repairs
}

// drive runs a scenario, with a fault for the time at which the run begins, unless it is nil. If the state after the run is that of the known history, the rest would be
// the same: drive skips it.
func (s scenario) drive(b *bed, fault func(now time.Time) localaws.Fault, known *trace) trace {
	if s.prepare != nil {
		s.prepare(b)
	}
	u := trace{before: b.things(), prior: b.sent(0)}
	b.counted()
	since := len(b.aws.Events())
	window := b.clock.Now().Truncate(cycleEvery).Add(-cycleEvery) // the window of a run that begins now
	if fault != nil {
		b.aws.AddFault(fault(b.clock.Now()))
	}
	out := s.run(b)
	b.aws.ClearFaults()
	u.calls = b.counted()
	u.stages = append(u.stages, b.stage(since, window, out))
	for i, repair := range s.repair {
		if known != nil && maps.Equal(u.stages[i].things, known.stages[i].things) && slices.Equal(u.stages[i].sent, known.stages[i].sent) {
			break
		}
		since = len(b.aws.Events())
		repair(b, out)
		u.stages = append(u.stages, b.stage(since, window, outcome{}))
	}
	return u
}

// versions are names of solution versions, which depend on the time.
var versions = regexp.MustCompile(`(solution/[a-z]+/)[0-9a-f]{8}`)

// resets are the times of the last reset in our alarms' fingerprints.
var resets = regexp.MustCompile(`reset@[0-9]+`)

// arranged is the tag of a raise for a time: where a call failed it is later, or stays until the next cycle.
var arranged = regexp.MustCompile(`,?"personalize-monitor:return":"[^"]*"`)

// budgets are the tags of a topic that count recent actions, with their times.
var budgets = regexp.MustCompile(`,?"(Removals|StepDowns)/[^"]*":"[^"]*"`)

// things returns the state of the embedded AWS without times.
func (b *bed) things() map[string]string {
	things := b.aws.Snapshot()
	for name, text := range things {
		text = arranged.ReplaceAllString(budgets.ReplaceAllString(text, ""), "")
		// After a slow call, a passing state is further on.
		things[name] = strings.ReplaceAll(resets.ReplaceAllString(versions.ReplaceAllString(text, "$1"), "reset"), "PENDING", "IN_PROGRESS")
	}
	return things
}

func (b *bed) stage(since int, window time.Time, out outcome) stage {
	return stage{things: b.things(), data: b.aws.Data(model.NamespaceMonitor, window), sent: slices.Sorted(slices.Values(b.sent(since))), out: out}
}

// cell is one fault in one call of one job.
type cell struct {
	scenario  scenario
	operation operation
	region    string
	kind      kind
	variant   variant
	fault     localaws.Fault
}

func (c cell) String() string {
	return strings.Join([]string{c.scenario.name, c.operation.String(), c.region, c.kind.name, c.variant.name}, "/")
}

// at returns the fault for a run that begins at a time.
func (c cell) at(now time.Time) localaws.Fault {
	fault := c.fault
	if c.kind.hidden != nil {
		fault.Hidden = c.kind.hidden(now)
		fault.Hidden.Namespace = cmp.Or(c.fault.Hidden.Namespace, fault.Hidden.Namespace)
	}
	return fault
}

// Verdicts of cells.
const (
	recovered = "recovered" // the result is that of a run without a fault
	named     = "named"     // the result is another and names the failure
	unseen    = "unseen"    // the result is another; the answer that lacks data looks complete
	failed    = "FAILED"    // neither, or something is wrong
)

// check compares a run with a fault to the run without, and returns a verdict or what is wrong.
func (c cell) check(want, got trace) (verdict string, wrong []string) {
	wrong = append(wrong, wrongActions(want, got)...)
	if c.scenario.measures {
		wrong = append(wrong, c.missingMetrics(want.stages[0], got.stages[0])...)
	}
	same := c.sameResult(want.stages[0], got.stages[0])
	switch {
	case same == "" && c.names(got.stages[0].out) == "":
		verdict = named
	case same == "":
		verdict = recovered
	case c.names(got.stages[0].out) == "", c.answered(want.stages[0].out, got.stages[0].out):
		verdict = named
	case c.kind.hidden != nil:
		verdict = unseen
	default:
		wrong = append(wrong, "the result is another ("+same+"), but does not name the failure: "+c.names(got.stages[0].out))
	}
	last := len(got.stages) - 1
	for _, difference := range differences(got.stages[last].things, want.stages[last].things) {
		if !c.mayWait(difference) {
			wrong = append(wrong, "not repaired: "+difference)
		}
	}
	return verdict, wrong
}

// mayWait reports whether a difference is an idle resource that is not removed yet. A run whose metrics time out takes longer than a
// window, and leaves one without utilization. The idle rule then waits for a whole idle time, which is longer than the test.
func (c cell) mayWait(difference string) bool {
	idle := strings.Contains(difference, "campaign idle") || strings.Contains(difference, "recommender still") ||
		strings.HasSuffix(difference, "-idle") || strings.HasSuffix(difference, "-still")
	return idle && c.operation.Name == "PutMetricData" && c.kind.name == "timeout"
}

// wrongActions returns resources in a state, commands and missing things that do not occur without the fault.
func wrongActions(want, got trace) (wrong []string) {
	right := map[string]map[string]bool{}
	allow := func(things map[string]string) {
		for name := range want.before {
			if right[name] == nil {
				right[name] = map[string]bool{}
			}
			right[name][things[name]] = true
		}
	}
	allow(want.before)
	commands := map[string]bool{}
	for _, sent := range want.prior {
		commands[sent] = true
	}
	for _, s := range want.stages {
		allow(s.things)
		for _, sent := range s.sent {
			commands[sent] = true
		}
	}
	for i, s := range got.stages {
		for name, states := range right {
			text := s.things[name]
			switch isResource := strings.Contains(name, " campaign ") || strings.Contains(name, " recommender "); {
			case isResource && !states[steady(text, states)]:
				wrong = append(wrong, fmt.Sprintf("after run %d: %s is %q, as it never is without the fault", i+1, name, text))
			case text == "" && !states[""]:
				wrong = append(wrong, fmt.Sprintf("after run %d: %s does not exist, but does without the fault", i+1, name))
			}
		}
		for _, sent := range s.sent {
			if !commands[sent] {
				wrong = append(wrong, fmt.Sprintf("after run %d: sent %s, which is never sent without the fault", i+1, sent))
			}
		}
	}
	return wrong
}

// steady returns the state of a resource. A passing state on the way to one of the expected states counts as that state: a run
// with a fault may be later.
func steady(text string, states map[string]bool) string {
	for state := range states {
		for _, passing := range []string{"DELETE ", "STOP "} {
			if strings.HasPrefix(text, passing) && strings.HasPrefix(state, passing) {
				return state
			}
		}
	}
	return text
}

// missingMetrics returns data that the fault must not affect: those of the other region and, if the fault hits neither listing nor
// measuring, all.
func (c cell) missingMetrics(want, got stage) (wrong []string) {
	missing := map[string]bool{} // resources
	for name := range want.data {
		if _, ok := got.data[name]; !ok {
			missing[name[strings.LastIndex(name, " "):]] = true
			if !c.concerns(name) {
				wrong = append(wrong, "not published: "+name)
			}
		}
	}
	if one := strings.HasPrefix(c.operation.Name, "Describe"); one && c.fault.Times == 1 && len(missing) > 1 {
		wrong = append(wrong, fmt.Sprintf("one call about one resource failed, but data of %d resources are missing", len(missing)))
	}
	return wrong
}

// concerns reports whether a datum may be missing because of the fault.
func (c cell) concerns(datum string) bool {
	if !strings.HasPrefix(datum, c.region+" ") {
		return false
	}
	minimum := strings.Contains(datum, " minProvisionedTPS ") || strings.Contains(datum, " minRecommendationRequestsPerSecond ")
	switch c.operation.String() {
	case "cloudwatch.PutMetricData":
		return true
	case "cloudwatch.GetMetricData":
		return !minimum
	case "personalize.ListCampaigns", "personalize.DescribeCampaign":
		return strings.Contains(datum, ":campaign/")
	case "personalize.DescribeSolutionVersion", "personalize.DescribeSolution":
		return strings.Contains(datum, ":campaign/") && !minimum
	case "personalize.ListRecommenders":
		return strings.Contains(datum, ":recommender/")
	}
	return false
}

// sameResult returns how the result of a run differs from that of the run without a fault; empty if it does not.
func (c cell) sameResult(want, got stage) string {
	switch {
	case got.out.err != nil:
		return "it failed: " + got.out.err.Error()
	case got.out.text != want.out.text && !c.byOthers():
		return got.out.text + " instead of " + want.out.text
	case !slices.Equal(slices.Sorted(slices.Values(got.sent)), slices.Sorted(slices.Values(want.sent))):
		return fmt.Sprintf("sent %v instead of %v", got.sent, want.sent)
	case !maps.Equal(got.data, want.data):
		return fmt.Sprintf("published %v instead of %v", got.data, want.data)
	}
	for _, difference := range differences(got.things, want.things) {
		return difference
	}
	return ""
}

// byOthers reports whether someone else makes the requested change in this fault, so that the result does not claim it.
func (c cell) byOthers() bool {
	return c.fault.Kind == localaws.Partial && c.operation.Name == "DeleteDashboards"
}

// names returns why the outcome does not name the failure by its operation and its region or resource; empty if it does.
func (c cell) names(out outcome) string {
	for _, t := range out.troubles {
		if c.kind.name == "skew" && strings.Contains(t.text, "the clock of this host is") {
			return ""
		}
		if (t.operation == c.operation.Name || strings.Contains(t.text, c.operation.Name)) && (t.region == c.region || strings.Contains(t.arn, ":"+c.region+":")) {
			return ""
		}
	}
	if out.err != nil && strings.Contains(out.err.Error(), c.operation.Name) && strings.Contains(out.err.Error(), c.region) {
		return ""
	}
	return fmt.Sprintf("error %v, problems %+v", out.err, out.troubles)
}

// answered reports whether the answer itself names the failure, as that of a function that a guard kept from acting.
func (c cell) answered(want, got outcome) bool {
	return strings.Contains(got.text, c.operation.Name) && !strings.Contains(want.text, c.operation.Name) && strings.Contains(got.text, c.region)
}

// TestFaultMatrix tests every fault in every call that the program makes: the program does nothing that it would not do without the
// fault, nothing else is affected, the result names the failure or is not affected, and the next runs repair the rest. With -short
// it tests a sample of the cells that has each operation and each kind.
func TestFaultMatrix(t *testing.T) {
	// The packages accounts and probe only read, once and for a person. Their own tests have each of their calls fail.
	operations, err := findOperations("../../internal", "demo", "accounts", "probe")
	if err != nil {
		t.Fatal(err)
	}
	if len(operations) < 40 {
		t.Fatalf("found only %d operations in the source", len(operations))
	}
	m := newMatrix(operations)
	t.Run("cells", func(t *testing.T) {
		for _, s := range scenarios() {
			t.Run(s.name, func(t *testing.T) { m.scenario(t, s) })
		}
	})
	for _, o := range operations {
		if len(m.calledBy[o]) == 0 {
			t.Errorf("%s is called by the program, but by no scenario of the matrix", o)
		}
	}
	if *matrixFile != "" {
		if err := os.WriteFile(*matrixFile, []byte(m.text()), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// scenario tests the cells of one scenario: of every call that it makes.
func (m *matrix) scenario(t *testing.T, s scenario) {
	var want trace
	synctest.Test(t, func(t *testing.T) {
		want = s.drive(s.bed(t), nil, nil)
		(&bed{t: t}).mustOut(want.stages[0].out)
	})
	for _, o := range m.operations {
		if s.about != nil && !slices.Contains(s.about, o.String()) {
			continue
		}
		for i, region := range m.regions(want, o, s) {
			for _, k := range kinds() {
				m.cells(t, s, o, region, i > 0, m.calledBy[o][0] != s.name, k, want)
			}
		}
	}
}

// regions returns the regions in which the scenario calls the operation.
func (m *matrix) regions(want trace, o operation, s scenario) []string {
	var list []string
	for _, region := range []string{away, home} {
		if want.calls[made{region, o.String()}] > 0 {
			m.addCall(o, s)
			list = append(list, region)
		}
	}
	return list
}

func (m *matrix) cells(t *testing.T, s scenario, o operation, region string, second, other bool, k kind, want trace) {
	fault, reason := k.fault(o)
	if fault == nil {
		m.addReason(o, k, reason)
		return
	}
	for _, v := range variants {
		calls := want.calls[made{region, o.String()}]
		if !v.tested(k, calls, second, other) || !m.sampled(o, k) {
			continue
		}
		c := cell{s, o, region, k, v, *fault}
		c.fault.Service, c.fault.Operation, c.fault.Region = o.Service, o.Name, region
		c.fault.Skip, c.fault.Times = v.skip, v.times
		if v.change != nil {
			v.change(&c.fault)
		}
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			m.cell(t, c, want)
		})
	}
}

func (m *matrix) cell(t *testing.T, c cell, want trace) {
	var verdict string
	defer func() { m.add(c, verdict, t.Failed()) }()
	synctest.Test(t, func(t *testing.T) {
		got := c.scenario.drive(c.scenario.bed(t), c.at, &want)
		var wrong []string
		verdict, wrong = c.check(want, got)
		for _, w := range wrong {
			t.Error(w)
		}
	})
}
