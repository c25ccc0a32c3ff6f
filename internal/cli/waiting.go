package cli

import (
	"fmt"
	"time"
)

// waitingEvery is how often a line shows what is waited for, where there is no terminal.
const waitingEvery = 30 * time.Second

// waiting shows what a command waits for, and for how long so far: on a terminal in one line that
// changes, else in a line every waitingEvery at most.
type waiting struct {
	*session
	began, next time.Time
}

func newWaiting(s *session) *waiting { return &waiting{session: s, began: s.clock.Now()} }

func (w *waiting) show(what string) {
	now := w.clock.Now()
	line := fmt.Sprintf("%v: %s", now.Sub(w.began).Truncate(time.Second), what)
	switch {
	case w.progress.width > 0:
		w.progress.show(line, 0, 0)
	case !now.Before(w.next):
		w.next = now.Add(waitingEvery)
		fmt.Fprintln(w.streams.Err, line)
	}
}
