package localaws

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

var spanUnits = map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}

// parseSpan reads a length of time: whole numbers with the units d, h, m and s, largest
// first, such as 30d, 2d12h or 20m. It is more than zero and at most ten years.
func parseSpan(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a length of time such as 30d, 2d12h, 31h or 20m", text)
	var total time.Duration
	last := 100 * 24 * time.Hour
	rest := text
	for rest != "" {
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end <= 0 || end > 9 {
			return 0, bad
		}
		n, err := strconv.Atoi(rest[:end])
		unit := spanUnits[rest[end]]
		if err != nil || unit == 0 || unit >= last {
			return 0, bad
		}
		if time.Duration(n) > maxSpan/unit {
			return 0, fmt.Errorf("%q is more than ten years", text)
		}
		total += time.Duration(n) * unit
		last, rest = unit, rest[end+1:]
	}
	if total <= 0 {
		return 0, bad
	}
	if total > maxSpan {
		return 0, fmt.Errorf("%q is more than ten years", text)
	}
	return total, nil
}

const maxSpan = 3653 * 24 * time.Hour
