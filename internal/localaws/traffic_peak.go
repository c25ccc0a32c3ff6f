package localaws

// Peak is the highest count of any five minutes of the trace.
func (t *Trace) Peak() float64 {
	peak := 0.0
	for _, row := range t.rows {
		peak = max(peak, row.count)
	}
	return peak
}
