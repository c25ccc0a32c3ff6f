package internal_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/notify"
	"github.com/personalize-monitor/personalize-monitor/internal/permissions"
	"github.com/personalize-monitor/personalize-monitor/internal/verify"
	"github.com/personalize-monitor/personalize-monitor/tools/template"
)

const (
	templateFile = "../template.yaml"
)

// onlyInTemplate are the parameters that are for CloudFormation alone.
var onlyInTemplate = []string{"ReserveMonitorConcurrency", "LogRetentionInDays", "XRayTracing"}

type object = template.Object

// theTemplate reads the deployment template.
func theTemplate(t *testing.T) object {
	t.Helper()
	object, err := template.Read(templateFile)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// at follows keys through objects; it fails the test where there is nothing.
func at(t *testing.T, from any, keys ...string) any {
	t.Helper()
	for i, key := range keys {
		value, ok := from.(object)[key]
		if !ok {
			t.Fatalf("nothing at %s", strings.Join(keys[:i+1], "."))
		}
		from = value
	}
	return from
}

func ref(name string) object { return object{"!Ref": name} }

// texts are the items of a list, or the one that stands in place of a list.
func texts(value any) []string {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	all := make([]string, 0, len(list))
	for _, item := range list {
		all = append(all, fmt.Sprint(item))
	}
	return all
}

// function is what must hold of one function. The ids are those of the original
// application; another id would make another function, and leave the dashboard, the
// schedules and people's own tools with the old one.
type function struct {
	handler string
	seconds uint64
	// events are by id: a schedule, or the detail types of a pattern.
	events map[string][]string
}

var functions = map[string]function{
	"MonitorFunction": {"monitor", 240, map[string][]string{"ScheduledEvent": {"cron(0/5 * * * ? *)"}}},
	"DashboardManagementFunction": {"dashboard", 60, map[string][]string{
		"ScheduledEvent": {"cron(3 * * * ? *)"},
		"EBRule":         {string(events.BuildDashboard)},
	}},
	"UpdateTPSFunction": {"update-tps", 60, map[string][]string{
		"EBRule": {string(events.UpdateCampaign), string(events.UpdateRecommender)},
	}},
	"DeleteCampaignFunction":  {"delete-campaign", 60, map[string][]string{"EBCustomRule": {string(events.DeleteCampaign)}}},
	"StopRecommenderFunction": {"stop-recommender", 60, map[string][]string{"EBCustomRule": {string(events.StopRecommender)}}},
	"CleanupFunction":         {"cleanup", 900, nil},
}

// customResources are the custom resources by id, with their types and functions.
var customResources = map[string][2]string{
	"DeployDashboardCustomResource": {"Custom::DashboardCreate", "DashboardManagementFunction"},
	"CleanupCustomResource":         {"Custom::Cleanup", "CleanupFunction"},
}

// settings are the properties of a function, those that all have in common included.
func settings(t *testing.T, template object, id string) object {
	t.Helper()
	all := maps.Clone(at(t, template, "Globals", "Function").(object))
	maps.Copy(all, at(t, template, "Resources", id, "Properties").(object))
	return all
}

func TestTemplateHasTheResourcesOfTheOriginal(t *testing.T) {
	template := theTemplate(t)
	want := slices.Concat(slices.Collect(maps.Keys(functions)), slices.Collect(maps.Keys(customResources)),
		[]string{"DeadLetterQueue", "LogGroup"}, slices.Collect(maps.Keys(alarmsOnItself)))
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(at(t, template, "Resources").(object)))); diff != "" {
		t.Error(diff)
	}
	outputs := at(t, template, "Outputs").(object)
	for id := range functions {
		if id == "CleanupFunction" {
			continue
		}
		if diff := cmp.Diff(object{"!GetAtt": id + ".Arn"}, at(t, outputs, id, "Value")); diff != "" {
			t.Errorf("output %s: %s", id, diff)
		}
	}
	for id, want := range customResources {
		resource := at(t, template, "Resources", id)
		if got := at(t, resource, "Type"); got != want[0] {
			t.Errorf("%s is a %s", id, got)
		}
		if diff := cmp.Diff(object{"!GetAtt": want[1] + ".Arn"}, at(t, resource, "Properties", "ServiceToken")); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
}

func TestTemplateFunctions(t *testing.T) {
	template := theTemplate(t)
	for id, want := range functions {
		t.Run(id, func(t *testing.T) {
			s := settings(t, template, id)
			got := []any{s["Handler"], s["Timeout"], s["Runtime"], s["CodeUri"], texts(s["Architectures"])}
			if diff := cmp.Diff([]any{want.handler, want.seconds, "provided.al2023", ".", []string{"arm64"}}, got); diff != "" {
				t.Error(diff)
			}
			if method := at(t, template, "Resources", id, "Metadata", "BuildMethod"); method != "makefile" {
				t.Errorf("built by %v", method)
			}
			// The functions and their schedules go before the clean-up does, and are there after it.
			dependsOn := at(t, template, "Resources", id).(object)["DependsOn"]
			if id != "CleanupFunction" && dependsOn != "CleanupCustomResource" || id == "CleanupFunction" && dependsOn != nil {
				t.Errorf("depends on %v", dependsOn)
			}
			_, queue := s["DeadLetterQueue"]
			_, retries := s["EventInvokeConfig"]
			if monitor := id == "MonitorFunction"; queue == monitor || retries != monitor {
				t.Errorf("dead-letter queue %t, retries set %t", queue, retries)
			}
			checkEvents(t, s, want.events)
		})
	}
	rules := 1 // of notifications, which the monitor creates
	for id := range functions {
		triggers, _ := settings(t, template, id)["Events"].(object)
		rules += len(triggers)
	}
	if rules != verify.RulesNeeded {
		t.Errorf("a stack has %d rules, and verify leaves room for %d", rules, verify.RulesNeeded)
	}
	monitor := settings(t, template, "MonitorFunction")
	if monitor["MemorySize"] != uint64(512) || at(t, monitor, "EventInvokeConfig", "MaximumRetryAttempts") != uint64(0) {
		t.Errorf("the monitor has %v MB, %v", monitor["MemorySize"], monitor["EventInvokeConfig"])
	}
}

// checkEvents compares what starts a function.
func checkEvents(t *testing.T, settings object, want map[string][]string) {
	t.Helper()
	given, _ := settings["Events"].(object)
	got := map[string][]string{}
	for id, event := range given {
		properties := at(t, event, "Properties").(object)
		if at(t, event, "Type") == "Schedule" {
			got[id] = []string{fmt.Sprint(properties["Schedule"])}
			if properties["Enabled"] != true {
				t.Errorf("%s is not enabled", id)
			}
			continue
		}
		pattern := at(t, properties, "Pattern").(object)
		got[id] = texts(pattern["detail-type"])
		if len(pattern) != 2 || !slices.Equal(texts(pattern["source"]), []string{events.Source}) {
			t.Errorf("%s has the pattern %v", id, pattern)
		}
	}
	if len(got)+len(want) > 0 && !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
}

func TestTemplateParameters(t *testing.T) {
	template := theTemplate(t)
	parameters := at(t, template, "Parameters").(object)
	var names []string
	for _, spec := range config.All() {
		if spec.Name == config.HourlyChecks { // the functions have their own default
			continue
		}
		names = append(names, spec.Name)
		if got := fmt.Sprint(at(t, parameters, spec.Name, "Default")); got != spec.Default {
			t.Errorf("%s is %q by default, in the program %q", spec.Name, got, spec.Default)
		}
	}
	names = append(names, onlyInTemplate...)
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(parameters))); diff != "" {
		t.Error(diff)
	}
	for name, parameter := range parameters {
		checkAllowed(t, name, parameter.(object))
	}

	face := at(t, template, "Metadata", "AWS::CloudFormation::Interface")
	var grouped []string
	for _, group := range at(t, face, "ParameterGroups").([]any) {
		grouped = append(grouped, texts(at(t, group, "Parameters"))...)
	}
	slices.Sort(grouped)
	if diff := cmp.Diff(names, grouped); diff != "" {
		t.Errorf("in groups: %s", diff)
	}
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(at(t, face, "ParameterLabels").(object)))); diff != "" {
		t.Errorf("with labels: %s", diff)
	}
}

// checkAllowed tries the limits of a parameter on the program, which must take all that
// the template takes, and refuse the next number on either side.
func checkAllowed(t *testing.T, name string, parameter object) {
	t.Helper()
	accepts := func(value string) bool {
		_, err := config.Resolve(config.Sources{Env: func(n string) (string, bool) { return value, n == name }})
		return err == nil
	}
	if allowed, ok := parameter["AllowedValues"]; ok {
		for _, value := range texts(allowed) {
			if !slices.Contains(onlyInTemplate, name) && !accepts(value) {
				t.Errorf("%s: the program refuses %q", name, value)
			}
		}
	}
	if _, limited := parameter["MinValue"]; limited {
		low, high := int(parameter["MinValue"].(uint64)), int(parameter["MaxValue"].(uint64))
		for value, want := range map[int]bool{low - 1: false, low: true, high: true, high + 1: false} {
			if accepts(strconv.Itoa(value)) != want {
				t.Errorf("%s: the program accepts %d: %t", name, value, !want)
			}
		}
	}
	if pattern, ok := parameter["AllowedPattern"].(string); ok && name == config.NotificationEndpoint {
		checkWebhooks(t, pattern, accepts)
	} else if ok {
		for _, value := range []string{
			"2m", "90s", "1.5m", "1m30s", "0s", "Amazon-Personalize-Monitor", "a_b", "two words", "ümlaut", "2", "-1s", "1,5m", "1h",
			"arn:aws:kms:eu-west-1:123456789012:key/mrk-1a", "arn:aws-cn:kms:cn-north-1:123456789012:key/1", "arn:aws:kms:eu-west-1:123456789012:alias/a",
		} {
			if matches := regexp.MustCompile(pattern).MatchString(value); matches != accepts(value) {
				t.Errorf("%s: %q matches the pattern: %t, is accepted: %t", name, value, matches, !matches)
			}
		}
	}
}

// checkWebhooks compares what the template refuses with what the program does: hosts alone, as a
// template cannot check an address.
func checkWebhooks(t *testing.T, pattern string, accepts func(string) bool) {
	t.Helper()
	refused, ok := strings.CutPrefix(pattern, "^(?!")
	refused, end := strings.CutSuffix(refused, ").*$")
	if !ok || !end {
		t.Fatalf("the pattern does not refuse what begins with something: %s", pattern)
	}
	webhook := regexp.MustCompile("^" + refused)
	for _, host := range []string{
		"hooks.slack.com", "HOOKS.Slack.com", "hooks.slack-gov.com", "a.webhook.office.com", "outlook.office.com", "p.w.logic.azure.com", "x.api.powerplatform.com",
		"discord.com", "ptb.discordapp.com", "chat.googleapis.com", "events.pagerduty.com", "hooks.slack.com.example.com", "nothooks.slack.com",
		"example.com", "webhook.office.community", "hooksxslack.com",
	} {
		for _, form := range []string{"https://%s/services/x", "https://%s", "https://%s:443/x", "a@example.com,https://%s/x", "https://example.com/x, https://%s?x,b@example.com", "https://%s./x"} {
			if value := fmt.Sprintf(form, host); webhook.MatchString(value) == accepts(value) {
				t.Errorf("%q: the template refuses it: %t", value, webhook.MatchString(value))
			}
		}
	}
	if webhook.MatchString("discord.com@example.com") || webhook.MatchString("") {
		t.Error("an address is refused")
	}
}

func TestTemplateHandsTheParametersOn(t *testing.T) {
	template := theTemplate(t)
	variables := object{"Deployment": object{"!Sub": "${AWS::Region}/${AWS::StackName}"}}
	for _, spec := range config.All() {
		if spec.Name != config.HourlyChecks {
			variables[spec.Name] = ref(spec.Name)
		}
	}
	for id := range functions {
		if diff := cmp.Diff(variables, at(t, settings(t, template, id), "Environment", "Variables")); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
	// A custom resource is told of changes of its properties, and of nothing else.
	for id := range customResources {
		properties := maps.Clone(at(t, template, "Resources", id, "Properties").(object))
		for name, value := range properties {
			if diff := cmp.Diff(ref(name), value); diff != "" && name != "ServiceToken" && name != "ServiceTimeout" {
				t.Errorf("%s: %s", id, diff)
			}
		}
		for name := range variables {
			_, passed := properties[name]
			later := name == config.NotificationEndpoint || name == config.MetricDelay ||
				name == config.ChatNotifications || name == config.KMSKeyARN || name == config.MaxStopsOrDeletesPerHour || name == config.UsedIdleThresholdHours || name == "Deployment" // not of their business
			if passed == later {
				t.Errorf("%s is given %s: %t", id, name, passed)
			}
		}
	}
}

// TestTemplatePolicies holds what every statement must keep to. Which actions a function
// needs, on what, a test of the functions finds out by running them.
func TestTemplatePolicies(t *testing.T) {
	template := theTemplate(t)
	read := regexp.MustCompile(`^[a-z]+:(Describe|List|Get)[A-Za-z]+$`)
	conditions := map[string]object{
		"cloudwatch:PutMetricData": {"StringEquals": object{"cloudwatch:namespace": "PersonalizeMonitor"}},
		"events:PutEvents":         {"StringEquals": object{"events:source": events.Source}},
	}
	for id := range functions {
		for _, policy := range at(t, settings(t, template, id), "Policies").([]any) {
			for _, entry := range at(t, policy, "Statement").([]any) {
				statement := entry.(object)
				anything := slices.Contains(texts(statement["Resource"]), "*")
				for _, action := range texts(statement["Action"]) {
					want := conditions[action]
					if want != nil && !cmp.Equal(want, statement["Condition"]) {
						t.Errorf("%s may do %s on the condition %v", id, action, statement["Condition"])
					}
					if strings.Contains(action, "*") || anything && want == nil && !read.MatchString(action) {
						t.Errorf("%s may do %s to anything", id, action)
					}
				}
			}
		}
	}
}

// The policies of the template are those of the table that permissions prints from.
func TestTemplatePoliciesAreThoseOfTheTable(t *testing.T) {
	resources := at(t, theTemplate(t), "Resources").(object)
	stack := permissions.Options{
		Partition: "${AWS::Partition}", Account: "${AWS::AccountId}", Region: "${AWS::Region}",
		Dashboard: "${DashboardName}", Deployment: "${AWS::Region}/${AWS::StackName}",
	}
	if got := len(permissions.Functions()); got != len(functions) {
		t.Errorf("%d functions in the table, %d in the template", got, len(functions))
	}
	for _, use := range permissions.Functions() {
		var want, got []string
		for _, s := range permissions.For(use, stack) {
			limit := object{}
			for operator, keys := range s.Conditions {
				for key, values := range keys {
					limit[operator+" "+key] = values
				}
			}
			for _, action := range s.Actions {
				for _, resource := range s.Resources {
					want = append(want, fmt.Sprint(action, " on ", resource, " ", limit))
				}
			}
		}
		for _, policy := range at(t, resources, string(use), "Properties", "Policies").([]any) {
			for _, entry := range at(t, policy, "Statement").([]any) {
				limit := object{}
				if condition, ok := entry.(object)["Condition"]; ok {
					for operator, keys := range condition.(object) {
						for key, value := range keys.(object) {
							limit[operator+" "+key] = []string{unSub(value)}
						}
					}
				}
				for _, action := range texts(at(t, entry, "Action")) {
					resource := at(t, entry, "Resource")
					list, several := resource.([]any)
					if !several {
						list = []any{resource}
					}
					for _, one := range list {
						got = append(got, fmt.Sprint(action, " on ", unSub(one), " ", limit))
					}
				}
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-table +template):\n%s", use, diff)
		}
	}
}

// unSub is a text, without the function that substitutes in it.
func unSub(value any) string {
	if sub, ok := value.(object); ok {
		value = sub["!Sub"]
	}
	return fmt.Sprint(value)
}

func TestTemplateKnowsNoPartition(t *testing.T) {
	source, err := os.ReadFile(templateFile)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(source), "arn:aws") {
		t.Error("an ARN of one partition stands there")
	}
	for _, line := range regexp.MustCompile(`.*arn:.*`).FindAllString(string(source), -1) {
		pattern := strings.Contains(line, "AllowedPattern: ^(arn:[a-z-]+:kms:")
		if !pattern && (!strings.Contains(line, "!Sub 'arn:${AWS::Partition}:") || !strings.Contains(line, ":${AWS::AccountId}:")) {
			t.Errorf("not of the partition and account of the stack: %s", strings.TrimSpace(line))
		}
	}
}

func TestTemplateMetadata(t *testing.T) {
	app := at(t, theTemplate(t), "Metadata", "AWS::ServerlessRepo::Application")
	for _, key := range []string{
		"Name", "Description", "Author", "SpdxLicenseId", "LicenseUrl", "ReadmeUrl", "Labels", "HomePageUrl", "SemanticVersion", "SourceCodeUrl",
	} {
		if at(t, app, key) == "" {
			t.Errorf("no %s", key)
		}
	}
	if at(t, app, "SpdxLicenseId") != "Apache-2.0" {
		t.Error("another licence")
	}
	// The patterns are those of CreateApplication (Serverless Application Repository API).
	for key, pattern := range map[string]string{"Name": `^[a-zA-Z0-9-]{1,140}$`, "Author": `^[a-z0-9]+(-[a-z0-9]+)*$`, "SemanticVersion": `^\d+\.\d+\.\d+$`} {
		if value := at(t, app, key).(string); !regexp.MustCompile(pattern).MatchString(value) {
			t.Errorf("%s is %q", key, value)
		}
	}
	for _, key := range []string{"LicenseUrl", "ReadmeUrl"} {
		if _, err := os.Stat("../" + at(t, app, key).(string)); err != nil {
			t.Error(err)
		}
	}
}

// alarmsOnItself are the alarms of the stack on the application, with their metrics and what missing
// data mean.
var alarmsOnItself = map[string][3]string{
	"MonitorSilentAlarm":   {"AWS/Lambda", "Errors", "breaching"},
	"MonitorProblemsAlarm": {"PersonalizeMonitor", "monitorProblems", "notBreaching"},
	"DeadLetterAlarm":      {"AWS/SQS", "ApproximateNumberOfMessagesVisible", "notBreaching"},
}

// The alarms notify the topic of the stack's region, and go before the clean-up removes it.
func TestTemplateAlarms(t *testing.T) {
	template := theTemplate(t)
	topic := []any{object{"!Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:" + notify.TopicName}}
	for id, want := range alarmsOnItself {
		alarm := at(t, template, "Resources", id).(object)
		if alarm["Type"] != "AWS::CloudWatch::Alarm" || alarm["DependsOn"] != "CleanupCustomResource" {
			t.Errorf("%s is a %v that depends on %v", id, alarm["Type"], alarm["DependsOn"])
		}
		p := alarm["Properties"].(object)
		metric := p
		if math, ok := p["Metrics"].([]any); ok {
			metric = at(t, math[0], "MetricStat", "Metric").(object)
		}
		if p["AlarmName"] != nil {
			t.Errorf("%s has a name of its own, which a second stack could not have", id)
		}
		if got := [3]string{metric["Namespace"].(string), metric["MetricName"].(string), p["TreatMissingData"].(string)}; got != want {
			t.Errorf("%s is on %v", id, got)
		}
		for _, key := range []string{"AlarmActions", "OKActions"} {
			if diff := cmp.Diff(topic, p[key]); diff != "" {
				t.Errorf("%s, %s: %s", id, key, diff)
			}
		}
	}
}

// A stack that is updated has log groups that Lambda created, by the usual names. Another one of such a
// name could not be created, so that it is generated. The records in it outlive the stack.
func TestTemplateLogGroup(t *testing.T) {
	template := theTemplate(t)
	group := at(t, template, "Resources", "LogGroup").(object)
	want := object{
		"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain",
		"Properties": object{"RetentionInDays": ref("LogRetentionInDays")},
	}
	if diff := cmp.Diff(want, group); diff != "" {
		t.Error(diff)
	}
	for id := range functions {
		s := settings(t, template, id)
		if diff := cmp.Diff(object{"LogGroup": ref("LogGroup")}, s["LoggingConfig"]); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
		// SAM drops Disabled and gives no permission for it.
		if diff := cmp.Diff(ref("XRayTracing"), s["Tracing"]); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
}

// The queue is always encrypted: with the owner's key, or with that of SQS, which excludes the other.
func TestTemplateQueueIsEncrypted(t *testing.T) {
	template := theTemplate(t)
	got := at(t, template, "Resources", "DeadLetterQueue", "Properties").(object)
	want := object{
		"MessageRetentionPeriod": uint64(1209600),
		"SqsManagedSseEnabled":   object{"!If": []any{"KeyIsGiven", false, true}},
		"KmsMasterKeyId":         object{"!If": []any{"KeyIsGiven", ref("KMSKeyARN"), ref("AWS::NoValue")}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	condition := object{"!Not": []any{object{"!Equals": []any{ref("KMSKeyARN"), ""}}}}
	if diff := cmp.Diff(condition, at(t, template, "Conditions", "KeyIsGiven")); diff != "" {
		t.Error(diff)
	}
}

func TestMakefileBuildsEachFunction(t *testing.T) {
	source, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^functions := (.*)$`).FindStringSubmatch(string(source))
	if line == nil {
		t.Fatal("the Makefile lists no functions")
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(functions)), slices.Sorted(slices.Values(strings.Fields(line[1])))); diff != "" {
		t.Error(diff)
	}
}

// A program for another architecture than the template's would not start.
func TestSAMBuildsWhatTheTemplateSays(t *testing.T) {
	program, err := exec.LookPath("make")
	if err != nil {
		t.Skip("make is not installed")
	}
	for id := range functions {
		cmd := exec.CommandContext(t.Context(), program, "-n", "build-"+id, "ARTIFACTS_DIR=/artifacts")
		cmd.Dir, cmd.Env = "..", append(os.Environ(), "ARCH=amd64")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "GOARCH=arm64 ") || !strings.Contains(string(out), `-o "/artifacts/bootstrap"`) {
			t.Errorf("%s: %v\n%s", id, err, out)
		}
	}
}

func TestTemplatePassesTheLinter(t *testing.T) {
	linter, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed: pip install cfn-lint")
	}
	if out, err := exec.CommandContext(t.Context(), linter, templateFile).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
