package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
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
	r.properties, r.fault = object("ResourceProperties", in.ResourceProperties)
	old, fault := object("OldResourceProperties", in.OldResourceProperties)
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
		return r, fmt.Errorf("the request type %s is unknown; the types are %s, %s, %s",
			strconv.Quote(events.Brief(string(r.RequestType))), cfn.RequestCreate, cfn.RequestUpdate, cfn.RequestDelete)
	}
	return r, nil
}

func object(key string, raw json.RawMessage) (map[string]json.RawMessage, error) {
	var keys map[string]json.RawMessage
	if raw != nil && json.Unmarshal(raw, &keys) != nil {
		return nil, fmt.Errorf("key %q is %s; valid: an object", key, events.Brief(string(raw)))
	}
	return keys, nil
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
		return h.resolveValid(ctx, boardRemoval, r.properties).DashboardName
	}
	return "personalize-monitor-" + string(h.function)
}

// fulfill does what CloudFormation requests. A function that is not a custom resource returns
// an error, except on Delete: else the stack could never be deleted.
func (h *Handler) fulfill(ctx context.Context, r request) error {
	remove := r.RequestType == cfn.RequestDelete
	switch {
	case h.function == Dashboard && remove:
		return h.deleteBoards(ctx, r)
	case h.function == Dashboard:
		return h.putBoards(ctx, r)
	case h.function == Cleanup && remove:
		return h.deleteAll(ctx, r)
	case h.function == Cleanup, remove:
		return nil
	}
	return fmt.Errorf("the function %s is not a custom resource", h.function)
}

// answerTime is kept free before the deadline, for the answer.
const answerTime = 10 * time.Second

// errLate is the error of work that did not end in its time.
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
	select {
	case err := <-done:
		return err
	case <-waiting.Done():
		return errLate
	}
}
