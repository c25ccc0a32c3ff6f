// Package probe reads the facts that package verify checks. It writes nothing: every call is a read,
// or a simulation of IAM.
package probe

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/permissions"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/verify"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// Meter reads metrics.
type Meter interface {
	Measure(ctx context.Context, queries []model.Query, progress func(done, total int)) (model.Readings, []model.Problem)
}

// Options are what to read, and with what.
type Options struct {
	Writer *writer.Writer // reads tags and rules; its gate is not passed
	Meter  Meter
	// List lists the campaigns and recommenders of a region.
	List     func(ctx context.Context, region string) ([]model.Resource, []model.Problem)
	Progress func(step string, done, total int)

	Use        string // the way of working that Statements permit
	Policy     string // where a person finds its policy
	Version    string // of this program
	Regions    []string
	Statements func(account, partition string) []permissions.Statement
	Wanted     []config.Endpoint // that are to be notified
	ChatWanted bool
	// MetricDelay is that of the monitor.
	MetricDelay time.Duration
	Dashboard   string // name of the dashboard
	Principal   string // the role to simulate; empty: found by the credentials
}

// reading is the reading of the facts of an account.
type reading struct {
	Options
	home  string
	owner writer.Identity
	found traces
}

// Facts reads them, the regions side by side. The error is that of a context that ended.
func Facts(ctx context.Context, o Options) (f verify.Facts, err error) {
	home := o.Writer.DeploymentRegion
	regions := slices.Compact(slices.Sorted(slices.Values(append([]string{home}, o.Regions...))))
	f = verify.Facts{
		Use: o.Use, Policy: o.Policy, Version: o.Version, Home: home, Wanted: o.Wanted, ChatWanted: o.ChatWanted, MetricDelay: o.MetricDelay,
	}
	defer func() { // at the end, when AWS has answered
		f.Clock.Offset, f.Clock.Known = o.Writer.Clients.ClockOffset()
		f.Now, err = o.Writer.Clock.Now(), ctx.Err()
	}()
	o.Progress("looking for the owner of the credentials", 0, 0)
	owner, identity := identify(ctx, o.Writer)
	if f.Identity = identity; identity.Failure.Kind != verify.Read || ctx.Err() != nil {
		return f, nil
	}
	r := &reading{o, home, owner, traces{byName: map[string]*verify.Deployment{}}}
	resources := make([][]model.Resource, len(regions))
	f.Regions = make([]verify.Region, len(regions))
	var done atomic.Int32
	awsapi.Parallel(len(regions), awsapi.RegionsAtOnce, func(i int) {
		f.Regions[i], resources[i] = r.region(ctx, regions[i])
		o.Progress("checking regions", int(done.Add(1)), len(regions))
	})
	r.measure(ctx, f.Regions, resources)
	where := places{owner: owner, home: home, watched: map[string]bool{}, campaigns: map[string]model.ARN{}}
	for i, region := range f.Regions {
		if region.Reached() {
			where.regions, where.watched[region.Name] = append(where.regions, region.Name), region.Watched
		}
		for _, resource := range resources[i] {
			if resource.Kind == model.Campaign {
				where.campaigns[region.Name] = resource.ARN
			}
		}
	}
	if slices.Contains(where.regions, home) {
		f.Rules = r.countRules(ctx)
		f.Chat = r.topic(ctx, home, notify.ChatTopic(owner.ARN("sns", home, notify.TopicName)))
		f.Dashboards = r.dashboards(ctx)
	}
	f.Permissions = r.permissions(ctx, identity.ARN, where.questions(o.Statements(owner.Account, owner.Partition)))
	f.Deployments, f.TracesFailure = r.found.list(), r.found.failure
	return f, nil
}

// identify looks up who owns the credentials, in the deployment region. No permission is needed for it.
func identify(ctx context.Context, w *writer.Writer) (writer.Identity, verify.Identity) {
	out, err := w.Clients.STS(w.DeploymentRegion).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	var arn model.ARN
	if err == nil {
		arn, err = model.ParseARN(aws.ToString(out.Arn))
	}
	if err != nil {
		return writer.Identity{}, verify.Identity{Failure: FailureOf(err)}
	}
	account := aws.ToString(out.Account)
	return writer.Identity{Account: account, Partition: arn.Partition()}, verify.Identity{Account: account, ARN: arn.String()}
}

// region reads everything about a region but metrics and permissions. If it cannot be reached,
// nothing more than that is known.
func (r *reading) region(ctx context.Context, name string) (verify.Region, []model.Resource) {
	facts := verify.Region{
		Name: name, Watched: slices.Contains(r.Regions, name), Concerned: name == r.home,
		Listed: slices.Contains(awsapi.PersonalizeRegions(r.owner.Partition), name),
	}
	resources, err := r.reach(ctx, facts)
	facts.Reach = FailureOf(err)
	facts.Resources.Failure = facts.Reach
	switch {
	case facts.Reach.Kind == verify.Disabled, facts.Reach.Kind == verify.NoHost:
		return facts, nil // there is no monitor
	case !facts.Reached():
		r.found.miss(err)
		return facts, nil
	}
	facts.Resources.N = len(resources)
	facts.Concerned = facts.Concerned || len(resources) > 0
	var side sync.WaitGroup
	side.Go(func() { facts.Alarms = r.alarms(ctx, name) })
	facts.Topic = r.topic(ctx, name, r.owner.ARN("sns", name, notify.TopicName))
	if name == r.home {
		facts.Rule = r.rule(ctx)
	}
	side.Wait()
	return facts, resources
}

// reach lists the resources of a region. Where nothing is monitored, Personalize need not be offered, so that
// CloudWatch is called.
func (r *reading) reach(ctx context.Context, region verify.Region) ([]model.Resource, error) {
	if !region.Watched {
		return nil, readers(r.Writer, region.Name, "")["cloudwatch:DescribeAlarms"](ctx)
	}
	resources, problems := r.List(ctx, region.Name)
	if len(problems) > 0 {
		return resources, problems[0].Err
	}
	return resources, nil
}

// witnesses bounds the resources of a region whose metrics are read: one is enough, if it was
// monitored all the time. Of many only some may be monitored. One call reads 500.
const witnesses = 200

// measure finds the newest of our metrics in each region: in the deployment region the count of
// resources, elsewhere their minimums.
func (r *reading) measure(ctx context.Context, regions []verify.Region, resources [][]model.Resource) {
	now := r.Writer.Clock.Now()
	if offset, known := r.Writer.Clients.ClockOffset(); known { // a wrong clock of this host makes no metrics late
		now = now.Add(-offset)
	}
	window := model.NewWindow(now.Add(-verify.LookBack).Truncate(rules.WindowLength), now.Truncate(rules.WindowLength))
	queries := make([][]model.Query, len(regions))
	for i, region := range regions {
		switch {
		case !region.Reached() || !region.Concerned:
		case region.Name == r.home:
			queries[i] = []model.Query{rules.RunningQuery(region.Name, window)}
		default:
			for _, resource := range resources[i][:min(len(resources[i]), witnesses)] {
				queries[i] = append(queries[i], rules.MinimumQuery(resource, window))
			}
		}
	}
	all := slices.Concat(queries...)
	if len(all) == 0 {
		return
	}
	readings, problems := r.Meter.Measure(ctx, all, nil)
	for i := range regions {
		arrival := &regions[i].Metrics
		*arrival = arrivalOf(readings, queries[i])
		for _, problem := range problems {
			if problem.Region == regions[i].Name {
				arrival.Failure = FailureOf(problem.Err)
			}
		}
	}
}

// arrivalOf is when the newest of our metrics among some ends.
func arrivalOf(readings model.Readings, queries []model.Query) (a verify.Arrival) {
	for _, q := range queries {
		series := readings.Get(q)
		if n := len(series.Points); n > 0 {
			if end := series.Points[n-1].Time.Add(rules.WindowLength); end.After(a.Latest) {
				a.Latest = end
			}
		}
		if !series.Complete {
			a.Failure = verify.Failure{Kind: verify.Other, Text: "CloudWatch returned an incomplete answer"}
		}
	}
	return a
}

// kinds are the kinds of failures that AWS answers with.
var kinds = map[awsapi.Kind]verify.FailureKind{
	awsapi.Denied: verify.Denied, awsapi.NotFound: verify.Missing,
	awsapi.Unreachable: verify.Unreachable, awsapi.NoCredentials: verify.Credentials,
	awsapi.Throttled: verify.Busy, awsapi.Unavailable: verify.Busy,
}

// FailureOf describes why something could not be read.
func FailureOf(err error) verify.Failure {
	if err == nil {
		return verify.Failure{}
	}
	f := verify.Failure{Kind: cmp.Or(kinds[awsapi.KindOf(err)], verify.Other), Text: awsapi.Line(err), Remedy: awsapi.Hint(err)}
	if f.Kind == verify.Busy {
		f.Remedy = "run verify again later"
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok && name.IsNotFound {
		f.Kind = verify.NoHost
	}
	if _, ok := errors.AsType[*awsapi.RegionDisabledError](err); ok {
		f.Kind = verify.Disabled
	}
	return f
}
