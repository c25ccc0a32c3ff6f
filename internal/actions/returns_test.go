package actions

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/schedule"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

const homePage = "arn:aws:personalize:" + other + ":" + testAccount + ":campaign/home"

func (w *world) tag(key, value string) {
	w.T.Helper()
	_, err := w.Raw.Personalize(other).TagResource(ctxAll, &personalize.TagResourceInput{
		ResourceArn: aws.String(homePage), Tags: []types.Tag{{TagKey: &key, TagValue: &value}},
	})
	w.Must(err)
}

// returnTag is the tag of a timed raise that the campaign has.
func (w *world) returnTag() string {
	w.T.Helper()
	tags, err := writer.New(writer.Options{Clients: w.Raw}).ReadTags(ctxAll, other, homePage)
	w.Must(err)
	return tags[schedule.ReturnTag]
}

func timed(t *testing.T, minimum int) events.Request {
	req := ask(t, "campaign/home", minimum)
	req.For, req.Command = 2*time.Hour, true
	return req
}

// No raise without its return: not if the tag is refused or not shown, by a wrong clock, or where nothing is raised. And no return
// where the raise is refused.
func TestTimedRaises(t *testing.T) {
	hides := func(next http.Handler) http.Handler { // accepts tags, and forgets them
		return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TagResource") {
				_, _ = out.Write([]byte("{}"))
				return
			}
			next.ServeHTTP(out, r)
		})
	}
	tests := []struct {
		name     string
		minimum  int
		fault    localaws.Fault
		around   func(http.Handler) http.Handler
		tag      string // before
		raised   bool
		fails    string
		tagAfter string // a part; empty without a tag
	}{
		{"all is well", 20, localaws.Fault{}, nil, "", true, "", "to=10 from=10 raised=20 due="},
		{"raised before", 20, localaws.Fault{}, nil, "to=4 from=4 raised=10 due=2026-03-04T14:00:00Z arranged=2026-03-04T08:00:00Z", true, "", "to=4 from=10 raised=20 due="},
		{"longer", 10, localaws.Fault{}, nil, "to=4 from=4 raised=10 due=2026-03-04T14:00:00Z arranged=2026-03-04T08:00:00Z", false, "", "to=4 from=10 raised=10 due="},
		{"no raise", 10, localaws.Fault{}, nil, "", false, "needs a higher one", ""},
		{"lower", 8, localaws.Fault{}, nil, "", false, "needs a higher one", ""},
		{"the tag is refused", 20, localaws.Fault{Operation: "TagResource", Service: "personalize", Code: "AccessDeniedException"}, nil, "", false, "arrange the return: TagResource", ""},
		{"the tag is not shown", 20, localaws.Fault{}, hides, "", false, "the return was not arranged", ""},
		{"tags cannot be read", 20, localaws.Fault{Operation: "ListTagsForResource", Service: "personalize", Code: "AccessDeniedException"}, nil, "", false, "its tags could not be read", ""},
		{"the raise is refused", 20, localaws.Fault{Operation: "UpdateCampaign", Code: "AccessDeniedException"}, nil, "", false, "AccessDenied", ""},
		{
			"the raise is refused, after one before", 20,
			localaws.Fault{Operation: "UpdateCampaign", Code: "AccessDeniedException"},
			nil,
			"to=4 from=4 raised=10 due=2026-03-04T14:00:00Z arranged=2026-03-04T08:00:00Z", false, "AccessDenied", "to=4 from=4 raised=10 due=2026-03-04T14:00:00Z",
		},
		{"the answer to the raise is lost", 20, localaws.Fault{Operation: "UpdateCampaign", Kind: localaws.Garbage, Times: 1}, nil, "", true, "", "raised=20"},
		{"the clock is wrong", 20, localaws.Fault{Service: "personalize", Kind: localaws.Skew, Skew: 3 * time.Minute}, nil, "", false, "a return cannot be arranged: the clock of this host", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clock := model.NewVirtualClock(testTime)
			server, err := localaws.New(shop(), localaws.WithClock(clock))
			if err != nil {
				t.Fatal(err)
			}
			var handler http.Handler = server
			if tt.around != nil {
				handler = tt.around(server)
			}
			w := worldAround(t, clock, server, handler)
			if tt.tag != "" {
				w.tag(schedule.ReturnTag, tt.tag)
			}
			a, _ := w.actor()
			w.Server.AddFault(tt.fault)
			if tt.fault == (localaws.Fault{}) {
				w.Server.ClearFaults()
			}
			n, err := a.Do(ctxAll, model.ActionUpdate, timed(t, tt.minimum))
			w.Server.ClearFaults()
			if (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("error %v, want %q", err, tt.fails)
			}
			if raised := n.Outcome == writer.Done; raised != tt.raised {
				t.Errorf("%s: %s", n.Outcome, n.Sentence)
			}
			if got := w.returnTag(); (got == "") != (tt.tagAfter == "") || !strings.HasPrefix(got, tt.tagAfter) && !strings.Contains(got, tt.tagAfter) {
				t.Errorf("tag %q, want %q", got, tt.tagAfter)
			}
		})
	}
}

// A raise whose return something else would keep from being carried out is not made.
func TestNoRaiseThatCannotReturn(t *testing.T) {
	for _, tt := range []struct{ key, value, fails string }{
		{rules.ProtectTag, "all", "a return cannot be arranged: it would be protected by its tag personalize-monitor:protect=all"},
		{rules.ProtectTag, "tps until 2099-01-01", "protected by its tag"},
		{rules.ProtectTag, "idle", ""},
		{rules.ProtectTag, "tps until " + testTime.AddDate(0, 0, -1).Format(time.DateOnly), ""},
		{schedule.Tag, "base=5 lunch", "a return cannot be arranged: its tag personalize-monitor:schedule is not understood: column 8"},
		{schedule.Tag, "base=5 daily@12:00-13:00=9", ""},
		{schedule.ReturnTag, "nonsense", ""}, // is replaced
	} {
		w := newShop(t)
		w.tag(tt.key, tt.value)
		a, _ := w.actor()
		n, err := a.Do(ctxAll, model.ActionUpdate, timed(t, 20))
		raised := n.Outcome == writer.Done && strings.Contains(w.returnTag(), "to=10 from=10 raised=20")
		if raised != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
			t.Errorf("%s=%s: %s, %v, tag %q", tt.key, tt.value, n.Outcome, err, w.returnTag())
		}
	}
}

// An event that is delivered twice arranges its return once, whichever way its end is given.
func TestATimedEventTwice(t *testing.T) {
	for _, until := range []time.Time{{}, testTime.Add(3*time.Hour + time.Second/2)} {
		w := newShop(t)
		a, _ := w.actor()
		req := timed(t, 20)
		if req.Command = false; !until.IsZero() {
			req.For, req.Until = 0, until
		}
		if _, err := a.Do(ctxAll, model.ActionUpdate, req); err != nil {
			t.Fatal(err)
		}
		tag := w.returnTag()
		if n, err := a.Do(ctxAll, model.ActionUpdate, req); err != nil || n.Outcome != writer.AlreadySo || w.returnTag() != tag {
			t.Errorf("until %v: %+v, %v, tag %q after %q", until, n, err, w.returnTag(), tag)
		}
	}
}

// A minimum that a person sets for good, the present one too, ends an arranged return.
func TestAMinimumForGoodEndsAReturn(t *testing.T) {
	for minimum, outcome := range map[int]writer.Outcome{10: writer.AlreadySo, 12: writer.Done} {
		w := newShop(t)
		w.tag(schedule.ReturnTag, "to=4 from=4 raised=10 due=2026-03-04T14:00:00Z arranged=2026-03-04T08:00:00Z")
		a, _ := w.actor()
		n, err := a.Do(ctxAll, model.ActionUpdate, ask(t, "campaign/home", minimum))
		if err != nil || n.Outcome != outcome || len(n.Problems) > 0 || w.returnTag() != "" {
			t.Errorf("to %d: %+v, %v, tag %q", minimum, n, err, w.returnTag())
		}
	}
}

// What a tag arranges is done if it still holds, and nothing else.
func TestScheduledRequests(t *testing.T) {
	const tag = "to=4 from=4 raised=10 due=2026-03-04T08:00:00Z arranged=2026-03-04T06:00:00Z"
	tests := []struct {
		name     string
		decision rules.Decision
		outcome  writer.Outcome
		tag      string
		events   int
	}{
		{"holds", rules.Decision{Verdict: rules.Return, NewMinTPS: 4, Reason: "its time"}, writer.Done, tag, 1}, // the tag stays until the minimum is seen to be back
		{"another minimum", rules.Decision{Verdict: rules.Return, NewMinTPS: 5, Reason: "its time"}, writer.Refused, tag, 0},
		{"another verdict", rules.Decision{Verdict: rules.Lower, NewMinTPS: 4, Reason: "its time"}, writer.Refused, tag, 0},
		{"nothing", rules.Decision{Verdict: rules.None, NewMinTPS: 4, Reason: "not yet"}, writer.Refused, tag, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newShop(t)
			w.tag(schedule.ReturnTag, tag)
			a, _ := w.actor(func(o *testOptions) {
				o.Recheck = recheckFunc(func(context.Context, events.Request) (rules.Decision, error) { return tt.decision, nil })
			})
			req := automatic(t, model.ActionUpdate, "campaign/home", 10, 4)
			req.Scheduled = rules.Return
			n, err := a.Do(ctxAll, model.ActionUpdate, req)
			if err != nil || n.Outcome != tt.outcome || w.returnTag() != tt.tag || len(w.sent()) != tt.events {
				t.Errorf("%+v, %v, tag %q, events %v", n, err, w.returnTag(), w.sent())
			}
		})
	}
}

// A step-down that was decided without the tags is refused by them.
func TestTagsRefuseAStep(t *testing.T) {
	for key, value := range map[string]string{
		schedule.Tag:       "base=2 daily@00:00-24:00=9",
		schedule.ReturnTag: "to=4 from=4 raised=10 due=2026-03-04T14:00:00Z arranged=2026-03-04T08:00:00Z",
	} {
		w := newShop(t)
		w.tag(key, value)
		a, _ := w.actor(func(o *testOptions) {
			o.Recheck = recheckFunc(func(context.Context, events.Request) (rules.Decision, error) {
				return rules.Decision{Verdict: rules.StepDown, NewMinTPS: 7, Resource: model.Resource{MinTPS: 10}}, nil
			})
		})
		n, err := a.Do(ctxAll, model.ActionUpdate, automatic(t, model.ActionUpdate, "campaign/home", 10, 7))
		if err != nil || n.Outcome != writer.Refused || !strings.Contains(n.Why, "by its tag "+key) {
			t.Errorf("%+v, %v", n, err)
		}
	}
}
