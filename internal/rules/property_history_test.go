package rules_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// The property tests make up raw histories: when which call came, who updated what, when
// the monitor ran, what could not be read. Everything that decide reads is derived from
// them by a small CloudWatch of the tests' own, and an oracle that looks at the raw
// history says what may and what must be decided. Nothing here uses decide's inner code.

// Environment variables of the property tests: where the random numbers start, and how
// many histories there are: three of five in TestRandomHistories, two in
// TestRandomFaultsCutNoDemand. A failure reports the seed. The default is 100,000, and 5,000 with -short.
const (
	seedVariable      = "PERSONALIZE_MONITOR_SEED"
	historiesVariable = "PERSONALIZE_MONITOR_HISTORIES"
)

func number(t *testing.T, variable string, normal int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return normal
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q is not a number", variable, text)
	}
	return n
}

// Lengths in seconds. All times of a raw history are in Unix seconds.
const (
	minute   = int64(60)
	slot     = 5 * minute
	hour     = 60 * minute
	day      = 24 * hour
	backward = 14 * day
)

// scene is what all resources of an estate share.
type scene struct {
	*rand.Rand
	now, end int64 // end of the measured window
	settings rules.Settings
	moment   rules.EvaluationTime
	overdue  bool // the event that started the cycle is over an hour old
	monitor  monitor
}

func (s *scene) oneIn(n int) bool { return s.IntN(n) == 0 }

// between is a random number of [low, high], or one of the two as often as not.
func (s *scene) between(low, high int64) int64 {
	switch {
	case low >= high || s.oneIn(4):
		return low
	case s.oneIn(3):
		return high
	}
	return low + s.Int64N(high-low+1)
}

// around is a number at a boundary, right beside it, or anywhere up to twice as much.
func (s *scene) around(boundary int64) int64 {
	return [...]int64{boundary - 1, boundary, boundary + 1, 1 + s.Int64N(2*boundary)}[s.IntN(4)]
}

// position is the position of a switch: on, most of the time.
func (s *scene) position() model.Switch {
	positions := [...]model.Switch{model.Off, model.DryRun, ""}
	if i := s.IntN(24); i < len(positions) {
		return positions[i]
	}
	return model.On
}

func (s *scene) idle() int64 { return int64(s.settings.IdleHours) * hour }

// monitor is when Personalize Monitor ran: every so often since it was deployed, save
// during an outage.
type monitor struct {
	every            int64 // 0: this is its first run
	since            int64
	outFrom, outTill int64
}

func (m monitor) ran(window int64) bool {
	return m.every > 0 && window%m.every == 0 && window >= m.since && (window < m.outFrom || window >= m.outTill)
}

func newScene(seed, index int) *scene {
	s := &scene{Rand: rand.New(rand.NewPCG(uint64(seed), uint64(index)))}
	s.now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).Unix() + s.Int64N(30*day)
	s.settings = rules.Settings{
		AdjustMinTPS: s.position(), StopIdle: s.position(), DeploymentRegion: "us-east-1",
		IdleHours:     [...]int{1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 24, 25}[s.IntN(12)],
		UsedIdleHours: [...]int{1, 1, 2, 5, 12, 24, 36, 192}[s.IntN(8)],
		HourlyChecks:  model.Always,
	}
	if s.oneIn(100) {
		s.settings.IdleHours = [...]int{48, 100, 168}[s.IntN(3)]
	}
	if s.oneIn(25) {
		s.settings.HourlyChecks = [...]model.Mode{model.Auto, model.Auto, model.Never, "", "sometimes"}[s.IntN(5)]
	}
	delay := s.Int64N(3) * minute
	scheduled, at := time.Time{}, s.now
	if s.oneIn(4) {
		late := s.Int64N(30 * minute)
		if s.oneIn(5) {
			late = s.around(hour)
		}
		at = s.now - late
		scheduled, s.overdue = time.Unix(at, 0).UTC(), late > hour
	}
	s.end = (at - delay) / slot * slot
	s.moment, s.settings.NoChecks, _ = rules.EvaluationTimeOf(time.Unix(s.now, 0).UTC(), scheduled, time.Duration(delay)*time.Second)
	s.monitor = monitor{every: [...]int64{0, hour, hour, slot, slot, slot, slot, slot}[s.IntN(8)], since: s.end - s.Int64N(20*day)}
	if s.oneIn(6) {
		s.monitor.outFrom = s.end - s.Int64N(2*day)
		s.monitor.outTill = s.monitor.outFrom + s.Int64N(day)
	}
	return s
}

// call is a number of calls in one minute.
type call struct {
	at int64 // a whole minute
	n  int64
}

// What became of calls, in the order of outcomes.
const (
	succeeded = iota
	failed4xx
	failed5xx
	outcomes
)

// metrics are the names under which Personalize counts calls, and counted shows by
// which of them a recipe's are; that of a recipe that is not listed is a guess.
var (
	metrics = [...]string{"GetRecommendations", "GetPersonalizedRanking", "GetActionRecommendations"}
	counted = map[string]int{
		"aws-user-personalization": 0, "aws-user-personalization-v2": 0, "aws-sims": 0, "aws-similar-items": 0,
		"aws-popularity-count": 0, "aws-personalized-ranking": 1, "aws-personalized-ranking-v2": 1,
	}
	ordinary = [...]string{
		"aws-user-personalization", "aws-user-personalization-v2", "aws-sims", "aws-similar-items",
		"aws-popularity-count", "aws-personalized-ranking", "aws-personalized-ranking-v2",
	}
	doubtful = [...]string{"aws-next-best-action", "aws-next-best-action", "aws-quite-new", "my-own-recipe"}
)

// who updated a resource.
type who int

const (
	noOne who = iota
	person
	ours
	service
)

// history is one resource's raw history.
type history struct {
	*scene
	resource    model.Resource
	arn         string
	created     int64
	metric      int  // the one that counts its requests
	sure        bool // the recipe is one whose requests are known to be counted
	calls       [len(metrics)][outcomes][]call
	by          who // made the latest update
	updated     int64
	oldMin      int        // before the latest update
	marks       []int64    // when our updates were accepted, as their markers have it
	down, until int64      // stopped and started again; [down, until)
	missed      []int64    // windows that could not be read at the time
	fresh       int64      // newest windows of our metrics that are not visible yet
	late        int64      // how late CloudWatch shows calls
	lost        [][2]int64 // times whose calls it never shows
	reduced     [2]int64   // a time of whose calls it shows a tenth
	stops       [][2]int64 // more times in which it was stopped
	victim      int        // the question that is not answered completely; -1 for none
	damage      damage
	asked       []question
}

func (h *history) isUp(window int64) bool {
	return (window < h.down || window >= h.until) &&
		!slices.ContainsFunc(h.stops, func(s [2]int64) bool { return window >= s[0] && window < s[1] })
}

func (h *history) minimumAt(window int64) int {
	if window+slot < h.updated {
		return h.oldMin
	}
	return h.resource.MinTPS
}

// add puts calls into the history; none can come before the resource was created, nor
// in this very second or later.
func (h *history) add(metric, outcome int, at, n int64) {
	at = at / minute * minute
	if at < h.created || at >= h.now || n == 0 {
		return
	}
	list := h.calls[metric][outcome]
	i := len(list)
	for i > 0 && list[i-1].at > at {
		i--
	}
	h.calls[metric][outcome] = append(list[:i], append([]call{{at, n}}, list[i:]...)...)
}

// newHistory makes up a resource that is idle, or busy, and then spoils up to three
// things, so that often a single guard is between it and an action.
func newHistory(s *scene, name string) *history {
	h := &history{scene: s, victim: -1}
	r := model.Resource{
		ARN:  model.NewARN("aws", "personalize", "eu-west-1", "123456789012", "campaign/"+name),
		Kind: model.Campaign, Name: name, Recipe: ordinary[s.IntN(len(ordinary))], Status: "ACTIVE",
		MinTPS: 1 + s.IntN(12), Described: true, Observed: time.Unix(s.now, 0).UTC(),
	}
	if s.oneIn(6) {
		r.MinTPS = 1 + s.IntN(600)
	}
	if s.oneIn(2) {
		r.Kind, r.ARN, r.Recipe = model.Recommender, r.ARN.WithResource("recommender/"+name), "aws-ecomm-recommended-for-you"
	}
	h.resource = r
	h.arn = r.ARN.String()
	h.created = s.now - max(s.idle(), day) - day - s.Int64N(9*day)
	if s.oneIn(12) {
		h.created -= 13 * day
	}
	spoil := 0
	if !s.oneIn(4) {
		spoil = 1 + s.IntN(3)/2
	}
	var spoilt [2]int
	for i := range spoil {
		spoilt[i] = s.IntN(len(spoilers))
		if before := spoilers[spoilt[i]].before; before != nil {
			before(h)
		}
	}
	h.setRecipe()
	h.resource.Created = time.Unix(h.created, 0).UTC()
	if h.resource.LastUpdated.IsZero() {
		h.resource.LastUpdated = h.resource.Created
	}
	if s.oneIn(2) {
		h.beIdle()
	} else {
		h.beBusy()
	}
	for i := range spoil {
		if after := spoilers[spoilt[i]].after; after != nil {
			after(h)
		}
	}
	return h
}

func (h *history) setRecipe() {
	h.metric, h.sure = counted[h.resource.Recipe]
	if h.resource.Recipe == "aws-next-best-action" {
		h.metric = 2
	}
	if h.resource.Kind == model.Recommender {
		h.metric, h.sure = 0, true
	}
}

// beIdle leaves the idle time without calls; before it there may have been some.
func (h *history) beIdle() {
	start := h.end - h.idle()
	switch h.IntN(8) {
	case 0:
		h.add(h.metric, succeeded, start-minute, 1)
	case 1:
		for range 1 + h.IntN(3) {
			h.add(h.IntN(len(metrics)), h.IntN(outcomes), start-h.between(minute, 5*day), 1+h.Int64N(50))
		}
	case 2, 3, 4: // at first, and then no more
		for at := h.created; at < min(start, h.created+h.Int64N(6*hour)+minute); at += h.between(minute, 2*hour) {
			h.add(h.metric, h.IntN(outcomes), at+minute, 1+h.Int64N(50))
		}
	}
}

// beBusy makes calls in every hour, about as many as the minimum allows or fewer, and
// now and then up to four hours, about a day apart, with fewer or none.
func (h *history) beBusy() {
	level := h.between(0, int64(h.resource.MinTPS)+1) * hour
	if h.oneIn(3) {
		level = int64(h.resource.MinTPS) * hour
	}
	if h.oneIn(10) {
		level = h.Int64N(3000)
	}
	quiet, quietLevel := map[int64]bool{}, h.between(0, level)
	if h.oneIn(3) {
		at := h.end/hour*hour - h.between(1, 337)*hour
		for range 1 + h.IntN(4) {
			quiet[at] = true
			at += h.between(23, 25) * hour
		}
	}
	first := max(h.created, h.end-backward-9*hour) / hour * hour
	calls := make([]call, 0, (h.now-first)/hour+1)
	for at := first; at <= h.now; at += hour {
		n := level + h.Int64N(2)
		if quiet[at] {
			n = quietLevel
		}
		if when := at + h.Int64N(60)*minute; n > 0 && when >= h.created && when < h.now {
			calls = append(calls, call{when, n})
		}
	}
	h.calls[h.metric][succeeded] = calls
}

// touch records an update some seconds ago: what a description of the resource shows of
// it. There is only one, as the description shows the latest alone; it is false if
// there was one before.
func (h *history) touch(by who, ago int64, status model.Status) bool {
	if h.by != noOne {
		return false
	}
	h.by, h.updated, h.oldMin = by, h.now-ago, h.resource.MinTPS
	changed := min(h.updated+h.Int64N(10*minute), h.now)
	if h.oneIn(2) {
		changed = h.updated
	}
	h.resource.Update = &model.Update{
		Status: status, MinTPS: h.resource.MinTPS,
		Created: time.Unix(h.updated, 0).UTC(), Changed: time.Unix(changed, 0).UTC(),
	}
	h.resource.LastUpdated = h.resource.Update.Changed
	return true
}

// updateAge is the age of an update near one of the rules' limits, or anywhere.
func (h *history) updateAge() int64 {
	switch h.IntN(4) {
	case 0:
		return h.around(h.idle())
	case 1:
		return h.around(45 * minute)
	}
	return h.Int64N(30 * hour)
}

// settled is the status of an update that is over.
func (h *history) settled() model.Status {
	return [...]model.Status{"ACTIVE", "ACTIVE", "CREATE FAILED"}[h.IntN(3)]
}

// histories is how many histories there are in all.
func histories(t *testing.T) int {
	t.Helper()
	if testing.Short() {
		return number(t, historiesVariable, 5_000)
	}
	return number(t, historiesVariable, 100_000)
}
