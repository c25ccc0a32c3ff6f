package estatefile

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

// The largest estate file and the largest CSV of request counts, in bytes.
const (
	maxFile  = 4 << 20
	maxTrace = 64 << 20
)

// Load reads an estate file. CSV paths in it are relative to the file's directory. The error
// names the file and, one per line, every fault in it.
func Load(path string) (Estate, error) {
	data, err := readBounded(path, maxFile)
	if err != nil {
		return Estate{}, fmt.Errorf("read the estate file: %w", err)
	}
	dir := filepath.Dir(path)
	return Parse(data, path, func(csv string) ([]byte, error) {
		if !filepath.IsAbs(csv) {
			csv = filepath.Join(dir, csv)
		}
		return readBounded(csv, maxTrace)
	})
}

func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than the limit of %d", path, info.Size(), limit)
	}
	return os.ReadFile(path)
}

// Parse reads an estate from YAML. The name appears in errors, and open reads the CSV files
// that traffic names. Unknown keys, wrong types and invalid values are reported in one error,
// one per line: file, line, column, what is wrong, what is valid.
func Parse(data []byte, name string, open func(path string) ([]byte, error)) (Estate, error) {
	src := &source{name: name}
	found := &faults{src: src}
	root := parseYAML(data, found)
	if root == nil {
		return Estate{}, found.err()
	}
	normalize(root, found)
	src.root = root
	if len(found.list) > 0 {
		src.root = parseYAML(data, found) // complete again, to locate further faults
	}
	estate := decode(root, found)
	estate.file = src
	meaning := &faults{src: src}
	readTraces(&estate, open, found)
	estate.check(meaning)
	found.addFurther(meaning)
	if err := found.err(); err != nil {
		return Estate{}, err
	}
	return estate, nil
}

// source is a YAML file, to locate faults in.
type source struct {
	name string
	root ast.Node
}

// parseYAML returns the root of the file's only document, nil if it is not readable.
func parseYAML(data []byte, found *faults) (root ast.Node) {
	// An estate file may be anything, and the parser is not ours: a panic in it is a file that
	// is not readable.
	defer func() {
		if r := recover(); r != nil {
			found.add(position{}, "not readable as YAML")
			root = nil
		}
	}()
	if len(data) > maxFile {
		found.add(position{}, "the file has %d bytes; an estate has at most %d", len(data), maxFile)
		return nil
	}
	if line := tooDeep(data); line > 0 {
		found.add(position{line, 1}, "the file is nested more than %d deep", maxNesting)
		return nil
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		found.addYAML(err)
		return nil
	}
	for _, doc := range file.Docs {
		if doc.Body != nil && root != nil {
			found.add(positionOf(doc.Body), "a second YAML document; an estate is one")
			return nil
		}
		root = cmp.Or(doc.Body, root)
	}
	if root == nil {
		found.add(position{}, "the estate is empty; it needs at least the key regions")
	}
	return root
}

// document is an estate as it is written in a file.
type document struct {
	Estate   `yaml:",inline"`
	Accounts []accountDocument `yaml:"accounts"`
	Regions  map[string]Region `yaml:"regions"`
}

type accountDocument struct {
	Account `yaml:",inline"`
	Regions map[string]Region `yaml:"regions"`
}

// decode fills an estate from a normalized document.
func decode(root ast.Node, found *faults) Estate {
	var file document
	if err := yaml.NodeToValue(root, &file, yaml.Strict()); err != nil {
		found.addYAML(err)
		return Estate{}
	}
	estate := file.Estate
	estate.Regions = inOrder(file.Regions, valueOf(root, "regions"))
	for i, a := range file.Accounts {
		account := a.Account
		if list, ok := valueOf(root, "accounts").(*ast.SequenceNode); ok {
			account.Regions = inOrder(a.Regions, valueOf(list.Values[i], "regions"))
		}
		estate.Accounts = append(estate.Accounts, account)
	}
	return estate
}

// inOrder returns regions, with their names, in the order of the file.
func inOrder(regions map[string]Region, mapping ast.Node) (list []Region) {
	for _, name := range keys(mapping) {
		region := regions[name]
		region.Name = name
		list = append(list, region)
	}
	return list
}

// maxNesting bounds nested brackets and dashes. An estate needs eight.
const maxNesting = 64

// tooDeep returns the line where the nesting exceeds the bound, 0 if it does not. The parser
// takes time in the square of the depth. Brackets in texts count too; no estate has as many.
func tooDeep(data []byte) int {
	line, depth, dashes := 1, 0, 0
	for i, b := range data {
		indicator := i+1 < len(data) && data[i+1] == ' '
		switch b {
		case '\n':
			line, dashes = line+1, 0
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		case '-', '?', ':':
			if indicator {
				dashes++
			}
		case ' ':
		default:
			dashes = 0
		}
		if depth > maxNesting || dashes > maxNesting {
			return line
		}
	}
	return 0
}

// readTraces reads the CSV files that traffic names, each once.
func readTraces(e *Estate, open func(string) ([]byte, error), found *faults) {
	type result struct {
		trace *Trace
		err   error
	}
	results := map[string]result{}
	for _, traffic := range e.traffic(found) {
		if traffic.CSV == "" {
			continue
		}
		r, ok := results[traffic.CSV]
		if !ok {
			r.trace, r.err = readTrace(traffic.CSV, open)
			results[traffic.CSV] = r
			if r.err != nil {
				traffic.place.at("csv").bad("%v", r.err)
			}
		}
		traffic.Trace, traffic.faulty = r.trace, r.err != nil
	}
}

// Notes name what is odd about the CSV files of the traffic, each file once; see Trace.Notes.
func (e *Estate) Notes() []string {
	var notes []string
	seen := map[*Trace]bool{}
	for _, traffic := range e.traffic(nil) {
		if trace := traffic.Trace; trace != nil && !seen[trace] {
			seen[trace] = true
			notes = append(notes, trace.Notes()...)
		}
	}
	return notes
}

func readTrace(path string, open func(string) ([]byte, error)) (*Trace, error) {
	if open == nil {
		return nil, errors.New("csv " + api.Quoted(path) + " cannot be read here; leave it out, or load the estate from a file")
	}
	data, err := open(path)
	if err != nil {
		return nil, err
	}
	return ParseTrace(data, path)
}

const maxSpan = 3653 * 24 * time.Hour

// parseSpan reads a length of time: whole numbers with the units d, h, m and s, largest
// first, such as 30d, 2d12h or 20m. It is more than zero and at most ten years.
func parseSpan(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a length of time such as 30d, 2d12h, 31h or 20m", text)
	var total time.Duration
	units := "dhms"
	for rest := text; rest != ""; {
		end := strings.IndexAny(rest, units)
		if end <= 0 || end > 9 {
			return 0, bad
		}
		n, err := strconv.ParseUint(rest[:end], 10, 32)
		if err != nil {
			return 0, bad
		}
		unit := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}[rest[end]]
		if total += time.Duration(min(n, uint64(maxSpan/unit)+1)) * unit; total > maxSpan {
			return 0, fmt.Errorf("%q is more than ten years", text)
		}
		_, units, _ = strings.Cut(units, rest[end:end+1])
		rest = rest[end+1:]
	}
	if total <= 0 {
		return 0, bad
	}
	return total, nil
}
