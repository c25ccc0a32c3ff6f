package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// What CloudFormation asks for.
const (
	createRequest = "Create"
	updateRequest = "Update"
	deleteRequest = "Delete"
)

// request is a request of CloudFormation for a custom resource. Its answer echoes the ids.
type request struct {
	kind          string // RequestType
	url           string // ResponseURL; whoever has it can answer
	stack         string // StackId
	id            string // RequestId
	logical       string // LogicalResourceId
	physical      string // PhysicalResourceId; empty on Create
	properties    map[string]json.RawMessage
	oldProperties map[string]json.RawMessage // on Update
	fault         error                      // with the properties, which matters to those who need them
}

// readRequest reads a request as far as it can, to be able to answer it. The error says
// what is wrong with it.
func readRequest(keys map[string]json.RawMessage) (request, error) {
	var r request
	var wrong []string
	for _, field := range []struct {
		key  string
		into *string
	}{
		{keyRequestType, &r.kind},
		{"StackId", &r.stack},
		{"RequestId", &r.id},
		{"LogicalResourceId", &r.logical},
		{keyResponseURL, &r.url},
	} {
		if *field.into, _ = text(keys[field.key]); *field.into == "" {
			wrong = append(wrong, field.key)
		}
	}
	// Not trimmed: it goes back exactly as it came.
	_ = json.Unmarshal(keys["PhysicalResourceId"], &r.physical) // what is no text counts as missing
	for key, into := range map[string]*map[string]json.RawMessage{"ResourceProperties": &r.properties, "OldResourceProperties": &r.oldProperties} {
		raw, given := keys[key]
		if given && json.Unmarshal(raw, into) != nil {
			r.fault = fmt.Errorf("key %q is %s; valid: an object", key, events.Brief(string(raw)))
		}
	}
	delete(r.properties, "ServiceToken")
	switch {
	case len(wrong) > 0:
		return r, fmt.Errorf("the CloudFormation request lacks %s, or it is no text", strings.Join(wrong, ", "))
	case r.kind != createRequest && r.kind != updateRequest && r.kind != deleteRequest:
		return r, fmt.Errorf("the request type %s is unknown; the types are %s, %s, %s", strconv.Quote(events.Brief(r.kind)), createRequest, updateRequest, deleteRequest)
	}
	return r, nil
}

// custom serves a request of CloudFormation, which is answered whatever happens: else the
// stack waits for an hour. It is an error only if the answer could not be delivered, so
// that Lambda tries again; what failed is told to CloudFormation and logged.
func (h *Handler) custom(ctx context.Context, e event) (string, error) {
	r, err := readRequest(e.keys)
	if err := checkURL(r.url); err != nil {
		return "", fmt.Errorf("the CloudFormation request cannot be answered: %w", err)
	}
	if err == nil {
		err = h.inTime(ctx, func(ctx context.Context) error { return h.fulfil(ctx, r) })
	}
	a := answer{Status: "SUCCESS", PhysicalResourceID: r.physical, StackID: r.stack, RequestID: r.id, LogicalResourceID: r.logical}
	if a.PhysicalResourceID == "" {
		a.PhysicalResourceID = h.physicalID(ctx, r)
	}
	sentence := fmt.Sprintf("%s of %s %s answered: SUCCESS.", events.Brief(r.kind), h.function, events.Brief(r.logical))
	if err != nil {
		a.Status, a.Reason = "FAILED", awsapi.Line(err)
		sentence = fmt.Sprintf("%s of %s %s answered: FAILED: %s.", events.Brief(r.kind), h.function, events.Brief(r.logical), strings.TrimSuffix(a.Reason, "."))
		h.log.ErrorContext(ctx, "custom resource failed", "function", string(h.function), "what", r.kind, "err", a.Reason)
	}
	return sentence, h.deliver(ctx, r.url, a)
}

// physicalID names the resource when it is created. It is always the same: another one
// on an update would have CloudFormation delete what was just made.
func (h *Handler) physicalID(ctx context.Context, r request) string {
	if h.function == Dashboard {
		return h.resolveValid(ctx, boardName, r.properties).DashboardName
	}
	return "personalize-monitor-" + string(h.function)
}

// fulfil does what CloudFormation asks for. A function that is no custom resource says so,
// but lets itself be deleted, or the stack could never be.
func (h *Handler) fulfil(ctx context.Context, r request) error {
	remove := r.kind == deleteRequest
	switch {
	case h.function == Dashboard && remove:
		return h.deleteBoards(ctx, r)
	case h.function == Dashboard:
		return h.putBoards(ctx, r)
	case h.function == Cleanup && remove:
		return h.removeAll(ctx, r)
	case h.function == Cleanup, remove:
		return nil // there is nothing to do yet, or any more
	}
	return fmt.Errorf("the function %s is no custom resource", h.function)
}

// answerTime is kept free before the deadline, to answer in.
const answerTime = 10 * time.Second

// errLate is the error of work that did not end when its time was up.
var errLate = errors.New("it did not end in time")

// inTime does work with so much less time that there is enough left to answer in, and
// gives it up if it does not end by then. A panic becomes an error.
func (h *Handler) inTime(ctx context.Context, work func(context.Context) error) error {
	limited, cancel := short(ctx, answerTime)
	defer cancel()
	patience, stop := ctx, context.CancelFunc(func() {})
	if end, ok := ctx.Deadline(); ok {
		from, _ := limited.Deadline()
		patience, stop = context.WithDeadline(ctx, from.Add(end.Sub(from)/3))
	}
	defer stop()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if cause := recover(); cause != nil {
				h.log.ErrorContext(ctx, "panic", "err", fmt.Sprint(cause), "stack", string(debug.Stack()))
				h.forget()
				done <- fmt.Errorf("the program failed: %v", cause)
			}
		}()
		done <- work(limited)
	}()
	select {
	case err := <-done:
		return err
	case <-patience.Done():
	}
	select {
	case err := <-done:
		return err
	default:
		return errLate
	}
}

// answer is what CloudFormation is told.
type answer struct {
	Status             string
	Reason             string `json:",omitempty"`
	PhysicalResourceID string `json:"PhysicalResourceId"`
	StackID            string `json:"StackId"`
	RequestID          string `json:"RequestId"`
	LogicalResourceID  string `json:"LogicalResourceId"`
}

// maxAnswer is how many bytes an answer may have (custom resource response objects, in
// the CloudFormation user guide).
const maxAnswer = 4096

// body is the answer as it is sent, its reason cut until it fits.
func (a answer) body() ([]byte, error) {
	reason := strings.ToValidUTF8(a.Reason, "?")
	a.Reason = reason
	for {
		body, err := encode(a)
		if err != nil || len(body) <= maxAnswer {
			return body, err
		}
		over := len(body) - maxAnswer
		if reason == "" {
			return nil, fmt.Errorf("its ids are %d bytes too long", over)
		}
		// A character takes no less room in JSON than it has bytes; the sign of the cut has 3.
		keep := max(0, len(reason)-max(1, over/6+len("…")))
		for keep > 0 && !utf8.RuneStart(reason[keep]) {
			keep--
		}
		reason = reason[:keep]
		a.Reason = reason + "…"
	}
}

// How the delivery of an answer is tried.
const (
	deliveries   = 4
	deliveryWait = 200 * time.Millisecond // doubled each time
	deliveryTime = 10 * time.Second       // at most, for one try
)

// deliver puts the answer to where CloudFormation waits for it. Errors do not repeat the
// URL: whoever has it can answer.
func (h *Handler) deliver(ctx context.Context, to string, a answer) error {
	body, err := a.body()
	if err != nil {
		return fmt.Errorf("the answer to CloudFormation cannot be written: %w", err)
	}
	wait := deliveryWait
	for try := 1; ; try++ {
		again, err := h.put(ctx, to, body)
		if err == nil {
			return nil
		}
		if !again || try == deliveries || ctx.Err() != nil {
			return fmt.Errorf("the answer (%s) was not delivered to CloudFormation: %w", a.Status, err)
		}
		h.log.WarnContext(ctx, "the answer was not delivered; trying again", "err", err)
		if err := h.clock.Sleep(ctx, wait); err != nil {
			return fmt.Errorf("the answer (%s) was not delivered to CloudFormation: %w", a.Status, err)
		}
		wait *= 2
	}
}

// put tries once to deliver; again tells whether another try may help.
func (h *Handler) put(ctx context.Context, to string, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	ctx, stop := short(ctx, deliveryTime) // half of what is left
	defer stop()
	// No content type: the URL is signed without one.
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("its ResponseURL is no URL")
	}
	response, err := h.http.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return true, err
	}
	defer func() { _ = response.Body.Close() }() // it was read as far as it matters
	if response.StatusCode < http.StatusMultipleChoices {
		return false, nil
	}
	said, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // for the message only
	again = response.StatusCode >= http.StatusInternalServerError ||
		response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusRequestTimeout
	return again, fmt.Errorf("HTTP %d %s", response.StatusCode, events.Brief(string(said)))
}

// checkURL refuses what is no absolute http or https URL, without repeating it.
func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return fmt.Errorf("its %s is missing or no URL", keyResponseURL)
	}
	return nil
}
