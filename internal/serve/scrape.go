package serve

import (
	"bufio"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// metrics serves what Prometheus reads: the metrics of the process and of each account, then those of the resources.
// The format is the text format 0.0.4, which every version of Prometheus reads.
func (s site) metrics(w http.ResponseWriter, r *http.Request) {
	gatherers, lists := prometheus.Gatherers{s.process}, make([]accountResources, len(s.watches))
	for i, one := range s.watches {
		gatherers, lists[i] = append(gatherers, one.metrics.own), one.metrics.results.current()
	}
	families, err := gatherers.Gather()
	if err != nil {
		s.log.ErrorContext(r.Context(), "metrics not served", "err", err)
		http.Error(w, "the metrics could not be gathered; see the log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", string(expfmt.NewFormat(expfmt.TypeTextPlain)))
	if r.Method == http.MethodHead {
		return
	}
	out, end := compressed(w, r)
	for _, family := range families {
		if _, err = expfmt.MetricFamilyToText(out, family); err != nil {
			panic(http.ErrAbortHandler) // half of the metrics must not look like all
		}
	}
	for _, m := range resourceMetrics {
		if r.Context().Err() != nil {
			return // the client is gone
		}
		m.write(out, lists)
	}
	_ = end() // fails only if the client is gone
}

// compressed is where to write a response, which is compressed if the client accepts that: that of 100,000 resources
// has 60 MB.
func compressed(w http.ResponseWriter, r *http.Request) (out *bufio.Writer, end func() error) {
	w.Header().Add("Vary", "Accept-Encoding")
	accepted := strings.ReplaceAll(r.Header.Get("Accept-Encoding"), " ", "")
	if !strings.Contains(accepted, "gzip") || strings.Contains(accepted, "gzip;q=0") {
		out = bufio.NewWriter(w)
		return out, out.Flush
	}
	w.Header().Set("Content-Encoding", "gzip")
	zip, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // fails only if there is no such level
	out = bufio.NewWriter(zip)
	return out, func() error {
		_ = out.Flush() // its error is that of the next write as well
		return zip.Close()
	}
}

// accountResources are the resources of an account.
type accountResources struct {
	label     string // of the account, and a comma; empty if there is one account
	resources []report.Resource
}

// current are the resources of the last result.
func (c *resultCollector) current() (list accountResources) {
	for name, value := range c.account {
		list.label = name + `="` + escape(value) + `",`
	}
	if result := c.last.Load(); result != nil {
		list.resources = result.Resources
	}
	return list
}

// write writes the gauge of all resources. What fails is seen at the end.
func (m resourceMetric) write(out io.StringWriter, lists []accountResources) {
	name, first := resourcesPrefix+m.name, true
	for _, list := range lists {
		for _, r := range list.resources {
			value := m.value(r)
			if value == nil {
				continue
			}
			if first {
				_, _ = out.WriteString("# HELP " + name + " " + m.help + "\n# TYPE " + name + " gauge\n")
				first = false
			}
			_, _ = out.WriteString(name + "{" + list.label + resourceLabels(r) + "} " + strconv.FormatFloat(*value, 'g', -1, 64) + "\n")
		}
	}
}

// resourceLabels are the labels of a resource, in the order of their names.
func resourceLabels(r report.Resource) string {
	return `arn="` + escape(r.ARN) + `",kind="` + escape(string(r.Kind)) + `",name="` + escape(r.Name) + `",region="` + escape(r.Region) + `"`
}

// escape writes a value of a label as the text format wants it.
func escape(value string) string { return escaper.Replace(value) }

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
