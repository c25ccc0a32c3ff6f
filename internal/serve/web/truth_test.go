package web_test

import (
	"errors"
	"html"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
	"github.com/personalize-monitor/personalize-monitor/test/webstory"
)

// What is not known is not shown as well, and what is old not as of now.
func TestPagesSayWhatTheyDoNotKnow(t *testing.T) {
	calm := func(s *web.Snapshot) {
		s.Alarms.List, s.Result.Problems = nil, nil
		for i, r := range s.Result.Resources {
			s.Result.Resources[i].Checked = true
			s.Checks[r.ARN] = serve.Check{Time: webstory.Now, Reason: "kept"}
		}
		for arn := range s.Checks {
			s.Checks[arn] = serve.Check{Time: webstory.Now, Reason: "kept"}
		}
	}
	oldAlarms := func(s *web.Snapshot) {
		s.Alarms.List = []serve.Alarm{{Name: "one", Resource: webstory.HomePage, Region: "us-east-1"}}
		s.Alarms.Known, s.Alarms.Old = false, map[string]time.Time{"us-east-1": time.Date(2026, 3, 4, 11, 0, 0, 0, time.UTC), "eu-west-1": {}}
	}
	refusedOrder := func(s *web.Snapshot) {
		s.Checks[webstory.SimilarItems] = serve.Check{
			Time: s.Status.LastSuccess, Decision: rules.StepDown, NewMin: 22, Reason: "lowest hour averaged 5.8 TPS over 336 hours", Outcome: "refused: protected by its tag",
		}
	}
	listing := model.Problem{Region: "eu-west-1", Operation: "ListCampaigns", Err: errors.New("denied")}
	gone := "/resource?arn=" + url.QueryEscape(strings.Replace(webstory.HomeRows, "home-rows", "gone", 1))
	const fine = "everything could be read."
	for _, tt := range []struct {
		name, target string
		change       func(*web.Snapshot)
		says, not    string
	}{
		{"all is well", "/", nil, fine, "not all of"},
		{"a region was not listed", "/", func(s *web.Snapshot) { s.Result.Problems = []model.Problem{listing} }, "not all of eu-west-1 could be listed", fine},
		{"nor on the table", "/resources", func(s *web.Snapshot) { s.Result.Problems = []model.Problem{listing} }, "Not all of eu-west-1 could be listed", "No campaign"},
		{"a problem of one resource is not one of a region", "/resources", func(s *web.Snapshot) {
			s.Result.Problems = []model.Problem{{ARN: webstory.HomePage, Region: "us-east-1", Operation: "DescribeCampaign", Err: errors.New("throttled")}}
		}, "of 9 resources", "could be listed"},
		{"a resource of that region", gone, func(s *web.Snapshot) { s.Result.Problems = []model.Problem{listing} }, "could not be read in the last cycle", "deleted"},
		{"one that was looked for", gone, nil, "It may have been deleted", "could not be read in the last cycle"},
		{"not checked yet", "/", func(s *web.Snapshot) { s.Checks, s.Result.Resources[0].Checked = nil, false }, "1 endpoint had no hourly check by this daemon yet", fine},
		{"not checked, its demand is known", "/resources?q=home-page", func(s *web.Snapshot) { s.Checks = nil; s.Result.Resources[3].Checked = false }, ">Keep<span class=\"sub\">by its demand of 14 days<", ">Not checked<"},
		{"not checked, nothing is kept", "/resources?q=home-page", func(s *web.Snapshot) { s.Checks, s.Ledger = nil, nil; s.Result.Resources[3].Checked = false }, ">Not checked<", ">Keep<"},
		{"alarms not known", "/", func(s *web.Snapshot) { s.Alarms.Known = false }, "everything could be read except the alarms", fine},
		{"alarms of a region are old", "/", oldAlarms, "those of us-east-1 are from 4 March 11:00 UTC, as they could not be listed since", fine},
		{"also on the table", "/resources", oldAlarms, "Not all alarms could be listed in the last cycle: those of eu-west-1 are unknown", "since they were listed"},
		{"and at a resource", "/resource?arn=" + url.QueryEscape(webstory.HomePage), oldAlarms, "Those shown are from 2026-03-04 11:00", "They are unknown"},
		{"one that never was listed", "/resource?arn=" + url.QueryEscape(webstory.HomeRows), oldAlarms, "They are unknown.", "Those shown are"},
		{"traffic that cannot be seen", "/", nil, "the traffic of 1 cannot be seen", "could not be read"},
		{"nor be filtered as unread", "/resources?show=unread", nil, "Nothing matches", "video-next"},
		{"but for what it is", "/resources?show=unseen", nil, "1–1 of 1 resource", "Nothing matches"},
		{"alarms just created", "/", func(s *web.Snapshot) { s.Alarms.Created, s.Alarms.Deleted = 10, 1 }, "of 0 alarms; 10 created and 1 deleted since they were listed", "Alarms: unknown"},
		{"the last cycle failed", "/activity", func(s *web.Snapshot) { s.Status.LastError = "denied" }, "The last cycle measured nothing.</strong> The values shown are from 2026-03-04 12:05 UTC.", "is on standby"},
		{"the first cycle failed", "/", func(s *web.Snapshot) {
			*s = web.Snapshot{}
			s.Status.LastError, s.Status.LastCycle = "denied", webstory.Now
		}, "The last cycle measured nothing.", "No cycle has ended yet"},
		{"dry run", "/resources", func(s *web.Snapshot) { s.Status.DryRun = true }, "nothing is written", "is on standby"},
		{"standby", "/resources", func(s *web.Snapshot) { s.Status.Role = serve.Standby }, "This daemon is on standby", "dry run"},
		{"an order refused by the function", "/resources?q=similar", refusedOrder, `30 → 22 refused<span class="sub">protected by its tag</span>`, "30 → 22 requested"},
		{"and worth a look", "/", refusedOrder, "minimum 30 → 10 · refused: protected by its tag", "requested to 22 · "},
		{"of the last cycle itself", "/resource?arn=" + url.QueryEscape(webstory.SimilarItems), func(s *web.Snapshot) {
			refusedOrder(s)
			for i, r := range s.Result.Resources {
				if r.ARN == webstory.SimilarItems {
					s.Result.Resources[i].Decision, s.Result.Resources[i].Outcome = rules.StepDown, events.OutcomeAsked
				}
			}
		}, `<b>30 → 22 refused</b> · protected by its tag`, `30 → 22 requested`},
		{"prices and their dates", "/", nil, "USD 0.2 per TPS-hour, campaign in us-east-1, of 2026-02-01 (made up)", "of %"},
		{"what has no price", "/", nil, "without 6 endpoints of unknown cost", "of %"},
		{"savings of all the time", "/", func(s *web.Snapshot) {
			s.Status.Recorded = webstory.Now.Add(-20 * 24 * time.Hour)
			s.Status.Started = s.Status.Recorded
		}, "Saved in March", "Saved since"},
		{"savings by the records of a file", "/", func(s *web.Snapshot) { s.Status.Recorded = webstory.Now.Add(-20 * 24 * time.Hour) }, "Saved in March", "Saved since"},
		{"of a file that begins later", "/", func(s *web.Snapshot) { s.Status.Recorded = webstory.Now.Add(-3 * 24 * time.Hour) }, "Saved since 1 March", "Saved since the start"},
		{"savings since the start", "/", nil, "since 3 March 06:07 UTC: USD 42, 208 TPS-hours, without 1 action (20 h of actions are unknown)", "Saved in March"},
		{"savings that are not known", "/", func(s *web.Snapshot) { s.Saved = nil }, "not known yet", "Saved since"},
		{"savings of a resource", "/resource?arn=" + url.QueryEscape(webstory.SimilarItems), nil, `USD 42, 208 TPS-hours</td><td class="n p0">5,840.0</td><td class="n p0">5,840.0</td><td class="pc">in effect</td>`, "no minimum"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := webstory.Snapshot("shop")
			calm(&s)
			if tt.change != nil {
				tt.change(&s)
			}
			h := page(t, "shop", func(o *web.Options) { o.Source = webstory.NewSource(s) })
			body := html.UnescapeString(get(t, h, tt.target).Body.String())
			if !strings.Contains(body, tt.says) || strings.Contains(body, tt.not) {
				t.Errorf("it must say %q and not %q:\n%s", tt.says, tt.not, body[strings.Index(body, "<main"):])
			}
		})
	}
}
