package report

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Escape sequences of ANSI terminals (ECMA-48, "select graphic rendition").
const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	reset  = "\x1b[0m"
)

// colors show at a glance what happens to a thing, by the word for it: red where something
// ends or failed, yellow where a person may have to look. Other words are dim.
var colors = map[string]string{
	"step-down": cyan, "done": cyan, "removed": cyan, "would be removed": cyan, "already gone": cyan,
	"refused": yellow, "kept": yellow, "unclear": yellow, "WARN": yellow, "not checked": yellow, "FAIL": red, // of verify
	"stop": red, "delete": red, "failed": red, "remains": red,
	"action": cyan, "lowered": cyan, "skipped": yellow, "alarm": yellow, "deleted": red, "stopped": red, // of the demo
}

// Word is a cell with a word and its color.
func Word[T ~string](word T) Cell { return Cell{string(word), colorOf(word)} }

func colorOf[T ~string](word T) string { return cmp.Or(colors[string(word)], dim) }

// Widths, in characters.
const (
	gap        = 2  // between columns
	minText    = 40 // a narrower column of texts goes below the rows instead
	minName    = 16 // a narrower column of names helps no one
	indent     = 4  // of a line below its row
	labelWidth = 11 // of the words that begin the lines of a summary
)

// Printer writes tables and lines. Texts may come from others: control characters in them
// become spaces, so that they cannot upset a terminal.
type Printer struct {
	Style
	w *bufio.Writer
}

// Cell is a text and its color, which may be empty.
type Cell struct{ Text, Color string }

// Cells are cells without a color.
func Cells(texts ...string) []Cell {
	cells := make([]Cell, len(texts))
	for i, text := range texts {
		cells[i].Text = text
	}
	return cells
}

// Column is a column of a table.
type Column struct {
	Title string
	Right bool // for numbers
	Name  bool // narrowed where there is little room; one column at most
	Minor int  // left out where there is little room, the highest first; 0 stays
	// Fold goes before the column's value in the text of a row, if the column is left out; if it
	// is empty, the value is left out too.
	Fold string
}

// titles are those of columns of texts, and numbers those of numbers.
func titles(list ...string) []Column { return columns(Column{}, list) }

func numbers(list ...string) []Column { return columns(Column{Right: true}, list) }

func columns(like Column, titles []string) []Column {
	var list []Column
	for _, title := range titles {
		like.Title = title
		list = append(list, like)
	}
	return list
}

// Row is a row of a table.
type Row struct {
	Cells []Cell // one for each column
	Text  Cell   // in the last column, or below where there is little room for it
	Below Cell   // a further line, wrapped; may be empty
	Copy  string // a further line, never wrapped, so that it can be copied; may be empty
}

// Grid is a table. Its last column, unless it has no title, holds texts.
type Grid struct {
	Columns []Column
	Text    string
	Rows    []Row
}

// Paint colors a text, if the style has colors and there is one to use.
func (s Style) Paint(color, text string) string {
	if !s.Color || color == "" || text == "" {
		return text
	}
	return color + text + reset
}

// Line writes one line. Errors wait in the buffered writer until it is flushed.
func (p Printer) Line(text string) {
	fmt.Fprintln(p.w, strings.TrimRight(text, " "))
}

// Label writes a line of a summary for each text that is not empty, wrapped under its own text.
func (p Printer) Label(label string, texts ...string) {
	for _, text := range slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return text == "" }) {
		title := label
		for _, line := range p.wrapped(text, max(minName, p.Width-labelWidth)) {
			p.Line(p.Paint(bold, title) + strings.Repeat(" ", labelWidth-len(title)) + line)
			title = ""
		}
	}
}

// Problems writes each problem on a line of its own, which is never wrapped: errors are
// searched for and copied.
func (p Printer) Problems(problems []model.Problem) {
	if len(problems) == 0 {
		return
	}
	p.Line("")
	p.Line(p.Paint(bold+red, model.Plural(len(problems), "problem")+":"))
	for _, problem := range problems {
		p.Line("  " + model.OneLine(problem.Error()))
	}
}

// Grid writes a table.
func (p Printer) Grid(g Grid) {
	title := Row{Text: Cell{g.Text, bold}}
	for _, column := range g.Columns {
		title.Cells = append(title.Cells, Cell{column.Title, bold})
	}
	for i := range g.Rows {
		g.Rows[i].Text.Text = model.OneLine(g.Rows[i].Text.Text)
		for j := range g.Rows[i].Cells {
			g.Rows[i].Cells[j].Text = model.OneLine(g.Rows[i].Cells[j].Text)
		}
	}
	rows := append([]Row{title}, g.Rows...)
	columns, widths := p.dropMinor(g.Columns, rows)
	text := p.fit(columns, rows, widths)
	if text == 0 {
		rows[0].Text.Text = "" // texts go below, without a title
	}
	for _, row := range rows {
		p.row(columns, row, widths, text)
	}
}

// dropMinor leaves columns and their cells out until the rest fits, or no minor one is left. The widths are
// those of the longest cells.
func (p Printer) dropMinor(columns []Column, rows []Row) ([]Column, []int) {
	columns, widths := slices.Clone(columns), make([]int, len(columns))
	for i := range rows {
		rows[i].Cells = slices.Clone(rows[i].Cells)
		for j, c := range rows[i].Cells {
			widths[j] = max(widths[j], utf8.RuneCountInString(c.Text))
		}
	}
	for p.Width > 0 {
		need, drop := -gap, -1
		for i, column := range columns {
			width := widths[i]
			if column.Name {
				width = min(width, minText) // a shorter one is not broken for the sake of minor columns
			}
			need += width + gap
			if column.Minor > 0 && (drop < 0 || column.Minor >= columns[drop].Minor) {
				drop = i
			}
		}
		if need <= p.Width || drop < 0 {
			break
		}
		fold := columns[drop].Fold
		for i := range rows {
			if value := rows[i].Cells[drop].Text; i > 0 && fold != "" && value != "" { // below the titles
				rows[i].Text.Text = strings.TrimSuffix(fold+value+"; "+rows[i].Text.Text, "; ")
			}
			rows[i].Cells = slices.Delete(rows[i].Cells, drop, drop+1)
		}
		columns, widths = slices.Delete(columns, drop, drop+1), slices.Delete(widths, drop, drop+1)
	}
	return columns, widths
}

// fit narrows the name and the texts to what is left of the width, and returns the width of the texts: 0 if
// they go below.
func (p Printer) fit(columns []Column, rows []Row, widths []int) (text int) {
	for _, row := range rows {
		text = max(text, utf8.RuneCountInString(row.Text.Text))
	}
	name, longest, room := -1, 0, p.Width // room for name and text
	for i, column := range columns {
		room -= gap
		if column.Name {
			name, longest = i, widths[i]
		} else {
			room -= widths[i]
		}
	}
	if text == 0 {
		room += gap
	}
	least := min(text, minText)
	switch {
	case p.Width <= 0:
		return text
	case room >= longest+least:
		return min(text, room-longest)
	case name >= 0 && room >= minName+least:
		widths[name] = room - least
		return least
	case text > 0:
		room += gap
	}
	if name >= 0 {
		widths[name] = min(longest, max(minName, room))
	}
	return 0
}

// row writes one row, over several lines where its name or text is too long. A name is never broken:
// one that is longer than its column has a line of its own, above the cells that follow it.
func (p Printer) row(columns []Column, r Row, widths []int, text int) {
	parts := make([][]string, len(columns))
	height := 1
	var above []string // the empty lines beside a long name
	for i, c := range r.Cells {
		parts[i] = append(slices.Clone(above), c.Text)
		if columns[i].Name {
			parts[i] = wrap(c.Text, widths[i])
			if slices.ContainsFunc(parts[i], func(part string) bool { return utf8.RuneCountInString(part) > widths[i] }) {
				above = make([]string, len(parts[i]))
			}
		}
		height = max(height, len(parts[i]))
	}
	var texts []string
	if text > 0 {
		texts = append(slices.Clone(above), wrap(r.Text.Text, text)...)
		height = max(height, len(texts))
	}
	for n := range height {
		var line strings.Builder
		for i, column := range columns {
			part := ""
			if n < len(parts[i]) {
				part = parts[i][n]
			}
			space := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(part)))
			part = p.Paint(r.Cells[i].Color, part)
			if column.Right {
				line.WriteString(space + part)
			} else {
				line.WriteString(part + space)
			}
			line.WriteString(strings.Repeat(" ", gap))
		}
		if n < len(texts) {
			line.WriteString(p.Paint(r.Text.Color, texts[n]))
		}
		p.Line(line.String())
	}
	if text == 0 {
		p.below(r.Text)
	}
	p.below(r.Below)
	if r.Copy != "" {
		p.Line(strings.Repeat(" ", indent) + model.OneLine(r.Copy))
	}
}

// below writes a text below its row, unless it is empty.
func (p Printer) below(c Cell) {
	if c.Text == "" {
		return
	}
	for _, line := range p.wrapped(c.Text, max(minText, p.Width-indent)) {
		p.Line(strings.Repeat(" ", indent) + p.Paint(c.Color, line))
	}
}

// wrapped breaks a text, unless there is no limit on the width of lines.
func (p Printer) wrapped(text string, width int) []string {
	if p.Width <= 0 {
		return []string{model.OneLine(text)}
	}
	return wrap(model.OneLine(text), width)
}

// wrap breaks a text at its spaces into lines of at most width characters. A word is never broken, as it
// may be a name or a number: one that is longer has a line of its own. The result has at least one line.
func wrap(text string, width int) []string {
	lines, length := []string{""}, 0
	for _, word := range strings.Fields(text) {
		n, last := utf8.RuneCountInString(word), len(lines)-1
		switch {
		case length == 0:
			lines[last], length = word, n
		case length+1+n <= width:
			lines[last], length = lines[last]+" "+word, length+1+n
		default:
			lines, length = append(lines, word), n
		}
	}
	return lines
}

// Cut is a text in one line of at most width characters. What is left out is whole words, so that no
// name and no number is cut to another; one word always stays.
func Cut(text string, width int) string {
	text = model.OneLine(text)
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return wrap(text, width-2)[0] + " …"
}

// Fit breaks a text for people at the width of a style, if that has one.
func Fit(text string, style Style) string {
	if style.Width <= 0 {
		return text
	}
	return strings.Join(wrap(text, style.Width), "\n")
}
