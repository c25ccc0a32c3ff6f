package guard

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// maxWrong wrong tokens from one address within window block further wrong ones until
	// window is over.
	maxWrong = 10
	window   = time.Minute
	// maxClients bounds the addresses that are counted. If more guess at the same time, the
	// ones that began first are forgotten.
	maxClients = 4096
)

// limiter counts wrong tokens by address.
// The zero value has counted none.
type limiter struct {
	mu      sync.Mutex
	clients map[netip.Prefix]*tally
}

type tally struct {
	wrong int
	since time.Time
}

// blocked reports whether too many wrong tokens came from the address of the request.
func (l *limiter) blocked(r *http.Request, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.clients[clientOf(r)]
	return t != nil && now.Sub(t.since) < window && t.wrong >= maxWrong
}

// count counts a wrong token.
func (l *limiter) count(r *http.Request, now time.Time) {
	client := clientOf(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.clients[client]
	if t == nil || now.Sub(t.since) >= window {
		if l.clients == nil {
			l.clients = map[netip.Prefix]*tally{}
		}
		if len(l.clients) >= maxClients {
			dropOldest(l.clients, now)
		}
		t = &tally{since: now}
		l.clients[client] = t
	}
	t.wrong++
}

// dropOldest removes the addresses whose window is over, or the first address if all windows are open.
func dropOldest(clients map[netip.Prefix]*tally, now time.Time) {
	var first netip.Prefix
	var since time.Time
	for client, t := range clients {
		if now.Sub(t.since) >= window {
			delete(clients, client)
		} else if since.IsZero() || t.since.Before(since) {
			first, since = client, t.since
		}
	}
	if len(clients) >= maxClients {
		delete(clients, first)
	}
}

// clientOf is the address that a request comes from. If it comes through a proxy on this
// machine it is the last address in X-Forwarded-For, which the proxy itself wrote; what
// clients or proxies elsewhere write there is not trusted. In IPv6 a client may use any
// address of a /64 (RFC 4291, 2.5.4). All requests without an address count as one client.
func clientOf(r *http.Request) netip.Prefix {
	ip := parseAddr(r.RemoteAddr)
	if list := r.Header.Values("X-Forwarded-For"); ip.IsLoopback() && len(list) > 0 {
		last := list[len(list)-1]
		if forwarded := parseAddr(strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])); forwarded.IsValid() {
			ip = forwarded
		}
	}
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	prefix, _ := ip.Prefix(bits) // zero for no address
	return prefix
}

// parseAddr reads an address with or without a port; the zero value if the text is no address.
func parseAddr(text string) netip.Addr {
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		pair, _ := netip.ParseAddrPort(text)
		ip = pair.Addr()
	}
	return ip.Unmap().WithZone("")
}
