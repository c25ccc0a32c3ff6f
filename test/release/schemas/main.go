// Command schemas writes the JSON schemas with which kubeconform checks the Helm chart, from what Kubernetes and the Prometheus Operator
// publish in their Go modules: only the kinds that the chart has, without descriptions, and strict: an unknown field is an error.
//
//	go run ./test/release/schemas -kubernetes "$(go mod download -json k8s.io/kubernetes@v1.35.0 | jq -r .Dir)" \
//	  -operator "$(go mod download -json github.com/prometheus-operator/prometheus-operator@v0.85.0 | jq -r .Dir)"
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
)

// kinds are the definitions of the chart's kinds, by the file names that kubeconform looks for.
var kinds = map[string]string{
	"networkpolicy-networking-v1":   "io.k8s.api.networking.v1.NetworkPolicy",
	"poddisruptionbudget-policy-v1": "io.k8s.api.policy.v1.PodDisruptionBudget",
	"secret-v1":                     "io.k8s.api.core.v1.Secret",
	"service-v1":                    "io.k8s.api.core.v1.Service",
	"serviceaccount-v1":             "io.k8s.api.core.v1.ServiceAccount",
	"statefulset-apps-v1":           "io.k8s.api.apps.v1.StatefulSet",
}

func main() {
	kubernetes := flag.String("kubernetes", "", "folder of the module k8s.io/kubernetes")
	operator := flag.String("operator", "", "folder of the module of the Prometheus Operator")
	out := flag.String("out", "test/release/testdata/schemas", "folder for the schemas")
	flag.Parse()
	if err := run(*kubernetes, *operator, *out); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

// object is a schema, or a part of one.
type object = map[string]any

func run(kubernetes, operator, out string) error {
	text, err := os.ReadFile(filepath.Join(kubernetes, "api/openapi-spec/swagger.json"))
	if err != nil {
		return err
	}
	var api struct{ Definitions map[string]object }
	if err := json.Unmarshal(text, &api); err != nil {
		return err
	}
	used := object{}
	for file, name := range kinds {
		if err := collect(used, api.Definitions, name); err != nil {
			return err
		}
		if err := write(out, file, object{"$ref": "_definitions.json#/definitions/" + name}); err != nil {
			return err
		}
	}
	if err := write(out, "_definitions", object{"definitions": used}); err != nil {
		return err
	}
	monitor, err := serviceMonitor(operator)
	if err != nil {
		return err
	}
	return write(out, "servicemonitor-monitoring-v1", monitor)
}

// serviceMonitor is the schema in the custom resource definition.
func serviceMonitor(operator string) (object, error) {
	text, err := os.ReadFile(filepath.Join(operator, "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"))
	if err != nil {
		return nil, err
	}
	var definition struct {
		Spec struct {
			Versions []struct {
				Name   string
				Schema struct {
					Schema object `yaml:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &definition); err != nil {
		return nil, err
	}
	for _, version := range definition.Spec.Versions {
		if version.Name != "v1" {
			continue
		}
		schema, _ := strict(version.Schema.Schema).(object)
		schema["properties"].(object)["metadata"] = object{"$ref": "_definitions.json#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
		return schema, nil
	}
	return nil, errors.New("the definition of ServiceMonitor has no version v1")
}

// collect adds a definition and those that it refers to.
func collect(used object, all map[string]object, name string) error {
	if used[name] != nil {
		return nil
	}
	definition, ok := all[name]
	if !ok {
		return fmt.Errorf("no definition %s in those of Kubernetes", name)
	}
	used[name] = strict(definition)
	for _, next := range references(used[name]) {
		if err := collect(used, all, next); err != nil {
			return err
		}
	}
	return nil
}

const reference = "#/definitions/"

func references(part any) (names []string) {
	switch part := part.(type) {
	case object:
		if to, ok := part["$ref"].(string); ok {
			names = append(names, strings.TrimPrefix(to, reference))
		}
		for _, value := range part {
			names = append(names, references(value)...)
		}
	case []any:
		for _, value := range part {
			names = append(names, references(value)...)
		}
	}
	return names
}

// strict is a schema without descriptions, whose objects have no other fields than the listed ones.
func strict(part any) any {
	switch part := part.(type) {
	case object:
		result := object{}
		for key, value := range part {
			if _, text := value.(string); (key == "description" && text) || strings.HasPrefix(key, "x-kubernetes-") {
				continue
			}
			result[key] = strict(value)
		}
		_, listed := part["properties"].(object)
		if _, open := part["additionalProperties"]; listed && !open && part["x-kubernetes-preserve-unknown-fields"] != true {
			result["additionalProperties"] = false
		}
		if part["format"] == "int-or-string" || part["x-kubernetes-int-or-string"] == true {
			return object{"type": []any{"string", "integer"}}
		}
		return result
	case []any:
		list := make([]any, len(part))
		for i, value := range part {
			list[i] = strict(value)
		}
		return list
	}
	return part
}

func write(folder, name string, schema object) error {
	text, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name+".json"), append(text, '\n'), 0o644)
}
