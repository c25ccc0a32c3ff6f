package events

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// FuzzDecodeAudit reads records out of anything. What is accepted names a resource, and
// its token can be read back as the same record.
func FuzzDecodeAudit(f *testing.F) {
	record := `{"time":"2026-01-02T15:05:00Z","arn":"` + campaign + `","outcome":"done","before":{"name":"home","status":"ACTIVE","minTPS":3,"config":{"a":1},"tags":null}}`
	for _, seed := range []string{
		record, strings.Replace(strings.Replace(record, campaign, "arn:aws:personalize:eu-west-1:123456789012:solution/s", 1), `"outcome"`, `"action":"pause-training","outcome"`, 1),
		`{"audit":` + record + `}`, `{"detail":{"Audit":` + record + `}}`, `{"detail":null}`, `{"audit":null}`, `{"outcome":"done"}`,
		`{"outcome":"done","arn":"` + campaign + `","time":"0001-01-01T00:00:00Z"}`, "", "{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		a, err := DecodeAudit(line)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\x00\x1b\n\r") {
				t.Errorf("not one clean line: %q", err)
			}
			if a.ARN != "" || a.Outcome != "" || a.Before != nil {
				t.Errorf("an error, and yet %+v", a)
			}
			return
		}
		arn, kind, err := a.subject()
		if err != nil || kind != a.Kind || arn.Region() != a.Region || a.Outcome == "" || a.Time.IsZero() {
			t.Fatalf("accepted %+v (%v)", a, err)
		}
		token, err := a.Token()
		if err != nil {
			return // such as a time beyond what JSON holds
		}
		back, err := FromToken(token)
		if err != nil {
			t.Fatalf("its own token is refused: %v", err)
		}
		again, err := back.Token()
		if err != nil || again != token {
			t.Errorf("the token %s became %s (%v)", token, again, err)
		}
	})
}

// FuzzFromToken takes any word from a command line.
func FuzzFromToken(f *testing.F) {
	for _, seed := range []string{"", "====", "e30", "bnVsbA", "\x00", " e30= "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if a, err := FromToken(token); err == nil {
			if _, _, err := model.ParseResourceARN(a.ARN); err != nil {
				t.Errorf("accepted %+v", a)
			}
		}
	})
}

// FuzzMinimum holds that an accepted minimum is the very number that was typed.
func FuzzMinimum(f *testing.F) {
	for _, seed := range []string{"", "0", "1", "5.0", "5e0", "1e400", "0x10", "-1", "007", " 7", "1e-5", "2.5", "99999999999999999999", "1_000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseMinTPS(text)
		if err != nil {
			if n != 0 {
				t.Errorf("an error, and yet %d", n)
			}
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok || exact.Cmp(big.NewRat(int64(n), 1)) != 0 || n < 1 || n > MaxMinTPS {
			t.Errorf("%q became %d", text, n)
		}
	})
}

// FuzzAuditRaw holds that a record is always written as one JSON object.
func FuzzAuditRaw(f *testing.F) {
	f.Add("reason", []byte(`{"a":1}`))
	f.Add("\xff\n", []byte("not JSON"))
	f.Add("<script>", []byte(nil))
	f.Fuzz(func(t *testing.T, reason string, config []byte) {
		raw := Audit{Reason: reason, Before: &Before{Config: config}}.Raw()
		if raw != nil && (!json.Valid(raw) || !bytes.HasPrefix(raw, []byte("{"))) {
			t.Errorf("%s", raw)
		}
	})
}
