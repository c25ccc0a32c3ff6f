package probe

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

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

// run answers for each action, region and resource of the statements: by calling what only reads, else
// by simulation.
func (c *permissionCheck) run(ctx context.Context, caller string, statements []permissions.Statement) []verify.Permission {
	var asked []verify.Permission
	conditions := []permissions.Statement{}
	var which []int // index into conditions of each question
	for _, s := range statements {
		for _, resource := range s.Resources {
			for _, place := range c.places(resource) {
				for _, action := range s.Actions {
					asked = append(asked, verify.Permission{Action: action, Region: place.region, Resource: place.arn, Answer: verify.Unknown})
					which = append(which, len(conditions))
				}
			}
		}
		conditions = append(conditions, s)
	}
	awsapi.ParallelByRegion(asked, func(p verify.Permission) string { return p.Region }, func(i int) {
		if read := readers[asked[i].Action]; read != nil && ctx.Err() == nil {
			asked[i] = called(asked[i], read(ctx, c.probe.Writer, asked[i].Region, asked[i].Resource))
		}
		c.probe.Progress("checking permissions", 0, 0)
	})
	c.simulate(ctx, caller, asked, which, conditions)
	return asked
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

// simulate answers what was not called, by IAM's own simulation. What a principal of the credentials
// may do is one thing everywhere, so that the first failure of IAM is that of all.
func (c *permissionCheck) simulate(ctx context.Context, caller string, asked []verify.Permission, which []int, statements []permissions.Statement) {
	open := map[string][]int{} // questions by region, resource and conditions
	for i, p := range asked {
		if p.Answer == verify.Unknown {
			key := fmt.Sprintf("%s %s %d", p.Region, p.Resource, which[i])
			open[key] = append(open[key], i)
		}
	}
	if len(open) == 0 {
		return
	}
	principal, why := c.principal, verify.Failure{}
	if principal == "" {
		principal, why = principalOf(caller)
	}
	client := iam.NewFromConfig(c.probe.Writer.Clients.ConfigFor(c.home))
	groups := slices.Sorted(maps.Keys(open))
	one := func(key string) verify.Failure {
		group := open[key]
		in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &principal, ContextEntries: contextOf(statements[which[group[0]]])}
		for _, i := range group {
			in.ActionNames = append(in.ActionNames, asked[i].Action)
		}
		if resource := asked[group[0]].Resource; resource != "*" {
			in.ResourceArns = []string{resource}
		}
		out, err := client.SimulatePrincipalPolicy(ctx, in)
		if err != nil {
			return simulationFailure(err, principal)
		}
		for _, i := range group {
			asked[i] = simulated(asked[i], out.EvaluationResults)
		}
		return verify.Failure{}
	}
	if why.Kind == verify.Read {
		why = one(groups[0])
	}
	if why.Kind != verify.Read {
		for _, i := range slices.Concat(slices.Collect(maps.Values(open))...) {
			if asked[i].Why.Kind == verify.Read {
				asked[i].Why = why
			}
		}
		return
	}
	awsapi.Parallel(len(groups)-1, awsapi.CallsAtOnce, func(n int) {
		if failure := one(groups[n+1]); failure.Kind != verify.Read {
			for _, i := range open[groups[n+1]] {
				asked[i].Why = failure
			}
		}
	})
}

// simulated is the answer of a simulation for an action. Without a context value that a policy asks
// for, a denial means nothing.
func simulated(p verify.Permission, results []types.EvaluationResult) verify.Permission {
	i := slices.IndexFunc(results, func(r types.EvaluationResult) bool { return aws.ToString(r.EvalActionName) == p.Action })
	switch {
	case i < 0:
		p.Why = verify.Failure{Kind: verify.Other, Text: "IAM's simulation left it out"}
	case results[i].EvalDecision == types.PolicyEvaluationDecisionTypeAllowed:
		p.Answer, p.Why = verify.Allowed, verify.Failure{}
	case len(results[i].MissingContextValues) > 0:
		p.Why = verify.Failure{
			Kind: verify.Other, Text: "the policy has conditions on " + strings.Join(results[i].MissingContextValues, ", "),
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
