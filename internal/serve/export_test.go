package serve

import (
	"context"
	"net"
)

// NewOn is New for a daemon that accepts connections from listener, without a network.
func NewOn(listener net.Listener, o Options) (*Daemon, error) {
	d, err := New(o)
	if err == nil {
		d.listen = func(context.Context, string) (net.Listener, error) { return listener, nil }
	}
	return d, err
}

// MaxConnections is how many connections a daemon serves at a time.
var MaxConnections = maxConnections
