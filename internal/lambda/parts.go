package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// defaultStack stands for the name of the stack in the tag Deployment where the
// environment has no Deployment. It is the same for all functions: what one makes
// another is to remove.
const defaultStack = "personalize-monitor"

// parts are what a function keeps from one invocation to the next.
type parts struct {
	*app.App
	region   string // the deployment region
	identity writer.Identity
}

// parts returns what is kept, or builds it. The next invocation tries again after a failure.
func (h *Handler) parts(ctx context.Context) (*parts, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kept != nil {
		return h.kept, nil
	}
	settings, err := h.load(ctx, h.log)
	if err != nil {
		return nil, err
	}
	// If it is invalid, the functions that act refuse to; the others have no use for it.
	budget, _ := h.resolve([]string{config.MaxStopsOrDeletesPerHour}, nil)
	identity := identityOf(ctx)
	h.kept = &parts{region: settings.Region, identity: identity, App: app.New(app.Options{
		Config: settings, Clock: h.clock, Logger: h.log, Observer: h.cycleObserver(), Identity: identity,
		Deployment: cmp.Or(h.variable(envDeployment), settings.Region+"/"+defaultStack),
		Params:     budget, RecheckParams: h.recheckValues,
	})}
	return h.kept, nil
}

// cycleObserver is nil without an observer, and not an interface that holds nil.
func (h *Handler) cycleObserver() cycle.Observer {
	if h.observer == nil {
		return nil
	}
	return h.observer
}

// forget drops what is kept, after it may have been left in disorder.
func (h *Handler) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kept != nil {
		h.kept.Clients.Close()
		h.kept = nil
	}
}

// identityOf reads the account off the ARN of the invoked function; it is zero, and STS
// is asked, where that does not tell.
func identityOf(ctx context.Context) writer.Identity {
	invocation, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return writer.Identity{}
	}
	arn, err := model.ParseARN(invocation.InvokedFunctionArn)
	if err != nil || arn.Service != "lambda" || len(arn.Account) != 12 {
		return writer.Identity{}
	}
	return writer.Identity{Account: arn.Account, Partition: arn.Partition}
}

// resolve reads some of the parameters, from the keys of an event and the environment;
// what is said of the others does not matter.
func (h *Handler) resolve(names []string, keys map[string]json.RawMessage) (config.Values, error) {
	return config.Resolve(h.sources(names, keys))
}

func (h *Handler) sources(names []string, keys map[string]json.RawMessage) config.Sources {
	given := map[string]json.RawMessage{}
	for _, name := range names {
		if raw, ok := keys[name]; ok {
			given[name] = raw
		}
	}
	return config.Sources{Event: given, Env: func(name string) (string, bool) {
		if !slices.Contains(names, name) {
			return "", false
		}
		return h.env(name)
	}}
}

// resolveValid reads some of the parameters and passes over those that are invalid, which
// must not stand in the way of a removal.
func (h *Handler) resolveValid(ctx context.Context, names []string, keys map[string]json.RawMessage) config.Values {
	values, err := h.resolve(names, keys)
	var invalid *config.Invalid
	if !errors.As(err, &invalid) {
		return values
	}
	h.log.WarnContext(ctx, "invalid parameters are passed over", "err", err)
	for _, fault := range invalid.Faults {
		if _, inEvent := keys[fault.Name]; inEvent {
			keys = without(keys, fault.Name)
		} else {
			names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == fault.Name })
		}
	}
	return h.resolveValid(ctx, names, keys)
}

func without(keys map[string]json.RawMessage, name string) map[string]json.RawMessage {
	left := map[string]json.RawMessage{}
	for key, raw := range keys {
		if key != name {
			left[key] = raw
		}
	}
	return left
}
