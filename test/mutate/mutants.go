package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// edit replaces a part of a file by its byte offsets.
type edit struct {
	from, to int
	text     string
}

type mutant struct {
	guard, file string
	change      string // as Markdown
	edits       []edit
	pkg         string
	// The body of the function around the guard, and whether it has results. Outside of functions, there is none.
	bodyFrom, bodyTo int
	returns          bool
}

// apply returns the source with the guard broken. The edits do not overlap.
func (m mutant) apply(source []byte) []byte {
	edits := slices.SortedFunc(slices.Values(m.edits), func(a, b edit) int { return b.from - a.from })
	for _, e := range edits {
		source = slices.Concat(source[:e.from], []byte(e.text), source[e.to:])
	}
	return source
}

// chosen is the variable by which a program with many broken guards chooses one, by its number.
const chosen = "brokenGuard"

// choice is the source that declares it.
func choice(pkg string) []byte {
	return []byte("package " + pkg + "\n\nimport (\n\t\"os\"\n\t\"strconv\"\n)\n\nvar " + chosen + ", _ = strconv.Atoi(os.Getenv(" + strconv.Quote(variable) + "))\n")
}

// switchable reports whether the guard can be broken while the program runs: it is in a function.
func (m mutant) switchable() bool { return m.bodyTo > 0 }

// combine returns the source of a file with all of its switchable mutants: each function begins with a copy of its body for each
// mutant, which runs if that one is chosen.
func combine(source []byte, mutants map[int]mutant) []byte {
	all := mutant{}
	for _, number := range slices.Sorted(maps.Keys(mutants)) {
		m := mutants[number]
		broken := m.apply(source)
		body := string(broken[m.bodyFrom : len(broken)-(len(source)-m.bodyTo)])
		if !m.returns {
			body += "\nreturn"
		}
		text := "\nif " + chosen + " == " + strconv.Itoa(number) + " {" + body + "\n}\n"
		if at := slices.IndexFunc(all.edits, func(e edit) bool { return e.from == m.bodyFrom }); at >= 0 {
			all.edits[at].text += text
			continue
		}
		all.edits = append(all.edits, edit{m.bodyFrom, m.bodyFrom, text})
	}
	return all.apply(source)
}

// operators are the ways to break a guard. They keep every identifier in use, so that what they change compiles.
var operators = map[string]func(*guard) []mutant{
	"never":    (*guard).never,
	"always":   (*guard).always,
	"zero":     (*guard).zero,
	"skip":     (*guard).skip,
	"half":     (*guard).half,
	"each":     (*guard).each,
	"boundary": (*guard).boundary,
	"first":    (*guard).first,
}

// defaultOperator decides by the kind of the marked line.
func (g *guard) defaultOperator() string {
	switch n := g.node.(type) {
	case *ast.IfStmt, *ast.CaseClause:
		return "never"
	case *ast.ReturnStmt:
		if results := g.results(); len(results) == 1 && g.text(results[0]) == "bool" {
			return "always"
		}
		return "zero"
	case *ast.ValueSpec:
		return "half"
	case *ast.KeyValueExpr:
		return "always"
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			return "each"
		}
		return "skip"
	case ast.Stmt:
		return "skip"
	}
	return "each"
}

// expressions are the parts of the marked node that the operators change.
func (g *guard) expressions() []ast.Expr {
	switch n := g.node.(type) {
	case *ast.IfStmt:
		return []ast.Expr{n.Cond}
	case *ast.CaseClause:
		return n.List
	case *ast.ReturnStmt:
		return n.Results
	case *ast.ValueSpec:
		return n.Values
	case *ast.KeyValueExpr:
		return []ast.Expr{n.Value}
	case *ast.AssignStmt:
		return n.Rhs
	case *ast.RangeStmt:
		return []ast.Expr{n.X}
	case *ast.ExprStmt:
		return []ast.Expr{n.X}
	case ast.Expr:
		return []ast.Expr{n}
	}
	return nil
}

func (g *guard) never() []mutant { return g.wrapAll("false", "(", ") && false") }

func (g *guard) always() []mutant { return g.wrapAll("true", "(", ") || true") }

func (g *guard) half() []mutant { return g.wrapAll("half of it", "(", ") / 2") }

// wrapAll makes one mutant in which all expressions are wrapped.
func (g *guard) wrapAll(becomes, before, after string) []mutant {
	m := g.mutant("")
	var texts []string
	for _, x := range g.expressions() {
		m.edits = append(m.edits, g.replace(x, before+g.text(x)+after))
		texts = append(texts, g.text(x))
	}
	if len(m.edits) == 0 {
		return nil
	}
	m.change = code(strings.Join(texts, ", ")) + " → " + becomes
	return []mutant{m}
}

func (g *guard) zero() []mutant {
	n, ok := g.node.(*ast.ReturnStmt)
	results := g.results()
	if !ok || len(results) == 0 {
		return nil
	}
	zeros := make([]string, len(results))
	for i, t := range results {
		zeros[i] = "*new(" + g.text(t) + ")"
	}
	m := g.mutant(code(g.text(n)) + " → zero values")
	m.edits = []edit{g.replace(n, "return "+strings.Join(zeros, ", ")+"; "+g.text(n))}
	return []mutant{m}
}

func (g *guard) skip() []mutant {
	n, ok := g.node.(ast.Stmt)
	if !ok {
		return nil
	}
	text, _, _ := strings.Cut(g.text(n), "\n")
	m := g.mutant(code(strings.TrimSuffix(text, " {")) + " → skipped")
	m.edits = []edit{g.replace(n, "if false { "+g.text(n)+"\n}")}
	return []mutant{m}
}

// each makes a mutant for each part that can be left out: operands of && and ||, arguments of min and max, elements of lists, calls
// of Add, AddDate and Truncate; alternatives of a case; of a loop all elements but the first. It also swaps Floor and Ceil, and
// EqualFold and ==.
func (g *guard) each() (list []mutant) {
	add := func(change string, edits ...edit) {
		m := g.mutant(change)
		m.edits = edits
		list = append(list, m)
	}
	if n, ok := g.node.(*ast.RangeStmt); ok {
		add(code("range "+g.text(n.X))+" → the first only", g.replace(n.X, "("+g.text(n.X)+")[:1]"))
	}
	parts := g.expressions()
	switch n := g.node.(type) {
	case *ast.IfStmt:
		if init, ok := n.Init.(*ast.AssignStmt); ok {
			parts = slices.Concat(init.Rhs, parts)
		}
	case *ast.CaseClause:
		g.eachOf(n.List, add)
	}
	for _, x := range parts {
		ast.Inspect(x, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.BinaryExpr:
				neutral := map[token.Token]string{token.LAND: " || true", token.LOR: " && false"}[n.Op]
				for _, operand := range []ast.Expr{n.X, n.Y} {
					if b, ok := operand.(*ast.BinaryExpr); neutral != "" && !(ok && b.Op == n.Op) {
						add("without "+code(g.text(operand)), g.replace(operand, "("+g.text(operand)+neutral+")"))
					}
				}
			case *ast.CompositeLit:
				g.eachOf(n.Elts, add)
			case *ast.CallExpr:
				g.eachOfCall(n, add)
			}
			return true
		})
	}
	return list
}

// first returns the first argument of a call instead of its result.
func (g *guard) first() []mutant {
	n, ok := g.node.(*ast.ReturnStmt)
	if !ok || len(n.Results) == 0 {
		return nil
	}
	call, ok := n.Results[0].(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return nil
	}
	m := g.mutant(code(g.text(call)) + " → " + code(g.text(call.Args[0])))
	m.edits = []edit{g.replace(call, g.text(call.Args[0]))}
	return []mutant{m}
}

// eachOf leaves out each element of a list of at least two.
func (g *guard) eachOf(elements []ast.Expr, add func(string, ...edit)) {
	for i, e := range elements {
		from, to := g.offset(e.Pos()), g.offset(e.End())
		switch _, isField := e.(*ast.KeyValueExpr); {
		case isField || len(elements) < 2:
			return
		case i > 0:
			from = g.offset(elements[i-1].End())
		default:
			to = g.offset(elements[1].Pos())
		}
		add("without "+code(g.text(e)), append(g.use(e), edit{from, to, ""})...)
	}
}

// use keeps what an expression uses in use, which the compiler insists on: at the beginning of the case that is marked, else before
// the marked statement. What an if declares is not known there.
func (g *guard) use(e ast.Expr) []edit {
	if _, ok := e.(*ast.CompositeLit); ok || g.outermost == nil {
		return nil
	}
	text := "_ = " + g.text(e) + "; "
	switch n := g.node.(type) {
	case *ast.CaseClause:
		at := g.offset(n.Colon) + 1
		return []edit{{at, at, text}}
	case *ast.AssignStmt, *ast.ReturnStmt, *ast.ExprStmt:
		at := g.offset(n.Pos())
		return []edit{{at, at, text}}
	}
	return nil
}

func (g *guard) eachOfCall(n *ast.CallExpr, add func(string, ...edit)) {
	switch f := n.Fun.(type) {
	case *ast.Ident:
		if f.Name == "min" || f.Name == "max" {
			g.eachOf(n.Args, add)
		}
	case *ast.SelectorExpr:
		switch f.Sel.Name {
		case "Add", "AddDate", "Truncate":
			add("without "+code(string(g.source[g.offset(f.X.End()):g.offset(n.End())])), g.replace(n, g.text(f.X)))
		case "Floor":
			add(code("Floor")+" → "+code("Ceil"), g.replace(f.Sel, "Ceil"))
		case "Ceil":
			add(code("Ceil")+" → "+code("Floor"), g.replace(f.Sel, "Floor"))
		case "EqualFold":
			add(code("EqualFold")+" → "+code("=="), g.replace(n, "("+g.text(n.Args[0])+" == "+g.text(n.Args[1])+")"))
		}
	}
}

// boundary moves the boundary of each comparison, and makes a constant smaller by a 24th.
func (g *guard) boundary() (list []mutant) {
	if _, ok := g.node.(*ast.ValueSpec); ok {
		for _, x := range g.expressions() {
			m := g.mutant(code(g.text(x)) + " → 1/24 less")
			m.edits = []edit{g.replace(x, "("+g.text(x)+") - ("+g.text(x)+")/24")}
			list = append(list, m)
		}
		return list
	}
	for _, x := range g.expressions() {
		ast.Inspect(x, func(n ast.Node) bool {
			if _, ok := n.(*ast.FuncLit); ok {
				return false
			}
			b, ok := n.(*ast.BinaryExpr)
			if !ok {
				return true
			}
			swapped, ok := map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}[b.Op]
			if ok {
				m := g.mutant(fmt.Sprintf("%s → `%s`", code(g.text(b)), swapped))
				at := g.offset(b.OpPos)
				m.edits = []edit{{at, at + len(b.Op.String()), swapped}}
				list = append(list, m)
			}
			return true
		})
	}
	return list
}

func code(source string) string { return "`" + cell(strings.Join(strings.Fields(source), " ")) + "`" }

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
