package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// defaultStack is the name of the stack in the tag Deployment if the environment has no
// Deployment. It is the same for all functions, so that one removes what another created.
const defaultStack = "personalize-monitor"

// parts returns what is kept, or builds it. After a failure the next invocation tries again.
func (h *Handler) parts(ctx context.Context) (*parts, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kept != nil {
		return h.kept, nil
	}
	settings, err := h.Config(ctx, h.log)
	if err != nil {
		return nil, err
	}
	var observer cycle.Observer // stays nil without h.Observer
	if h.Observer != nil {
		observer = h.Observer
	}
	deployment, _ := h.Env(envDeployment)
	// If it is invalid, the functions that act return an error; the others do not use it.
	budget, _ := h.resolve([]string{config.MaxStopsOrDeletesPerHour}, nil)
	identity := identityOf(ctx)
	h.kept = &parts{region: settings.Region, identity: identity, App: app.New(app.Options{
		Config: settings, Clock: h.Clock, Logger: h.log, Observer: observer, Identity: identity,
		Deployment: cmp.Or(strings.TrimSpace(deployment), settings.Region+"/"+defaultStack), Version: h.Version, Params: budget, RecheckParams: h.recheckParams,
	})}
	return h.kept, nil
}

// forget drops what is kept, which a panic may have left in an invalid state.
func (h *Handler) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kept != nil {
		h.kept.Clients.Close()
		h.kept = nil
	}
}

// identityOf reads the account from the ARN of the invoked function. If that is impossible it
// is zero, and STS is asked.
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

// resolve reads the named parameters from the keys of an event and the environment.
func (h *Handler) resolve(names []string, keys map[string]json.RawMessage) (config.Values, error) {
	return config.Resolve(config.Sources{Only: names, Event: keys, Env: h.Env})
}

// recheckParams reads the parameters of a recheck from the environment alone: an automatic
// event contains what it was decided by.
func (h *Handler) recheckParams() (config.Values, error) {
	return config.Resolve(cycle.RecheckSources(h.Env))
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
