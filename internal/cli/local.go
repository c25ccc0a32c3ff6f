package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// headerTime is how long a client of the embedded endpoint may take to send its headers.
const headerTime = 10 * time.Second

// loadEstate reads the estate file, or gives the example estate if none is named.
func loadEstate(path string) (localaws.Estate, error) {
	if path == "" {
		return localaws.ExampleEstate(), nil
	}
	return localaws.LoadEstate(path)
}

// endpoint is an embedded AWS being served on a loopback port.
type endpoint struct {
	url    string
	server *http.Server
	ended  chan struct{} // closed when the server has ended
	err    error         // what it ended with, once ended is closed
}

// serveLocal begins to serve the embedded AWS on an address.
func serveLocal(ctx context.Context, address string, handler http.Handler) (*endpoint, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	e := &endpoint{
		url:    "http://" + listener.Addr().String(),
		server: &http.Server{Handler: handler, ReadHeaderTimeout: headerTime},
		ended:  make(chan struct{}),
	}
	go func() {
		e.err = e.server.Serve(listener)
		close(e.ended)
	}()
	return e, nil
}

// stop ends the server and waits for that. Nothing is drained: all it knows is in
// memory and about to be forgotten.
func (e *endpoint) stop() {
	_ = e.server.Close() // the listener's error has nobody to tell
	<-e.ended
}

// estateRegions are the regions of an estate, sorted.
func estateRegions(estate localaws.Estate) []string {
	var regions []string
	for _, region := range estate.Regions {
		regions = append(regions, region.Name)
	}
	slices.Sort(regions)
	return regions
}
