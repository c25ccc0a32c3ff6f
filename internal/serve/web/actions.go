package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
)

// actionTime is how long an action may take until Personalize has accepted it.
const actionTime = 2 * time.Minute

// The keys of the forms.
const (
	keyToken   = "token"
	keyAction  = "action"
	keyMin     = "min"
	keyConfirm = "confirm"
	keyReason  = "reason"
	keyRecord  = "record"
)

// actionsView lists the buttons on the page of a resource.
type actionsView struct{ Update, Stop, Start, Delete bool }

func actionsFor(r row, known bool) actionsView {
	if !known {
		return actionsView{}
	}
	return actionsView{
		Update: r.Monitored,
		Stop:   r.Kind == model.Recommender && r.Monitored,
		Start:  r.Kind == model.Recommender && r.Status == model.StatusInactive,
		Delete: r.Kind == model.Campaign && !r.Status.Deleting(),
	}
}

// actionForms executes what people request by forms.
type actionForms struct {
	options  Options
	sessions *sessions
	pages    *renderer
	notes    bounded[string, note] // each for the page that is loaded after a form

	closing sync.Mutex // no action begins once the page is closed
	closed  context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// note is the outcome of an action.
type note struct {
	Failed bool
	Text   string
}

// maxNotes bounds the notes whose page was never loaded.
const maxNotes = 100

func newActionForms(o Options, s *sessions, pages *renderer) *actionForms {
	closed, cancel := context.WithCancel(context.Background())
	return &actionForms{options: o, sessions: s, pages: pages, closed: closed, cancel: cancel, notes: bounded[string, note]{limit: maxNotes}}
}

// close interrupts actions in progress and rejects further ones.
func (h *actionForms) close() {
	h.closing.Lock()
	defer h.closing.Unlock()
	h.cancel()
}

// begin reports whether an action may begin. The caller calls running.Done after it.
func (h *actionForms) begin() bool {
	h.closing.Lock()
	defer h.closing.Unlock()
	if h.closed.Err() != nil {
		return false
	}
	h.running.Add(1)
	return true
}

// order is what a form requests.
type order struct {
	action  model.Action
	request events.Request
	record  string
}

// ServeHTTP executes what a form requests, and redirects to the resource.
func (h *actionForms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, o, err := h.parse(r)
	if err != nil {
		h.pages.reject(w, r, err)
		return
	}
	arn := o.request.ARN.String()
	o.request.AllowLarge = f.values[keyConfirm] == strconv.Itoa(o.request.NewMinTPS)
	if present := h.minimumOf(arn); muchMore(o, present) && !o.request.AllowLarge {
		h.pages.render(w, r, http.StatusOK, h.confirmPage(f, o, present))
		return
	}
	if !h.begin() {
		h.pages.reject(w, r, statusError{http.StatusServiceUnavailable, "The monitor is stopping. Nothing was done."})
		return
	}
	defer h.running.Done()
	// The server's own limit is for pages; some servers have no deadlines.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(actionTime + writeTime))
	name := rand.Text()
	h.notes.put(name, h.execute(r.Context(), o))
	http.Redirect(w, r, link("/resource", keyARN, arn, keyDone, name), http.StatusSeeOther)
}

// parse reads a form, and checks that it is one of ours.
func (h *actionForms) parse(r *http.Request) (*fields, order, error) {
	switch {
	case !h.options.AllowActions:
		h.options.Logger.Warn("action rejected: actions are not allowed", "op", "action")
		return nil, order{}, statusError{http.StatusForbidden, "This page is read-only. --allow-actions allows actions."}
	case r.URL.RawQuery != "":
		return nil, order{}, errors.New("a form has no query")
	case r.ParseForm() != nil:
		return nil, order{}, errors.New("the form could not be read")
	}
	f := newFields(r.PostForm, keyToken, keyARN, keyAction, keyMin, keyConfirm, keyReason, keyRecord)
	if !h.sessions.checkForm(f.values[keyARN], f.values[keyToken]) {
		return nil, order{}, statusError{http.StatusForbidden,
			"The form is out of date or comes from another site. Go back, reload the page, and repeat."}
	}
	o, err := orderOf(f)
	return f, o, err
}

func orderOf(f *fields) (order, error) {
	arn, kind := f.arn(keyARN, true)
	action := model.Action(f.choice(keyAction, "", string(model.ActionUpdate), string(model.ActionStop), string(model.ActionStart),
		string(model.ActionDelete), string(model.ActionRestore)))
	o := order{action: action, request: events.Request{ARN: arn, Kind: kind, Reason: "requested on the web page"}}
	if reason := f.text(keyReason); reason != "" {
		o.request.Reason = reason
	}
	switch action {
	case "":
		f.reject(keyAction, "the name of an action")
	case model.ActionUpdate:
		o.request.NewMinTPS = f.number(keyMin, 0, 1, events.MaxMinTPS)
	case model.ActionRestore:
		o.record = f.values[keyRecord]
	}
	if f.fault != nil {
		return o, f.fault
	}
	if action != model.ActionRestore {
		if err := o.request.Validate(action); err != nil {
			return o, err
		}
	}
	if action.Ends() && f.values[keyConfirm] != arn.Name() {
		return o, errors.New("to confirm, type the name of the resource exactly as it is shown")
	}
	return o, nil
}

// muchMore reports whether a minimum may be a typing error, and has to be confirmed. An unknown
// present one counts as 1.
func muchMore(o order, present int) bool {
	return o.action == model.ActionUpdate && rules.LargeMinimum(o.request.Kind, o.request.NewMinTPS, max(1, present)) != ""
}

// minimumOf is the present minimum of a resource; 0 if it is unknown.
func (h *actionForms) minimumOf(arn string) int {
	for _, r := range h.options.Source.Snapshot().Result.Resources {
		if r.ARN == arn {
			return r.Min
		}
	}
	return 0
}

// confirmView asks for a confirmation before a minimum is raised by much.
type confirmView struct {
	Name, ARN, Token, Reason, Back string
	Unit                           string
	Present, New                   int
	Monthly                        string // what it costs, in TPS-hours
	Wrong                          bool   // another number was typed
}

func (h *actionForms) confirmPage(f *fields, o order, present int) page {
	arn := o.request.ARN.String()
	return page{template: "confirm", title: "Please confirm", path: "/resources", forms: true, view: confirmView{
		Name: o.request.ARN.Name(), ARN: arn, Token: h.sessions.formToken(arn), Reason: f.text(keyReason), Back: link("/resource", keyARN, arn),
		Unit: o.request.Kind.RateUnit(), Present: present, New: o.request.NewMinTPS,
		Monthly: model.Number(float64(o.request.NewMinTPS)*billing.HoursPerMonth, 0), Wrong: f.values[keyConfirm] != "",
	}}
}

// execute executes an order. A browser that goes away does not interrupt it. When the daemon
// stops, what Personalize has accepted is completed and the rest is interrupted.
func (h *actionForms) execute(ctx context.Context, o order) note {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actionTime)
	defer cancel()
	defer context.AfterFunc(h.closed, cancel)()
	arn := o.request.ARN.String()
	log := h.options.Logger.With("op", string(o.action), "arn", arn, "region", o.request.ARN.Region)
	log.Info("action requested")
	var sentence string
	var err error
	if o.action == model.ActionRestore {
		record, ok := findRecord(h.options.Source.Snapshot().Audits, arn, o.record)
		if !ok {
			return note{Failed: true, Text: "There is no such record any more, so it cannot be restored."}
		}
		sentence, err = h.options.Actions.Restore(ctx, record)
	} else {
		sentence, err = h.options.Actions.Do(ctx, o.action, o.request)
	}
	if err != nil {
		log.Error("action failed", "err", err)
		return note{Failed: true, Text: fmt.Sprintf("Not done: %v", err)}
	}
	return note{Text: sentence}
}

// findRecord finds the record of a resource by its name.
func findRecord(audits []events.Audit, arn, name string) (events.Audit, bool) {
	for _, a := range audits {
		if a.ARN == arn && undoable(a) && recordName(a) == name {
			return a, true
		}
	}
	return events.Audit{}, false
}
