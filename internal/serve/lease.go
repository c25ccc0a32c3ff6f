package serve

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
)

// Several daemons of one deployment, for availability, have the same schedule and would make
// the same decisions. Personalize rejects the second of two equal changes, but nothing
// rejects a second mail. So one daemon leads at each tick and the others stand by. They
// agree by a lease in a tag; see docs/design/decisions/0011-one-of-several-leads.md.

const (
	// takeoverAfter is how long after a tick the others wait for the former leader.
	takeoverAfter = time.Minute
	// renewGrace is how long after a tick the leader may renew its lease without checking
	// whether another daemon took over. The rest of takeoverAfter is for its write to be seen.
	renewGrace = 30 * time.Second
	// raceWindow is how long a daemon waits for the last of several simultaneous writes.
	raceWindow = 3 * time.Second
	// maxAhead is how far in the future a lease may be, as clocks differ. One further ahead is
	// an error that would stop every daemon, and is ignored.
	maxAhead = 10 * time.Minute
)

// step is what to do at a tick.
type step string

const (
	standBy step = "stand by" // another daemon leads, or has done the work
	renew   step = "renew"    // this daemon led before: write the lease, and lead
	wait    step = "wait"     // read the lease again after takeoverAfter
	contend step = "contend"  // the lease is free: write it, and check who wrote last
)

// nextStep decides what to do at a tick.
func nextStep(c notify.Lease, me string, tick, now time.Time) step {
	late := now.Sub(tick)
	switch {
	case c.Tick.After(now.Add(maxAhead)):
		return contend
	case c.Holder == me && late < renewGrace:
		return renew
	case c.Holder == me:
		return contend
	case !c.Tick.Before(tick):
		return standBy
	case c.Holder != "" && late < takeoverAfter:
		return wait
	}
	return contend
}

// lease is a daemon's part in the agreement on which one leads. The cycle loop alone uses it,
// until it has ended.
type lease struct {
	notifier *notify.Notifier
	clock    model.Clock
	log      *slog.Logger
	dryRun   bool
	holder   string // names this process

	tick time.Time // the last one for which this daemon held the lease; zero if none
	done bool      // the work of that tick was not interrupted
}

func newLease(notifier *notify.Notifier, clock model.Clock, log *slog.Logger, dryRun bool) *lease {
	return &lease{notifier: notifier, clock: clock, log: log, dryRun: dryRun, holder: newHolder()}
}

// newHolder names a process: the host, for people, and a part that no other process has.
func newHolder() string {
	host, _ := os.Hostname() // the other part is sufficient
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._", r) {
			return r
		}
		return '-'
	}, host)
	return host[:min(len(host), 64)] + "-" + rand.Text()
}

// acquire decides whether this daemon leads at a tick, which may take a minute. If the lease
// cannot be read, the daemon keeps its current role; if reading is not permitted it leads, as
// an operator of a single daemon needs no permission for leases.
func (l *lease) acquire(ctx context.Context, tick time.Time, current Role) Role {
	if l.dryRun {
		return Leading // it writes nothing
	}
	role, err := l.negotiate(ctx, tick)
	switch {
	case err == nil || ctx.Err() != nil:
	case awsapi.KindOf(err) == awsapi.Denied:
		l.log.WarnContext(ctx, "not permitted to agree with other daemons on the leader; run one daemon at a time", "err", awsapi.Line(err))
		role = Leading
	default:
		l.log.WarnContext(ctx, "the lease could not be read or written; the daemon keeps its role", "err", awsapi.Line(err))
		role = Standby
		if current == Leading {
			role = Leading
		}
	}
	switch {
	case role == Leading:
		l.tick, l.done = tick, false
	case ctx.Err() == nil:
		l.tick = time.Time{}
	}
	return role
}

func (l *lease) negotiate(ctx context.Context, tick time.Time) (Role, error) {
	for {
		claim, err := l.read(ctx)
		if err != nil {
			return Standby, err
		}
		now := l.clock.Now()
		switch nextStep(claim, l.holder, tick, now) {
		case standBy:
			return Standby, nil
		case wait:
			if err := l.clock.Sleep(ctx, tick.Add(takeoverAfter).Sub(now)); err != nil {
				return Standby, err
			}
		case renew:
			return Leading, l.notifier.WriteLease(ctx, notify.Lease{Holder: l.holder, Tick: tick})
		case contend:
			return l.contend(ctx, tick)
		}
	}
}

// read reads the lease. If the topic that holds it does not exist, read creates the topic
// without subscriptions, which are the leader's to make.
func (l *lease) read(ctx context.Context) (notify.Lease, error) {
	claim, err := l.notifier.ReadLease(ctx)
	if awsapi.KindOf(err) != awsapi.NotFound {
		return claim, err
	}
	_, problems := l.notifier.Ensure(ctx, notify.Input{})
	logProblems(ctx, l.log, problems)
	return l.notifier.ReadLease(ctx)
}

// contend writes a free lease. The last writer holds it.
func (l *lease) contend(ctx context.Context, tick time.Time) (Role, error) {
	if err := l.notifier.WriteLease(ctx, notify.Lease{Holder: l.holder, Tick: tick}); err != nil {
		return Standby, err
	}
	l.tick, l.done = tick, false // to be released if the daemon is stopped now
	if err := l.clock.Sleep(ctx, raceWindow); err != nil {
		return Standby, err
	}
	claim, err := l.notifier.ReadLease(ctx)
	if err != nil || claim.Holder != l.holder {
		return Standby, err
	}
	return Leading, nil
}

// finish notes whether the work of the tick was completed.
func (l *lease) finish(done bool) { l.done = done }

// release releases the lease, so that the next daemon need not wait. A tick whose work was
// interrupted is left for another daemon to repeat.
func (l *lease) release(ctx context.Context) {
	if l.dryRun || l.tick.IsZero() {
		return
	}
	tick := l.tick
	if !l.done {
		tick = tick.Add(-cycleEvery)
	}
	claim, err := l.notifier.ReadLease(ctx)
	if err == nil && claim.Holder == l.holder {
		err = l.notifier.WriteLease(ctx, notify.Lease{Tick: tick})
	}
	if err != nil {
		l.log.WarnContext(ctx, "the lease could not be released; the next daemon waits a minute for this one", "err", awsapi.Line(err))
	}
}
