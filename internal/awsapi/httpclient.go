package awsapi

import (
	"io"
	"net"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Time limits of one HTTP exchange. AWS responds to control-plane calls in well under a
// second and to a full GetMetricData in a few. What takes longer is stuck, and a retry on
// a new connection is better.
const (
	dialTimeout   = 5 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 30 * time.Second
	readTimeout   = 30 * time.Second // without a byte arriving
)

// idleConnections is the number of connections kept open per host. With a custom endpoint
// a single host serves all regions and services; the default of 10 would close and reopen
// connections all the time.
const idleConnections = 128

// plainBodies hides how smithy-go's request bodies write themselves. smithy-go closes a
// body as soon as the response header arrives, and the closed body then returns an error
// to the transport, which may still be looking for its end: a response that arrives very
// early, as over loopback, would cost the connection.
type plainBodies struct{ http.RoundTripper }

// RoundTrip sends the request with a body that can only be read and closed.
func (p plainBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		plain := *r // a transport must not change its request
		plain.Body = struct{ io.ReadCloser }{r.Body}
		r = &plain
	}
	return p.RoundTripper.RoundTrip(r)
}

// CloseIdleConnections passes the HTTP client's call on.
func (p plainBodies) CloseIdleConnections() {
	if closer, ok := p.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// newHTTPClient makes the HTTP client of all service clients.
func newHTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout = tlsTimeout
			t.ResponseHeaderTimeout = headerTimeout
			t.MaxIdleConns = 2 * idleConnections
			t.MaxIdleConnsPerHost = idleConnections
		}).
		WithReadTimeout(readTimeout)
}
