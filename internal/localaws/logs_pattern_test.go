package localaws

import (
	"strings"
	"testing"
)

func TestLogPatterns(t *testing.T) {
	const record = `{"msg":"audit","level":"INFO","n":5,"f":-0.5,"on":true,"off":false,"no":null,"audit":{"outcome":"dry run","arn":"arn:aws:x/y"},"list":[1,{"k":"v"}]}`
	tests := []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true},
		{"  ", "", true},
		{"ERROR", "[ERRORCODE: -1]", true},
		{"ERROR", "error", false},
		{"ERROR ARGUMENTS", "ERROR no ARGUMENTS", true},
		{"ERROR ARGUMENTS", "ERROR", false},
		{`"no way"`, "there is no way", true},
		{`"no way"`, "no other way", false},
		{`"say \"no\""`, `say "no"`, true},
		{`ERROR -"no way"`, "ERROR: a way", true},
		{`ERROR -way`, "ERROR: a way", false},
		{`?one ?two`, "two", true},
		{`?one ?two`, "three", false},
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
		{`{ $.n = 5.0 }`, record, true},
		{`{ $.n != 5 }`, record, false},
		{`{ $.n > 4 && $.n < 6 && $.n >= 5 && $.n <= 5 && $.f < 0 }`, record, true},
		{`{ $.n > 5 || $.n < 5 }`, record, false},
		{`{ $.msg > 5 }`, record, false},
		{`{ $.msg != "x" }`, record, true},
		{`{ $.none != "x" }`, record, false},
		{`{ $.on IS TRUE && $.off IS FALSE && $.no IS NULL && $.none NOT EXISTS }`, record, true},
		{`{ $.none IS NULL }`, record, false},
		{`{ $.msg NOT EXISTS }`, record, false},
		{`{ $.list[0] = 1 && $.list[1].k = "v" }`, record, true},
		{`{ $.list[2] = 1 }`, record, false},
		{`{ $.msg[0] = 1 }`, record, false},
		{`{ $.msg = "audit" }`, `START RequestId: audit`, false},
		{`{ $.msg = "audit" }`, `["audit"]`, false},
	}
	for _, tt := range tests {
		p, err := parseLogPattern(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if got := p.match(tt.message); got != tt.want {
			t.Errorf("%s on %s: %v", tt.pattern, tt.message, got)
		}
	}
}

func TestLogPatternsThatAreNone(t *testing.T) {
	for _, pattern := range []string{
		"a-b", `"open`, `""`, `"a"b`, "-", "?", `?a b`, "[ip, user]", "%a.*%", "{", "{}", "{ }", "{ $.a }", "{ $.a = }", `{ $.a = "b }`, `{ $.a = "b" `,
		"{ a = 1 }", "{ $ = 1 }", "{ $.a == 1 }", "{ $.a = 1 && }", "{ ($.a = 1 }", "{ $.a = 1) }", `{ $.a > "b" }`, "{ $.a = 1 $.b = 2 }", "{ $.a IS }",
		"{ " + strings.Repeat("(", 40) + "$.a = 1" + strings.Repeat(")", 40) + " }", "\xff",
	} {
		if p, err := parseLogPattern(pattern); err == nil {
			t.Errorf("%s is taken: %#v", pattern, p)
		}
	}
}

func FuzzLogPattern(f *testing.F) {
	for _, seed := range []string{
		"", "a b", `"a b" -c`, "?a ?b", `{ $.a = "b*" && ($.c[0] >= -1.5e3 || $.d IS NULL) }`, "{ $.a NOT EXISTS }", "{((((", `{ $.a = "\`, "-", `"\`,
	} {
		f.Add(seed, `{"a":"b","c":[1],"d":null}`)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		p, err := parseLogPattern(pattern)
		if (p == nil) == (err == nil) {
			t.Fatalf("%q: pattern %v, error %v", pattern, p, err)
		}
		if err != nil {
			return
		}
		if first := p.match(message); first != p.match(message) {
			t.Errorf("%q on %q is now this, now that", pattern, message)
		}
	})
}
