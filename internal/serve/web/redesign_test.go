package web_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
	"github.com/personalize-monitor/personalize-monitor/test/webstory"
)

// changed is a page over the shop with a change.
func changed(t *testing.T, change func(*web.Snapshot)) *web.Handler {
	t.Helper()
	s, _ := webstory.Snapshot("shop")
	change(&s)
	return page(t, "shop", func(o *web.Options) { o.Source = webstory.NewSource(s) })
}

// Every page shows what is automatic, and none claims that nothing is changed.
func TestEveryPageShowsWhatIsAutomatic(t *testing.T) {
	h := page(t, "shop", nil)
	for _, target := range []string{"/", "/resources", "/resource?arn=" + webstory.HomePage, "/activity", "/bill", "/dashboard", "/nowhere"} {
		body := get(t, h, target).Body.String()
		for _, want := range []string{
			`<span class="lead">Automatic</span>`, `<span class="sw on">Auto step-down <b>ON</b></span>`, `<span class="sw ">Auto delete and stop <b>OFF</b></span>`,
			`</svg>1 contested</a>`, `Checked <time`,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q", target, want)
			}
		}
		if strings.Contains(strings.ToLower(body), "read-only") {
			t.Errorf("%s is called read-only, while minimums are lowered", target)
		}
	}
}

// An endpoint whose calls all fail is on top, red, and its page has the failed calls.
func TestAFailingEndpointIsNotMissed(t *testing.T) {
	h := page(t, "failing", nil)
	if got := names(get(t, h, "/resources").Body.String()); got[0] != "video-trailers" {
		t.Errorf("on top is %q", got)
	}
	overview := get(t, h, "/").Body.String()
	for _, want := range []string{"<strong>video-trailers is failing.</strong>", `<span class="badge">1<span class="vh"> failing</span></span>`, `<span class="chip fail">`} {
		if !strings.Contains(overview, want) {
			t.Errorf("the overview lacks %q", want)
		}
	}
	body := get(t, h, "/resource?arn="+webstory.Trailers).Body.String()
	for _, want := range []string{`<strong>Every call failed.</strong>`, `<span class="bad">100%</span>`, `<div id="charts" data-live class="charts">
<figure class="card chart" id="errors">`, "4xx, the call itself is refused <b>100</b>", "5xx, the service fails <b>0</b>"} {
		if !strings.Contains(body, want) {
			t.Errorf("its page lacks %q", want)
		}
	}
	if strings.Contains(get(t, page(t, "shop", nil), "/").Body.String(), "is failing") {
		t.Error("an endpoint fails where none does")
	}
}

// While a cycle works, its progress is shown, and what was measured by then.
func TestProgressIsShown(t *testing.T) {
	h := changed(t, func(s *web.Snapshot) {
		s.Status.LastSuccess, s.Status.LastCycle, s.Status.Measured = s.Status.Started, s.Status.Started, webstory.Now
		s.Progress = []serve.Progress{{Step: "measure", Done: 8, Total: 8}, {Step: "alarms", Done: 340, Total: 1000}}
	})
	body := get(t, h, "/").Body.String()
	for _, want := range []string{"Alarms 340 of 1,000", "<span>340 of 1,000</span>", "9 endpoints"} {
		if !strings.Contains(body, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if strings.Contains(body, "No cycle has ended yet") {
		t.Error("what was measured is hidden")
	}
	first := page(t, "start", nil)
	if body := get(t, first, "/").Body.String(); !strings.Contains(body, "No cycle has ended yet") || !strings.Contains(body, "unknown") {
		t.Error("before the first cycle something seems to be known")
	}
}

// The last change alone can be undone: an older one would skip what came after it.
func TestOnlyTheLastChangeIsUndone(t *testing.T) {
	actions := &webstory.Actions{}
	s, _ := webstory.Snapshot("shop")
	older := s.Audits[4] // the step-down that is done
	if older.Outcome != events.OutcomeDone || older.ARN != webstory.SimilarItems {
		t.Fatalf("another record: %+v", older)
	}
	older.Time, older.NewMinTPS = older.Time.Add(-48*3600e9), 40
	older.Before = &events.Before{Name: "shop-similar-items", Status: "ACTIVE", MinTPS: 55}
	s.Audits = append(s.Audits, older)
	h := page(t, "shop", func(o *web.Options) {
		o.Source, o.AllowActions, o.Actions = webstory.NewSource(s), true, actions
	})
	body := get(t, h, "/resource?arn="+webstory.SimilarItems).Body.String()
	if n := strings.Count(body, `value="restore"`); n != 1 || !strings.Contains(body, "as before Lowered from 40 to 30") {
		t.Errorf("%d buttons to undo", n)
	}
}

// hiddenFields are the hidden fields of the form that a page asks with.
var hiddenFields = regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`)

// A form with a mistake comes back with what was typed and what is wrong, and is accepted once it is right.
func TestAMistakeKeepsTheForm(t *testing.T) {
	for _, tt := range []struct {
		name, arn string
		form      url.Values
		says      []string
		right     url.Values
		asked     string
	}{
		{
			"another name", webstory.ForYou,
			url.Values{"action": {"stop-recommender"}, "confirm": {"shop-for-you"}},
			[]string{"to confirm, type the name of the resource exactly", `value="shop-for-you" aria-describedby="fault" aria-invalid="true"`, "<code>shop-recommended-for-you</code>"},
			url.Values{"confirm": {"shop-recommended-for-you"}},
			"stop-recommender " + webstory.ForYou + " 0 requested on the web page",
		},
		{
			"no whole number", webstory.HomePage,
			url.Values{"action": {"update-tps"}, "min": {"2.5"}, "reason": {"a sale"}},
			[]string{"min=2.5 is not valid", `value="2.5" aria-describedby="fault"`, `name="reason" maxlength="100" value="a sale"`},
			url.Values{"min": {"25"}, "reason": {"a sale"}},
			"update-tps " + webstory.HomePage + " 25 a sale",
		},
		{
			"another number", webstory.HomePage,
			url.Values{"action": {"update-tps"}, "min": {"50"}, "reason": {"a sale"}, "confirm": {"5"}},
			[]string{"The number differs.", "<code>50</code>", `<td>14,600</td><td>36,500</td><td>21,900</td>`},
			url.Values{"confirm": {"50"}},
			"update-tps " + webstory.HomePage + " 50 a sale",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, actions, token := acting(t, tt.arn)
			tt.form.Set("arn", tt.arn)
			tt.form.Set("token", token)
			body := html.UnescapeString(post(h, "/action", tt.form).Body.String())
			for _, want := range tt.says {
				if !strings.Contains(body, want) {
					t.Errorf("it lacks %q:\n%s", want, body[strings.Index(body, "<main"):])
				}
			}
			for _, m := range hiddenFields.FindAllStringSubmatch(body[strings.Index(body, "<main"):], -1) {
				if !tt.right.Has(m[1]) {
					tt.right.Set(m[1], m[2])
				}
			}
			if w := post(h, "/action", tt.right); w.Code != 303 || strings.Join(actions.Asked(), "\n") != tt.asked {
				t.Errorf("status %d, asked %q, want %q", w.Code, actions.Asked(), tt.asked)
			}
		})
	}
}

// While an update runs, the forms are disabled.
func TestFormsAreDisabledDuringAnUpdate(t *testing.T) {
	s, _ := webstory.Snapshot("shop")
	for i := range s.Resources {
		if s.Resources[i].ARN.String() == webstory.HomePage {
			s.Resources[i].Update = webstory.UpdateTo(25)
		}
	}
	h := page(t, "shop", func(o *web.Options) {
		o.Source, o.AllowActions, o.Actions = webstory.NewSource(s), true, &webstory.Actions{}
	})
	body := get(t, h, "/resource?arn="+webstory.HomePage).Body.String()
	if n := strings.Count(body, "<fieldset disabled>"); n != 2 || !strings.Contains(body, "not possible now: update UPDATE IN_PROGRESS (to a minimum of 25)") {
		t.Errorf("%d forms are disabled", n)
	}
	if body := get(t, h, "/resource?arn="+webstory.ForYou).Body.String(); strings.Contains(body, "<fieldset disabled>") {
		t.Error("another one's forms are disabled")
	}
}

// A tag protects what it names as soon as it is known, and not only once it has refused something.
func TestProtectionIsShownBeforeItRefuses(t *testing.T) {
	const tag, arn = "personalize-monitor:protect", webstory.SimilarItems // 30 → 22 is proposed
	for _, tt := range []struct {
		name, value string
		known       bool
		chip, keeps bool
		applies     string
	}{
		{"everything", "true", true, true, true, "Protected by its tag"},
		{"for a time", "until 2026-03-31", true, true, true, "Protected until 31 Mar 2026"},
		{"the minimum", "tps", true, true, true, "Protected by its tag (its minimum)"},
		{"something else than what is proposed", "idle", true, true, false, "Protected by its tag (stop and delete)"},
		{"no longer", "until 2026-03-03", true, false, false, "Not protected; the tag"},
		{"not known", "true", false, false, false, "Its tags are not read yet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := changed(t, func(s *web.Snapshot) {
				check := s.Checks[arn]
				check.Outcome = ""
				s.Checks[arn] = check
				if tt.known {
					s.Tags = map[string]map[string]string{arn: {tag: tt.value}}
				}
			})
			list := get(t, h, "/resources?q=similar").Body.String()
			for what, found := range map[string]bool{
				"count in the mode bar": strings.Contains(list, "</svg>1 protected</a>"), "chip in the list": strings.Contains(list, "</svg>Protected</span>"),
			} {
				if found != tt.chip {
					t.Errorf("%s: %v", what, found)
				}
			}
			if found := strings.Contains(list, "30 → 22 blocked<"); found != tt.keeps {
				t.Errorf("blocked: %v", found)
			}
			if body := get(t, h, "/resource?arn="+arn).Body.String(); !strings.Contains(body, tt.applies) {
				t.Errorf("its page lacks %q", tt.applies)
			}
			if found := strings.Contains(get(t, h, "/").Body.String(), `aria-disabled="true">Protected<`); found != tt.keeps {
				t.Errorf("the recommendation is blocked: %v", found)
			}
		})
	}
}
