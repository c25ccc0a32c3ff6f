package serve

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
)

// Several daemons of one deployment, so that one may fail, have the same schedule and
// would decide the same. Personalize itself refuses the second of two equal changes, but
// nothing refuses a second mail. So for each mark one of them leads and the others stand
// by. Which one is agreed on by a tag; see docs/decisions/0011-one-of-several-leads.md.

const (
	// patience is how long after a mark the one who led last is waited for.
	patience = time.Minute
	// incumbency is how long after a mark the one who led last may go on without asking
	// whether somebody else has lost patience. It leaves its write the time to be seen.
	incumbency = 30 * time.Second
	// settling is how long the last of several who wrote at the same time is waited for.
	settling = 3 * time.Second
	// foresight is how far ahead a claim may be, by clocks that differ. One further ahead
	// is nonsense, and would keep everybody from working.
	foresight = 10 * time.Minute
)

// step is what to do about a mark, by what the claim says.
type step string

const (
	standBy step = "stand by" // somebody else does it, or has done it
	renew   step = "renew"    // it is ours as before: write it, and lead
	wait    step = "wait"     // look again when patience is over
	contest step = "contest"  // nobody does it: write, and see who wrote last
)

// nextStep says what to do about a mark.
func nextStep(c notify.Lease, me string, mark, now time.Time) step {
	late := now.Sub(mark)
	switch {
	case c.Tick.After(now.Add(foresight)):
		return contest
	case c.Holder == me && late < incumbency:
		return renew
	case c.Holder == me:
		return contest
	case !c.Tick.Before(mark):
		return standBy
	case c.Holder != "" && late < patience:
		return wait
	}
	return contest
}

// newHolder names a process: the host, which tells people where it runs, and a part that
// no other process has.
func newHolder() string {
	host, _ := os.Hostname() // the rest is what counts
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._", r) {
			return r
		}
		return '-'
	}, host)
	var unique [6]byte
	_, _ = rand.Read(unique[:]) // never fails (crypto/rand)
	return host[:min(len(host), 64)] + "-" + hex.EncodeToString(unique[:])
}

// turn finds out whether this daemon leads at a mark, which may take a minute. If that
// cannot be found out, it stays what it was; and where it is not allowed to know, it
// leads, as whoever runs only one needs no permission for it.
func (d *Daemon) turn(ctx context.Context, mark time.Time) Role {
	if d.o.DryRun {
		return Leading // it writes nothing anyway
	}
	role, err := d.agree(ctx, mark)
	switch {
	case err == nil || ctx.Err() != nil:
		return role
	case awsapi.KindOf(err) == awsapi.Denied:
		d.log.WarnContext(ctx, "not allowed to agree with other daemons on who acts; run one at a time", "err", awsapi.Line(err))
		return Leading
	}
	d.log.WarnContext(ctx, "whose turn it is could not be found out", "err", awsapi.Line(err))
	if d.memory.Status().Role == Leading {
		return Leading
	}
	return Standby
}

func (d *Daemon) agree(ctx context.Context, mark time.Time) (Role, error) {
	for {
		claim, err := d.readClaim(ctx)
		if err != nil {
			return Standby, err
		}
		now := d.clock.Now()
		switch nextStep(claim, d.holder, mark, now) {
		case standBy:
			return Standby, nil
		case wait:
			if err := d.clock.Sleep(ctx, mark.Add(patience).Sub(now)); err != nil {
				return Standby, err
			}
		case renew:
			return Leading, d.app.Notifier.WriteLease(ctx, notify.Lease{Holder: d.holder, Tick: mark})
		case contest:
			return d.contest(ctx, mark)
		}
	}
}

// readClaim reads the claim, and sees to it first that there is a topic to hold one.
// Nobody is subscribed to it yet: that is for the one who leads to do.
func (d *Daemon) readClaim(ctx context.Context) (notify.Lease, error) {
	claim, err := d.app.Notifier.ReadLease(ctx)
	if awsapi.KindOf(err) != awsapi.NotFound {
		return claim, err
	}
	_, problems := d.app.Notifier.Ensure(ctx, notify.Input{})
	d.tellProblems(ctx, problems)
	return d.app.Notifier.ReadLease(ctx)
}

// contest claims a mark that nobody has claimed. Whoever writes last has it.
func (d *Daemon) contest(ctx context.Context, mark time.Time) (Role, error) {
	if err := d.app.Notifier.WriteLease(ctx, notify.Lease{Holder: d.holder, Tick: mark}); err != nil {
		return Standby, err
	}
	d.claimed = claimed{mark: mark} // to be given up if we are stopped now
	if err := d.clock.Sleep(ctx, settling); err != nil {
		return Standby, err
	}
	claim, err := d.app.Notifier.ReadLease(ctx)
	if err != nil || claim.Holder != d.holder {
		return Standby, err
	}
	return Leading, nil
}

// yield gives the claim up, so that whoever comes next need not wait. A mark whose work
// was broken off is left for another to do again.
func (d *Daemon) yield(ctx context.Context, mark time.Time, done bool) {
	if !done {
		mark = mark.Add(-cycleEvery)
	}
	claim, err := d.app.Notifier.ReadLease(ctx)
	if err == nil && claim.Holder == d.holder {
		err = d.app.Notifier.WriteLease(ctx, notify.Lease{Tick: mark})
	}
	if err != nil {
		d.log.WarnContext(ctx, "the turn could not be given up; the next daemon waits a minute for this one", "err", awsapi.Line(err))
	}
}
