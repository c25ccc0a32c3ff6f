package lambda

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

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
