package logs

import (
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	const record = `{"msg":"audit","level":"INFO","n":5,"on":true,"audit":{"outcome":"dry run","arn":"arn:aws:x/y"},"list":[1,{"k":"v"}]}`
	tests := []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true},
		{"  ", "", true},
		{`{ $.msg = "say \"no\"" }`, `{"msg":"say \"no\""}`, true},
		{`{ $.msg = "audit" }`, record, true},
		{`{$.msg="audit"}`, record, true},
		{`{ $.msg = audit }`, record, true},
		{`{ $.msg = "aud*" }`, record, true},
		{`{ $.msg = "aud" }`, record, false},
		{`{ $.msg = "*" }`, record, true},
		{`{ $.msg = "a.dit" }`, record, false},
		{`{ $.audit.outcome = "dry run" }`, record, true},
		{`{ ($.msg = "audit") && ($.audit.outcome = "done") }`, record, false},
		{`{ ($.msg = "audit") && ($.audit.arn = "arn:aws:x/y") }`, record, true},
		{`{ $.msg = "x" || $.level = "INFO" && $.n = 5 }`, record, true},
		{`{ ($.level = "INFO" || $.msg = "x") && $.n = 6 }`, record, false},
		{`{ $.level = "INFO" || $.msg = "x" && $.n = 6 }`, record, true},
		{`{ $.n != 5 }`, record, false},
		{`{ $.msg != "x" }`, record, true},
		{`{ $.none != "x" }`, record, false},
		{`{ $.on = "true" }`, record, false},
		{`{ $.list[0] = 1 && $.list[1].k = "v" }`, record, true},
		{`{ $.list[2] = 1 }`, record, false},
		{`{ $.msg[0] = 1 }`, record, false},
		{`{ $.msg = "audit" }`, `START RequestId: audit`, false},
		{`{ $.msg = "audit" }`, `["audit"]`, false},
	}
	for _, tt := range tests {
		match, err := parsePattern(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if got := match(tt.message); got != tt.want {
			t.Errorf("%s on %s: %v", tt.pattern, tt.message, got)
		}
	}
}

func TestInvalidPatterns(t *testing.T) {
	for _, pattern := range []string{
		"a", `"a b"`, "-a", "?a", "[ip, user]", "%a.*%", "{", "{}", "{ }", "{ $.a }", "{ $.a = }", `{ $.a = "b }`,
		`{ $.a = "b" `, "{ a = 1 }", "{ $ = 1 }", "{ $.a == 1 }", "{ $.a = 1 && }", "{ ($.a = 1 }", "{ $.a = 1) }", `{ $.a > 1 }`,
		"{ $.a = 1 $.b = 2 }", "{ $.a IS NULL }", "{ " + strings.Repeat("(", 40) + "$.a = 1" + strings.Repeat(")", 40) + " }", "\xff",
	} {
		if _, err := parsePattern(pattern); err == nil {
			t.Errorf("%s is accepted", pattern)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, seed := range []string{
		"", "a b", `{ $.a = "b*" && ($.c[0] != -1.5e3 || $.d = x) }`, "{((((", `{ $.a = "\`, "-", `"\`,
	} {
		f.Add(seed, `{"a":"b","c":[1],"d":null}`)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		match, err := parsePattern(pattern)
		if (match == nil) == (err == nil) {
			t.Fatalf("%q: error %v", pattern, err)
		}
		if err != nil {
			return
		}
		if first := match(message); first != match(message) {
			t.Errorf("%q on %q does not always give the same result", pattern, message)
		}
	})
}
