package faultmatrix

import (
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

// kind is a column of the matrix: something that can happen to a call.
type kind struct {
	name string
	// fault makes it happen to an operation; nil where it cannot, for the reason given.
	fault func(Operation) (*localaws.Fault, string)
}

// always is a fault that any call can meet.
func always(f func(Operation) localaws.Fault) func(Operation) (*localaws.Fault, string) {
	return func(o Operation) (*localaws.Fault, string) {
		fault := f(o)
		return &fault, ""
	}
}

func ofKind(k localaws.FaultKind) func(Operation) (*localaws.Fault, string) {
	return always(func(Operation) localaws.Fault { return localaws.Fault{Kind: k} })
}

// skewed is how far the clock of a service is off that refuses our signatures.
const skewed = 20 * time.Minute

// kinds are the columns.
func kinds() []kind {
	return []kind{
		{"throttled", ofKind(localaws.Error)},
		{"500", always(func(o Operation) localaws.Fault { return localaws.Fault{Code: internalError[o.Service]} })},
		{"denied", always(func(o Operation) localaws.Fault { return localaws.Fault{Code: denial[o.Service], Status: 403} })},
		{"timeout", ofKind(localaws.Hang)},
		{"reset", ofKind(localaws.Reset)},
		{"truncated", ofKind(localaws.Truncate)},
		{"malformed", ofKind(localaws.Garbage)},
		{"partial", partial},
		{"empty page", emptyPage},
		{"skew", always(func(Operation) localaws.Fault { return localaws.Fault{Kind: localaws.Skew, Skew: skewed} })},
	}
}

// What the services call it when they fail by themselves, and when they say no.
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

// partial does a part, where an operation can.
func partial(o Operation) (*localaws.Fault, string) {
	switch {
	case slices.Contains(localaws.PartialOperations(), o.String()):
		return &localaws.Fault{Kind: localaws.Partial}, ""
	case o.Name == "DeleteAlarms":
		return nil, "it passes over alarms that are gone, and says nothing of them"
	case o.Name == "PutMetricData":
		return nil, "it takes all of its data or none"
	case pages[o.String()]:
		return nil, "what is left out of a page is not told; a listing in part is an empty page, or a page that fails"
	}
	return nil, "it is about one thing, and done as a whole or not at all"
}

// pages are the operations that answer page by page.
var pages = map[string]bool{
	"personalize.ListCampaigns": true, "personalize.ListRecommenders": true,
	"cloudwatch.GetMetricData": true, "cloudwatch.DescribeAlarms": true, "cloudwatch.ListDashboards": true,
	"events.ListTargetsByRule": true, "sns.ListSubscriptionsByTopic": true, "logs.FilterLogEvents": true, "logs.DescribeLogGroups": true,
	"pricing.GetProducts": true,
}

func emptyPage(o Operation) (*localaws.Fault, string) {
	if !pages[o.String()] {
		return nil, "its answer has no pages"
	}
	return &localaws.Fault{Kind: localaws.EmptyPage}, ""
}

// variant is how often a fault happens, and for which cells it is tried.
type variant struct {
	name        string
	skip, times int
	kinds       []string // nil is all
	second      []string // in the deployment region, where the call is made in both; nil is none
	others      []string // in jobs after the first one that makes the call; nil is none
	change      func(*localaws.Fault)
}

// variants are the ways in which a fault happens. Three times is what a call and its
// retries take.
var variants = []variant{
	{
		name: "the first call, once", times: 1, others: []string{"truncated"},
		change: func(f *localaws.Fault) { // the other sort of the same kind
			f.Skew = -f.Skew
			if f.Kind == localaws.Partial && f.Operation == "GetMetricData" {
				f.Code = "InternalError"
			}
		},
	},
	{name: "the second call, three times", skip: 1, times: 3, kinds: []string{"500", "timeout", "denied"}},
	{
		name: "every call", second: []string{"throttled", "timeout", "denied"},
		others: []string{"throttled", "500", "denied", "timeout", "reset", "truncated", "malformed", "partial"},
	},
}

// tried tells whether the variant is tried for a kind.
func (v variant) tried(k kind, calls int, second, other bool) bool {
	return v.skip < calls && (v.kinds == nil || slices.Contains(v.kinds, k.name)) &&
		(!second || slices.Contains(v.second, k.name)) && (!other || slices.Contains(v.others, k.name) && !second)
}

// stage is how everything stands after a run.
type stage struct {
	things map[string]string
	data   map[string]float64 // metrics of the disturbed window
	sent   []string
	out    outcome
}

// undisturbed is a scenario without a fault.
type undisturbed struct {
	calls  map[made]int
	before map[string]string
	prior  []string // sent before it
	stages []stage  // after run and after each run that heals
}

// drive drives a scenario through, with a fault in its run, if one is given.
// A world that stands after a run as it does when undisturbed will go on as that does, and
// needs no healing; then the rest of the way is known, and left out.
func (s scenario) drive(b *bed, fault *localaws.Fault, known *undisturbed) undisturbed {
	if s.prepare != nil {
		s.prepare(b)
	}
	u := undisturbed{before: b.things(), prior: b.sent(0)}
	b.counted()
	since := len(b.aws.Events())
	window := b.clock.Now().Truncate(cycleEvery).Add(-cycleEvery) // measured by a run that begins now
	if fault != nil {
		b.aws.AddFault(*fault)
	}
	out := s.run(b)
	b.aws.ClearFaults()
	u.calls = b.counted()
	u.stages = append(u.stages, b.stage(since, window, out))
	for i, heal := range s.heal {
		if known != nil && maps.Equal(u.stages[i].things, known.stages[i].things) && slices.Equal(u.stages[i].sent, known.stages[i].sent) {
			break
		}
		since = len(b.aws.Events())
		heal(b, out)
		u.stages = append(u.stages, b.stage(since, window, outcome{}))
	}
	return u
}

// versions are the names that the embedded AWS gives to solution versions by their time.
var versions = regexp.MustCompile(`(solution/[a-z]+/)[0-9a-f]{8}`)

// resets are the times in our alarms' fingerprints at which they were reset last.
var resets = regexp.MustCompile(`reset@[0-9]+`)

// things are all that stands, apart from when it came to stand so.
func (b *bed) things() map[string]string {
	things := b.aws.Snapshot()
	for name, text := range things {
		// What passes by itself is further on after a call that took a while.
		things[name] = strings.ReplaceAll(resets.ReplaceAllString(versions.ReplaceAllString(text, "$1"), "reset"), "PENDING", "IN_PROGRESS")
	}
	return things
}

func (b *bed) stage(since int, window time.Time, out outcome) stage {
	return stage{things: b.things(), data: b.aws.Data(model.NamespaceMonitor, window), sent: slices.Sorted(slices.Values(b.sent(since))), out: out}
}

// cell is one call of one job that is disturbed in one way.
type cell struct {
	scenario  scenario
	operation Operation
	region    string
	kind      kind
	variant   variant
	fault     localaws.Fault
}

func (c cell) String() string {
	return strings.Join([]string{c.scenario.name, c.operation.String(), c.region, c.kind.name, c.variant.name}, "/")
}

// verdicts of cells.
const (
	recovered = "recovered" // the result is that of an undisturbed run
	named     = "named"     // it is not, and names the failure
	failed    = "FAILED"    // the cell is not held
)

// judge holds a disturbed run against the undisturbed one and gives a verdict; what is
// wrong is none.
func (c cell) judge(want, got undisturbed) (verdict string, wrong []string) {
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
	default:
		wrong = append(wrong, "the result is another ("+same+"), but the failure is not named: "+c.names(got.stages[0].out))
	}
	last := len(got.stages) - 1
	for _, difference := range localaws.Differences(got.stages[last].things, want.stages[last].things) {
		wrong = append(wrong, "not healed: "+difference)
	}
	return verdict, wrong
}

// wrongActions are resources that are at any stage as they never are when undisturbed,
// commands that are never sent then, and things that then stay and are gone.
func wrongActions(want, got undisturbed) (wrong []string) {
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
				wrong = append(wrong, fmt.Sprintf("after run %d: %s is %q, as it never is when undisturbed", i+1, name, text))
			case text == "" && !states[""]:
				wrong = append(wrong, fmt.Sprintf("after run %d: %s is gone, which stays when undisturbed", i+1, name))
			}
		}
		for _, sent := range s.sent {
			if !commands[sent] {
				wrong = append(wrong, fmt.Sprintf("after run %d: sent %s, which is never sent when undisturbed", i+1, sent))
			}
		}
	}
	return wrong
}

// steady is how a resource stands, but for the passing states on the way to where it also
// is when undisturbed: a disturbed run may get there later.
func steady(text string, states map[string]bool) string {
	for state := range states {
		if strings.HasPrefix(text, "DELETE ") && strings.HasPrefix(state, "DELETE ") ||
			strings.HasPrefix(text, "STOP ") && strings.HasPrefix(state, "STOP ") {
			return state
		}
	}
	return text
}

// missingMetrics are data that the fault has no right to cost: those of the other region
// and, where the fault is not about seeing or measuring, of all.
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
		wrong = append(wrong, fmt.Sprintf("one call about one resource failed, and data of %d are missing", len(missing)))
	}
	return wrong
}

// concerns tells whether a datum may be missing because of the fault.
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

// sameResult tells in what the result of a run differs from the undisturbed one's; empty
// if in nothing.
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
	for _, difference := range localaws.Differences(got.things, want.things) {
		return difference
	}
	return ""
}

// byOthers tells whether the fault is that somebody else does what is asked for, so that
// the result does not claim it.
func (c cell) byOthers() bool {
	return c.fault.Kind == localaws.Partial && c.operation.Name == "DeleteDashboards"
}

// names tells why the failure is not named: by its operation, and its region or resource.
func (c cell) names(out outcome) string {
	for _, t := range out.troubles {
		if (t.operation == c.operation.Name || strings.Contains(t.text, c.operation.Name)) && (t.region == c.region || strings.Contains(t.arn, ":"+c.region+":")) {
			return ""
		}
	}
	if out.err != nil && strings.Contains(out.err.Error(), c.operation.Name) && strings.Contains(out.err.Error(), c.region) {
		return ""
	}
	return fmt.Sprintf("error %v, problems %+v", out.err, out.troubles)
}

// answered tells whether the answer itself names the failure, as that of a function does
// which did nothing since a guard stood in the way.
func (c cell) answered(want, got outcome) bool {
	return strings.Contains(got.text, c.operation.Name) && !strings.Contains(want.text, c.operation.Name) && strings.Contains(got.text, c.region)
}

// TestFaultMatrix holds, for every call that the program makes, whatever happens to it:
// nothing is done that an undisturbed run would not do, nothing else suffers, the failure
// is named in the result or made good, and the next runs heal. With the race detector it
// tries a sample of the cells, in which each operation and each kind occurs.
func TestFaultMatrix(t *testing.T) {
	operations, err := Operations("..", "soak", "demo")
	if err != nil {
		t.Fatal(err)
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

// scenario fills in the cells of one scenario: of every call that it makes.
func (m *matrix) scenario(t *testing.T, s scenario) {
	var want undisturbed
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

// regions are those in which the scenario calls the operation, among the two of the estate.
func (m *matrix) regions(want undisturbed, o Operation, s scenario) []string {
	var list []string
	for _, region := range []string{away, home} {
		if want.calls[made{region, o.String()}] > 0 {
			m.hit(o, s)
			list = append(list, region)
		}
	}
	return list
}

func (m *matrix) cells(t *testing.T, s scenario, o Operation, region string, second, other bool, k kind, want undisturbed) {
	fault, reason := k.fault(o)
	if fault == nil {
		m.none(o, k, reason)
		return
	}
	for _, v := range variants {
		calls := want.calls[made{region, o.String()}]
		if !v.tried(k, calls, second, other) || !m.sampled(o, k) {
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

func (m *matrix) cell(t *testing.T, c cell, want undisturbed) {
	var verdict string
	defer func() { m.add(c, verdict, t.Failed()) }()
	synctest.Test(t, func(t *testing.T) {
		got := c.scenario.drive(c.scenario.bed(t), &c.fault, &want)
		var wrong []string
		verdict, wrong = c.judge(want, got)
		for _, w := range wrong {
			t.Error(w)
		}
	})
}
