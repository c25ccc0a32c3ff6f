package config

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Sources are the places where parameters may be given, the strongest first. Each may
// be nil. Only the strongest value of a parameter is looked at.
type Sources struct {
	// Event holds the top-level keys of an event, or the properties of a custom
	// resource. Keys that name no parameter are ignored; null and the empty string
	// count as not given.
	Event map[string]json.RawMessage
	// Flags holds the flags that were given, by name without dashes. An empty one
	// says none for --regions and --notification-endpoint and is refused elsewhere.
	Flags map[string]string
	// Env looks up an environment variable; os.LookupEnv does. An empty variable
	// counts as not given.
	Env func(name string) (string, bool)
	// Defaults holds a door's own defaults, by the name of the parameter, where they
	// differ from those of All.
	Defaults map[string]string
}

// Fault is one parameter that was refused.
type Fault struct {
	Name    string // the parameter
	Problem string // the value and what is wrong with it
	Valid   string // what would be accepted
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

// Resolve finds every parameter in the strongest source that gives it. If any is
// invalid the error is an *Invalid that tells of all of them, and the values are not to
// be used.
func Resolve(src Sources) (Values, error) {
	values := Values{origins: map[string]string{}}
	var faults []Fault
	for _, p := range table {
		origin, err := p.resolve(&values, src)
		if err != nil {
			faults = append(faults, Fault{Name: p.Name, Problem: err.Error(), Valid: p.Valid, Origin: origin})
		}
	}
	if len(faults) > 0 {
		return Values{}, &Invalid{Faults: faults}
	}
	return values, nil
}

// byDefault is the origin of a value that nobody gave.
const byDefault = "default"

// resolve sets one parameter and tells where its value came from.
func (p parameter) resolve(values *Values, src Sources) (origin string, err error) {
	in, origin, err := p.find(src)
	if err != nil {
		return origin, err
	}
	if origin != byDefault {
		values.origins[p.Name] = origin
	}
	if p.optional && in.form == formText && in.text == "" {
		return origin, nil
	}
	return origin, p.set(values, in)
}

// find looks the parameter up, the strongest source first.
func (p parameter) find(src Sources) (in value, origin string, err error) {
	if in, ok, err := eventValue(src.Event[p.Name]); ok || err != nil {
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
