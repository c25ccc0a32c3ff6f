package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// marker begins the comment, or its end, that marks a guard.
const marker = "// guard: "

type guard struct {
	name, file string
	operators  []string // empty: the default of the node
	source     []byte
	tokens     *token.FileSet
	node       ast.Node
	function   *ast.FuncType // around the node; nil outside of functions
	outermost  *ast.FuncDecl // around the node; nil outside of functions
	pkg        string        // the name of the package
}

// findMutants returns the mutants of all marked guards below internal/, in the order of the files.
func findMutants(root string) ([]mutant, error) {
	var list []mutant
	var faults []error
	names := map[string]string{}
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		guards, err := findGuards(filepath.ToSlash(file), source)
		faults = append(faults, err)
		for _, g := range guards {
			if other, ok := names[g.name]; ok {
				faults = append(faults, fmt.Errorf("two guards have the name %q: in %s and in %s", g.name, other, g.file))
			}
			names[g.name] = g.file
			mutants, err := g.mutants()
			faults = append(faults, err)
			list = append(list, mutants...)
		}
		return nil
	})
	return list, errors.Join(append(faults, err)...)
}

func findGuards(file string, source []byte) ([]*guard, error) {
	if !bytes.Contains(source, []byte(marker)) {
		return nil, nil
	}
	tokens := token.NewFileSet()
	parsed, err := parser.ParseFile(tokens, file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var list []*guard
	var faults []error
	for _, group := range parsed.Comments {
		for _, comment := range group.List {
			_, text, ok := strings.Cut(comment.Text, marker)
			if !ok {
				continue
			}
			at := tokens.Position(comment.Pos())
			line := at.Line
			if before := source[at.Offset-at.Column+1 : at.Offset]; len(bytes.TrimSpace(before)) == 0 {
				line++ // the comment is alone on its line
			}
			name, operators, _ := strings.Cut(text, "; ")
			node, path := nodeAt(tokens, parsed, line)
			if node == nil {
				faults = append(faults, fmt.Errorf("%s:%d: nothing to break at the guard %q", file, line, name))
				continue
			}
			list = append(list, &guard{
				name: name, file: file, operators: strings.FieldsFunc(operators, isSeparator),
				source: source, tokens: tokens, node: node, function: functionAround(path), outermost: declarationAround(path), pkg: parsed.Name.Name,
			})
		}
	}
	return list, errors.Join(faults...)
}

func isSeparator(r rune) bool { return r == ',' || r == ' ' }

// nodeAt returns the outermost statement, clause, declaration or field that begins on a line, else the outermost expression, and the
// nodes around it.
func nodeAt(tokens *token.FileSet, file *ast.File, line int) (found ast.Node, around []ast.Node) {
	var path []ast.Node // the open nodes
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil {
			path = path[:len(path)-1]
			return true
		}
		if tokens.Position(n.Pos()).Line == line && better(n, found) {
			found, around = n, slices.Clone(path)
		}
		path = append(path, n)
		return true
	})
	return found, around
}

// better reports whether a node is more fit for a guard than the node found before, which is around it or to the left of it.
func better(n, found ast.Node) bool {
	switch n.(type) {
	case *ast.BlockStmt, *ast.DeclStmt:
		return false
	case ast.Stmt, *ast.ValueSpec, *ast.KeyValueExpr:
		_, isExpr := found.(ast.Expr)
		_, isField := found.(*ast.KeyValueExpr)
		return found == nil || isExpr && !isField
	case *ast.FuncType:
		return false
	case ast.Expr:
		return found == nil
	}
	return false
}

func functionAround(path []ast.Node) *ast.FuncType {
	for _, n := range slices.Backward(path) {
		switch n := n.(type) {
		case *ast.FuncDecl:
			return n.Type
		case *ast.FuncLit:
			return n.Type
		}
	}
	return nil
}

func declarationAround(path []ast.Node) *ast.FuncDecl {
	for _, n := range path {
		if n, ok := n.(*ast.FuncDecl); ok {
			return n
		}
	}
	return nil
}

func (g *guard) mutants() ([]mutant, error) {
	names := g.operators
	if len(names) == 0 {
		names = []string{g.defaultOperator()}
	}
	var list []mutant
	for _, spec := range names {
		name, chosen, isChosen := strings.Cut(spec, ":")
		operator, ok := operators[name]
		if !ok {
			return nil, fmt.Errorf("%s: guard %q: unknown operator %q", g.file, g.name, name)
		}
		made := operator(g)
		if isChosen {
			first, last, isRange := strings.Cut(chosen, "-")
			if !isRange {
				last = first
			}
			from, _ := strconv.Atoi(first) // 0 is out of range, too
			to, _ := strconv.Atoi(last)
			if from < 1 || from > to || to > len(made) {
				return nil, fmt.Errorf("%s: guard %q: operator %q of %d changes", g.file, g.name, spec, len(made))
			}
			made = made[from-1 : to]
		}
		if len(made) == 0 {
			return nil, fmt.Errorf("%s: guard %q: operator %q changes nothing", g.file, g.name, name)
		}
		list = append(list, made...)
	}
	for _, m := range list {
		if _, err := parser.ParseFile(token.NewFileSet(), g.file, m.apply(g.source), parser.SkipObjectResolution); err != nil {
			return nil, fmt.Errorf("%s: guard %q: %s does not parse: %w", g.file, g.name, m.change, err)
		}
	}
	return list, nil
}

func (g *guard) mutant(change string) mutant {
	m := mutant{guard: g.name, file: g.file, change: change, pkg: g.pkg}
	if f := g.outermost; f != nil {
		m.bodyFrom, m.bodyTo, m.returns = g.offset(f.Body.Lbrace)+1, g.offset(f.Body.Rbrace), f.Type.Results != nil
	}
	return m
}

func (g *guard) offset(p token.Pos) int { return g.tokens.Position(p).Offset }

func (g *guard) text(n ast.Node) string { return string(g.source[g.offset(n.Pos()):g.offset(n.End())]) }

func (g *guard) replace(n ast.Node, text string) edit {
	return edit{g.offset(n.Pos()), g.offset(n.End()), text}
}

func (g *guard) results() (types []ast.Expr) {
	if g.function == nil || g.function.Results == nil {
		return nil
	}
	for _, field := range g.function.Results.List {
		for range max(1, len(field.Names)) {
			types = append(types, field.Type)
		}
	}
	return types
}
