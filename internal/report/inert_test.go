package report

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"
)

// texts is a report whose CSV has one row.
type texts []string

func (r texts) JSON() any       { return r }
func (r texts) CSV() [][]string { return [][]string{r} }
func (texts) Table(Printer)     {}
func (texts) Asides() []string  { return nil }

// Texts that came from others are harmless where a CSV is opened; numbers stay numbers.
func TestCSVIsInert(t *testing.T) {
	for text, want := range map[string]string{
		"=1+2":                          "'=1+2",
		"=HYPERLINK(\"http://x\")":      "'=HYPERLINK(\"http://x\")",
		"@SUM(A1)":                      "'@SUM(A1)",
		"+cmd|' /C calc'!A0":            "'+cmd|' /C calc'!A0",
		"-2+3":                          "'-2+3",
		"--":                            "'--",
		"-":                             "'-",
		"\t=1":                          "'=1",
		"\r=1":                          "'=1",
		" \n =1":                        "'=1",
		"\u202e=1":                      "'=1",
		"\uff1d1":                       "'\uff1d1",
		"-5":                            "-5",
		"-0.25":                         "-0.25",
		"+3":                            "+3",
		"1e-7":                          "1e-7",
		"":                              "",
		"a=b":                           "a=b",
		"lowest 7.4 TPS - 3":            "lowest 7.4 TPS - 3",
		"red \x1b[31m\r\nand more\x00":  "red [31m and more",
		"a\u202eb\u2066c\u2069d\u200fe": "a b c d e",
	} {
		var out bytes.Buffer
		if err := Write(&out, texts{"x", text}, CSV, Style{}); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) != 1 || !slices.Equal(rows[0], []string{"x", want}) {
			t.Errorf("%q: got %q, %v, want %q", text, rows, err, want)
		}
	}
}
