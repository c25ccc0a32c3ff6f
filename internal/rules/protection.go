package rules

import (
	"fmt"
	"strings"
	"time"
)

// ProtectTag is the key of the tag by which people protect a resource from automatic
// changes. Its value is true or all, idle (no stop and no delete) or tps (no step-down),
// and may end in "until 2027-01-31"; that alone means all. Upper and lower case make no
// difference.
const ProtectTag = "personalize-monitor:protect"

// Protected is why a resource's tags forbid the verdict's action, or empty. A date protects
// to the end of its day, UTC. A value that is not understood protects from everything: a
// person meant to protect something.
func Protected(tags map[string]string, verdict Verdict, now time.Time) string {
	for key, value := range tags {
		if !strings.EqualFold(strings.TrimSpace(key), ProtectTag) { // guard: protecting tag, in any letters; each, always
			continue
		}
		protects, understood := parseProtection(value, verdict, now)
		if !understood { // guard: protecting tag that is not clear
			return fmt.Sprintf("protected by its tag %s=%s, whose meaning is not clear "+
				"(valid: true, all, idle, tps, each with or without until YYYY-MM-DD)", ProtectTag, strings.TrimSpace(value))
		}
		if protects { // guard: protecting tag
			return fmt.Sprintf("protected by its tag %s=%s", ProtectTag, strings.TrimSpace(value))
		}
	}
	return ""
}

func parseProtection(value string, verdict Verdict, now time.Time) (protects, understood bool) {
	words := strings.Fields(strings.ToLower(value))
	if n := len(words); n >= 2 && words[n-2] == "until" {
		day, err := time.Parse(time.DateOnly, words[n-1])
		if err != nil {
			return false, false
		}
		if !now.Before(day.AddDate(0, 0, 1)) { // guard: protecting tag, to the end of its day; each
			return false, true // over
		}
		if words = words[:n-2]; len(words) == 0 {
			return true, true
		}
	}
	if len(words) != 1 {
		return false, false
	}
	switch words[0] {
	case "true", "all":
		return true, true
	case "false":
		return false, true
	case "idle":
		return verdict != StepDown, true // guard: protecting tag, idle; always
	case "tps":
		return verdict == StepDown, true // guard: protecting tag, tps; always
	}
	return false, false
}
