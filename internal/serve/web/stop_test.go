package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
	"github.com/personalize-monitor/personalize-monitor/test/webstory"
)

// slowActions are under way until they are told to end, and then see to what follows.
type slowActions struct {
	*webstory.Actions
	after time.Duration
	ended bool
}

func (a *slowActions) Do(ctx context.Context, _ model.Action, _ events.Request) (string, error) {
	<-ctx.Done()
	time.Sleep(a.after)
	a.ended = true
	return "Accepted.", nil
}

// Who stops the daemon waits for what a person has asked for, and nothing new is begun.
func TestActionUnderWayIsFinishedWhenThePageIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowActions{after: 10 * time.Second}
		h := page(t, "shop", func(o *web.Options) { o.AllowActions, o.Actions = true, slow })
		form := url.Values{"arn": {webstory.HomePage}, "action": {"update-tps"}, "min": {"30"}, "token": {tokenOf(t, h, webstory.HomePage)}}
		go post(h, "/action", form)
		synctest.Wait()
		begin := time.Now()
		h.Close()
		h.Wait()
		if took := time.Since(begin); !slow.ended || took != slow.after {
			t.Errorf("ended: %v, after %v", slow.ended, took)
		}
		if w := post(h, "/action", form); w.Code != 503 || !strings.Contains(w.Body.String(), "Nothing was done") {
			t.Errorf("an action after the end: status %d", w.Code)
		}
	})
}

// tokenOf reads the token off the forms of a resource's page.
func tokenOf(t *testing.T, h *web.Handler, arn string) string {
	t.Helper()
	_, rest, ok := strings.Cut(get(t, h, "/resource?arn="+url.QueryEscape(arn)).Body.String(), `name="token" value="`)
	token, _, _ := strings.Cut(rest, `"`)
	if !ok || token == "" {
		t.Fatal("the page has no form")
	}
	return token
}

// patient is a response that notes until when it may be written.
type patient struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (p *patient) SetWriteDeadline(until time.Time) error {
	p.until = until
	return nil
}

// An action may take longer than the server gives a page, and its answer must arrive.
func TestAnActionHasTimeToAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := page(t, "shop", func(o *web.Options) { o.AllowActions, o.Actions = true, &slowActions{} })
		form := url.Values{"arn": {webstory.HomePage}, "action": {"update-tps"}, "min": {"30"}, "token": {tokenOf(t, h, webstory.HomePage)}}
		w := &patient{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest(http.MethodPost, "/action", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Host = "localhost"
		h.ServeHTTP(w, r)
		if w.Code != http.StatusSeeOther || !w.until.After(time.Now()) {
			t.Errorf("status %d at %v, and it could be written until %v", w.Code, time.Now(), w.until)
		}
	})
}
