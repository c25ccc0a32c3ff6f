package localaws

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// Memory serves a handler over HTTP without a network: connections are pipes within the
// process. It needs no port, no other process can reach it, and a test on synthetic time
// (testing/synctest) sees all its waiting.
type Memory struct {
	server    *http.Server
	transport *http.Transport
	served    sync.WaitGroup
}

// InMemory serves a handler until Shut.
func InMemory(handler http.Handler) *Memory {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	m := &Memory{
		server:    &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute},
		transport: &http.Transport{DialContext: p.dial, MaxIdleConnsPerHost: 128, ResponseHeaderTimeout: 30 * time.Second},
	}
	m.served.Go(func() { _ = m.server.Serve(p) }) // it ends with ErrServerClosed
	return m
}

// Transport reaches the handler under any host name, over plain HTTP.
func (m *Memory) Transport() http.RoundTripper { return m.transport }

// URL is an address to use with the transport.
func (m *Memory) URL() string { return "http://memory.invalid" }

// Shut ends serving and drops all connections.
func (m *Memory) Shut() {
	m.transport.CloseIdleConnections()
	_ = m.server.Close()
	m.served.Wait()
}

// pipes is a listener for connections within the process.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }
