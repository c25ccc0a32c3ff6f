package serve_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/app"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// A cycle that reads no metric data did not do its work, even if it could list everything.
func TestACycleThatReadNoDataIsNoSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		d := w.daemon(w.options(nil))
		w.live(6 * time.Minute)
		if status, body := d.get("/readyz"); status != 200 {
			t.Fatalf("at first: %d %s", status, body)
		}
		last := d.memory.Status().LastSuccess
		w.aws.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "GetMetricData", Code: "AccessDenied", Status: 403})
		w.live(5 * time.Minute)
		if status, body := d.get("/readyz"); status != 503 || !strings.Contains(body, "the last cycle failed") {
			t.Errorf("without data: %d %s", status, body)
		}
		if s := d.memory.Status(); !s.LastSuccess.Equal(last) || !strings.Contains(s.LastError, "no metric data could be read: GetMetricData us-east-1: 5 series not read: AccessDenied") {
			t.Errorf("last success %v, before it was %v; error %q", s.LastSuccess, last, s.LastError)
		}
		if _, body := d.get("/metrics"); !strings.Contains(body, `personalize_monitor_problems_total{operation="GetMetricData"`) {
			t.Errorf("the problems are not counted:\n%s", body)
		}
		w.aws.ClearFaults()
		w.live(5 * time.Minute)
		if status, body := d.get("/readyz"); status != 200 {
			t.Errorf("afterwards: %d %s", status, body)
		}
		d.stop()
		w.memory.Shut()
	})
}

// The daemon can be observed before anything that may take long, as asking STS.
func TestHealthBeforeTheFirstCycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		release := make(chan struct{})
		o := w.options(nil)
		o.Before = func(context.Context, []*app.App) error { <-release; return nil }
		d := w.daemon(o)
		if status, body := d.get("/healthz"); status != 200 {
			t.Errorf("healthz: %d %s", status, body)
		}
		if status, _ := d.get("/readyz"); status != 503 {
			t.Errorf("readyz: %d", status)
		}
		synctest.Wait()
		if calls := w.aws.Calls(); len(calls) > 0 {
			t.Errorf("work has begun: %v", calls)
		}
		close(release)
		w.live(time.Minute)
		if status, body := d.get("/readyz"); status != 200 {
			t.Errorf("readyz afterwards: %d %s", status, body)
		}
		d.stop()
		w.memory.Shut()
	})
}

// If the work must not begin, the daemon ends with the reason.
func TestARefusedStartEndsTheDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		o := w.options(nil)
		refused := context.DeadlineExceeded
		o.Before = func(context.Context, []*app.App) error { return refused }
		d := w.daemon(o)
		if err := d.Wait(context.Background()); err == nil || !strings.Contains(err.Error(), refused.Error()) {
			t.Errorf("ended with %v", err)
		}
		if calls := w.aws.Calls(); len(calls) > 0 {
			t.Errorf("work has begun: %v", calls)
		}
		d.pipe.hangUp()
		w.memory.Shut()
	})
}

// Idle connections, however many, leave the daemon its file descriptors: it accepts a bounded
// number, and closes those that send nothing.
func TestConnectionsAreBounded(t *testing.T) {
	r := newReal(t, shop(), nil)
	r.client.CloseIdleConnections()
	var idle []net.Conn
	for range 2 * serve.MaxConnections() {
		c, err := net.Dial("tcp", r.Addr().String()) // the kernel accepts it
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	served := func(c net.Conn) bool {
		t.Helper()
		if _, err := c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		n, _ := c.Read(make([]byte, 16))
		return n > 0
	}
	if !served(idle[0]) {
		t.Error("the first connection is not served")
	}
	if served(idle[len(idle)-1]) {
		t.Error("the last connection is served beside all others")
	}
	for _, c := range idle[:len(idle)-1] {
		c.Close()
	}
	_ = idle[len(idle)-1].SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := idle[len(idle)-1].Read(make([]byte, 16)); n == 0 {
		t.Errorf("when others are gone it is not served: %v", err)
	}
	idle[len(idle)-1].Close()
	if response, err := http.Get(r.url + "/healthz"); err != nil {
		t.Error(err)
	} else {
		response.Body.Close()
	}
}
