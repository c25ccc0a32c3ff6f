package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"
)

var ledgerHeader = []string{
	"arn", "kind", "name", "region", "datasetGroup", "recipe", "status", "min", "created",
	"start", "end", "hours", "stoppedHours", "minKnownPercent", "requests", "provisioned", "actual", "peak",
	"utilizationMean", "utilizationP50", "utilizationP95", "utilizationLowestHour", "utilizationHighestHour",
	"idleHours", "idleSince", "tpsHoursPaid", "tpsHoursUsed", "tpsHoursWasted",
	"action", "newMin", "tpsHoursSaved", "tpsHoursSavedPerMonth", "jumps", "sudden", "jumpsNow",
	"estimateCurrency", "pricePerTPSHour", "priceDate", "priceSource",
	"estimatePaid", "estimateWasted", "estimateSaved", "estimateSavedPerMonth", "note",
}

// WriteCSV writes a header and one line for each resource. What is null in the JSON is
// an empty field.
func (l Ledger) WriteCSV(w io.Writer) error {
	l.Settle()
	rows := [][]string{ledgerHeader}
	for _, e := range l.Resources {
		row := []string{
			e.ARN, string(e.Kind), e.Name, e.Region, e.DatasetGroup, e.Recipe, string(e.Status),
			strconv.Itoa(e.Min), e.Created.Format(time.RFC3339),
		}
		row = append(row, e.Usage.fields()...)
		row = append(row, e.Saving.fields()...)
		row = append(row, e.Estimate.fields()...)
		rows = append(rows, append(row, e.Note))
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// digits writes a number with all its digits.
func digits(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func (u *Usage) fields() []string {
	if u == nil {
		return make([]string, 19)
	}
	since := ""
	if u.IdleSince != nil {
		since = u.IdleSince.UTC().Format(time.RFC3339)
	}
	return []string{
		u.Window.Start.UTC().Format(time.RFC3339), u.Window.End.UTC().Format(time.RFC3339),
		digits(u.Hours), digits(u.StoppedHours), digits(u.MinKnown), digits(u.Requests),
		digits(u.Provisioned), digits(u.Actual), digits(u.Peak),
		exact(u.Utilization.Mean), exact(u.Utilization.P50), exact(u.Utilization.P95),
		exact(u.Utilization.LowestHour), exact(u.Utilization.HighestHour),
		exact(u.IdleHours), since, digits(u.TPSHours.Paid), digits(u.TPSHours.Used), digits(u.TPSHours.Wasted),
	}
}

func (s *Saving) fields() []string {
	if s == nil {
		return make([]string, 7)
	}
	newMin := ""
	if s.NewMin > 0 {
		newMin = strconv.Itoa(s.NewMin)
	}
	return []string{
		string(s.Action), newMin, digits(s.TPSHours), digits(s.PerMonth), strconv.Itoa(s.Jumps), strconv.Itoa(s.Sudden), strconv.Itoa(s.JumpsNow),
	}
}

func (e *Estimate) fields() []string {
	if e == nil {
		return make([]string, 8)
	}
	return []string{
		e.Currency, digits(e.PerTPSHour), e.PriceDate, e.PriceSource,
		digits(e.Paid), digits(e.Wasted), digits(e.Saved), digits(e.SavedPerMonth),
	}
}
