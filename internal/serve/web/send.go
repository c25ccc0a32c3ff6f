package web

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/chart"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
)

// minPacked is the size in bytes from which a body is compressed.
const minPacked = 1400 // one packet

// send writes a body, compressed if the client accepts that. Pages with forms are not compressed: the
// size would depend on the token beside what the address contains (BREACH).
func send(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte, compress bool) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Add("Vary", "Accept-Encoding")
	if compress && len(body) >= minPacked && acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		body = packed(body)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // fails only if the client is gone
	}
}

func acceptsGzip(r *http.Request) bool {
	for _, one := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(one), ";")
		if strings.EqualFold(name, "gzip") && strings.ReplaceAll(quality, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// packed is a body with gzip. Speed matters more than the last bytes.
func packed(body []byte) []byte {
	var buffer bytes.Buffer
	w, err := gzip.NewWriterLevel(&buffer, gzip.BestSpeed)
	if err != nil {
		return body // the level is valid
	}
	_, _ = w.Write(body) // a buffer accepts everything
	_ = w.Close()
	return buffer.Bytes()
}

// tableLinks lead to the tables of a page, by their names.
func tableLinks(tables []table, path string, pairs ...string) map[string]string {
	links := make(map[string]string, len(tables))
	for _, one := range tables {
		links[one.name] = link(path, append(slices.Clone(pairs), keyFormat, "csv", keyTable, one.name)...)
	}
	return links
}

// export writes a table of a page as CSV.
func (v *renderer) export(w http.ResponseWriter, r *http.Request, page string, t table) {
	name := page
	if t.name != page {
		name += "-" + t.name
	}
	var body bytes.Buffer
	if err := report.WriteCSV(&body, t.rows()); err != nil {
		v.log.ErrorContext(r.Context(), "table not written", "op", "serve", "path", r.URL.Path, "err", err)
		http.Error(w, "The table could not be written.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="personalize-monitor-`+name+`.csv"`)
	send(w, r, http.StatusOK, "text/csv; charset=utf-8", body.Bytes(), true)
}

// chartCSV is a chart as a table: the times and the values of each line. What is unknown is empty.
func chartCSV(c chart.Chart) [][]string {
	head := []string{"time"}
	for _, line := range c.Lines {
		head = append(head, line.Label)
	}
	rows := [][]string{head}
	for i, at := range c.Times {
		row := []string{time.Unix(at, 0).UTC().Format(time.RFC3339)}
		for _, line := range c.Lines {
			cell := ""
			if v := line.Values[i]; v != nil {
				cell = strconv.FormatFloat(*v, 'g', -1, 64)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return rows
}
