package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// every is how many cells of a job are judged between two lines of progress.
const every = 100

// cellDepth is how many names stand before that of a cell in the name of its test:
// TestFaultMatrix, cells and the job.
const cellDepth = 3

// progress reads the events of go test -json, tells how many cells of each job are judged,
// and at the end what the tests said that failed.
type progress struct {
	errs    io.Writer
	rest    []byte // of a line that has not come to its end
	begun   map[string]int
	judged  map[string]int
	said    map[string][]string // by test
	failed  []string
	strange []string // lines that are no events, such as the compiler's
}

func newProgress(errs io.Writer) *progress {
	return &progress{errs: errs, begun: map[string]int{}, judged: map[string]int{}, said: map[string][]string{}}
}

// event is one line of go test -json.
type event struct{ Action, Test, Output string }

// Write takes what go test prints.
func (p *progress) Write(text []byte) (int, error) {
	p.rest = append(p.rest, text...)
	for {
		line, rest, whole := bytes.Cut(p.rest, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		p.rest = rest
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			p.strange = append(p.strange, string(line)+"\n")
			continue
		}
		p.take(e)
	}
}

func (p *progress) take(e event) {
	job := ""
	if names := strings.SplitN(e.Test, "/", cellDepth+1); len(names) > cellDepth {
		job = strings.ReplaceAll(names[cellDepth-1], "_", " ")
	}
	switch e.Action {
	case "run":
		p.begun[job]++
	case "output", "build-output":
		p.said[e.Test] = append(p.said[e.Test], e.Output)
	case "pass", "fail":
		if e.Action == "fail" {
			p.failed = append(p.failed, e.Test)
		} else {
			delete(p.said, e.Test)
		}
		p.judged[job]++
		if n := p.judged[job]; job != "" && (n%every == 0 || n == p.begun[job]) {
			p.tell(fmt.Sprintf("%s: %d of %d cells\n", job, n, p.begun[job]))
		}
	}
}

// end tells what the tests said that failed.
func (p *progress) end() {
	p.tell(strings.Join(p.strange, "") + string(p.rest))
	for _, test := range p.failed {
		p.tell(strings.Join(p.said[test], ""))
	}
	if len(p.failed) > 0 {
		p.tell(strings.Join(p.said[""], "")) // such as what does not compile
	}
}

func (p *progress) tell(text string) {
	_, _ = io.WriteString(p.errs, text) // progress; nothing depends on it
}
