package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
)

// values are those of the parameters of a stack, by name.
type values map[string]string

// readTemplate reads the parameters of a template with their defaults.
func readTemplate(path string) (values, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var template struct {
		Parameters map[string]struct {
			Default any `yaml:"Default"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(source, &template); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defaults := values{}
	for name, p := range template.Parameters {
		defaults[name] = fmt.Sprint(p.Default)
	}
	return defaults, nil
}

// parse reads parameters written Key=Value. Those that the template does not have are
// refused; CloudFormation would pass over them in silence.
func parse(text string, template values) (values, error) {
	given := values{}
	for _, field := range strings.Fields(text) {
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			return nil, fmt.Errorf("PARAMS: %q is not Key=Value; values hold no spaces", field)
		}
		if _, known := template[name]; !known {
			return nil, fmt.Errorf("PARAMS: there is no parameter %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(template)), ", "))
		}
		if _, twice := given[name]; twice {
			return nil, fmt.Errorf("PARAMS: %s is there twice", name)
		}
		given[name] = value
	}
	return given, nil
}

// with gives the values with others laid over them. Others that are unknown are left
// out: they were parameters of an earlier template.
func (v values) with(others values) values {
	all := maps.Clone(v)
	for name, value := range others {
		if _, known := all[name]; known {
			all[name] = value
		}
	}
	return all
}

// list gives the values as Key=Value, sorted.
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

// check refuses what the functions would refuse, or what does not fit into them. Each
// of them gets all parameters as environment variables.
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
