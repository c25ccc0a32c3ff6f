// Package act is every write of the program: metrics published, alarms brought in step,
// notifications wired, events put on the bus, dashboards built, and minimums changed,
// campaigns deleted and recommenders stopped. It is the fourth step of discover → measure →
// decide → act → report: it decides nothing about resources, takes what decide made or a
// person asks for, and translates it for AWS. All writes pass one door, the gate, in
// which alone a dry run differs.
package act

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Tags that mark what was made by the program, and for which deployment.
const (
	tagCreatedBy  = "CreatedBy"
	createdBy     = "PersonalizeMonitor"
	tagDeployment = "Deployment"
)

// Options says on whose behalf and how an Actor writes.
type Options struct {
	// Clients make the calls; their rate limits and retries are relied on.
	Clients *awsapi.Clients
	// Clock is asked for the time and waited on; nil means the system clock.
	Clock model.Clock
	// Logger takes what was written (info) and what was looked at (debug); nil discards it.
	Logger *slog.Logger
	// DryRun keeps every write from being made. Reads are made, and results tell what
	// would have been written as if it had been.
	DryRun bool
	// DeploymentRegion is where events are put and the notification rule stands.
	DeploymentRegion string
	// Deployment is the value of the tag Deployment: "cli", or "<region>/<stack name>".
	Deployment string
	// Identity is who the credentials belong to; left zero, STS is asked when it is needed.
	Identity Identity
	// Recheck decides anew before an automatic event is carried out; without one such
	// events are refused.
	Recheck Rechecker
	// Meter tells how much was stopped and deleted lately; without one nothing is stopped
	// or deleted by itself.
	Meter Meter
	// MaxEndings is how many stops and deletes by themselves a region may see in an hour;
	// zero means 5.
	MaxEndings int
	// Trail takes a record of every action, carried out or refused; nil logs them.
	Trail Trail
	// Rebuild builds the dashboard in this process, or sees to it later. Where it is nil or
	// answers that it did not, an event asks for it.
	Rebuild Rebuild
}

// Rebuild builds the dashboard anew, and tells whether it took that upon itself.
type Rebuild func(ctx context.Context, detail events.BuildDetail) (taken bool, problems []model.Problem)

// Identity is the account and partition that the program works in.
type Identity struct {
	Account   string // 12 digits
	Partition string // aws, aws-cn, aws-us-gov, ...
}

// Actor makes the writes. It is safe for concurrent use, and remembers between cycles
// what need not be asked or said again.
type Actor struct {
	clients    *awsapi.Clients
	clock      model.Clock
	log        *slog.Logger
	gate       gate
	home       string // the deployment region
	deployment string
	recheck    Rechecker
	meter      Meter
	maxEndings int
	trail      Trail
	budget     *budget
	rebuild    Rebuild

	asking   sync.Mutex // held while STS is asked
	identity Identity

	mu    sync.Mutex           // guards what follows
	said  map[string]remark    // what was last said about a thing, by its ARN
	kept  map[string]keptAlarm // tags of alarms that were not removed for them, by ARN
	wired map[string]wiring    // notification plumbing, by region
	// scanned are the tags of alarms that the dry run of a clean-up has read, by ARN.
	scanned map[string]keptAlarm
	swept   time.Time // when forgotten things were last dropped
}

// remark is what was said about a thing, and when last.
type remark struct {
	line string
	at   time.Time
}

// New makes an Actor. It calls nothing.
func New(o Options) *Actor {
	a := &Actor{
		clients: o.Clients, clock: o.Clock, log: o.Logger,
		home: o.DeploymentRegion, deployment: o.Deployment, identity: o.Identity,
		recheck: o.Recheck, rebuild: o.Rebuild,
		said: map[string]remark{}, kept: map[string]keptAlarm{}, wired: map[string]wiring{},
		scanned: map[string]keptAlarm{},
		meter:   o.Meter, maxEndings: o.MaxEndings, trail: o.Trail, budget: newBudget(),
	}
	if a.maxEndings == 0 {
		a.maxEndings = defaultEndings
	}
	if a.clock == nil {
		a.clock = model.SystemClock{}
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.trail == nil {
		a.trail = LogTrail(a.log)
	}
	a.gate = gate{dryRun: o.DryRun, log: a.log}
	return a
}

// identityAPI is what is asked of STS.
type identityAPI interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// Identity tells the account and partition of the credentials. STS is asked once, in
// the deployment region; a failure is not remembered.
func (a *Actor) Identity(ctx context.Context) (Identity, error) {
	a.asking.Lock()
	defer a.asking.Unlock()
	if a.identity != (Identity{}) {
		return a.identity, nil
	}
	id, err := callerIdentity(ctx, a.clients.STS(a.home))
	if err != nil {
		return Identity{}, fmt.Errorf("ask STS whose the credentials are: %w", awsapi.Plain(err))
	}
	a.identity = id
	return id, nil
}

func callerIdentity(ctx context.Context, api identityAPI) (Identity, error) {
	out, err := api.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, err
	}
	arn, err := model.ParseARN(aws.ToString(out.Arn))
	if err != nil {
		return Identity{}, err
	}
	if aws.ToString(out.Account) == "" {
		return Identity{}, errors.New("the answer names no account")
	}
	return Identity{Account: *out.Account, Partition: arn.Partition}, nil
}

// tell logs a remark about a thing: at info when it is new, at debug while it stays the
// same, so that a cycle every 5 minutes does not fill the log with it.
func (a *Actor) tell(ctx context.Context, arn, what string, args ...any) {
	a.say(ctx, slog.LevelInfo, arn, what, args...)
}

// remind is tell for what a person has to do something about: a warning when it is new.
func (a *Actor) remind(ctx context.Context, arn, what string, args ...any) {
	a.say(ctx, slog.LevelWarn, arn, what, args...)
}

func (a *Actor) say(ctx context.Context, level slog.Level, arn, what string, args ...any) {
	line, now := what+fmt.Sprint(args...), a.clock.Now()
	a.mu.Lock()
	if a.said[arn].line == line {
		level = slog.LevelDebug
	}
	a.said[arn] = remark{line, now}
	a.sweep(now)
	a.mu.Unlock()
	a.log.Log(ctx, level, "noticed", append([]any{"what", what, "arn", arn}, args...)...)
}

// silence is how long nothing is said of a thing before it is forgotten: what is still so
// is noticed in every cycle, or every hour.
const silence = 24 * time.Hour

// sweep forgets, now and then, what was said and read of things that are not met any more,
// which may be gone for good. The lock is held.
func (a *Actor) sweep(now time.Time) {
	if now.Sub(a.swept) < time.Hour {
		return
	}
	a.swept = now
	maps.DeleteFunc(a.said, func(_ string, r remark) bool { return now.Sub(r.at) > silence })
	maps.DeleteFunc(a.kept, func(_ string, k keptAlarm) bool { return now.Sub(k.read) > silence })
	maps.DeleteFunc(a.scanned, func(_ string, k keptAlarm) bool { return now.Sub(k.read) > silence })
}

// Remembered is how many things are remembered from one cycle to the next. It stays about
// as large as the estate, however long the process lives.
func (a *Actor) Remembered() int {
	a.mu.Lock()
	n := len(a.said) + len(a.kept) + len(a.wired) + len(a.scanned)
	a.mu.Unlock()
	a.budget.mu.Lock()
	defer a.budget.mu.Unlock()
	for _, times := range []map[string][]time.Time{a.budget.made, a.budget.asked} {
		for _, list := range times {
			n += len(list)
		}
	}
	return n
}

// late tells whether it is too late to begin another write: ctx has ended, or until has
// come. A zero until never comes.
func (a *Actor) late(ctx context.Context, until time.Time) bool {
	return ctx.Err() != nil || (!until.IsZero() && !a.clock.Now().Before(until))
}

// problem is a failure of one operation for one thing; the ARN may be empty.
func problem(region, arn, op string, err error) model.Problem {
	return model.Problem{ARN: arn, Region: region, Operation: op, Err: awsapi.Plain(err)}
}
