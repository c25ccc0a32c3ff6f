package iam

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// Call is one call as it is seen on the wire.
type Call struct {
	name   string // service.Operation, the service as IAM calls it
	key    string // the access key that it is signed with
	region string
	input  map[string]any
}

var scopeOf = regexp.MustCompile(`Credential=([^/]+)/[0-9]+/([a-z0-9-]+)/([a-z]+)/aws4_request`)

// readCall reads a request, whose body can be read again afterwards.
func readCall(r *http.Request) (Call, *wire.Request, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return Call{}, nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	copied := r.Clone(r.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	req, err := wire.Read(copied)
	if err != nil {
		return Call{}, req, err
	}
	scope := scopeOf.FindStringSubmatch(r.Header.Get("Authorization"))
	if scope == nil {
		return Call{}, req, errors.New("the request is not signed")
	}
	c := Call{key: scope[1], name: strings.Replace(scope[3], "monitoring", "cloudwatch", 1) + "." + req.Operation, region: scope[2]}
	c.input, err = req.Tree()
	return c, req, err
}

func (c Call) text(member string) string {
	text, _ := c.input[member].(string)
	return text
}

func (c Call) list(member string) []any {
	list, _ := c.input[member].([]any)
	return list
}

// arn is an ARN of the account in the region of the call.
func (c Call) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + c.region + ":" + Account + ":" + resource
}

// resources tells what a call is about, by its input.
type resources func(c Call) []string

// nothingInParticular is for actions without resource types. DescribeAlarms is among
// them: the alarms that it is allowed are only given by a permission for * (CloudWatch
// API reference, DescribeAlarms).
func nothingInParticular(Call) []string { return []string{"*"} }

// member takes the ARN that stands in the input.
func member(name string) resources {
	return func(c Call) []string { return []string{c.text(name)} }
}

// named makes an ARN of the name that stands in the input.
func named(service, prefix, name string) resources {
	return func(c Call) []string { return []string{c.arn(service, prefix+c.text(name))} }
}

func alarmNames(c Call) []string {
	var arns []string
	for _, name := range c.list("AlarmNames") {
		arns = append(arns, c.arn("cloudwatch", fmt.Sprint("alarm:", name)))
	}
	return arns
}

// dashboardARN is the ARN of a dashboard, which belongs to no region.
func dashboardARN(name any) string {
	return fmt.Sprintf("arn:aws:cloudwatch::%s:dashboard/%v", Account, name)
}

func dashboardNames(c Call) []string {
	var arns []string
	for _, name := range c.list("DashboardNames") {
		arns = append(arns, dashboardARN(name))
	}
	return arns
}

// Account is that of the embedded AWS.
const Account = "123456789012"

// campaignAndSolution are what CreateCampaign is about. Both are required in the Service Authorization Reference.
func campaignAndSolution(c Call) []string {
	return append(named("personalize", "campaign/", "name")(c), c.text("solutionVersionArn"))
}

// operations says what the operations are about that the program may call. The action is
// the operation's name; what some take beside it stands in needsOf. The source is the
// Service Authorization Reference
// (https://docs.aws.amazon.com/service-authorization/latest/reference/), its pages on
// Amazon Personalize, Amazon CloudWatch, Amazon EventBridge and Amazon SNS.
var operations = map[string]resources{
	"personalize.ListCampaigns":           nothingInParticular,
	"personalize.ListRecommenders":        nothingInParticular,
	"personalize.DescribeCampaign":        member("campaignArn"),
	"personalize.DescribeRecommender":     member("recommenderArn"),
	"personalize.DescribeSolution":        member("solutionArn"),
	"personalize.DescribeSolutionVersion": member("solutionVersionArn"), // of the resource type solution
	"personalize.ListDatasetGroups":       nothingInParticular,
	"personalize.ListSolutions":           nothingInParticular,
	"personalize.ListSolutionVersions":    nothingInParticular,
	"personalize.ListBatchInferenceJobs":  nothingInParticular,
	"personalize.ListBatchSegmentJobs":    nothingInParticular,
	"personalize.ListEventTrackers":       nothingInParticular,
	"personalize.UpdateSolution":          member("solutionArn"),
	"personalize.ListTagsForResource":     member("resourceArn"),
	"personalize.TagResource":             member("resourceArn"),
	"personalize.UntagResource":           member("resourceArn"),
	"personalize.CreateCampaign":          campaignAndSolution,
	"personalize.UpdateCampaign":          member("campaignArn"),
	"personalize.UpdateRecommender":       member("recommenderArn"),
	"personalize.DeleteCampaign":          member("campaignArn"),
	"personalize.StopRecommender":         member("recommenderArn"),
	"personalize.StartRecommender":        member("recommenderArn"),

	"cloudwatch.GetMetricData":       nothingInParticular,
	"cloudwatch.PutMetricData":       nothingInParticular,
	"cloudwatch.DescribeAlarms":      nothingInParticular,
	"cloudwatch.ListDashboards":      nothingInParticular,
	"cloudwatch.PutMetricAlarm":      named("cloudwatch", "alarm:", "AlarmName"),
	"cloudwatch.SetAlarmState":       named("cloudwatch", "alarm:", "AlarmName"),
	"cloudwatch.DeleteAlarms":        alarmNames,
	"cloudwatch.ListTagsForResource": member("ResourceARN"),
	"cloudwatch.TagResource":         member("ResourceARN"),
	"cloudwatch.PutDashboard":        func(c Call) []string { return []string{dashboardARN(c.text("DashboardName"))} },
	"cloudwatch.GetDashboard":        func(c Call) []string { return []string{dashboardARN(c.text("DashboardName"))} },
	"cloudwatch.DeleteDashboards":    dashboardNames,

	"events.PutEvents":           func(c Call) []string { return []string{c.arn("events", "event-bus/default")} },
	"events.PutRule":             named("events", "rule/", "Name"),
	"events.DescribeRule":        named("events", "rule/", "Name"),
	"events.DeleteRule":          named("events", "rule/", "Name"),
	"events.PutTargets":          named("events", "rule/", "Rule"),
	"events.RemoveTargets":       named("events", "rule/", "Rule"),
	"events.ListTargetsByRule":   named("events", "rule/", "Rule"),
	"events.ListTagsForResource": member("ResourceARN"),
	"events.TagResource":         member("ResourceARN"),

	"sns.CreateTopic":              named("sns", "", "Name"),
	"sns.DeleteTopic":              member("TopicArn"),
	"sns.GetTopicAttributes":       member("TopicArn"),
	"sns.SetTopicAttributes":       member("TopicArn"),
	"sns.ListSubscriptionsByTopic": member("TopicArn"),
	"sns.Subscribe":                member("TopicArn"),
	"sns.ListTagsForResource":      member("ResourceArn"),
	"sns.TagResource":              member("ResourceArn"),
	"sns.UntagResource":            member("ResourceArn"),

	"sts.AssumeRole":             member("RoleArn"),
	"organizations.ListAccounts": nothingInParticular,

	"pricing.GetProducts":    nothingInParticular,
	"logs.DescribeLogGroups": nothingInParticular,
	"logs.FilterLogEvents":   named("logs", "log-group:", "logGroupName"),

	// It takes no permission (AWS STS API reference, GetCallerIdentity).
	"sts.GetCallerIdentity": func(Call) []string { return nil },
}

// Operations are the operations, as service.Operation, that this package knows.
func Operations() []string { return slices.Sorted(maps.Keys(operations)) }

// needsOf says what a call takes. Making a thing with tags takes the action TagResource for
// it as well: documented for PutMetricAlarm, PutDashboard (operations table of the Service
// Authorization Reference), PutRule (EventBridge API reference) and CreateTopic (SNS API
// reference). Whether the thing is there already, when the tags are ignored, cannot be
// known before the call.
func needsOf(c Call) ([]Need, error) {
	about, known := operations[c.name]
	if !known {
		return nil, fmt.Errorf("the permission that %s needs is not known here", c.name)
	}
	service, operation, _ := strings.Cut(c.name, ".")
	var needs []Need
	for i, arn := range about(c) {
		if arn != "*" && (strings.HasSuffix(arn, ":") || strings.HasSuffix(arn, "/") || !strings.HasPrefix(arn, "arn:aws:")) {
			return nil, fmt.Errorf("%s names no resource: %v", c.name, c.input)
		}
		for _, context := range contexts(c) {
			needs = append(needs, Need{service + ":" + operation, arn, context})
		}
		if i == 0 && len(c.list("Tags"))+len(c.list("tags")) > 0 && operation != "TagResource" { // the first is what gets them
			needs = append(needs, Need{service + ":TagResource", arn, nil})
		}
	}
	if len(needs) == 0 && service != "sts" {
		return nil, fmt.Errorf("%s is about nothing: %v", c.name, c.input)
	}
	return needs, nil
}

// contexts are the values that conditions on a call are compared with; an event is
// judged by itself.
func contexts(c Call) []map[string]string {
	switch c.name {
	case "cloudwatch.PutMetricData":
		return []map[string]string{{"cloudwatch:namespace": c.text("Namespace")}}
	case "events.PutEvents":
		var all []map[string]string
		for _, entry := range c.list("Entries") {
			e, _ := entry.(map[string]any)
			all = append(all, map[string]string{"events:source": fmt.Sprint(e["Source"]), "events:detail-type": fmt.Sprint(e["DetailType"])})
		}
		return all
	}
	return []map[string]string{nil}
}

// Guard is a server that passes on what a policy allows, as IAM does, and counts what was called.
type Guard struct {
	next  http.Handler
	owner *awsapi.Clients // may do all, to read tags

	mu      sync.Mutex
	policy  *Policy
	called  map[string]bool
	denied  []Need
	unknown []error
}

// NewGuard is a guard in front of an embedded AWS. Without a policy it passes everything on. The
// owner, whose calls do not pass the guard, reads the tags that conditions are compared with.
func NewGuard(next http.Handler, policy *Policy, owner *awsapi.Clients) *Guard {
	return &Guard{next: next, policy: policy, owner: owner, called: map[string]bool{}}
}

// ServeHTTP implements http.Handler.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, req, err := readCall(r)
	if r.Context().Err() != nil { // the client is gone
		return
	}
	if err == nil && strings.HasPrefix(c.key, "ASIA") { // a role of another account, which has policies of its own
		g.next.ServeHTTP(w, r)
		return
	}
	var needs []Need
	if err == nil {
		needs, err = needsOf(c)
	}
	for i := range needs {
		needs[i].Context = maps.Clone(needs[i].Context)
		if needs[i].Context == nil {
			needs[i].Context = map[string]string{}
		}
		needs[i].Context["aws:RequestedRegion"] = c.region
		g.addTags(r.Context(), needs[i])
	}
	if lacking := g.check(c, needs, err); lacking != "" {
		wire.WriteError(w, req, "", &wire.Error{
			Code: "AccessDeniedException", Status: http.StatusForbidden,
			Message: "is not authorized because no identity-based policy allows it: " + lacking,
		})
		return
	}
	g.next.ServeHTTP(w, r)
}

// check returns what a call lacks; empty if it may be made.
func (g *Guard) check(c Call, needs []Need, unknown error) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.called[c.name] = true
	if unknown != nil {
		g.unknown = append(g.unknown, unknown)
	}
	if g.policy == nil {
		return ""
	}
	for _, n := range needs {
		if !g.policy.allow(n) {
			g.denied = append(g.denied, n)
			return n.String()
		}
	}
	return ""
}

// addTags adds the tags of a dashboard to what conditions are compared with.
func (g *Guard) addTags(ctx context.Context, n Need) {
	if !strings.Contains(n.Resource, ":dashboard/") || g.owner == nil {
		return
	}
	region := n.Context["aws:RequestedRegion"]
	out, err := g.owner.CloudWatch(region).ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: &n.Resource})
	if err != nil { // there is no such dashboard
		return
	}
	for _, tag := range out.Tags {
		n.Context["aws:ResourceTag/"+*tag.Key] = *tag.Value
	}
}

// Called are the operations that were called, as service.Operation.
func (g *Guard) Called() map[string]bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.called)
}

// Denied lists what was denied.
func (g *Guard) Denied() []Need {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.denied)
}

// Unused has one grant of each action of each statement that no call has needed so far.
func (g *Guard) Unused() []*Grant {
	g.mu.Lock()
	defer g.mu.Unlock()
	needed := func(one *Grant) bool {
		return slices.ContainsFunc(g.policy.Grants, func(other *Grant) bool { return one.same(other) && len(other.alone) > 0 })
	}
	return slices.DeleteFunc(g.policy.Distinct(), needed)
}

// Err is about calls that this package cannot evaluate: a policy that passed them proves nothing.
func (g *Guard) Err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return errors.Join(g.unknown...)
}
