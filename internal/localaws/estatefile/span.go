package estatefile

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const maxSpan = 3653 * 24 * time.Hour

// parseSpan reads a length of time: whole numbers with the units d, h, m and s, largest
// first, such as 30d, 2d12h or 20m. It is more than zero and at most ten years.
func parseSpan(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a length of time such as 30d, 2d12h, 31h or 20m", text)
	var total time.Duration
	units := "dhms"
	for rest := text; rest != ""; {
		end := strings.IndexAny(rest, units)
		if end <= 0 || end > 9 {
			return 0, bad
		}
		n, err := strconv.ParseUint(rest[:end], 10, 32)
		if err != nil {
			return 0, bad
		}
		unit := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}[rest[end]]
		if total += time.Duration(min(n, uint64(maxSpan/unit)+1)) * unit; total > maxSpan {
			return 0, fmt.Errorf("%q is more than ten years", text)
		}
		_, units, _ = strings.Cut(units, rest[end:end+1])
		rest = rest[end+1:]
	}
	if total <= 0 {
		return 0, bad
	}
	return total, nil
}
