package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
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

// formsView lists the forms on the page of a resource.
type formsView struct{ Update, Stop, Start, Delete bool }

func formsOf(r *row) formsView {
	return formsView{
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

// ServeHTTP executes what a form requests, and redirects to the resource. A form with a fault, or whose
// request needs a confirmation, comes back with what was typed.
func (h *actionForms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, err := h.parse(r)
	if err != nil {
		h.pages.reject(w, r, err)
		return
	}
	o, fault := orderOf(f)
	present := h.pages.estate().row(f.values[keyARN])
	if present == nil {
		present = &row{} // its minimum is unknown
	}
	o.request.AllowLarge = o.request.NewMinTPS > 0 && f.values[keyConfirm] == strconv.Itoa(o.request.NewMinTPS)
	switch {
	case fault != nil && (o.action == "" || o.action == model.ActionRestore || o.request.ARN == (model.ARN{})):
		h.pages.reject(w, r, fault)
		return
	case fault != nil:
		h.pages.render(w, r, http.StatusBadRequest, h.confirmPage(f, o, present, fault.Error()))
		return
	case asksFor(o, present.Min) && !o.request.AllowLarge:
		h.pages.render(w, r, http.StatusOK, h.confirmPage(f, o, present, ""))
		return
	}
	arn := o.request.ARN.String()
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
func (h *actionForms) parse(r *http.Request) (*fields, error) {
	switch {
	case !h.options.AllowActions:
		h.options.Logger.Warn("action rejected: actions are not allowed", "op", "action")
		return nil, statusError{http.StatusForbidden, "Buttons are off on this page. --allow-actions allows them."}
	case r.URL.RawQuery != "":
		return nil, errors.New("a form has no query")
	case r.ParseForm() != nil:
		return nil, errors.New("the form could not be read")
	}
	f := newFields(r.PostForm, keyToken, keyARN, keyAction, keyMin, keyConfirm, keyReason, keyRecord)
	if !h.sessions.checkForm(f.values[keyARN], f.values[keyToken]) {
		return nil, statusError{
			http.StatusForbidden,
			"The form is out of date or comes from another site. Go back, reload the page, and repeat.",
		}
	}
	return f, nil
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

// A raise beyond either of these is asked about: it is easily mistyped, and paid for whether it is used
// or not.
const (
	askedRaise = 10 // TPS or RPS above the present minimum
	askedTimes = 2
)

// asksFor reports whether a minimum has to be confirmed. An unknown present one counts as 1.
func asksFor(o order, present int) bool {
	present = max(1, present)
	if o.action != model.ActionUpdate {
		return false
	}
	minimum := o.request.NewMinTPS
	return minimum > present+askedRaise || minimum > askedTimes*present || rules.LargeMinimum(o.request.Kind, minimum, present) != ""
}

// confirmView shows what an action changes, before it is executed.
type confirmView struct {
	Row         *row
	ARN         model.ARN
	Unit        string
	Action      model.Action
	Reason, Min string // as typed
	New         int    // 0 if unknown
	Type, Typed string // what has to be typed to confirm, empty if nothing, and what was
	Fault       string
	Token       string
}

// Monthly are the TPS-hours a month that a minimum, or a change of it, pays for at least.
func (confirmView) Monthly(minimum int) string {
	return model.Number(float64(minimum)*billing.HoursPerMonth, 0)
}

func (h *actionForms) confirmPage(f *fields, o order, present *row, fault string) page {
	v := confirmView{
		Row: present, ARN: o.request.ARN, Unit: o.request.Kind.RateUnit(), Action: o.action, New: o.request.NewMinTPS,
		Reason: f.values[keyReason], Min: f.values[keyMin], Typed: f.values[keyConfirm],
		Fault: fault, Token: h.sessions.formToken(o.request.ARN.String()),
	}
	switch {
	case o.action.Ends():
		v.Type = v.ARN.Name()
	case v.New > 0 && asksFor(o, present.Min):
		v.Type = strconv.Itoa(v.New)
		if v.Typed != "" && fault == "" {
			v.Fault = "The number differs. Type the new minimum exactly, in digits only."
		}
	}
	return page{template: "confirm", title: "Please confirm", path: "/resources", forms: true, view: v}
}

// execute executes an order. A browser that goes away does not interrupt it. When the daemon
// stops, what Personalize has accepted is completed and the rest is interrupted.
func (h *actionForms) execute(ctx context.Context, o order) note {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actionTime)
	defer cancel()
	defer context.AfterFunc(h.closed, cancel)()
	arn := o.request.ARN.String()
	log := h.options.Logger.With("op", string(o.action), "arn", arn, "region", o.request.ARN.Region())
	log.Info("action requested")
	var sentence string
	var err error
	if o.action == model.ActionRestore {
		audits := h.options.Source.Snapshot().Audits
		i := slices.IndexFunc(audits, func(a events.Audit) bool { return a.ARN == arn && undoable(a) && recordName(a) == o.record })
		if i < 0 {
			return note{Failed: true, Text: "There is no such record any more, so it cannot be restored."}
		}
		sentence, err = h.options.Actions.Restore(ctx, audits[i])
	} else {
		sentence, err = h.options.Actions.Do(ctx, o.action, o.request)
	}
	if err != nil {
		log.Error("action failed", "err", err)
		return note{Failed: true, Text: fmt.Sprintf("Not done: %v", err)}
	}
	return note{Text: sentence}
}
