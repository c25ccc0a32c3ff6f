// Package door counts wrong tokens, for the daemon and its page alike, so that nobody can
// go on guessing. It counts them by the address that they come from: whoever guesses keeps
// nobody else out.
package door

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// When whoever guesses is no longer listened to, and for how long.
const (
	// Attempts wrong tokens from one address within Window close the door to it until the
	// window is over.
	Attempts = 10
	Window   = time.Minute
	// maxClients bounds the addresses that are remembered. If more guess at a time, those
	// that began first are forgotten.
	maxClients = 4096
)

// Keeper counts wrong tokens. The zero value has counted none. It is safe for concurrent
// use.
type Keeper struct {
	mu      sync.Mutex
	clients map[netip.Prefix]*tally
}

// tally is what came from one address.
type tally struct {
	wrong int
	since time.Time
}

// Tired tells whether too many wrong tokens came of late from where the request comes from.
// Its token, right or wrong, is then not looked at.
func (k *Keeper) Tired(r *http.Request, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.clients[clientOf(r)]
	return t != nil && now.Sub(t.since) < Window && t.wrong >= Attempts
}

// Failed notes a wrong token.
func (k *Keeper) Failed(r *http.Request, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	client := clientOf(r)
	t := k.clients[client]
	if t == nil || now.Sub(t.since) >= Window {
		k.makeRoom(now)
		t = &tally{since: now}
		k.clients[client] = t
	}
	t.wrong++
}

// makeRoom sees to it that one more address can be remembered. The caller holds mu.
func (k *Keeper) makeRoom(now time.Time) {
	if k.clients == nil {
		k.clients = map[netip.Prefix]*tally{}
	}
	if len(k.clients) < maxClients {
		return
	}
	var first netip.Prefix
	var since time.Time
	for client, t := range k.clients {
		if now.Sub(t.since) >= Window {
			delete(k.clients, client)
			continue
		}
		if since.IsZero() || t.since.Before(since) {
			first, since = client, t.since
		}
	}
	if len(k.clients) >= maxClients {
		delete(k.clients, first)
	}
}

// clientOf is where a request comes from. Of a proxy on the same machine it is the last
// address in X-Forwarded-For, which that has written itself; what clients or proxies
// elsewhere write there is not believed. In IPv6 one client may have any address of a /64
// (RFC 4291, 2.5.4). All that have no address count as one.
func clientOf(r *http.Request) netip.Prefix {
	ip := parse(r.RemoteAddr)
	if list := r.Header.Values("X-Forwarded-For"); ip.IsLoopback() && len(list) > 0 {
		last := list[len(list)-1]
		if forwarded := parse(strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])); forwarded.IsValid() {
			ip = forwarded
		}
	}
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	prefix, _ := ip.Prefix(bits) // the zero one of no address
	return prefix
}

// parse reads an address, with or without a port.
func parse(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}
