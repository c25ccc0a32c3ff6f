package awsapi

import (
	"cmp"
	"slices"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// services that are heard last compare the host's clock with theirs.
const servicesHeard = 3

// heardReach is how long before the latest response, by the host's clock, another one was heard that
// counts. The clock may have been set in between.
const heardReach = 10 * time.Minute

// serviceClock is how far the host's clock is ahead of a service's; negative if it is behind.
type serviceClock struct {
	service string
	offset  time.Duration
	at      time.Time // of the host's clock
}

// clockCheck compares the host's clock with the Date of every response of AWS, errors included.
type clockCheck struct {
	mu    sync.Mutex
	heard []serviceClock // the latest of each service, the latest of all at the end
}

// hear notes the date of a response to what was sent and received at these times of the host's
// clock. A response that AWS did not make, as that of a proxy, has no request id.
func (c *clockCheck) hear(service string, metadata middleware.Metadata, sent, received time.Time) {
	date, dated := awsmiddleware.GetServerTime(metadata)
	if _, ours := awsmiddleware.GetRequestIDMetadata(metadata); !dated || !ours {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = slices.DeleteFunc(c.heard, func(s serviceClock) bool { return s.service == service })
	c.heard = append(c.heard, serviceClock{service, clockOffset(date, sent, received), received})
}

// clockOffset is how far the clock that showed sent and received is ahead of the one that
// showed date, in whole seconds, some time between the two. The time that a response takes is
// no offset, and neither is a second.
func clockOffset(date, sent, received time.Time) time.Duration {
	switch {
	case date.After(received):
		return received.Sub(date)
	case sent.After(date.Add(time.Second)):
		return sent.Sub(date)
	}
	return 0
}

// ClockOffset returns how far the host's clock is ahead of AWS's, negative if it is behind, by
// the latest responses of the three services heard last. What was heard more than ten minutes before the latest
// one counts only between two that were not. One service with a wrong clock of its own does not
// matter among three; of two that differ, the larger offset counts. It is not known before any
// response with a date.
func (c *Clients) ClockOffset() (offset time.Duration, known bool) {
	check := &c.attempts.dates
	check.mu.Lock()
	defer check.mu.Unlock()
	recent := slices.Clone(check.heard[max(0, len(check.heard)-servicesHeard):])
	if len(recent) == 0 {
		return 0, false
	}
	latest := recent[len(recent)-1].at
	old := func(s serviceClock) bool { return latest.Sub(s.at).Abs() > heardReach }
	if fresh := slices.DeleteFunc(slices.Clone(recent), old); len(fresh) == 1 {
		recent = fresh
	}
	slices.SortFunc(recent, func(a, b serviceClock) int { return cmp.Compare(a.offset.Abs(), b.offset.Abs()) })
	return recent[len(recent)/2].offset, true
}
