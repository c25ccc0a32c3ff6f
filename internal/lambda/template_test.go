package lambda_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/tools/template"
)

type object = template.Object

// readTemplate reads the deployment template, so that what the tests deploy is what users do.
func readTemplate(t *testing.T) object {
	t.Helper()
	object, err := template.Read("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// at follows keys through objects; nil if there is nothing.
func at(from any, keys ...string) any {
	for _, key := range keys {
		mapping, _ := from.(object)
		from = mapping[key]
	}
	return from
}

var substitution = regexp.MustCompile(`\$\{([A-Za-z:.]+)\}`)

// named are the parameters and resources that a value of the template depends on.
func named(value any) []string {
	var names []string
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			names = append(names, named(item)...)
		}
	case object:
		for key, item := range v {
			text, _ := item.(string)
			switch key {
			case "!Ref", "!GetAtt", "DependsOn":
				name, _, _ := strings.Cut(text, ".")
				names = append(names, name)
			case "!Sub":
				for _, match := range substitution.FindAllStringSubmatch(text, -1) {
					name, _, _ := strings.Cut(match[1], ".")
					names = append(names, name)
				}
			default:
				names = append(names, named(item)...)
			}
		}
	}
	return names
}

// creationOrder is an order in which CloudFormation may create the resources: each after
// those it depends on. Deletion goes the other way round.
func creationOrder(t *testing.T, template object) []string {
	t.Helper()
	resources := at(template, "Resources").(object)
	var order []string
	for len(order) < len(resources) {
		before := len(order)
		for _, id := range slices.Sorted(maps.Keys(resources)) {
			waits := slices.ContainsFunc(named(resources[id]), func(name string) bool {
				return resources[name] != nil && !slices.Contains(order, name)
			})
			if !waits && !slices.Contains(order, id) {
				order = append(order, id)
			}
		}
		if len(order) == before {
			t.Fatalf("what comes after %v goes round in circles", order)
		}
	}
	return order
}

// resolve puts parameters and ARNs in place of the template's references to them.
func (s *stack) resolve(value any) string {
	s.t.Helper()
	switch v := value.(type) {
	case string:
		return v
	case object:
		if name, ok := v["!Ref"].(string); ok {
			return s.reference(name)
		}
		if text, ok := v["!Sub"].(string); ok {
			return substitution.ReplaceAllStringFunc(text, func(match string) string {
				return s.reference(match[2 : len(match)-1])
			})
		}
		if name, ok := v["!GetAtt"].(string); ok && strings.HasSuffix(name, ".Arn") {
			return s.arn(strings.TrimSuffix(name, ".Arn"))
		}
		s.t.Fatalf("nothing here knows what %v means", v)
	}
	return fmt.Sprint(value)
}

func (s *stack) reference(name string) string {
	s.t.Helper()
	switch name {
	case "AWS::Region":
		return home
	case "AWS::StackName":
		return s.name
	}
	if value, given := s.parameters[name]; given {
		return value
	}
	parameter := at(s.template, "Parameters", name)
	if parameter == nil {
		s.t.Fatalf("the template has no parameter %s", name)
	}
	return fmt.Sprint(at(parameter, "Default"))
}
