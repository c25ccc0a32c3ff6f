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

// actionsView says which buttons the page of a resource has.
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

// order is what a form asks for.
type order struct {
	action  model.Action
	request events.Request
	record  string
}

// errUnconfirmed tells that the name typed in is not the resource's.
var errUnconfirmed = errors.New("to confirm, type the name of the resource exactly as it is shown")

// act carries out what a form asks for, and leads back to the resource.
func (h *Handler) act(w http.ResponseWriter, r *http.Request) {
	if !h.AllowActions {
		h.Logger.Warn("action refused: actions are not allowed", "op", "action")
		h.fail(w, r, http.StatusForbidden, "This page only shows. Actions are allowed with --allow-actions.")
		return
	}
	if r.URL.RawQuery != "" {
		h.badQuery(w, r, errors.New("a form has no query"))
		return
	}
	if err := r.ParseForm(); err != nil {
		h.badQuery(w, r, errors.New("the form could not be read"))
		return
	}
	f := fields{values: map[string]string{}}
	f.take(r.PostForm, []string{keyToken, keyARN, keyAction, keyMin, keyConfirm, keyReason, keyRecord})
	if !h.signed("form", f.values[keyARN], f.values[keyToken]) {
		h.fail(w, r, http.StatusForbidden, "The form is out of date or comes from elsewhere. Go back, load the page again, and repeat.")
		return
	}
	asked, err := orderOf(&f)
	if err != nil {
		h.badQuery(w, r, err)
		return
	}
	if present := h.minimumOf(asked.request.ARN.String()); muchMore(asked, present) && f.values[keyConfirm] != strconv.Itoa(asked.request.NewMinTPS) {
		h.askAgain(w, r, &f, asked, present)
		return
	}
	if !h.begin() {
		h.fail(w, r, http.StatusServiceUnavailable, "The monitor is being stopped. Nothing was done.")
		return
	}
	defer h.acting.Done()
	// The server's own limit is for pages; servers without deadlines do without.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(actionTime + writeTime))
	done := h.carryOut(r.Context(), asked)
	http.Redirect(w, r, link("/resource", keyARN, asked.request.ARN.String(), keyDone, h.notes.leave(done)), http.StatusSeeOther)
}

// A minimum is paid for whether it is used or not, and one digit too many costs ten times as
// much: above both of these, in TPS and times the present one, it is asked for twice.
const (
	muchTPS   = 10
	muchTimes = 10
)

// muchMore tells whether a minimum is so much higher than the present one that it may be a
// slip. A present one that is not known counts as none.
func muchMore(o order, present int) bool {
	return o.action == model.ActionUpdate && o.request.NewMinTPS > max(muchTPS, muchTimes*present)
}

// minimumOf is the present minimum of a resource; 0 if it is not known.
func (h *Handler) minimumOf(arn string) int {
	for _, r := range h.Source.Snapshot().Result.Resources {
		if r.ARN == arn {
			return r.Min
		}
	}
	return 0
}

// againView is what is asked before a minimum is raised by much.
type againView struct {
	Name, ARN, Token, Reason, Back string
	Unit                           string
	Present, New                   int
	Monthly                        string // what it costs, in TPS-hours
	Wrong                          bool   // another number was typed than that
}

// askAgain asks whether a much higher minimum is meant. Nothing is done yet.
func (h *Handler) askAgain(w http.ResponseWriter, r *http.Request, f *fields, o order, present int) {
	arn := o.request.ARN.String()
	view := againView{
		Name: o.request.ARN.Name(), ARN: arn, Token: h.formToken(arn), Reason: f.text(keyReason), Back: link("/resource", keyARN, arn),
		Unit: o.request.Kind.RateUnit(), Present: present, New: o.request.NewMinTPS,
		Monthly: thousands(float64(o.request.NewMinTPS) * billing.HoursPerMonth), Wrong: f.values[keyConfirm] != "",
	}
	sendOrigin(w)
	h.render(w, r, http.StatusOK, "again", frame{Title: "Is that meant?", Path: "/resources"}, view)
}

// orderOf reads a form.
func orderOf(f *fields) (order, error) {
	arn, kind := f.arn(keyARN, true)
	action := model.Action(f.choice(keyAction, "", string(model.ActionUpdate), string(model.ActionStop), string(model.ActionStart), string(model.ActionDelete), string(model.ActionRestore)))
	o := order{action: action, request: events.Request{ARN: arn, Kind: kind, Reason: "asked for on the web page"}}
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
		return o, errUnconfirmed
	}
	return o, nil
}

// carryOut does what was asked. A browser that goes away does not stop it half-way; a
// daemon that is stopped has what was accepted finished (act), and the rest broken off.
func (h *Handler) carryOut(ctx context.Context, o order) note {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actionTime)
	defer cancel()
	go func() {
		select {
		case <-h.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	arn := o.request.ARN.String()
	h.Logger.Info("action asked for", "op", string(o.action), "arn", arn, "region", o.request.ARN.Region)
	var sentence string
	var err error
	if o.action == model.ActionRestore {
		record, ok := findRecord(h.Source.Snapshot().Audits, arn, o.record)
		if !ok {
			return note{Failed: true, Text: "There is no such record any more, so there is nothing to restore by."}
		}
		sentence, err = h.Actions.Restore(ctx, record)
	} else {
		sentence, err = h.Actions.Do(ctx, o.action, o.request)
	}
	if err != nil {
		h.Logger.Error("action failed", "op", string(o.action), "arn", arn, "region", o.request.ARN.Region, "err", err)
		return note{Failed: true, Text: fmt.Sprintf("Not done: %v", err)}
	}
	return note{Text: sentence}
}

// note is what came of an action.
type note struct {
	Failed bool
	Text   string
}

// notes are handed out once, to the page that is loaded after a form.
type notes struct {
	mu    sync.Mutex
	left  map[string]note
	order []string // the oldest first
}

// keptNotes bounds the notes that nobody came for.
const keptNotes = 100

// leave keeps a note and gives the name by which it can be taken.
func (n *notes) leave(one note) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.left == nil {
		n.left = map[string]note{}
	}
	name := rand.Text()
	n.left[name] = one
	n.order = append(n.order, name)
	if len(n.order) > keptNotes {
		delete(n.left, n.order[0])
		n.order = n.order[1:]
	}
	return name
}

// take hands a note out; nil if there is none of that name.
func (n *notes) take(name string) *note {
	n.mu.Lock()
	defer n.mu.Unlock()
	one, ok := n.left[name]
	if !ok {
		return nil
	}
	delete(n.left, name)
	n.order = slices.DeleteFunc(n.order, func(kept string) bool { return kept == name })
	return &one
}
