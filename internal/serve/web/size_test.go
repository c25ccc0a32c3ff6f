package web_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
	"github.com/personalize-monitor/personalize-monitor/test/webstory"
)

// mostPage is how large a page may be, in bytes and not compressed.
const mostPage = 200 << 10

// Pages stay small however many endpoints there are.
func TestPagesOfThousandsAreSmall(t *testing.T) {
	h := page(t, "large", nil)
	for _, target := range []string{"/", "/resources", "/resources?sort=name&page=50", "/activity", "/activity?kind=all", "/bill?by=region", "/bill"} {
		w := get(t, h, target, header("Accept-Encoding", "gzip"))
		body := unpacked(t, w)
		if w.Code != 200 || len(body) > mostPage || len(body) < 4000 {
			t.Errorf("%s: status %d, %d bytes", target, w.Code, len(body))
		}
	}
}

// unpacked is the body of a response that is compressed.
func unpacked(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if got := w.Header().Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("the encoding is %q", got)
	}
	r, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Who accepts gzip gets it, except in pages with forms; anyone else gets the same bytes as they are.
func TestPagesAreCompressed(t *testing.T) {
	h := page(t, "shop", func(o *web.Options) { o.AllowActions, o.Actions = true, &webstory.Actions{} })
	plain := get(t, h, "/")
	if plain.Header().Get("Content-Encoding") != "" || plain.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("without gzip: %v", plain.Header())
	}
	if got := unpacked(t, get(t, h, "/", header("Accept-Encoding", "br, gzip;q=0.8"))); got != plain.Body.String() {
		t.Error("the compressed page differs")
	}
	if w := get(t, h, "/", header("Accept-Encoding", "gzip;q=0")); w.Header().Get("Content-Encoding") != "" {
		t.Error("gzip was refused, and sent")
	}
	if w := get(t, h, "/resource?arn="+webstory.HomePage, header("Accept-Encoding", "gzip")); w.Header().Get("Content-Encoding") != "" {
		t.Error("a page with forms is compressed")
	}
	if w := get(t, h, "/assets/uplot.js", header("Accept-Encoding", "gzip")); w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() > 30<<10 {
		t.Errorf("the chart library has %d bytes, %v", w.Body.Len(), w.Header())
	}
}

// Every table can be exported, with all its rows, as they are filtered.
func TestTablesAreExported(t *testing.T) {
	s, _ := webstory.Snapshot("shop")
	s.Audits[0].Reason = "=HYPERLINK(1)"
	h := page(t, "shop", func(o *web.Options) { o.Source = webstory.NewSource(s) })
	for _, one := range []struct {
		target string
		rows   int
		first  string // the second cell of the first row
	}{
		{"/?format=csv", 3, "lower-minimum"},
		{"/resources?format=csv", 9, "campaign"},
		{"/resources?format=csv&q=video&sort=name", 3, "campaign"},
		{"/activity?format=csv", 7, "2026-03-04T11:35:30Z"},
		{"/activity?format=csv&kind=change", 5, "2026-03-04T11:35:30Z"},
		{"/bill?format=csv&by=region", 2, "5"},
		{"/resource?format=csv&range=1d&arn=" + url.QueryEscape(webstory.HomePage), 288, "20"},
		{"/resource?format=csv&range=1d&table=errors&arn=" + url.QueryEscape(webstory.HomePage), 288, "0"},
		{"/resource?format=csv&table=history&arn=" + url.QueryEscape(webstory.SimilarItems), 2, "Being set to 22"},
		{"/resource?format=csv&table=saved&arn=" + url.QueryEscape(webstory.SimilarItems), 1, "minimum lowered 38 → 30"},
		{"/resource?format=csv&table=alarms&arn=" + url.QueryEscape(webstory.SimilarItems), 2, "us-east-1"},
		{"/bill?format=csv&table=saved", 2, "lowered minimums"},
		{"/?format=csv&table=totals", 336, "102"},
		{"/dashboard?format=csv&widget=3&range=1d", 288, "5"},
	} {
		w := get(t, h, one.target)
		rows, err := csv.NewReader(w.Body).ReadAll()
		if err != nil || w.Code != 200 || len(rows) != one.rows+1 || rows[1][1] != one.first {
			t.Errorf("%s: status %d, %d rows, %v; first %q", one.target, w.Code, len(rows)-1, err, rows[min(1, len(rows)-1)])
		}
		if !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %v", one.target, w.Header())
		}
		for _, row := range rows {
			for _, cell := range row {
				if strings.HasPrefix(cell, "=") {
					t.Errorf("%s has the formula %q", one.target, cell)
				}
			}
		}
	}
	for _, target := range []string{"/?format=csv", "/?format=csv&table=totals", "/bill?format=csv", "/bill?format=csv&table=saved"} {
		if w := get(t, page(t, "start", nil), target); w.Code != 503 || !strings.Contains(w.Body.String(), "not known yet") {
			t.Errorf("%s before anything is known: status %d", target, w.Code)
		}
	}
	if w := get(t, h, "/dashboard?format=csv"); w.Code != 404 {
		t.Errorf("a page without a table: status %d", w.Code)
	}
}

// BenchmarkFirstByte is the time until a page of 5,000 endpoints is ready to be sent, with values that are new (cold) or were shown
// before (warm).
func BenchmarkFirstByte(b *testing.B) {
	snapshot, _ := webstory.Snapshot("large")
	options, source := webstory.Options(snapshot)
	h, err := web.New(options)
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	for _, path := range []string{"/", "/resources", "/activity", "/bill"} {
		for _, cold := range []bool{true, false} {
			b.Run(strings.TrimPrefix(path, "/")+map[bool]string{true: "-cold", false: "-warm"}[cold], func(b *testing.B) {
				for b.Loop() {
					if cold {
						source.Change(func(*web.Snapshot) {})
					}
					if w := get(b, h, path, header("Accept-Encoding", "gzip")); w.Code != 200 {
						b.Fatal(w.Code)
					}
				}
			})
		}
	}
}
