package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Sources are the places where parameters may be given, the strongest first. Each may
// be nil. Only the strongest value of a parameter counts, and is validated.
type Sources struct {
	// Event holds the top-level keys of an event, or the properties of a custom
	// resource. Unknown keys are ignored; null and the empty string count as not given.
	Event map[string]json.RawMessage
	// Flags holds the flags that were given, by name without dashes. An empty one means
	// none for --regions and --notification-endpoint and is invalid elsewhere.
	Flags map[string]string
	// Env looks up an environment variable, like os.LookupEnv. An empty variable counts
	// as not given.
	Env func(name string) (string, bool)
	// Only names the parameters that are read; nil reads all. The others get their default,
	// whatever the sources hold.
	Only []string
	// Defaults holds an entry point's own defaults, by the name of the parameter, where
	// they differ from those of All.
	Defaults map[string]string
}

// Fault is one invalid parameter.
type Fault struct {
	Name    string // the parameter
	Problem string // the value and what is wrong with it
	Valid   string // what is accepted
	Origin  string // event, --flag, environment or default
}

// String is the fault in one line.
func (f Fault) String() string {
	return fmt.Sprintf("%s: %s (valid: %s; from: %s)", f.Name, f.Problem, f.Valid, f.Origin)
}

// Invalid is the error of Resolve: all that is wrong, in the order of All.
type Invalid struct{ Faults []Fault }

// Error names every fault, in one line.
func (e *Invalid) Error() string {
	if len(e.Faults) == 1 {
		return "invalid parameter " + e.Faults[0].String()
	}
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.String()
	}
	return fmt.Sprintf("%d invalid parameters: %s", len(e.Faults), strings.Join(lines, "; "))
}

const byDefault = "default"

// Resolve finds every parameter in the strongest source that gives it. If any is invalid
// the error is an *Invalid that lists all of them, and the values must not be used.
func Resolve(src Sources) (Values, error) {
	values := Values{origins: map[string]string{}}
	var faults []Fault
	for _, p := range table {
		in, origin, err := p.find(src)
		if err == nil && (in.text != "" || p.Default != "") { // one without a default may be empty
			err = p.set(&values, in)
		}
		if err != nil {
			faults = append(faults, Fault{Name: p.Name, Problem: err.Error(), Valid: p.Valid, Origin: origin})
		}
		if origin != byDefault {
			values.origins[p.Name] = origin
		}
	}
	if len(faults) > 0 {
		return Values{}, &Invalid{Faults: faults}
	}
	return values, nil
}

func (p parameter) find(src Sources) (in value, origin string, err error) {
	if src.Only != nil && !slices.Contains(src.Only, p.Name) {
		src = Sources{Defaults: src.Defaults}
	}
	if in, err := jsonValue(src.Event[p.Name]); err != nil || in.text != "" {
		return in, "event", err
	}
	if text, ok := src.Flags[p.Flag]; ok {
		return textValue(text), "--" + p.Flag, nil
	}
	if src.Env != nil {
		if text, ok := src.Env(p.Name); ok && strings.TrimSpace(text) != "" {
			return textValue(text), "environment", nil
		}
	}
	if text, ok := src.Defaults[p.Name]; ok {
		return textValue(text), byDefault, nil
	}
	return textValue(p.Default), byDefault, nil
}

// Within rejects what is in another partition than the home region, where the credentials
// are not valid and no call can succeed. The error is an *Invalid like Resolve's.
func (v Values) Within(home string) error {
	partition := model.PartitionOf(home)
	problems := map[string][]string{}
	check := func(name, text, region string) {
		if model.PartitionOf(region) != partition {
			problems[name] = append(problems[name], fmt.Sprintf("%s is in another partition than the region %s", quote(text), home))
		}
	}
	for _, arn := range v.Campaigns.ARNs {
		check(CampaignARNs, arn.String(), arn.Region())
	}
	for _, arn := range v.Recommenders.ARNs {
		check(RecommenderARNs, arn.String(), arn.Region())
	}
	for _, region := range v.Regions {
		check(Regions, region, region)
	}
	var faults []Fault
	for _, p := range table {
		if err := joined(problems[p.Name]); err != nil {
			faults = append(faults, Fault{Name: p.Name, Problem: err.Error(), Valid: p.Valid, Origin: v.origins[p.Name]})
		}
	}
	if len(faults) > 0 {
		return &Invalid{Faults: faults}
	}
	return nil
}
