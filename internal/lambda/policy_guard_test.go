package lambda

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/fxamacker/cbor/v2"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// wireCall is one call as it is seen on the wire.
type wireCall struct {
	name   string // service.Operation, the service as IAM calls it
	region string
	input  map[string]any
}

var (
	scopeOf = regexp.MustCompile(`Credential=[^/]+/[0-9]+/([a-z0-9-]+)/([a-z]+)/aws4_request`)
	cborMap = func() cbor.DecMode {
		mode, err := cbor.DecOptions{DefaultMapType: reflect.TypeFor[map[string]any]()}.DecMode()
		if err != nil {
			panic(err)
		}
		return mode
	}()
)

// readCall reads a request, whose body can be read again afterwards.
func readCall(r *http.Request) (wireCall, *wire.Request, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return wireCall{}, nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	copied := r.Clone(r.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	req, err := wire.Read(copied)
	if err != nil {
		return wireCall{}, req, err
	}
	scope := scopeOf.FindStringSubmatch(r.Header.Get("Authorization"))
	if scope == nil {
		return wireCall{}, req, errors.New("the request is not signed")
	}
	c := wireCall{name: strings.Replace(scope[2], "monitoring", "cloudwatch", 1) + "." + req.Operation, region: scope[1], input: map[string]any{}}
	if r.Header.Get("Content-Encoding") == "gzip" {
		zr, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return c, req, err
		}
		if body, err = io.ReadAll(zr); err != nil {
			return c, req, err
		}
	}
	switch {
	case req.Protocol == wire.Query:
		c.input = formInput(req.Form)
	case len(body) == 0:
	case req.Protocol == wire.CBOR:
		err = cborMap.Unmarshal(body, &c.input)
	default:
		err = json.Unmarshal(body, &c.input)
	}
	return c, req, err
}

// formInput gives the members of a form, lists as lists of as many items.
func formInput(form url.Values) map[string]any {
	input := map[string]any{}
	for key := range form {
		name, rest, nested := strings.Cut(key, ".")
		if !nested {
			input[name] = form.Get(key)
			continue
		}
		list, _ := input[name].([]any)
		input[name] = append(list, rest)
	}
	return input
}

func (c wireCall) text(member string) string {
	text, _ := c.input[member].(string)
	return text
}

func (c wireCall) list(member string) []any {
	list, _ := c.input[member].([]any)
	return list
}

// arn is an ARN of the account in the region of the call.
func (c wireCall) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + c.region + ":" + account + ":" + resource
}

// resources tells what a call is about, by its input.
type resources func(c wireCall) []string

// nothingInParticular is for actions without resource types. DescribeAlarms is among
// them: the alarms that it is allowed are only given by a permission for * (CloudWatch
// API reference, DescribeAlarms).
func nothingInParticular(wireCall) []string { return []string{"*"} }

// member takes the ARN that stands in the input.
func member(name string) resources {
	return func(c wireCall) []string { return []string{c.text(name)} }
}

// named makes an ARN of the name that stands in the input.
func named(service, prefix, name string) resources {
	return func(c wireCall) []string { return []string{c.arn(service, prefix+c.text(name))} }
}

func alarmNames(c wireCall) []string {
	var arns []string
	for _, name := range c.list("AlarmNames") {
		arns = append(arns, c.arn("cloudwatch", fmt.Sprint("alarm:", name)))
	}
	return arns
}

// dashboardARN is the ARN of a dashboard, which belongs to no region.
func dashboardARN(name any) string {
	return fmt.Sprintf("arn:aws:cloudwatch::%s:dashboard/%v", account, name)
}

func dashboardNames(c wireCall) []string {
	var arns []string
	for _, name := range c.list("DashboardNames") {
		arns = append(arns, dashboardARN(name))
	}
	return arns
}

// permissions says what the operations are about that the program may call. The action is
// the operation's name; what some take beside it stands in needsOf. The source is the
// Service Authorization Reference
// (https://docs.aws.amazon.com/service-authorization/latest/reference/), its pages on
// Amazon Personalize, Amazon CloudWatch, Amazon EventBridge and Amazon SNS.
var permissions = map[string]resources{
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
	"personalize.CreateCampaign":          named("personalize", "campaign/", "name"),
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
	"cloudwatch.PutDashboard":        func(c wireCall) []string { return []string{dashboardARN(c.text("DashboardName"))} },
	"cloudwatch.GetDashboard":        func(c wireCall) []string { return []string{dashboardARN(c.text("DashboardName"))} },
	"cloudwatch.DeleteDashboards":    dashboardNames,

	"events.PutEvents":           func(c wireCall) []string { return []string{c.arn("events", "event-bus/default")} },
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

	"pricing.GetProducts":    nothingInParticular,
	"logs.DescribeLogGroups": nothingInParticular,
	"logs.FilterLogEvents":   named("logs", "log-group:", "logGroupName"),

	// It takes no permission (AWS STS API reference, GetCallerIdentity).
	"sts.GetCallerIdentity": func(wireCall) []string { return nil },
}

// needsOf says what a call takes. Making a thing with tags takes the action TagResource for
// it as well: documented for PutMetricAlarm, PutDashboard (operations table of the Service
// Authorization Reference), PutRule (EventBridge API reference) and CreateTopic (SNS API
// reference). Whether the thing is there already, when the tags are ignored, cannot be
// known before the call.
func needsOf(c wireCall) ([]need, error) {
	about, known := permissions[c.name]
	if !known {
		return nil, fmt.Errorf("nothing here says which permission %s takes", c.name)
	}
	service, operation, _ := strings.Cut(c.name, ".")
	var needs []need
	for _, arn := range about(c) {
		if arn != "*" && (strings.HasSuffix(arn, ":") || strings.HasSuffix(arn, "/") || !strings.HasPrefix(arn, "arn:aws:")) {
			return nil, fmt.Errorf("%s does not say what it is about: %v", c.name, c.input)
		}
		for _, context := range contexts(c) {
			needs = append(needs, need{service + ":" + operation, arn, context})
		}
		if len(c.list("Tags")) > 0 && operation != "TagResource" {
			needs = append(needs, need{service + ":TagResource", arn, nil})
		}
	}
	if len(needs) == 0 && service != "sts" {
		return nil, fmt.Errorf("%s is about nothing: %v", c.name, c.input)
	}
	return needs, nil
}

// contexts are the values that conditions on a call are compared with; an event is
// judged by itself.
func contexts(c wireCall) []map[string]string {
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

// guard stands before the embedded AWS and lets pass what a policy allows, as IAM does.
// Without a policy it lets everything pass, and only takes down what was called.
type guard struct {
	t      *testing.T
	next   http.Handler
	policy *policy
	owner  *awsapi.Clients // may do all, to look at tags

	mu     sync.Mutex
	called map[string]bool
	denied map[string]bool
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, req, err := readCall(r)
	var needs []need
	if err == nil {
		needs, err = needsOf(c)
	}
	if err != nil {
		g.t.Errorf("a call cannot be judged: %v", err)
	}
	for i := range needs {
		g.addTags(r.Context(), &needs[i])
	}
	if lacking := g.judge(c, needs); lacking != "" {
		wire.WriteError(w, req, "", &wire.Error{
			Code: "AccessDeniedException", Status: http.StatusForbidden,
			Message: "is not authorized because no identity-based policy allows it: " + lacking,
		})
		return
	}
	g.next.ServeHTTP(w, r)
}

// judge says what a call lacks; empty if it may be made.
func (g *guard) judge(c wireCall, needs []need) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.called[c.name] = true
	if g.policy == nil {
		return ""
	}
	for _, n := range needs {
		if !g.policy.allow(n) {
			g.denied[n.String()] = true
			return n.String()
		}
	}
	return ""
}

// addTags adds the tags of a dashboard to what conditions are compared with.
func (g *guard) addTags(ctx context.Context, n *need) {
	if !strings.Contains(n.resource, ":dashboard/") || g.owner == nil {
		return
	}
	out, err := g.owner.CloudWatch(home).ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: &n.resource})
	if err != nil { // there is no such dashboard
		return
	}
	n.context = maps.Clone(n.context)
	if n.context == nil {
		n.context = map[string]string{}
	}
	for _, tag := range out.Tags {
		n.context["aws:ResourceTag/"+*tag.Key] = *tag.Value
	}
}

// lacking lists what was denied.
func (g *guard) lacking() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.denied))
}

// A guard that reads the wire wrongly would judge nothing rightly.
func TestNeedsOf(t *testing.T) {
	const topic = "arn:aws:sns:eu-west-1:123456789012:ours"
	tests := []struct {
		call wireCall
		want []string
	}{
		{
			wireCall{"sns.CreateTopic", "eu-west-1", formInput(url.Values{"Name": {"ours"}, "Tags.member.1.Key": {"k"}, "Tags.member.1.Value": {"v"}})},
			[]string{"sns:CreateTopic on " + topic, "sns:TagResource on " + topic},
		},
		{wireCall{"sns.CreateTopic", "eu-west-1", formInput(url.Values{"Name": {"ours"}})}, []string{"sns:CreateTopic on " + topic}},
		{wireCall{"sns.TagResource", "eu-west-1", formInput(url.Values{"ResourceArn": {topic}, "Tags.member.1.Key": {"k"}})}, []string{"sns:TagResource on " + topic}},
		{wireCall{"cloudwatch.DeleteAlarms", "eu-west-1", map[string]any{"AlarmNames": []any{"a", "b"}}}, []string{
			"cloudwatch:DeleteAlarms on arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a", "cloudwatch:DeleteAlarms on arn:aws:cloudwatch:eu-west-1:123456789012:alarm:b",
		}},
		{wireCall{"events.PutEvents", home, map[string]any{"Entries": []any{
			map[string]any{"Source": "s", "DetailType": "d"}, map[string]any{"Source": "s", "DetailType": "e"},
		}}}, []string{
			"events:PutEvents on arn:aws:events:us-east-1:123456789012:event-bus/default, events:detail-type=d, events:source=s",
			"events:PutEvents on arn:aws:events:us-east-1:123456789012:event-bus/default, events:detail-type=e, events:source=s",
		}},
		{wireCall{"sts.GetCallerIdentity", home, nil}, nil},
		{wireCall{"cloudwatch.DeleteAlarms", home, map[string]any{}}, []string{"error"}},
		{wireCall{"personalize.DescribeCampaign", home, map[string]any{}}, []string{"error"}},
		{wireCall{"personalize.CreateCampaign", home, map[string]any{}}, []string{"error"}},
	}
	for i, tt := range tests {
		needs, err := needsOf(tt.call)
		var got []string
		for _, n := range needs {
			got = append(got, n.String())
		}
		if err != nil {
			got = []string{"error"}
		}
		if !slices.Equal(got, tt.want) {
			t.Error(strconv.Itoa(i)+" "+tt.call.name, got, err)
		}
	}
}
