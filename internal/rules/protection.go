package rules

import (
	"fmt"
	"strings"
	"time"
)

// ProtectTag is the key of the tag by which people keep a resource from being changed by
// itself. Its value is true or all, idle (no stop and no delete) or tps (no step-down),
// and may end in "until 2027-01-31"; that alone means all. Upper and lower case make no
// difference.
const ProtectTag = "personalize-monitor:protect"

// Protected says why a resource's tags keep the action from being carried out, or gives
// the empty string. A date protects to the end of its day, UTC. What cannot be
// understood protects from everything: somebody meant to.
func Protected(tags map[string]string, action Verdict, now time.Time) string {
	for key, value := range tags {
		if !strings.EqualFold(strings.TrimSpace(key), ProtectTag) {
			continue
		}
		if why := protects(value, action, now); why != "" {
			return strings.TrimSpace(fmt.Sprintf("protected by its tag %s=%s%s", ProtectTag, strings.TrimSpace(value), why))
		}
	}
	return ""
}

// protects tells with a remark, which may be a mere space, that a value protects from
// the action.
func protects(value string, action Verdict, now time.Time) string {
	words := strings.Fields(strings.ToLower(value))
	const yes, unclear = " ", ", whose meaning is not clear (valid: true, all, idle, tps, each with or without until YYYY-MM-DD)"
	if n := len(words); n >= 2 && words[n-2] == "until" {
		day, err := time.Parse(time.DateOnly, words[n-1])
		if err != nil {
			return unclear
		}
		if !now.Before(day.AddDate(0, 0, 1)) {
			return "" // over
		}
		if words = words[:n-2]; len(words) == 0 {
			return yes
		}
	}
	if len(words) != 1 {
		return unclear
	}
	switch words[0] {
	case "true", "all":
		return yes
	case "false":
		return ""
	case "idle":
		return when(action != StepDown, yes)
	case "tps":
		return when(action == StepDown, yes)
	}
	return unclear
}

func when(holds bool, text string) string {
	if holds {
		return text
	}
	return ""
}
