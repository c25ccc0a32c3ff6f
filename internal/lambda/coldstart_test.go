package lambda_test

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// BenchmarkColdStart measures the first invocation of the function monitor: from the start
// of the program, built as make package builds it, to its answer, in an account in which
// there is nothing to monitor. Calls go over TLS, as they do to AWS, but to an endpoint
// that answers at once. It tells the mean (ns/op), the median and the best.
func BenchmarkColdStart(b *testing.B) {
	program := build(b, "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", "-s -w -X main.version=0.0.0", "-tags", "lambda.norpc")
	server, err := localaws.New(localaws.Estate{})
	if err != nil {
		b.Fatal(err)
	}
	endpoint := httptest.NewTLSServer(server)
	b.Cleanup(endpoint.Close)
	trusted := filepath.Join(b.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: endpoint.Certificate().Raw})
	if err := os.WriteFile(trusted, certificate, 0o600); err != nil {
		b.Fatal(err)
	}
	lambda := fakeLambda{program: program, endpoint: endpoint.URL}

	var took []time.Duration
	for b.Loop() {
		h := lambda.start(b, "monitor", "SSL_CERT_FILE="+trusted)
		text, good := h.invoke(`{"version":"0","detail-type":"Scheduled Event","source":"aws.events","detail":{}}`)
		took = append(took, time.Since(h.started))
		b.StopTimer()
		if !good || !strings.HasPrefix(text, "0 resources measured") {
			b.Fatalf("answered %q", text)
		}
		h.stop()
		b.StartTimer()
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms-median")
	b.ReportMetric(took[0].Seconds()*1000, "ms-best")
}
