package cli

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// terminalWidth is the width of the terminal behind w in columns, and 0 if there is none.
func terminalWidth(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// color tells whether to paint what goes to w: only on a terminal, and not against the
// wish of NO_COLOR (no-color.org) or of a terminal that cannot.
func (s Streams) color(w io.Writer) bool {
	if value, _ := s.Env("NO_COLOR"); value != "" {
		return false
	}
	kind, _ := s.Env("TERM")
	return kind != "dumb" && terminalWidth(w) > 0
}

// progress shows how far the work has come on one line of a terminal, which it clears
// at the end. Elsewhere it shows nothing.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	width int
	shown bool
}

func newProgress(w io.Writer) *progress { return &progress{w: w, width: terminalWidth(w)} }

func (p *progress) show(step string, done, total int) {
	if p.width == 0 {
		return
	}
	line := step
	if total > 0 {
		line = fmt.Sprintf("%s %d/%d", step, done, total)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = true
	fmt.Fprintf(p.w, "\r\x1b[K%.*s", p.width-1, line)
}

// cycle is show for one of many cycles, whose end is an empty step.
func (p *progress) cycle(step string, done, total int) {
	if step == "" {
		p.clear()
		return
	}
	p.show(step, done, total)
}

func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
