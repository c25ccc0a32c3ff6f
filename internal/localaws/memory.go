package localaws

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// Memory serves a handler over HTTP without a network: connections are pipes within the
// process. It needs no port, nobody else can reach it, and a test on synthetic time
// (testing/synctest) sees all its waiting.
type Memory struct {
	server    *http.Server
	transport *http.Transport
	conns     chan net.Conn
	closed    chan struct{}
	close     sync.Once
	served    sync.WaitGroup
}

// InMemory begins to serve a handler. Close ends it.
func InMemory(handler http.Handler) *Memory {
	m := &Memory{server: &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}, conns: make(chan net.Conn), closed: make(chan struct{})}
	m.transport = &http.Transport{DialContext: m.dial, MaxIdleConnsPerHost: 128, ResponseHeaderTimeout: 30 * time.Second}
	m.served.Go(func() { _ = m.server.Serve(m) }) // it ends with ErrServerClosed
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

func (m *Memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case m.conns <- far:
		return near, nil
	case <-m.closed:
		return nil, errors.New("the embedded endpoint is closed")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept, Close and Addr make it the listener of its own server.

// Accept waits for the next connection.
func (m *Memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Close makes Accept give up. To end serving, use Shut.
func (m *Memory) Close() error {
	m.close.Do(func() { close(m.closed) })
	return nil
}

// Addr names the address of nobody.
func (m *Memory) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }
