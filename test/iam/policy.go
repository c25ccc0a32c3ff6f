// Package iam evaluates policies as AWS IAM does, for tests: a Guard in front of the embedded AWS
// accepts the calls that a policy allows.
package iam

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Need is what a call needs: an action on a resource, or on nothing in particular ("*"), with
// the values that conditions are compared with.
type Need struct {
	Action, Resource string
	Context          map[string]string
}

func (n Need) String() string {
	parts := []string{n.Action + " on " + n.Resource}
	for _, key := range slices.Sorted(maps.Keys(n.Context)) {
		parts = append(parts, key+"="+n.Context[key])
	}
	return strings.Join(parts, ", ")
}

// regionOf is the region in an ARN or a pattern of ARNs; empty if it has none.
func regionOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[3]
	}
	return ""
}

// Grant is one action on one pattern of resources, as a statement allows it.
type Grant struct {
	Sid, Action, Pattern string
	Conditions           map[string][]string // keys that must have one of the values

	alone []Need // what no other grant allows
}

func (g *Grant) String() string {
	text := g.Action + " on " + g.Pattern
	for _, key := range slices.Sorted(maps.Keys(g.Conditions)) {
		text += ", where " + key + " is " + strings.Join(g.Conditions[key], " or ")
	}
	return text
}

func (g *Grant) allows(n Need) bool {
	for key, values := range g.Conditions {
		if got, given := n.Context[key]; !given || !slices.Contains(values, got) {
			return false
		}
	}
	return strings.EqualFold(g.Action, n.Action) && matches(g.Pattern, n.Resource)
}

// matches compares as IAM does: * matches any text, ? one character. A call that names no
// resource is allowed by * only.
func matches(pattern, resource string) bool {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, `.*`), `\?`, `.`)
	return regexp.MustCompile(`^` + quoted + `$`).MatchString(resource)
}

// Policy is what one identity may do. It remembers what it was needed for.
type Policy struct{ Grants []*Grant }

// allow reports whether a call may be made, and remembers which grants are needed for it.
func (p *Policy) allow(n Need) bool {
	var by []*Grant
	for _, g := range p.Grants {
		if g.allows(n) {
			by = append(by, g)
		}
	}
	if len(by) == 1 {
		by[0].alone = append(by[0].alone, n)
	}
	return len(by) > 0
}

// Excess lists the grants that no call needed, and those that are wider than needed: for every
// region, and needed in the home region only.
func (p *Policy) Excess(home string) []string {
	var found []string
	for _, g := range p.Grants {
		elsewhere := func(n Need) bool { return regionOf(n.Resource) != home }
		switch {
		case len(g.alone) == 0:
			found = append(found, fmt.Sprintf("%s: nothing needs %s on %s", g.Sid, g.Action, g.Pattern))
		case regionOf(g.Pattern) == "*" && !slices.ContainsFunc(g.alone, elsewhere):
			found = append(found, fmt.Sprintf("%s: %s is needed in the home region only, not on %s", g.Sid, g.Action, g.Pattern))
		}
	}
	return found
}

// Distinct has one grant of each action of each statement.
func (p *Policy) Distinct() []*Grant {
	var all []*Grant
	for _, g := range p.Grants {
		if !slices.ContainsFunc(all, g.same) {
			all = append(all, g)
		}
	}
	return all
}

// Without is the policy without grants, each with all that its statement allows by its action, as
// if nothing was needed so far.
func (p *Policy) Without(grants ...*Grant) *Policy {
	less := &Policy{}
	for _, g := range p.Grants {
		if !slices.ContainsFunc(grants, g.same) {
			less.Grants = append(less.Grants, &Grant{Sid: g.Sid, Action: g.Action, Pattern: g.Pattern, Conditions: g.Conditions})
		}
	}
	return less
}

// AllowsBy reports whether the statement of a grant allows what a call needs by the grant's action.
func (p *Policy) AllowsBy(grant *Grant, n Need) bool {
	return slices.ContainsFunc(p.Grants, func(g *Grant) bool { return g.same(grant) && g.allows(n) })
}

// same reports whether two grants are of the same action of the same statement.
func (g *Grant) same(other *Grant) bool { return g.Sid == other.Sid && g.Action == other.Action }

// Document is a policy document, as IAM and a template have it.
type Document struct {
	Version   string      `yaml:"Version"`
	Statement []Statement `yaml:"Statement"`
}

// Statement is one statement of a Document. The reader of YAML skips the tag !Sub, so that the
// text with its ${…} remains.
type Statement struct {
	Sid       string                    `yaml:"Sid"`
	Effect    string                    `yaml:"Effect"`
	Action    any                       `yaml:"Action"`
	Resource  any                       `yaml:"Resource"`
	Condition map[string]map[string]any `yaml:"Condition"`
}

// Parse reads a policy document in JSON.
func Parse(document []byte) (*Policy, error) {
	var d Document
	if err := yaml.UnmarshalWithOptions(document, &d, yaml.Strict()); err != nil {
		return nil, err
	}
	if d.Version != "2012-10-17" {
		return nil, fmt.Errorf("the version of the policy is %q", d.Version)
	}
	return d.Policy(func(text string) string { return text })
}

// Policy is what the document allows; fill replaces the parameters of a template in it.
func (d Document) Policy(fill func(string) string) (*Policy, error) {
	p := &Policy{}
	for _, s := range d.Statement {
		grants, err := s.grants(fill)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Sid, err)
		}
		p.Grants = append(p.Grants, grants...)
	}
	return p, nil
}

func (s Statement) grants(fill func(string) string) ([]*Grant, error) {
	if s.Effect != "Allow" {
		return nil, fmt.Errorf("the effect %q is not understood", s.Effect)
	}
	conditions := map[string][]string{}
	for operator, keys := range s.Condition {
		if operator != "StringEquals" {
			return nil, fmt.Errorf("the condition %s is not understood", operator)
		}
		for key, values := range keys {
			for _, value := range oneOrMore(values) {
				conditions[key] = append(conditions[key], fill(value))
			}
		}
	}
	var grants []*Grant
	for _, action := range oneOrMore(s.Action) {
		for _, pattern := range oneOrMore(s.Resource) {
			grants = append(grants, &Grant{Sid: s.Sid, Action: action, Pattern: fill(pattern), Conditions: conditions})
		}
	}
	return grants, nil
}

func oneOrMore(value any) []string {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var texts []string
	for _, item := range list {
		texts = append(texts, fmt.Sprint(item))
	}
	return texts
}

// Reads reports whether an action changes nothing.
func Reads(action string) bool {
	_, operation, _ := strings.Cut(action, ":")
	return slices.ContainsFunc([]string{"Describe", "List", "Get", "Filter"}, func(verb string) bool {
		return strings.HasPrefix(operation, verb)
	})
}
