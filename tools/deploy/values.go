package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/tools/template"
)

type values map[string]string

// readTemplate reads the parameters of a template with their defaults.
func readTemplate(path string) (values, error) {
	read, err := template.Read(path)
	if err != nil {
		return nil, err
	}
	parameters, _ := read["Parameters"].(template.Object)
	defaults := values{}
	for name, parameter := range parameters {
		one, _ := parameter.(template.Object)
		defaults[name] = fmt.Sprint(one["Default"])
	}
	return defaults, nil
}

// parse reads parameters of the form Key=Value. Parameters that the template does not have are
// an error; CloudFormation would ignore them.
func parse(text string, known values) (values, error) {
	given := values{}
	for _, field := range strings.Fields(text) {
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			return nil, fmt.Errorf("PARAMS: %q is not Key=Value; values must not contain spaces", field)
		}
		if _, ok := known[name]; !ok {
			names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
			return nil, fmt.Errorf("PARAMS: there is no parameter %q; the parameters are %s", name, names)
		}
		if _, twice := given[name]; twice {
			return nil, fmt.Errorf("PARAMS: %s is given twice", name)
		}
		given[name] = value
	}
	return given, nil
}

// with is the values with others over them. Unknown others are left out: they were
// parameters of an earlier template.
func (v values) with(others values) values {
	all := maps.Clone(v)
	for name, value := range others {
		if _, known := all[name]; known {
			all[name] = value
		}
	}
	return all
}

// list is the values as Key=Value, sorted.
func (v values) list() []string {
	list := make([]string, 0, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		list = append(list, name+"="+v[name])
	}
	return list
}

// maxEnvironment is how many bytes the environment variables of a function may have,
// written as JSON (Lambda quotas: 4 KB).
const maxEnvironment = 4096

// check returns an error for what the functions would reject and for what does not fit into
// their environment, which contains all parameters.
func check(v values, deployment string) error {
	lookup := func(name string) (string, bool) { value, ok := v[name]; return value, ok }
	if _, err := config.Resolve(config.Sources{Env: lookup}); err != nil {
		return err
	}
	environment := map[string]string{"Deployment": deployment}
	for _, spec := range config.All() {
		if value, ok := v[spec.Name]; ok {
			environment[spec.Name] = value
		}
	}
	text, err := json.Marshal(environment)
	if err != nil {
		return err
	}
	if len(text) > maxEnvironment {
		return fmt.Errorf("the parameters take %d bytes, and a function's environment holds %d: "+
			"monitor all campaigns or recommenders instead of so many ARNs (CampaignARNs=all, RecommenderARNs=all)", len(text), maxEnvironment)
	}
	if len(environment) == 1 {
		return errors.New("the template has none of the program's parameters")
	}
	return nil
}
