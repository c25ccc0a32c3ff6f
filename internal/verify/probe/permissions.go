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

// noOne is the name of a resource that no one has.
const noOne = "personalize-monitor-verify"

// places are the regions where permissions are checked, and what exists there.
type places struct {
	owner     writer.Identity
	home      string
	regions   []string
	watched   map[string]bool      // those in which resources are looked for; Personalize may not be offered in others
	campaigns map[string]model.ARN // one of each region that has any
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

// questions are those of the statements, each once: about each action in each region, and on each resource.
func (p places) questions(statements []permissions.Statement) []question {
	var list []question
	seen := map[string]bool{}
	for _, s := range statements {
		for _, resource := range s.Resources {
			for _, region := range p.regions {
				arn, ok := p.example(resource, region)
				for _, action := range s.Actions {
					if strings.HasPrefix(action, "personalize:") && !p.watched[region] {
						continue
					}
					q := question{verify.Permission{Action: action, Region: region, Resource: resource, Answer: verify.Unknown}, arn, contextOf(s, region)}
					if key := q.together() + " " + action; ok && !seen[key] {
						seen[key] = true
						list = append(list, q)
					}
				}
			}
		}
	}
	return list
}

// example is a resource of a region that a pattern matches: a campaign that exists, or a name that no one
// has. What has no region belongs to the deployment region.
func (p places) example(pattern, region string) (arn string, ok bool) {
	parts := strings.SplitN(pattern, ":", 6)
	if len(parts) < 6 {
		return pattern, true
	}
	for i, value := range map[int]string{1: p.owner.Partition, 3: region, 4: p.owner.Account} {
		if parts[i] == "*" {
			parts[i] = value
		}
	}
	if campaign, ok := p.campaigns[region]; ok && parts[2] == "personalize" && parts[5] == "campaign/*" {
		return campaign.String(), true
	}
	parts[5] = strings.ReplaceAll(parts[5], "*", noOne)
	return strings.Join(parts, ":"), parts[3] == region || parts[3] == "" && region == p.home
}

// contextOf are the values of a statement's conditions, with which it allows what it should, and the region, to
// which many accounts are limited by service control policies: without it a simulation denies by these, and does not
// report what it lacked.
func contextOf(s permissions.Statement, region string) []types.ContextEntry {
	entry := func(key, value string) types.ContextEntry {
		return types.ContextEntry{ContextKeyName: &key, ContextKeyType: types.ContextKeyTypeEnumString, ContextKeyValues: []string{value}}
	}
	entries := []types.ContextEntry{entry("aws:RequestedRegion", region)}
	for _, operator := range slices.Sorted(maps.Keys(s.Conditions)) {
		for _, key := range slices.Sorted(maps.Keys(s.Conditions[operator])) {
			entries = append(entries, entry(key, s.Conditions[operator][key][0]))
		}
	}
	return entries
}

// permissions answers questions: by calling what only reads, else by simulation.
func (r *reading) permissions(ctx context.Context, caller string, questions []question) []verify.Permission {
	var done atomic.Int32
	awsapi.ParallelByRegion(questions, func(q question) string { return q.Region }, func(i int) {
		q := &questions[i]
		if read := readers(r.Writer, q.Region, q.arn)[q.Action]; read != nil && ctx.Err() == nil {
			q.Permission = called(q.Permission, read(ctx))
		}
		r.Progress("checking permissions", int(done.Add(1)), len(questions))
	})
	r.simulate(ctx, caller, questions)
	answers := make([]verify.Permission, len(questions))
	for i, q := range questions {
		answers[i] = q.Permission
	}
	return answers
}

// called is the answer of a call. AWS checks permissions before it looks for a resource, so that one
// that does not exist is as good as one that does. An input that is refused proves nothing.
func called(p verify.Permission, err error) verify.Permission {
	switch p.Why = FailureOf(err); awsapi.KindOf(err) {
	case awsapi.None, awsapi.NotFound:
		p.Answer, p.Called, p.Why = verify.Allowed, true, verify.Failure{}
	case awsapi.Denied:
		p.Answer, p.Called, p.Why = verify.Refused, true, refusalBy(awsapi.Line(err))
	}
	return p
}

// obstacles are what refuses an action although the policies of the user or role may allow it, by the words of AWS
// (IAM User Guide, "Troubleshoot access denied error messages") in lower case, as their case differs by service, in the
// order in which they are looked for.
var obstacles = []struct{ words, text, remedy string }{
	{
		"service control policy", "a service control policy of the organization refuses it",
		"ask the owners of the organization, or leave the region out of Regions",
	},
	{"resource control policy", "a resource control policy of the organization refuses it", "ask the owners of the organization"},
	{"permissions boundary", "the permissions boundary of the user or role refuses it", "allow it in the boundary, too"},
	{"session policy", "the policy of the session refuses it", "use a session without that policy"},
	{"vpc endpoint policy", "the policy of the VPC endpoint refuses it", "allow it in the endpoint's policy"},
	{"explicit deny", "a policy denies it explicitly", "remove the denial from the policies of the user or role, or of the resource"},
}

// refusalBy is what refused a call or a simulation, by AWS's words; zero if the policies of the user or role allow too
// little.
func refusalBy(words string) verify.Failure {
	words = strings.ToLower(words)
	for _, o := range obstacles {
		if strings.Contains(words, o.words) {
			return verify.Failure{Kind: verify.Denied, Text: o.text, Remedy: o.remedy}
		}
	}
	return verify.Failure{}
}

// simulate answers what was not called, by IAM's own simulation. IAM is one for all regions, so that
// its first failure is that of every simulation.
func (r *reading) simulate(ctx context.Context, caller string, questions []question) {
	groups := map[string][]*question{}
	for i := range questions {
		if q := &questions[i]; q.Answer == verify.Unknown {
			groups[q.together()] = append(groups[q.together()], q)
		}
	}
	principal, failure := r.Principal, verify.Failure{}
	if principal == "" {
		principal, failure = principalOf(caller)
	}
	client := iam.NewFromConfig(r.Writer.Clients.ConfigFor(r.home))
	ask := func(group []*question) verify.Failure {
		in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &principal, ContextEntries: group[0].context}
		for _, q := range group {
			in.ActionNames = append(in.ActionNames, q.Action)
		}
		if arn := group[0].arn; arn != "*" {
			in.ResourceArns = []string{arn}
		}
		why := failure
		var results []types.EvaluationResult
		if why.Kind == verify.Read {
			out, err := client.SimulatePrincipalPolicy(ctx, in)
			if why = simulationFailure(err, principal); err == nil {
				results = out.EvaluationResults
			}
		}
		for _, q := range group {
			if q.Why = why; why.Kind == verify.Read {
				q.Permission = simulated(q.Permission, results)
			}
		}
		return why
	}
	keys := slices.Sorted(maps.Keys(groups))
	if len(keys) == 0 {
		return
	}
	failure = ask(groups[keys[0]])
	var done atomic.Int32
	rest := keys[1:]
	awsapi.Parallel(len(rest), awsapi.CallsAtOnce, func(n int) {
		r.Progress("simulating permissions", int(done.Add(1)), len(rest))
		ask(groups[rest[n]])
	})
}

// simulated is the answer of a simulation for an action. Without a context value that a policy asks
// for, a denial means nothing.
func simulated(p verify.Permission, results []types.EvaluationResult) verify.Permission {
	i := slices.IndexFunc(results, func(r types.EvaluationResult) bool { return aws.ToString(r.EvalActionName) == p.Action })
	if i < 0 {
		p.Why = verify.Failure{Kind: verify.Other, Text: "IAM's simulation left it out"}
		return p
	}
	missing := slices.Clone(results[i].MissingContextValues)
	for _, one := range results[i].ResourceSpecificResults { // they are here if a resource was named
		missing = append(missing, one.MissingContextValues...)
	}
	switch {
	case results[i].EvalDecision == types.PolicyEvaluationDecisionTypeAllowed:
		p.Answer, p.Why = verify.Allowed, verify.Failure{}
	case len(missing) > 0:
		p.Why = verify.Failure{
			Kind: verify.Other, Text: "the policy has conditions on " + strings.Join(slices.Compact(missing), ", "),
			Remedy: "try the command that needs it with --dry-run, or run it",
		}
	default:
		p.Answer, p.Why = verify.Refused, refusalBy(decisionOf(results[i]))
	}
	return p
}

// decisionOf describes the decision of a simulation in the words of a call's error.
func decisionOf(r types.EvaluationResult) string {
	bounded := func(d *types.PermissionsBoundaryDecisionDetail) bool {
		return d != nil && !d.AllowedByPermissionsBoundary
	}
	boundedFor := func(one types.ResourceSpecificResult) bool { return bounded(one.PermissionsBoundaryDecisionDetail) }
	switch {
	case r.OrganizationsDecisionDetail != nil && !r.OrganizationsDecisionDetail.AllowedByOrganizations:
		return "service control policy"
	case bounded(r.PermissionsBoundaryDecisionDetail), slices.ContainsFunc(r.ResourceSpecificResults, boundedFor):
		return "permissions boundary"
	case r.EvalDecision == types.PolicyEvaluationDecisionTypeExplicitDeny:
		return "explicit deny"
	}
	return ""
}

func simulationFailure(err error, principal string) verify.Failure {
	f := FailureOf(err)
	switch f.Kind {
	case verify.Missing:
		f.Text = "IAM knows no " + principal + ", whose path is not in the credentials"
		f.Remedy = "give the whole ARN of the role that will run, which the credentials can assume: --role-arn"
	case verify.Denied:
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
	kind, rest, _ := strings.Cut(arn.Resource(), "/")
	switch {
	case arn.Service() == "iam" && (kind == "user" || kind == "role"):
		return caller, verify.Failure{}
	case arn.Service() == "sts" && kind == "assumed-role":
		role, _, _ := strings.Cut(rest, "/")
		return "arn:" + arn.Partition() + ":iam::" + arn.Account() + ":role/" + role, verify.Failure{}
	}
	return "", verify.Failure{
		Kind: verify.Other, Text: "IAM cannot simulate " + caller, Remedy: "check with the role that will run: --role-arn",
	}
}
