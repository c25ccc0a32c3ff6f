package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// terminalWidth is the width of the terminal behind w in columns, and 0 if w is no terminal.
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

// style fits tables to w. There is color only on a terminal that has it, and not if NO_COLOR
// is set (no-color.org).
func (s Streams) style(w io.Writer) report.Style {
	width := terminalWidth(w)
	plain, _ := s.Env("NO_COLOR")
	kind, _ := s.Env("TERM")
	return report.Style{Width: width, Color: width > 0 && plain == "" && kind != "dumb"}
}

// print writes a result to stdout, and what its form has no room for to stderr.
func (s Streams) print(r report.Report, form string) error {
	if err := report.Write(s.Out, r, report.Form(form), s.style(s.Out)); err != nil {
		return fmt.Errorf("print the result: %w", awsapi.Plain(err))
	}
	if report.Form(form) == report.CSV {
		for _, line := range r.Asides() {
			fmt.Fprintln(s.Err, model.OneLine(line))
		}
	}
	return nil
}

// finish prints a result, and returns the error of its exit code, as incomplete does.
func (s Streams) finish(r report.Report, form string, none, failed bool) error {
	if err := s.print(r, form); err != nil {
		return err
	}
	return incomplete(none, failed)
}

// note writes a text for people to stderr, broken at the width of a terminal.
func (s Streams) note(text string) { fmt.Fprintln(s.Err, report.Fit(text, s.style(s.Err))) }

// printProblems writes problems to stderr, where the result has no room for them.
func (s Streams) printProblems(problems []model.Problem) {
	for _, p := range problems {
		fmt.Fprintln(s.Err, model.OneLine(p.Error()))
	}
}

// errNotConfirmed ends a command whose question was not answered with yes.
var errNotConfirmed = errors.New("not confirmed; nothing was changed")

// interactive reports whether there is a person to ask: input from a terminal.
func (s Streams) interactive() bool {
	file, ok := s.In.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// confirm asks a question on the terminal; any answer but yes is an error.
func (s Streams) confirm(ctx context.Context, question string) error {
	fmt.Fprintf(s.Err, "%s Type yes to go on: ", question)
	answer, err := unlessEnded(ctx, func() (string, error) {
		line, _ := bufio.NewReader(s.In).ReadString('\n') // half an answer is not yes
		return strings.TrimSpace(line), nil
	})
	if err == nil && answer != "yes" {
		err = errNotConfirmed
	}
	return err
}

// progress shows how far a command is on one line of a terminal, which it clears at the end.
// Without a terminal it shows nothing.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	width int
	shown bool
}

func newProgress(w io.Writer) *progress { return &progress{w: w, width: terminalWidth(w)} }

// show shows a step of the work; an empty one ends it.
func (p *progress) show(step string, done, total int) {
	switch {
	case step == "":
		p.clear()
		return
	case p.width == 0:
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

func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// waitingEvery is how often a line shows what is waited for, where there is no terminal.
const waitingEvery = 30 * time.Second

// waiting shows what a command waits for, and for how long so far: on a terminal in one line that
// changes, else in a line every waitingEvery at most.
func (s *session) waiting() func(what string) {
	began, next := s.clock.Now(), time.Time{}
	return func(what string) {
		now := s.clock.Now()
		line := fmt.Sprintf("%v: %s", now.Sub(began).Truncate(time.Second), what)
		switch {
		case s.progress.width > 0:
			s.progress.show(line, 0, 0)
		case !now.Before(next):
			next = now.Add(waitingEvery)
			fmt.Fprintln(s.streams.Err, line)
		}
	}
}
