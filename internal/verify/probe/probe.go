// Package probe reads the facts that package verify checks. It writes nothing: every call is a read,
// or a simulation of IAM.
package probe

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"

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

// Options are what a Probe reads with.
type Options struct {
	Writer *writer.Writer // reads tags and rules; its gate is not passed
	Meter  Meter
	// List lists the campaigns and recommenders of a region.
	List     func(ctx context.Context, region string) ([]model.Resource, []model.Problem)
	Progress func(step string, done, total int)
}

// Probe reads facts.
type Probe struct{ Options }

// New makes a Probe. It calls nothing.
func New(o Options) *Probe {
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	return &Probe{o}
}

// Input is what to read.
type Input struct {
	Use        string // the way of working that Statements permit
	Version    string // of this program
	Regions    []string
	Statements func(account, partition string) []permissions.Statement
	Wanted     []config.Endpoint // that are to be notified
	ChatWanted bool
	Dashboard  string // name of the dashboard
	Principal  string // the role to simulate; empty: found by the credentials
}

// Run reads the facts, the regions side by side. The error is that of a context that ended.
func (p *Probe) Run(ctx context.Context, in Input) (verify.Facts, error) {
	home := p.Writer.DeploymentRegion
	regions := slices.Compact(slices.Sorted(slices.Values(append([]string{home}, in.Regions...))))
	f := verify.Facts{Use: in.Use, Version: in.Version, Home: home, Wanted: in.Wanted, ChatWanted: in.ChatWanted}
	p.Progress("looking for the owner of the credentials", 0, 0)
	owner, identity := p.identity(ctx)
	f.Clock.Offset, f.Clock.Known = p.Writer.Clients.ClockOffset()
	f.Now = p.Writer.Clock.Now()
	if f.Identity = identity; identity.Failure.Kind != verify.Read || ctx.Err() != nil {
		return f, ctx.Err()
	}
	found := &traces{byName: map[string]*verify.Deployment{}}
	results := make([]regional, len(regions))
	var done atomic.Int32
	awsapi.Parallel(len(regions), awsapi.RegionsAtOnce, func(i int) {
		results[i] = p.region(ctx, regions[i], owner, in, found)
		p.Progress("checking regions", int(done.Add(1)), len(regions))
	})
	var reached []string
	for _, r := range results {
		if r.facts.Reached() {
			reached = append(reached, r.facts.Name)
		}
	}
	p.measure(ctx, results)
	if slices.Contains(reached, home) {
		f.Rules = p.countRules(ctx, home)
		f.Chat = p.topic(ctx, home, notify.ChatTopic(owner.ARN("sns", home, notify.TopicName)), found)
		f.Dashboards = p.dashboards(ctx, in.Dashboard, found)
	}
	check := &permissionCheck{probe: p, owner: owner, principal: in.Principal, regions: reached, home: home, resources: map[string]model.ARN{}}
	for _, r := range results {
		f.Regions = append(f.Regions, r.facts)
		for _, resource := range r.resources {
			if resource.Kind == model.Campaign {
				check.resources[r.facts.Name] = resource.ARN
			}
		}
	}
	f.Permissions = check.run(ctx, identity.ARN, in.Statements(owner.Account, owner.Partition))
	f.Deployments, f.TracesFailure = found.list(), found.failure
	f.Clock.Offset, f.Clock.Known = p.Writer.Clients.ClockOffset()
	f.Now = p.Writer.Clock.Now()
	return f, ctx.Err()
}

// identity looks up who owns the credentials, in the deployment region. No permission is needed for it.
func (p *Probe) identity(ctx context.Context) (writer.Identity, verify.Identity) {
	out, err := p.Writer.Clients.STS(p.Writer.DeploymentRegion).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err == nil {
		arn, parseErr := model.ParseARN(aws.ToString(out.Arn))
		if err = parseErr; err == nil {
			return writer.Identity{Account: aws.ToString(out.Account), Partition: arn.Partition},
				verify.Identity{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn)}
		}
	}
	return writer.Identity{}, verify.Identity{Failure: FailureOf(err)}
}

// regional is what was read in a region.
type regional struct {
	facts     verify.Region
	resources []model.Resource
}

// region reads everything about a region but metrics and permissions. If it cannot be reached,
// nothing more than that is known.
func (p *Probe) region(ctx context.Context, region string, owner writer.Identity, in Input, found *traces) regional {
	r := regional{facts: verify.Region{
		Name: region, Concerned: region == p.Writer.DeploymentRegion,
		Listed: slices.Contains(awsapi.PersonalizeRegions(owner.Partition), region),
	}}
	resources, problems := p.List(ctx, region)
	if len(problems) > 0 {
		failure := FailureOf(problems[0].Err)
		if r.facts.Reach = failure; !r.facts.Reached() {
			return r
		}
		r.facts.Resources.Failure = failure
	}
	r.resources, r.facts.Resources.N = resources, len(resources)
	r.facts.Concerned = r.facts.Concerned || len(resources) > 0
	var side sync.WaitGroup
	side.Go(func() { r.facts.Alarms = p.alarms(ctx, region, found) })
	r.facts.Topic = p.topic(ctx, region, owner.ARN("sns", region, notify.TopicName), found)
	if region == p.Writer.DeploymentRegion {
		r.facts.Rule = p.rule(ctx, region, found)
	}
	side.Wait()
	return r
}

// witnesses bounds the resources of a region whose metrics are read: one is enough, if it was
// monitored all the time.
const witnesses = 20

// measure finds the newest of our metrics in each region: in the deployment region the count of
// resources, elsewhere their minimums.
func (p *Probe) measure(ctx context.Context, results []regional) {
	now := p.Writer.Clock.Now()
	window := model.NewWindow(now.Add(-verify.LookBack).Truncate(rules.WindowLength), now.Truncate(rules.WindowLength))
	queries := make([][]model.Query, len(results))
	var all []model.Query
	for i, r := range results {
		switch {
		case !r.facts.Reached() || !r.facts.Concerned:
		case r.facts.Name == p.Writer.DeploymentRegion:
			queries[i] = []model.Query{rules.RunningQuery(r.facts.Name, window)}
		default:
			for _, resource := range r.resources[:min(len(r.resources), witnesses)] {
				queries[i] = append(queries[i], rules.MinimumQuery(resource, window))
			}
		}
		all = append(all, queries[i]...)
	}
	if len(all) == 0 {
		return
	}
	readings, problems := p.Meter.Measure(ctx, all, nil)
	for i := range results {
		arrival := &results[i].facts.Metrics
		for _, q := range queries[i] {
			series := readings.Get(q)
			if n := len(series.Points); n > 0 {
				if end := series.Points[n-1].Time.Add(rules.WindowLength); end.After(arrival.Latest) {
					arrival.Latest = end
				}
			}
			if !series.Complete {
				arrival.Failure = verify.Failure{Kind: verify.Other, Text: "CloudWatch returned an incomplete answer"}
			}
		}
		for _, problem := range problems {
			if problem.Region == results[i].facts.Name {
				arrival.Failure = FailureOf(problem.Err)
			}
		}
	}
}

// FailureOf describes why something could not be read.
func FailureOf(err error) verify.Failure {
	if err == nil {
		return verify.Failure{}
	}
	f := verify.Failure{Kind: verify.Other, Text: awsapi.Line(err), Remedy: awsapi.Hint(err)}
	name, isName := errors.AsType[*net.DNSError](err)
	_, isDisabled := errors.AsType[*awsapi.RegionDisabledError](err)
	switch kind := awsapi.KindOf(err); {
	case isDisabled:
		f.Kind = verify.Disabled
	case isName && name.IsNotFound:
		f.Kind = verify.NoHost
	case kind == awsapi.Denied:
		f.Kind = verify.Denied
	case kind == awsapi.NotFound:
		f.Kind = verify.Missing
	case kind == awsapi.Unreachable:
		f.Kind = verify.Unreachable
	case kind == awsapi.NoCredentials:
		f.Kind = verify.Credentials
	}
	return f
}
