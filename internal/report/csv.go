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
		rows = append(rows, []string{
			one.ARN, string(one.Kind), one.Name, one.Region, one.DatasetGroup, one.Recipe, string(one.Status),
			strconv.Itoa(one.Min), exact(one.Average), exact(one.Utilization), strconv.FormatBool(one.Checked),
			string(one.Decision), newMin, one.Reason,
		})
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// exact writes a number with all its digits.
func exact(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}
