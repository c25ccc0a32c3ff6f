package web

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	// heartbeat keeps proxies from closing a quiet stream.
	heartbeat = 25 * time.Second
	// minPause is the least time between two messages of a stream: a browser loads the page
	// at each, and would do nothing else during a cycle.
	minPause = time.Second
	// writeTime is how long a browser may take to receive a message.
	writeTime = 10 * time.Second
)

// live notifies a browser of each change by server-sent events. A message is the version of
// the snapshot; the page then loads itself again.
func (h *site) live(w http.ResponseWriter, r *http.Request) {
	if q := parseFields(r.URL.RawQuery); q.fault != nil {
		h.pages.reject(w, r, q.fault)
		return
	}
	select {
	case h.listeners <- struct{}{}:
		defer func() { <-h.listeners }()
	default:
		w.Header().Set("Retry-After", "60")
		http.Error(w, "too many browsers follow already", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would buffer messages
	stream := http.NewResponseController(w)
	h.follow(r.Context(), func(message string) bool {
		_ = stream.SetWriteDeadline(time.Now().Add(writeTime)) // some servers have no deadlines
		if _, err := fmt.Fprint(w, message); err != nil {
			return false
		}
		return stream.Flush() == nil
	})
}

// follow sends messages until the browser goes away or the page is closed.
func (h *site) follow(ctx context.Context, send func(string) bool) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.forms.closed, cancel)()
	for {
		// The channel comes before the snapshot, so that no change in between is missed.
		changed := h.options.Source.Changed()
		if !send(fmt.Sprintf("event: change\ndata: %d\n\n", h.options.Source.Version())) {
			return
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return
			case <-changed:
				waiting = false
			case <-beat.C:
				if !send(": alive\n\n") {
					return
				}
			}
		}
		select {
		case <-time.After(minPause):
		case <-ctx.Done():
			return
		}
	}
}
