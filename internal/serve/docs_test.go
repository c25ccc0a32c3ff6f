package serve

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/test/docs"
)

// The reference has every metric of the daemon, with its help and labels.
func TestReferencePrometheus(t *testing.T) {
	m := newMetrics(model.Account{}, nil, newResultCollector(model.Account{}), func() map[string]int { return nil }, newLostRecords())
	descs := make(chan *prometheus.Desc, 1000)
	m.own.Describe(descs)
	newProcessMetrics("test").Describe(descs)
	close(descs)
	// The library has no other way to read a description.
	pattern := regexp.MustCompile(`^Desc\{fqName: "` + namespace + `_([a-z_]+)", help: "(.*?)"(?:, unit: "[^"]*")?, constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)
	var rows []string
	for desc := range descs {
		found := pattern.FindStringSubmatch(desc.String())
		if found == nil {
			continue // of the Go runtime and the process
		}
		labels := regexp.MustCompile(`="[^"]*"`).ReplaceAllString(cmp.Or(found[4], found[3]), "")
		if labels != "" {
			labels = "`" + strings.NewReplacer(",", "`, `").Replace(labels) + "`"
		}
		rows = append(rows, fmt.Sprintf("| `%s_%s` | %s | %s |", namespace, found[1], labels, docs.Cell(found[2])))
	}
	for _, m := range resourceMetrics {
		rows = append(rows, fmt.Sprintf("| `%s%s` | `arn`, `kind`, `name`, `region` | %s |", resourcesPrefix, m.name, docs.Cell(m.help)))
	}
	slices.Sort(rows)
	if len(rows) < 15 {
		t.Fatalf("only %d metrics were found", len(rows))
	}
	docs.Section(t, "docs/reference/metrics.md", "prometheus", "| Metric | Labels | Meaning |\n|---|---|---|\n"+strings.Join(rows, "\n"))
}
