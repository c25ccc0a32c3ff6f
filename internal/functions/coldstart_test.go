package functions_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// BenchmarkColdStart measures the first invocation of the function monitor: from the start
// of the program, built as make package builds it, to its answer, in an account in which
// there is nothing to monitor. The time that calls to AWS take is not in it. It tells the
// mean (ns/op), the median and the best.
func BenchmarkColdStart(b *testing.B) {
	program := build(b, "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", "-s -w -X main.version=0.0.0", "-tags", "lambda.norpc")
	server, err := localaws.New(localaws.Estate{})
	if err != nil {
		b.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	b.Cleanup(endpoint.Close)
	lambda := host{program: program, endpoint: endpoint.URL}

	var took []time.Duration
	for b.Loop() {
		h := lambda.start(b, "monitor")
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
