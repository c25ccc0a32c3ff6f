// Package template reads the deployment template, for deploying and for the tests that
// compare it with the code.
package template

import (
	"fmt"
	"os"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Object is a mapping of the template. A function of CloudFormation is an object as well:
// {"!Ref": "Regions"}.
type Object = map[string]any

// Read reads a template into plain values. It keeps the tags of CloudFormation, which
// decoding would drop.
func Read(path string) (Object, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseBytes(source, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(file.Docs) != 1 {
		return nil, fmt.Errorf("%s has %d documents", path, len(file.Docs))
	}
	value, err := valueOf(file.Docs[0].Body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	object, ok := value.(Object)
	if !ok {
		return nil, fmt.Errorf("%s is not a mapping", path)
	}
	return object, nil
}

func valueOf(node ast.Node) (any, error) {
	switch n := node.(type) {
	case *ast.TagNode:
		value, err := valueOf(n.Value)
		return Object{n.Start.Value: value}, err
	case *ast.MappingNode:
		all := Object{}
		for _, pair := range n.Values {
			value, err := valueOf(pair.Value)
			if err != nil {
				return nil, err
			}
			all[pair.Key.GetToken().Value] = value
		}
		return all, nil
	case *ast.SequenceNode:
		all := []any{}
		for _, item := range n.Values {
			value, err := valueOf(item)
			if err != nil {
				return nil, err
			}
			all = append(all, value)
		}
		return all, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case ast.ScalarNode:
		return n.GetValue(), nil
	}
	return nil, fmt.Errorf("line %d: unexpected %T", node.GetToken().Position.Line, node)
}
