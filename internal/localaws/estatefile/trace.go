package estatefile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// maxTraceSpan bounds the time from a trace's first row to its last.
const maxTraceSpan = 10 * 366 * 24 * time.Hour

// Trace is a series of request counts to replay, each for the five minutes from its stamp.
// Only distances count: a replay moves the end of the last row to the present.
type Trace struct {
	// rows are the counts by period before the last row's, which is 0; ascending, with
	// rows that fall into one period added up and those of zero left out.
	rows []traceRow
	// before is the time from the first row's stamp to the last row's.
	before time.Duration
	mean   float64
	notes  []string
}

type traceRow struct {
	period int64 // 0 for the last row, -1 for the five minutes before it …
	count  float64
}

// Mean is the average value of the rows, zeros included.
func (t *Trace) Mean() float64 { return t.mean }

// Notes name what is odd about the rows but does not keep them from being replayed: equal time
// stamps and gaps, each with the first or longest one. Each begins with the file's name.
func (t *Trace) Notes() []string { return t.notes }

// Peak is the highest count of any five minutes of the trace.
func (t *Trace) Peak() float64 {
	peak := 0.0
	for _, row := range t.rows {
		peak = max(peak, row.count)
	}
	return peak
}

// Span is the time from the first row's stamp to the end of the last row.
func (t *Trace) Span() time.Duration { return t.before + Step }

// At is the count of a period, counted from the last row's; zero where there is no row.
func (t *Trace) At(period int64, repeat bool) float64 {
	if period > 0 && repeat {
		length := int64((t.before+Step-1)/Step) + 1
		period = (period-1)%length - length + 1
	}
	i := sort.Search(len(t.rows), func(i int) bool { return t.rows[i].period >= period })
	if i == len(t.rows) || t.rows[i].period != period {
		return 0
	}
	return t.rows[i].count
}

// Layouts of the stamps; without a zone they are taken for UTC, which makes no difference.
var traceLayouts = []string{"2006-01-02 15:04:05", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04"}

// ParseTrace reads a CSV of the columns timestamp,value, with that header, in ascending
// order of time and mostly 5 minutes apart. A value is a count of requests, whole or not, zero
// or more. The error names the file, the line of the first fault and what is valid.
func ParseTrace(data []byte, name string) (*Trace, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	r.ReuseRecord = true
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil || !strings.EqualFold(strings.Join(header, ","), "timestamp,value") {
		return nil, fmt.Errorf("%s:1: the first line is not the header timestamp,value", name)
	}
	var stamps []time.Time
	var values []float64
	var lines []int
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, fmt.Errorf("%s:%d:%d: %w", name, bad.Line, bad.Column, bad.Err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		at, value, err := readTraceRow(record)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if n := len(stamps); n > 0 && at.Before(stamps[n-1]) {
			return nil, fmt.Errorf("%s:%d: %s is before the row above; rows are in ascending order of time", name, line, record[0])
		}
		stamps, values, lines = append(stamps, at), append(values, value), append(lines, line)
	}
	if len(stamps) == 0 {
		return nil, fmt.Errorf("%s: no rows below the header", name)
	}
	// The first stamp is compared with the last through seconds: a difference of years
	// does not fit a Duration.
	if stamps[len(stamps)-1].Unix()-stamps[0].Unix() > int64(maxTraceSpan/time.Second) {
		return nil, fmt.Errorf("%s: the rows span more than ten years", name)
	}
	if apart := usualStep(stamps); apart < Step-time.Minute || apart > Step+time.Minute {
		return nil, fmt.Errorf("%s: the rows are %s apart; replayed are counts of 5 minutes each", name, apart)
	}
	t := newTrace(stamps, values)
	t.notes = traceNotes(name, stamps, lines)
	return t, nil
}

// traceNotes names equal time stamps and gaps between rows that are in order of time.
func traceNotes(name string, stamps []time.Time, lines []int) []string {
	equal, gaps, longest := []int{}, 0, 0 // indexes of rows after the first
	for i := 1; i < len(stamps); i++ {
		switch apart := stamps[i].Sub(stamps[i-1]); {
		case apart == 0:
			equal = append(equal, i)
		case apart > Step+Step/2:
			gaps++
			if longest == 0 || apart > stamps[longest].Sub(stamps[longest-1]) {
				longest = i
			}
		}
	}
	const layout = "2006-01-02 15:04:05"
	var notes []string
	if n := len(equal); n > 0 {
		first := equal[0]
		notes = append(notes, fmt.Sprintf("%s:%d: the time stamp %s is that of the row above, too; both counts are added up (rows like this: %d)",
			name, lines[first], stamps[first].Format(layout), n))
	}
	if gaps > 0 {
		notes = append(notes, fmt.Sprintf("%s:%d: no row between %s and %s; no request is replayed there (gaps like this: %d, this is the longest)",
			name, lines[longest], stamps[longest-1].Format(layout), stamps[longest].Format(layout), gaps))
	}
	return notes
}

// usualStep is the median distance of neighbouring rows. A single row is as far apart as it
// should be.
func usualStep(stamps []time.Time) time.Duration {
	if len(stamps) < 2 {
		return Step
	}
	steps := make([]time.Duration, 0, len(stamps)-1)
	for i := 1; i < len(stamps); i++ {
		steps = append(steps, stamps[i].Sub(stamps[i-1]))
	}
	slices.Sort(steps)
	return steps[len(steps)/2]
}

func readTraceRow(record []string) (time.Time, float64, error) {
	if len(record) != 2 {
		return time.Time{}, 0, fmt.Errorf("%d columns instead of timestamp,value", len(record))
	}
	value, err := strconv.ParseFloat(record[1], 64)
	if err != nil || math.IsNaN(value) || value < 0 || value > 1e12 {
		return time.Time{}, 0, fmt.Errorf("value %q is not a count of requests: a number from 0 on", record[1])
	}
	for _, layout := range traceLayouts {
		if at, err := time.Parse(layout, record[0]); err == nil {
			return at, value, nil
		}
	}
	return time.Time{}, 0, fmt.Errorf("timestamp %q is not a time such as 2006-01-02 15:04:05 or 2006-01-02T15:04:05Z", record[0])
}

func newTrace(stamps []time.Time, values []float64) *Trace {
	last := stamps[len(stamps)-1]
	t := &Trace{before: last.Sub(stamps[0]), rows: make([]traceRow, 0, len(stamps))}
	var sum float64
	for i, at := range stamps {
		sum += values[i]
		if values[i] == 0 {
			continue
		}
		period := -int64((last.Sub(at) + Step - 1) / Step)
		if n := len(t.rows); n > 0 && t.rows[n-1].period == period {
			t.rows[n-1].count += values[i]
			continue
		}
		t.rows = append(t.rows, traceRow{period: period, count: values[i]})
	}
	t.mean = sum / float64(len(stamps))
	return t
}
