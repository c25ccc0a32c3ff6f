package cli

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

const (
	// softLimit is the memory, in bytes, within which the Go runtime of a daemon keeps its heap by collecting
	// earlier, instead of letting it grow to twice what is in use. The program itself takes some 30 MB more, so that a
	// container of 512 MiB is enough.
	softLimit = 440 << 20
	// softLimitEvery is how often the limit is compared with what is in use.
	softLimitEvery = 10 * time.Second
	// softLimitOver is over how many of these times memory has to be in use that raises the limit: what the last
	// collection left may be more than that for a moment.
	softLimitOver = 6
)

// softLimitFor is the limit, in bytes, with so many bytes of the heap in use: softLimit while a tenth of it is
// free, and from there on up to a third more than what is in use, as a runtime with little room would mostly collect.
func softLimitFor(live uint64) int64 {
	const most = softLimit / 10 * 9
	if live <= most {
		return softLimit
	}
	return int64(min(live+live/3, softLimit+2*(live-most)))
}

// keepSoftLimit sets the limit until ctx ends, unless the environment has set one (GOMEMLIMIT).
func keepSoftLimit(ctx context.Context, clock model.Clock) {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	defer debug.SetMemoryLimit(math.MaxInt64)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var lately [softLimitOver]uint64
	for n := 0; ; n++ {
		metrics.Read(live)
		lately[n%len(lately)] = live[0].Value.Uint64()
		debug.SetMemoryLimit(softLimitFor(slices.Min(lately[:])))
		if clock.Sleep(ctx, softLimitEvery) != nil {
			return
		}
	}
}
