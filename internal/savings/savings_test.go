package savings_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
	"github.com/personalize-monitor/personalize-monitor/internal/savings"
)

// noon is when the tests begin; an hour of 12 slots passes before anything happens.
var noon = time.Date(2026, 10, 31, 12, 0, 0, 0, time.UTC)

// history is what one endpoint did, slot by slot from noon on.
type history struct {
	kind     model.Kind
	minimum  []float64 // published; 0 where it was not
	requests []float64 // a second
	records  []events.Audit
	known    savings.Known
	unread   bool         // the requests
	down     map[int]bool // slots in which the monitor did not run
	age      time.Duration
}

func (h *history) arn() model.ARN {
	return model.NewARN("aws", "personalize", "us-east-1", "123456789012", string(h.kind)+"/one")
}

// at is so many slots and two minutes after noon.
func at(slot int) time.Time { return noon.Add(time.Duration(slot)*billing.Slot + 2*time.Minute) }

// did adds the record of something done in a slot.
func (h *history) did(slot int, action model.Action, from, to int) {
	a := events.Audit{Time: at(slot), ARN: h.arn().String(), Kind: h.kind, Action: action, Outcome: events.OutcomeDone, NewMinTPS: to}
	if from > 0 {
		a.Before = &events.Before{Name: "one", MinTPS: from}
		a.Inputs = &events.Inputs{Recipe: "aws-sims"}
	}
	h.records = append(h.records, a)
}

// inService makes the endpoint one that is there today.
func (h *history) inService(minimum int, touched time.Time) {
	h.known = savings.Known{Listed: true, Resource: &model.Resource{
		ARN: h.arn(), Kind: h.kind, Recipe: "aws-sims", Status: model.StatusActive, MinTPS: minimum, Created: noon.AddDate(0, -1, 0), LastUpdated: touched,
	}}
}

// compute is the ledger, from all that CloudWatch has.
func (h *history) compute(t *testing.T) []savings.Action { return h.ledger(t, pricing.Table{}).Actions }

func (h *history) ledger(t *testing.T, prices pricing.Table) savings.Ledger {
	t.Helper()
	found := savings.Find(h.records)
	if len(found) == 0 {
		return savings.Ledger{}
	}
	end := noon.Add(time.Duration(len(h.minimum)) * billing.Slot)
	times := savings.Times{Now: end.Add(h.age), End: end, Delay: 2 * time.Minute}
	readings := model.Readings{}
	for _, q := range found[0].Queries(h.known, times) {
		values, scale := h.minimum, 1.0
		if q.Metric.Namespace == model.NamespacePersonalize {
			values, scale = h.requests, billing.Slot.Seconds()
		}
		sums := map[time.Time]float64{}
		for i, v := range values {
			when := noon.Add(time.Duration(i) * billing.Slot)
			if q.Stat == model.Count {
				if !h.down[i] {
					sums[when.Truncate(q.Period)]++
				}
				continue
			}
			if v == 0 || when.Before(q.Window.Start) || !when.Before(q.Window.End) || scale > 1 && q.Metric.Name != model.MetricGetRecommendations {
				continue
			}
			if period := when.Truncate(q.Period); q.Stat == model.Sum {
				sums[period] += v * scale
			} else {
				sums[period] = max(sums[period], v)
			}
		}
		series := model.Series{Complete: !h.unread || scale == 1}
		for when := q.Window.Start; when.Before(q.Window.End); when = when.Add(q.Period) {
			if v, ok := sums[when]; ok {
				series.Points = append(series.Points, model.Datapoint{Time: when, Value: v})
			}
		}
		readings[q] = series
	}
	return savings.LedgerOf(savings.Compute(found, func(model.ARN) savings.Known { return h.known }, readings, prices, times), times)
}

// steps makes a history of slots with the same minimum: "8*24 6*12" is 24 slots of 8 and 12 of 6.
func steps(t *testing.T, kind model.Kind, text string, rate float64) *history {
	t.Helper()
	h := &history{kind: kind}
	for _, part := range strings.Fields(text) {
		var minimum float64
		var n int
		if _, err := fmt.Sscanf(part, "%f*%d", &minimum, &n); err != nil {
			t.Fatal(err)
		}
		for range n {
			h.minimum, h.requests = append(h.minimum, minimum), append(h.requests, rate)
		}
	}
	return h
}

func TestWhatActionsSave(t *testing.T) {
	const update, remove, stop, start = model.ActionUpdate, model.ActionDelete, model.ActionStop, model.ActionStart
	absent := savings.Known{Listed: true}
	for _, c := range []struct {
		name, minimum string
		rate          float64
		kind          model.Kind
		records       func(h *history)
		want          string // TPS-hours, hours in effect, unknown hours, state; of each action
	}{
		{"a step saves the difference", "8*12 6*12", 1, model.Campaign, func(h *history) { h.did(11, update, 8, 6) }, "2 1 0 in effect"},
		{
			"what is used above the new minimum is no saving", "8*12 6*12", 7, model.Campaign, func(h *history) { h.did(11, update, 8, 6) },
			"1 1 0 in effect",
		},
		{
			"each of several steps owns its part", "8*12 6*12 5*12", 1, model.Campaign,
			func(h *history) { h.did(11, update, 8, 6); h.did(23, update, 6, 5) }, "4 2 0 in effect; 1 1 0 in effect",
		},
		{
			"a raise ends the saving, and nothing revives it", "8*12 6*12 8*12 6*12", 1, model.Campaign,
			func(h *history) { h.did(11, update, 8, 6) }, "2 1 0 raised",
		},
		{
			"a raise part of the way keeps the rest", "8*12 5*12 7*12", 1, model.Campaign, func(h *history) { h.did(11, update, 8, 5) },
			"4 2 0 in effect",
		},
		{
			"a raise takes the newest part first", "8*12 6*12 5*12 6*12", 1, model.Campaign,
			func(h *history) { h.did(11, update, 8, 6); h.did(23, update, 6, 5) }, "6 3 0 in effect; 1 1 0 raised",
		},
		{
			"what a person lowers without a record is the saving of no action", "8*12 6*12 3*12", 1, model.Campaign,
			func(h *history) { h.did(11, update, 8, 6) }, "4 2 0 in effect",
		},
		{"an update that failed saves nothing", "8*72", 1, model.Campaign, func(h *history) { h.did(11, update, 8, 6) }, "0 0 0 never seen"},
		{
			"a minimum that was not published is unknown", "8*12 6*12 0*12 6*12", 1, model.Campaign,
			func(h *history) { h.did(11, update, 8, 6) }, "4 2 1 in effect",
		},
		{
			"a short gap between equal minimums is no gap", "8*12 6*12 0*3 6*9", 1, model.Campaign,
			func(h *history) { h.did(11, update, 8, 6) }, "4 2 0 in effect",
		},
		{
			"the present minimum holds since the latest update", "8*12 6*12 0*12", 1, model.Campaign,
			func(h *history) { h.did(11, update, 8, 6); h.inService(6, at(10)) }, "4 2 0 in effect",
		},
		{
			"a raise on record ends the saving where nothing was published", "8*12 6*12 0*12", 1, model.Campaign,
			func(h *history) { h.did(11, update, 8, 6); h.did(23, update, 6, 8) }, "2 1 0 raised",
		},
		{
			"requests that were not read are unknown", "8*12 6*12", 1, model.Campaign,
			func(h *history) { h.did(11, update, 8, 6); h.unread = true }, "– 0 1 in effect",
		},
		{
			"a deletion saves the whole minimum", "8*12 0*12", 0, model.Campaign,
			func(h *history) { h.did(12, remove, 8, 0); h.known = absent }, "8 1 0 in effect",
		},
		{
			"a deletion after a step owns the rest", "8*12 6*12 0*12", 0, model.Campaign,
			func(h *history) { h.did(11, update, 8, 6); h.did(24, remove, 6, 0); h.known = absent }, "4 2 0 in effect; 6 1 0 in effect",
		},
		{
			"whether it was created again is not known", "8*12 0*12", 0, model.Campaign, func(h *history) { h.did(12, remove, 8, 0) },
			"– 0 0.9166666667 unknown",
		},
		{
			"its minimum shows that it was created again", "8*12 0*12 8*12", 0, model.Campaign, func(h *history) { h.did(12, remove, 8, 0) },
			"8 1 0 restored",
		},
		{
			"it may have been created again while the monitor was down", "8*12 0*12 8*12", 0, model.Campaign,
			func(h *history) { h.did(12, remove, 8, 0); h.down = map[int]bool{22: true, 23: true} }, "6.6666666667 0.8333333333 0.1666666667 restored",
		},
		{
			"it was created again with less", "8*12 0*12 2*12", 0, model.Campaign, func(h *history) { h.did(12, remove, 8, 0) },
			"14 2 0 in effect",
		},
		{
			"it went out of service without a record", "8*12 6*12 0*12", 0, model.Campaign,
			func(h *history) { h.did(11, update, 8, 6); h.known = absent }, "2 1 0 gone",
		},
		{
			"a stop saves by the hour", "4*18 0*18", 0, model.Recommender,
			func(h *history) { h.did(18, stop, 4, 0); h.known = absent }, "6 1.5 0 in effect",
		},
		{
			"a stop after an hour's requests saves what they leave", "4*18 0*18", 3, model.Recommender,
			func(h *history) {
				h.did(18, stop, 4, 0)
				h.known = absent
				for i := range h.requests[18:] {
					h.requests[18+i] = 0
				}
			}, "6 1.5 0 in effect",
		},
		{"an hour's requests are what is paid for", "4*18 1*6", 3, model.Recommender, func(h *history) { h.did(17, update, 4, 1) }, "1 0.5 0 in effect"},
		{
			"a start on record", "4*12 0*14 4*10", 0, model.Recommender,
			func(h *history) { h.did(12, stop, 4, 0); h.did(24, start, 0, 0); h.inService(4, at(24)) }, "4.6666666667 1.1666666667 0 restored",
		},
		{"a record without the minimum before", "8*12 6*12", 1, model.Campaign, func(h *history) {
			h.did(11, update, 0, 6)
		}, "– 0 1.05 no minimum"},
		{"other outcomes are no actions", "8*12 6*12", 1, model.Campaign, func(h *history) {
			h.did(11, update, 8, 6)
			h.records[0].Outcome = events.OutcomeDryRun
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := steps(t, c.kind, c.minimum, c.rate)
			c.records(h)
			var got []string
			for _, a := range h.compute(t) {
				got = append(got, fmt.Sprintf("%s %s %s %s", saved(a.TPSHours), number(a.Hours), number(a.UnknownHours), a.State))
			}
			if text := strings.Join(got, "; "); text != c.want {
				t.Errorf("%s, want %s", text, c.want)
			}
		})
	}
}

// saved is a known amount, or a dash.
func saved(v *float64) string {
	if v == nil {
		return "–"
	}
	return number(*v)
}

// sum is a known amount, or nothing.
func sum(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

func number(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.10f", v), "0"), ".")
}

// What is too long ago for 5 minutes is metered by hours, and the result has that.
func TestOldTimeIsMeteredByTheHour(t *testing.T) {
	h := steps(t, model.Campaign, "8*12 6*204", 0)
	for i := range h.requests {
		h.requests[i] = float64(i % 2 * 14) // mean 7, above the new minimum and below the old one
	}
	h.did(11, model.ActionUpdate, 8, 6)
	fine := h.compute(t)[0]
	h.age = 63 * 24 * time.Hour
	coarse := h.compute(t)[0]
	if fine.ByHours || math.Abs(*fine.TPSHours-fine.Hours) > 1e-9 {
		t.Errorf("by 5 minutes half of the slots save 2: %+v", fine.Amount)
	}
	if !coarse.ByHours || coarse.UnknownHours > 0 || math.Abs(*coarse.TPSHours-coarse.Hours) > 1e-9 {
		t.Errorf("by hours each saves 8 - 7: %+v", coarse.Amount)
	}
	if len(fine.Months) != 2 || fine.Months[0].Month != "2026-10" || fine.Months[1].Month != "2026-11" {
		t.Errorf("the night to November is in %v", fine.Months)
	}
	h.did(100, model.ActionUpdate, 6, 5) // never seen
	ledger := h.ledger(t, pricing.Table{})
	if len(ledger.Months) != 2 || ledger.Months[0].Actions != 1 || ledger.Total.Actions != 2 || ledger.Total.Unpriced != 2 ||
		*ledger.Total.TPSHours != *coarse.TPSHours {
		t.Errorf("%+v", ledger)
	}
}

// What is too long ago for any data is unknown, and nothing is known of an action before them.
func TestTimeWithoutDataIsUnknown(t *testing.T) {
	h := steps(t, model.Campaign, "8*12 6*24", 1)
	h.did(11, model.ActionUpdate, 8, 6)
	h.age = 2 * 366 * 24 * time.Hour
	if a := h.compute(t)[0]; a.TPSHours != nil || a.Hours != 0 || math.Abs(a.UnknownHours-2.05) > 1e-9 || a.AchievedPerMonth != nil {
		t.Errorf("%+v", a)
	}
}

// owners keeps, for each whole TPS, who has taken it out of service: another way to the same sums.
type owners []int

const inForce, unowned = -2, -1

func (o owners) set(minimum, action int) {
	level := 0
	for level < len(o) && o[level] == inForce {
		level++
	}
	for tps := range o {
		switch {
		case tps < minimum:
			o[tps] = inForce
		case tps < level:
			o[tps] = action
		}
	}
}

// saved is what an action saves at a demand.
func (o owners) saved(action int, rate float64) float64 {
	total := 0.0
	for tps, owner := range o {
		if owner == action {
			total += math.Max(rate, float64(tps+1)) - math.Max(rate, float64(tps))
		}
	}
	return total
}

// Random steps, raises, stops, restorations, failed updates, and changes that nobody recorded: each
// action saves what the TPS that it owns would have cost.
func TestAnySequenceOfChanges(t *testing.T) {
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 1))
		kind := []model.Kind{model.Campaign, model.Recommender}[seed%2]
		const top = 12
		h := &history{kind: kind}
		o := make(owners, top)
		for i := range o {
			o[i] = unowned
		}
		minimum := 1 + random.IntN(top)
		want := []float64{}
		pass := func(n int) { // so many hours pass
			for range n {
				sum := 0.0
				for range 12 {
					rate := 0.0
					if minimum > 0 {
						rate = random.Float64() * top
					}
					h.minimum, h.requests = append(h.minimum, float64(minimum)), append(h.requests, rate)
					sum += rate
					for k := range want {
						if kind == model.Campaign {
							want[k] += o.saved(k, rate) / 12
						}
					}
				}
				for k := range want {
					if kind == model.Recommender {
						want[k] += o.saved(k, sum/12)
					}
				}
			}
		}
		o.set(minimum, unowned)
		pass(1)
		for range 12 {
			slot := len(h.minimum) - 1
			switch act := random.IntN(6); {
			case act == 0 && minimum > 0: // somebody changes it on the console
				minimum = 1 + random.IntN(top)
				o.set(minimum, unowned)
			case act == 1 && minimum > 0: // out of service; nothing was published since the last slot
				h.did(slot, kindOfEnd(kind), minimum, 0)
				h.records[len(h.records)-1].Time = at(slot + 1)
				want = append(want, 0)
				o.set(0, len(want)-1)
				minimum = 0
			case act == 2 && minimum == 0: // back, with another minimum perhaps
				minimum = 1 + random.IntN(top)
				o.set(minimum, unowned)
			case act == 3 && minimum > 0 && minimum < top: // raised by a command
				to := minimum + 1 + random.IntN(top-minimum)
				h.did(slot, model.ActionUpdate, minimum, to)
				minimum = to
				o.set(minimum, unowned)
			case minimum > 1: // a step, which may fail
				to := 1 + random.IntN(minimum-1)
				h.did(slot, model.ActionUpdate, minimum, to)
				want = append(want, 0)
				if act != 5 {
					minimum = to
					o.set(minimum, len(want)-1)
				} else {
					pass(4) // nobody else lowers it before that shows
				}
			}
			pass(1)
		}
		h.known = savings.Known{Listed: true}
		if minimum > 0 {
			h.inService(minimum, at(len(h.minimum)))
		}
		got := h.compute(t)
		if len(got) != len(want) {
			t.Fatalf("seed %d: %d actions, want %d", seed, len(got), len(want))
		}
		for k, a := range got {
			if math.Abs(sum(a.TPSHours)-want[k]) > 1e-6 || a.UnknownHours > 0 {
				t.Fatalf("seed %d: action %d (%s %d to %d at slot %v) saved %v and %v h unknown, want %v", seed, k, a.Action, a.From, a.To,
					a.Time.Sub(noon)/billing.Slot, sum(a.TPSHours), a.UnknownHours, want[k])
			}
		}
		// A gap in our own series, with one change at most in it, never adds more to a saving than the
		// slot by which the series is early.
		from, down := random.IntN(len(h.minimum)), map[int]bool{}
		for i := from; i < min(from+9, len(h.minimum)); i++ {
			h.minimum[i] = 0
			down[i] = true
		}
		h.down = down
		h.known = savings.Known{}
		for k, a := range h.compute(t) {
			if got := sum(a.TPSHours); got < 0 || got > want[k]+float64(a.From-a.To)/12+1e-6 {
				t.Fatalf("seed %d: with a gap from slot %d action %d saved %v, want no more than %v", seed, from, k, got, want[k])
			}
		}
	}
}

func kindOfEnd(kind model.Kind) model.Action {
	if kind == model.Recommender {
		return model.ActionStop
	}
	return model.ActionDelete
}
