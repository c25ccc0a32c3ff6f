package probe

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/permissions"
	"github.com/personalize-monitor/personalize-monitor/internal/verify"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// permissionCheck finds out which actions of a policy are allowed.
type permissionCheck struct {
	probe     *Probe
	owner     writer.Identity
	principal string // to simulate; empty: that of the credentials
	regions   []string
	home      string
	resources map[string]model.ARN // a campaign of each region that has one
}

// question is a permission whose answer is wanted, by an example of its resource.
type question struct {
	verify.Permission
	arn     string // matches the permission's resource
	context []types.ContextEntry
}

// together is what questions have in common that one simulation answers.
func (q question) together() string {
	text := q.Region + " " + q.arn
	for _, entry := range q.context {
		text += " " + aws.ToString(entry.ContextKeyName) + "=" + strings.Join(entry.ContextKeyValues, ",")
	}
	return text
}

// run answers for each action, region and resource of the statements: by calling what only reads, else
// by simulation.
func (c *permissionCheck) run(ctx context.Context, caller string, statements []permissions.Statement) []verify.Permission {
	questions := c.questions(statements)
	var done atomic.Int32
	awsapi.ParallelByRegion(questions, func(q question) string { return q.Region }, func(i int) {
		q := &questions[i]
		if read := readers[q.Action]; read != nil && ctx.Err() == nil {
			q.Permission = called(q.Permission, read(ctx, c.probe.Writer, q.Region, q.arn))
		}
		c.probe.Progress("checking permissions", int(done.Add(1)), len(questions))
	})
	c.simulate(ctx, caller, questions)
	answers := make([]verify.Permission, len(questions))
	for i, q := range questions {
		answers[i] = q.Permission
	}
	return answers
}

// questions are those of the statements, each once.
func (c *permissionCheck) questions(statements []permissions.Statement) []question {
	var list []question
	seen := map[string]bool{}
	for _, s := range statements {
		for _, resource := range s.Resources {
			for _, place := range c.places(resource) {
				for _, action := range s.Actions {
					p := verify.Permission{Action: action, Region: place.region, Resource: resource, Answer: verify.Unknown}
					q := question{p, place.arn, contextOf(s)}
					if key := q.together() + " " + action; !seen[key] {
						seen[key] = true
						list = append(list, q)
					}
				}
			}
		}
	}
	return list
}

// place is where a resource of a policy is looked for.
type place struct{ region, arn string }

// places are the regions of a pattern of resources, with an ARN that it matches in each. What has no
// region belongs to the deployment region.
func (c *permissionCheck) places(pattern string) []place {
	parts := strings.SplitN(pattern, ":", 6)
	var places []place
	for _, region := range c.regions {
		switch {
		case len(parts) < 6 || parts[3] == "*":
			places = append(places, place{region, c.example(pattern, region)})
		case parts[3] == region || parts[3] == "" && region == c.home:
			places = append(places, place{region, c.example(pattern, region)})
		}
	}
	return places
}

// example is a resource that a pattern matches: a campaign that exists, or a name that no one has.
func (c *permissionCheck) example(pattern, region string) string {
	parts := strings.SplitN(pattern, ":", 6)
	if len(parts) < 6 {
		return pattern
	}
	if parts[1] == "*" {
		parts[1] = c.owner.Partition
	}
	if parts[3] == "*" {
		parts[3] = region
	}
	if parts[4] == "*" {
		parts[4] = c.owner.Account
	}
	if campaign, ok := c.resources[region]; ok && parts[2] == "personalize" && parts[5] == "campaign/*" {
		return campaign.String()
	}
	parts[5] = strings.ReplaceAll(parts[5], "*", "personalize-monitor-verify")
	return strings.Join(parts, ":")
}

// called is the answer of a call. AWS checks permissions before it looks for a resource, so that one
// that does not exist is as good as one that does. An input that is refused proves nothing.
func called(p verify.Permission, err error) verify.Permission {
	switch kind := awsapi.KindOf(err); kind {
	case awsapi.None, awsapi.NotFound:
		p.Answer, p.Called = verify.Allowed, true
	case awsapi.Denied:
		p.Answer, p.Called, p.Why = verify.Refused, true, FailureOf(err)
	default:
		p.Why = FailureOf(err)
	}
	return p
}

// simulate answers what was not called, by IAM's own simulation. IAM is one for all regions, so that
// its first failure is that of every simulation.
func (c *permissionCheck) simulate(ctx context.Context, caller string, questions []question) {
	groups := map[string][]int{} // of questions
	for i, q := range questions {
		if q.Answer == verify.Unknown {
			groups[q.together()] = append(groups[q.together()], i)
		}
	}
	keys := slices.Sorted(maps.Keys(groups))
	if len(keys) == 0 {
		return
	}
	principal, failure := c.principal, verify.Failure{}
	if principal == "" {
		principal, failure = principalOf(caller)
	}
	client := iam.NewFromConfig(c.probe.Writer.Clients.ConfigFor(c.home))
	one := func(key string) verify.Failure {
		group := groups[key]
		first := questions[group[0]]
		in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &principal, ContextEntries: first.context}
		for _, i := range group {
			in.ActionNames = append(in.ActionNames, questions[i].Action)
		}
		if first.arn != "*" {
			in.ResourceArns = []string{first.arn}
		}
		out, err := client.SimulatePrincipalPolicy(ctx, in)
		if err != nil {
			return simulationFailure(err, principal)
		}
		for _, i := range group {
			questions[i].Permission = simulated(questions[i].Permission, out.EvaluationResults)
		}
		return verify.Failure{}
	}
	unknown := func(keys []string, why verify.Failure) {
		for _, key := range keys {
			for _, i := range groups[key] {
				questions[i].Why = why
			}
		}
	}
	if failure.Kind == verify.Read {
		failure = one(keys[0])
	}
	if failure.Kind != verify.Read {
		unknown(keys, failure)
		return
	}
	rest := keys[1:]
	var done atomic.Int32
	awsapi.Parallel(len(rest), awsapi.CallsAtOnce, func(n int) {
		c.probe.Progress("simulating permissions", int(done.Add(1)), len(rest))
		if failure := one(rest[n]); failure.Kind != verify.Read {
			unknown(rest[n:n+1], failure)
		}
	})
}

// simulated is the answer of a simulation for an action. Without a context value that a policy asks
// for, a denial means nothing.
func simulated(p verify.Permission, results []types.EvaluationResult) verify.Permission {
	i := slices.IndexFunc(results, func(r types.EvaluationResult) bool { return aws.ToString(r.EvalActionName) == p.Action })
	var missing []string
	if i >= 0 {
		missing = slices.Clone(results[i].MissingContextValues)
		for _, one := range results[i].ResourceSpecificResults { // they are here if a resource was named
			missing = append(missing, one.MissingContextValues...)
		}
	}
	switch {
	case i < 0:
		p.Why = verify.Failure{Kind: verify.Other, Text: "IAM's simulation left it out"}
	case results[i].EvalDecision == types.PolicyEvaluationDecisionTypeAllowed:
		p.Answer, p.Why = verify.Allowed, verify.Failure{}
	case len(missing) > 0:
		p.Why = verify.Failure{
			Kind: verify.Other, Text: "the policy has conditions on " + strings.Join(slices.Compact(missing), ", "),
			Remedy: "try the command that needs it with --dry-run, or run it",
		}
	default:
		p.Answer, p.Why = verify.Refused, verify.Failure{}
	}
	return p
}

// simulationFailure is why nothing was simulated.
func simulationFailure(err error, principal string) verify.Failure {
	f := FailureOf(err)
	if f.Kind == verify.Missing {
		f.Text = "IAM knows no " + principal + ", whose path is not in the credentials"
		f.Remedy = "give the whole ARN of the role: --role-arn"
		return f
	}
	if f.Kind == verify.Denied {
		f.Text = "iam:SimulatePrincipalPolicy is not allowed, and only calling would show it"
		f.Remedy = "allow iam:SimulatePrincipalPolicy on " + principal + ", or compare its policy with personalize-monitor permissions"
	}
	return f
}

// principalOf is the user or role of a caller's ARN. A session's ARN has the role's name, and leaves
// out its path.
func principalOf(caller string) (string, verify.Failure) {
	arn, err := model.ParseARN(caller)
	if err != nil {
		return "", FailureOf(err)
	}
	kind, rest, _ := strings.Cut(arn.Resource, "/")
	switch {
	case arn.Service == "iam" && (kind == "user" || kind == "role"):
		return caller, verify.Failure{}
	case arn.Service == "sts" && kind == "assumed-role":
		role, _, _ := strings.Cut(rest, "/")
		return "arn:" + arn.Partition + ":iam::" + arn.Account + ":role/" + role, verify.Failure{}
	}
	return "", verify.Failure{
		Kind: verify.Other, Text: "IAM cannot simulate " + caller, Remedy: "check with the role that will run: --role-arn",
	}
}

// contextOf are the values of a statement's conditions, with which it allows what it should.
func contextOf(s permissions.Statement) []types.ContextEntry {
	var entries []types.ContextEntry
	for _, operator := range slices.Sorted(maps.Keys(s.Conditions)) {
		for _, key := range slices.Sorted(maps.Keys(s.Conditions[operator])) {
			entries = append(entries, types.ContextEntry{
				ContextKeyName: aws.String(key), ContextKeyType: types.ContextKeyTypeEnumString, ContextKeyValues: s.Conditions[operator][key][:1],
			})
		}
	}
	return entries
}
