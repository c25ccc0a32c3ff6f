package report

import (
	"encoding/csv"
	"io"
	"strconv"
)

// header names the columns of the CSV as the JSON names its keys.
var header = []string{
	"arn", "kind", "name", "region", "datasetGroup", "recipe", "status",
	"min", "average", "utilization", "checked", "decision", "newMin", "reason",
	"tpsHoursSaved", "tpsHoursSavedPerMonth", "estimateCurrency", "pricePerTPSHour", "priceDate", "priceSource",
	"estimateSaved", "estimateSavedPerMonth", "would", "wouldMin", "outcome", "restore",
}

// WriteCSV writes a header and one line for each resource. What is null or left out in
// the JSON is an empty field.
func (r Result) WriteCSV(w io.Writer) error {
	rows := [][]string{header}
	for _, one := range r.settled().Resources {
		newMin := ""
		if one.NewMin != 0 {
			newMin = strconv.Itoa(one.NewMin)
		}
		row := []string{
			one.ARN, string(one.Kind), one.Name, one.Region, one.DatasetGroup, one.Recipe, string(one.Status),
			strconv.Itoa(one.Min), exact(one.Average), exact(one.Utilization), strconv.FormatBool(one.Checked),
			string(one.Decision), newMin, one.Reason,
		}
		row = append(row, one.savingFields()...)
		wouldMin := ""
		if one.WouldMin != 0 {
			wouldMin = strconv.Itoa(one.WouldMin)
		}
		rows = append(rows, append(row, string(one.Would), wouldMin, one.Outcome, one.Restore))
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// savingFields are the fields of what a decision would save.
func (r Resource) savingFields() []string {
	fields := make([]string, 8)
	if r.Saving != nil {
		fields[0], fields[1] = digits(r.Saving.TPSHours), digits(r.Saving.PerMonth)
	}
	if e := r.Estimate; e != nil {
		copy(fields[2:], []string{
			e.Currency, digits(e.PerTPSHour), e.PriceDate, e.PriceSource, digits(e.Saved), digits(e.SavedPerMonth),
		})
	}
	return fields
}

// exact writes a number with all its digits.
func exact(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}
