package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// request is a request of CloudFormation for a custom resource. cfn.LambdaWrap is not used: it
// delivers an answer once, of any size, and however late.
type request struct {
	cfn.Event
	properties    map[string]json.RawMessage
	oldProperties map[string]json.RawMessage // on Update
	fault         error                      // in the properties, for requests that need them
}

// readRequest reads a request as far as possible, so that it can be answered. The error says
// what is wrong with it.
func readRequest(payload []byte) (request, error) {
	// What is not a text stays empty, and is reported below.
	var in struct {
		cfn.Event
		ResourceProperties, OldResourceProperties json.RawMessage
	}
	_ = json.Unmarshal(payload, &in)
	r := request{Event: in.Event}
	r.properties, r.fault = objectOf("ResourceProperties", in.ResourceProperties)
	old, fault := objectOf("OldResourceProperties", in.OldResourceProperties)
	r.oldProperties, r.fault = old, errors.Join(r.fault, fault)
	delete(r.properties, "ServiceToken")
	var missing []string
	for _, field := range []struct{ key, value string }{
		{keyRequestType, string(r.RequestType)},
		{"StackId", r.StackID},
		{"RequestId", r.RequestID},
		{"LogicalResourceId", r.LogicalResourceID},
		{keyResponseURL, r.ResponseURL},
	} {
		if strings.TrimSpace(field.value) == "" {
			missing = append(missing, field.key)
		}
	}
	switch {
	case len(missing) > 0:
		return r, fmt.Errorf("the CloudFormation request lacks %s, or it is not a text", strings.Join(missing, ", "))
	case r.RequestType != cfn.RequestCreate && r.RequestType != cfn.RequestUpdate && r.RequestType != cfn.RequestDelete:
		return r, fmt.Errorf("the request type %q is unknown; the types are %s, %s, %s",
			events.Brief(string(r.RequestType)), cfn.RequestCreate, cfn.RequestUpdate, cfn.RequestDelete)
	}
	return r, nil
}

func objectOf(key string, raw json.RawMessage) (map[string]json.RawMessage, error) {
	var keys map[string]json.RawMessage
	if raw != nil && json.Unmarshal(raw, &keys) != nil {
		return nil, fmt.Errorf("key %q is %s; valid: an object", key, events.Brief(string(raw)))
	}
	return keys, nil
}

// checkURL requires an absolute http or https URL. The error does not contain it.
func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return fmt.Errorf("its %s is missing or not a URL", keyResponseURL)
	}
	return nil
}

// custom serves a request of CloudFormation. It answers in every case: without an answer the
// stack waits for an hour. It is an error only if the answer could not be delivered, so that
// Lambda retries; a failure is part of the answer, and logged.
func (h *Handler) custom(ctx context.Context, e event) (string, error) {
	r, err := readRequest(e.payload)
	if err := checkURL(r.ResponseURL); err != nil {
		return "", fmt.Errorf("the CloudFormation request cannot be answered: %w", err)
	}
	if err == nil {
		err = h.inTime(ctx, func(ctx context.Context) error { return h.fulfill(ctx, r) })
	}
	answer := cfn.NewResponse(&r.Event)
	answer.Status, answer.PhysicalResourceID = cfn.StatusSuccess, r.PhysicalResourceID
	if answer.PhysicalResourceID == "" {
		answer.PhysicalResourceID = h.physicalID(ctx, r)
	}
	said := fmt.Sprintf("%s of %s %s answered: ", events.Brief(string(r.RequestType)), h.function, events.Brief(r.LogicalResourceID))
	if err == nil {
		return said + "SUCCESS.", h.deliver(ctx, r.ResponseURL, *answer)
	}
	answer.Status, answer.Reason = cfn.StatusFailed, awsapi.Line(err)
	h.log.ErrorContext(ctx, "custom resource failed", "function", string(h.function), "what", string(r.RequestType), "err", answer.Reason)
	return said + "FAILED: " + strings.TrimSuffix(answer.Reason, ".") + ".", h.deliver(ctx, r.ResponseURL, *answer)
}

// physicalID names a resource that is created. It must never change: after an update with
// another id CloudFormation deletes the resource with the old one.
func (h *Handler) physicalID(ctx context.Context, r request) string {
	if h.function == Dashboard {
		return board{h}.name(ctx, r.properties)
	}
	return "personalize-monitor-" + string(h.function)
}

// fulfill does what CloudFormation requests. A function that is not a custom resource returns
// an error, except on Delete: else the stack could never be deleted.
func (h *Handler) fulfill(ctx context.Context, r request) error {
	remove := r.RequestType == cfn.RequestDelete
	switch {
	case h.function == Dashboard && remove:
		return board{h}.delete(ctx, r)
	case h.function == Dashboard:
		return board{h}.put(ctx, r)
	case h.function == Cleanup && remove:
		return cleaner{h}.delete(ctx, r)
	case h.function == Cleanup, remove:
		return nil
	}
	return fmt.Errorf("the function %s is not a custom resource", h.function)
}

// answerTime is kept free before the deadline, for the answer.
const answerTime = 10 * time.Second

var errLate = errors.New("it did not end in time")

// inTime does work in so much less time that enough is left for the answer. Work that has not
// ended at a third of that is abandoned. A panic becomes an error.
func (h *Handler) inTime(ctx context.Context, work func(context.Context) error) error {
	working, cancel := shorten(ctx, answerTime)
	defer cancel()
	waiting, stop := context.WithCancel(ctx)
	if end, ok := ctx.Deadline(); ok {
		limit, _ := working.Deadline()
		waiting, stop = context.WithDeadline(ctx, limit.Add(end.Sub(limit)/3))
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
		done <- work(working)
	}()
	return await(done, waiting.Done())
}

// await returns the result of work, or errLate if the waiting ends first. Work that has ended
// counts, even if both become known at once, as after a pause of the process.
func await(done <-chan error, ended <-chan struct{}) error {
	select {
	case err := <-done:
		return err
	case <-ended:
	}
	select {
	case err := <-done:
		return err
	default:
		return errLate
	}
}

// resolveValid reads the named parameters and skips those that are invalid, which must not
// prevent a removal.
func (h *Handler) resolveValid(ctx context.Context, names []string, keys map[string]json.RawMessage) config.Values {
	names, keys = slices.Clone(names), maps.Clone(keys)
	for {
		values, err := h.resolve(names, keys)
		var invalid *config.Invalid
		if !errors.As(err, &invalid) {
			return values
		}
		h.log.WarnContext(ctx, "invalid parameters are ignored", "err", err)
		for _, fault := range invalid.Faults {
			if _, inEvent := keys[fault.Name]; inEvent {
				delete(keys, fault.Name)
			} else {
				names = slices.DeleteFunc(names, func(name string) bool { return name == fault.Name })
			}
		}
	}
}

// maxAnswer is how many bytes an answer may have (custom resource response objects, in the
// CloudFormation user guide).
const maxAnswer = 4096

// answerBody is the answer as JSON, with its reason cut until it fits.
func answerBody(answer cfn.Response) ([]byte, error) {
	body, err := model.EncodeJSON(answer)
	if err != nil || len(body) <= maxAnswer {
		return body, err
	}
	reason := []rune(answer.Reason)
	tooLong := sort.Search(len(reason), func(n int) bool {
		answer.Reason = string(reason[:n]) + "…"
		body, err := model.EncodeJSON(answer)
		return err != nil || len(body) > maxAnswer
	})
	if tooLong == 0 {
		return nil, errors.New("its ids are too long")
	}
	answer.Reason = string(reason[:tooLong-1]) + "…"
	return model.EncodeJSON(answer)
}

// How often and for how long the delivery of an answer is tried.
const (
	deliveries   = 4
	deliveryWait = 200 * time.Millisecond // doubled each time
	deliveryTime = 10 * time.Second       // limit of one try
)

// deliver puts the answer to the URL where CloudFormation waits for it. Errors do not contain
// the URL: it lets anyone answer.
func (h *Handler) deliver(ctx context.Context, to string, answer cfn.Response) error {
	body, err := answerBody(answer)
	if err != nil {
		return fmt.Errorf("the answer to CloudFormation cannot be written: %w", err)
	}
	for try, wait := 1, deliveryWait; ; try, wait = try+1, wait*2 {
		retry, err := h.put(ctx, to, body)
		switch {
		case err == nil:
			return nil
		case retry && try < deliveries && ctx.Err() == nil:
			h.log.WarnContext(ctx, "the answer was not delivered; trying again", "err", err)
			if h.Clock.Sleep(ctx, wait) == nil {
				continue
			}
		}
		return fmt.Errorf("the answer (%s) was not delivered to CloudFormation: %w", answer.Status, err)
	}
}

// put tries once to deliver; retry reports whether another try may succeed.
func (h *Handler) put(ctx context.Context, to string, body []byte) (retry bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	ctx, stop := shorten(ctx, deliveryTime) // half of what is left
	defer stop()
	// No content type: the URL is signed without one.
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("its ResponseURL is not a URL")
	}
	response, err := h.http.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return true, err
	}
	defer func() { _ = response.Body.Close() }() // nothing more is read from it
	if response.StatusCode < http.StatusMultipleChoices {
		return false, nil
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // for the message only
	retry = response.StatusCode >= http.StatusInternalServerError ||
		response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusRequestTimeout
	return retry, fmt.Errorf("HTTP %d %s", response.StatusCode, events.Brief(string(text)))
}
