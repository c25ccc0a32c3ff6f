package web

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	// heartbeat keeps proxies from taking a quiet stream for a dead one.
	heartbeat = 25 * time.Second
	// breather is the least time between two messages of a stream: a browser that asks for
	// the page at each would ask for nothing else while much happens.
	breather = time.Second
	// writeTime is how long a browser may take to receive a message.
	writeTime = 10 * time.Second
)

// live tells a browser, as server-sent events, whenever there is something new. It sends
// the number of the snapshot alone; the page then asks for itself again.
func (h *Handler) live(w http.ResponseWriter, r *http.Request) {
	if f := parseFields(r.URL.RawQuery); f.fault != nil {
		h.badQuery(w, r, f.fault)
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
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold messages back
	stream := http.NewResponseController(w)
	send := func(message string) bool {
		// Servers without deadlines, as in tests, do without.
		_ = stream.SetWriteDeadline(time.Now().Add(writeTime))
		if _, err := fmt.Fprint(w, message); err != nil {
			return false
		}
		return stream.Flush() == nil
	}
	h.follow(r.Context(), send)
}

// follow sends messages until the browser goes away or the page is closed.
func (h *Handler) follow(ctx context.Context, send func(string) bool) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		// Asked for before the snapshot, so that nothing is missed in between.
		changed := h.Source.Changed()
		if !send(fmt.Sprintf("event: change\ndata: %d\n\n", h.Source.Snapshot().Version)) {
			return
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return
			case <-h.closed:
				return
			case <-changed:
				waiting = false
				breathe := time.NewTimer(breather)
				select {
				case <-breathe.C:
				case <-ctx.Done():
				case <-h.closed:
				}
				breathe.Stop()
			case <-beat.C:
				if !send(": still here\n\n") {
					return
				}
			}
		}
	}
}
