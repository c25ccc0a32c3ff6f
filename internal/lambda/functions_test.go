package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

const (
	home     = "us-east-1"
	account  = "123456789012" // of the example estate
	campaign = "arn:aws:personalize:us-east-1:123456789012:campaign/shop-similar-items"
	endedOne = "arn:aws:personalize:us-east-1:123456789012:campaign/shop-spring-sale"
	idleOne  = "arn:aws:personalize:us-east-1:123456789012:recommender/shop-customers-also-viewed"
)

// bed is a function in front of an embedded AWS with the example estate.
type bed struct {
	*Handler
	t     *testing.T
	aws   *localaws.Server
	clock *model.VirtualClock
	env   map[string]string
	log   *awsbed.Log
	loads int
	world *awsbed.World
}

func newBed(t *testing.T, f Function, env map[string]string) *bed {
	t.Helper()
	return newBedOn(t, localaws.ExampleEstate(), f, env)
}

// newBedOn is a bed with another estate.
func newBedOn(t *testing.T, what localaws.Estate, f Function, env map[string]string) *bed {
	t.Helper()
	clock := model.NewVirtualClock(time.Date(2026, 3, 4, 12, 2, 30, 0, time.UTC))
	server, err := localaws.New(what, localaws.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, aws: server, clock: clock, env: env, log: &awsbed.Log{}, world: awsbed.Around(t, clock, server, server)}
	b.Handler = b.handler(f, func(context.Context, *slog.Logger) (aws.Config, error) {
		b.loads++
		return awsapi.LocalConfig(home, b.world.URL, "LOCAL", nil), nil
	})
	return b
}

func (b *bed) handler(f Function, config func(context.Context, *slog.Logger) (aws.Config, error)) *Handler {
	h := New(f, Options{
		Env: func(name string) (string, bool) { v, ok := b.env[name]; return v, ok },
		Log: b.log, Clock: b.clock, Config: config, Version: "1.2.3",
	})
	b.t.Cleanup(h.forget)
	return h
}

// as is another function in front of the same estate.
func (b *bed) as(f Function) *bed {
	other := *b
	other.Handler = b.handler(f, b.Config)
	return &other
}

// invoke serves one event as Lambda has it served.
func (b *bed) invoke(payload string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID: "request-1", InvokedFunctionArn: "arn:aws:lambda:us-east-1:" + account + ":function:f",
	})
	out, err := b.Invoke(ctx, []byte(payload))
	if err != nil {
		return "", err
	}
	var sentence string
	if err := json.Unmarshal(out, &sentence); err != nil {
		b.t.Fatalf("the answer %s is no text: %v", out, err)
	}
	return sentence, nil
}

func (b *bed) must(payload, want string) {
	b.t.Helper()
	got, err := b.invoke(payload)
	if err != nil || !strings.Contains(got, want) {
		b.t.Errorf("got %q, %v; want %q in it", got, err, want)
	}
}

func envelope(detailType, detail string) string {
	return fmt.Sprintf(`{"version":"0","id":"6a7e","detail-type":%q,"source":"personalize.monitor","account":"123456789012",
		"time":"2026-03-04T12:00:00Z","region":"us-east-1","resources":[],"detail":%s}`, detailType, detail)
}

// What is malformed is refused with a clear error before any call.
func TestMalformedEvents(t *testing.T) {
	about := func(arn, rest string) string { return `{"ARN":"` + arn + `"` + rest + `}` }
	const whole = `valid: a whole number from 1 to 2147483647`
	tests := []struct {
		name     string
		function Function
		payload  string
		fault    string
	}{
		{"no function", "bootstrap", "{}", `the handler "bootstrap" is not a function of this program; the handlers are ["monitor" `},
		{"no JSON", UpdateTPS, "{", "is not JSON"},
		{"no object", UpdateTPS, "[1]", "is not a JSON object"},
		{"nothing", UpdateTPS, "", "the event is empty"},
		{"no ARN", UpdateTPS, `{"NewMinTPS":5}`, `key "ARN" is missing`},
		{"no ARN in an envelope", DeleteCampaign, envelope("DeletePersonalizeCampaign", `{}`), `key "ARN" is missing`},
		{"not an ARN", UpdateTPS, about("x", `,"NewMinTPS":5`), `is not an ARN`},
		{"another service's ARN", UpdateTPS, about("arn:aws:sns:us-east-1:123456789012:t", `,"NewMinTPS":5`), "is not the ARN of a Personalize"},
		{"a solution", UpdateTPS, about("arn:aws:personalize:us-east-1:123456789012:solution/s", `,"NewMinTPS":5`), "is not the ARN of a Personalize"},
		{"a wrong region", UpdateTPS, about("arn:aws:personalize:nowhere:123456789012:campaign/c", `,"NewMinTPS":5`), "names no valid region"},
		{"another account", UpdateTPS, about("arn:aws:personalize:us-east-1:210987654321:campaign/c", `,"NewMinTPS":5`), "belongs to the account 210987654321"},
		{"another partition", DeleteCampaign, about("arn:aws-cn:personalize:cn-north-1:123456789012:campaign/c", ``), "another partition"},
		{"a recommender to delete", DeleteCampaign, about(idleOne, ``), "deletes campaigns"},
		{"a campaign to stop", StopRecommender, about(campaign, ``), "is about recommenders"},
		{"no minimum", UpdateTPS, about(campaign, ``), `key "NewMinTPS" is missing`},
		{"0", UpdateTPS, about(campaign, `,"NewMinTPS":0`), whole},
		{"negative", UpdateTPS, about(campaign, `,"NewMinTPS":-3`), whole},
		{"fractional", UpdateTPS, about(campaign, `,"NewMinTPS":1.5`), whole},
		{"text", UpdateTPS, about(campaign, `,"NewMinTPS":"5"`), whole},
		{"huge", UpdateTPS, about(campaign, `,"NewMinTPS":2147483648`), whole},
		{"astronomical", UpdateTPS, about(campaign, `,"NewMinTPS":1e400`), whole},
		{"another action's event", UpdateTPS, envelope("DeletePersonalizeCampaign", about(campaign, `,"NewMinTPS":5`)), "is not for update-tps"},
		{"the kinds mixed up", UpdateTPS, envelope("UpdatePersonalizeRecommenderMinRecommendationRPS", about(campaign, `,"NewMinTPS":5`)), "about a campaign"},
		{"a scheduled event", DeleteCampaign, envelope("Scheduled Event", `{}`), "requests no action"},
		{"half a CloudFormation request", DeleteCampaign, `{"RequestType":"Delete","ARN":"` + campaign + `"}`, "cannot be answered"},
		{"two things at once", Cleanup, `{"RequestType":"Delete","detail-type":"x"}`, "keys both of"},
		{"two things at once", Dashboard, `{"ResponseURL":"http://127.0.0.1:1","detail":{}}`, "keys both of"},
		{"monitor: an event", Monitor, envelope("DeletePersonalizeCampaign", about(campaign, "")), "is not for monitor"},
		{"monitor: no time", Monitor, `{"detail-type":"Scheduled Event","time":"noon"}`, `key "time" is "noon"`},
		{"monitor: parameters", Monitor, `{"IdleThresholdHours":0,"Regions":"x"}`, "2 invalid parameters"},
		{
			"monitor: an idle time that the functions would refuse", Monitor, `{"IdleThresholdHours":12,"AutoDeleteOrStopIdleResources":"Yes"}`,
			"invalid parameter IdleThresholdHours: 12 in the event is shorter than the 24 of the deployment",
		},
		{
			"monitor: an idle time of what was called that the functions would refuse", Monitor,
			`{"UsedIdleThresholdHours":24,"AutoDeleteOrStopIdleResources":"Yes"}`,
			"invalid parameter UsedIdleThresholdHours: 24 in the event is shorter than the 192 of the deployment",
		},
		{"monitor: a type that is no text", Monitor, `{"detail-type":5}`, `key "detail-type" is 5`},
		{"dashboard: another event", Dashboard, envelope("PersonalizeCampaignDeleted", `{}`), "is not for dashboard"},
		{"dashboard: a wrong ARN", Dashboard, envelope("BuildPersonalizeMonitorDashboard", about("arn:aws:s3:::b", "")), "is not the ARN of a Personalize"},
		{"dashboard: an ARN that is no text", Dashboard, `{"ARN":5}`, `key "ARN" is 5`},
		{"dashboard: a detail that is no object", Dashboard, envelope("BuildPersonalizeMonitorDashboard", `"x"`), "the detail is not a JSON object"},
		{"dashboard: a bad name", Dashboard, `{"DashboardName":"a b"}`, "invalid parameter DashboardName"},
		{"cleanup: a schedule", Cleanup, envelope("Scheduled Event", `{}`), "is not for cleanup"},
		{"cleanup: a test event", Cleanup, `{"key1":"value1"}`, "keys that name no parameter (key1)"},
		{"cleanup: the console's test event, emptied", Cleanup, `{}`, `send {"Confirm": "remove"}`},
		{"cleanup: no event", Cleanup, ``, `send {"Confirm": "remove"}`},
		{"cleanup: confirmed by something else", Cleanup, `{"Confirm":true}`, "nothing was removed"},
		{"cleanup: bad regions", Cleanup, `{"Confirm":"remove","Regions":"x"}`, "invalid parameter Regions"},
		{"no minimum, but null", UpdateTPS, about(campaign, `,"NewMinTPS":null`), whole},
		{"minus 0", UpdateTPS, about(campaign, `,"NewMinTPS":-0`), whole},
		{"words", UpdateTPS, about(campaign, `,"NewMinTPS":"many"`), whole},
		{"more than any integer", UpdateTPS, about(campaign, `,"NewMinTPS":99999999999999999999`), whole},
		{"a truth", UpdateTPS, about(campaign, `,"NewMinTPS":true`), whole},
		{"a list", UpdateTPS, about(campaign, `,"NewMinTPS":[5]`), whole},
		{"the kinds mixed up the other way", UpdateTPS, envelope("UpdatePersonalizeCampaignMinProvisionedTPS", about(idleOne, `,"NewMinTPS":5`)), "about a recommender"},
		{"a recommender to delete, in an envelope", DeleteCampaign, envelope("DeletePersonalizeCampaign", about(idleOne, "")), "deletes campaigns"},
		{"a campaign to stop, in an envelope", StopRecommender, envelope("StopPersonalizeRecommender", about(campaign, "")), "is about recommenders"},
	}
	for payload, fault := range map[string]string{
		`{}`: `key "ARN" is missing`, `{"ARN":null}`: `key "ARN" is null`, `{"ARN":""}`: `key "ARN"`, `{"ARN":7}`: `key "ARN" is 7`,
		`{"ARN":["` + campaign + `"]}`: `key "ARN" is [`, `{"ARN":"` + campaign + `"`: "is not JSON",
		`["` + campaign + `"]`: "is not a JSON object", `"` + campaign + `"`: "is not a JSON object",
		about("shop-home-page", ""): "is not an ARN", about(arnOf(home, "solution/s"), ""): "is not the ARN of a Personalize",
		about(arnOf(home, "dataset-group/online-shop"), ""):                "is not the ARN of a Personalize",
		about("arn:aws:sns:us-east-1:123456789012:campaign/c", ""):         "is not the ARN of a Personalize",
		about("arn:aws:personalize:us-east-1:210987654321:campaign/c", ""): "",
	} {
		for _, f := range []Function{UpdateTPS, DeleteCampaign, StopRecommender} {
			tests = append(tests, struct {
				name     string
				function Function
				payload  string
				fault    string
			}{payload, f, payload, fault})
		}
	}
	for _, tt := range tests {
		t.Run(string(tt.function)+"/"+tt.name, func(t *testing.T) {
			b := newBed(t, tt.function, nil)
			_, err := b.invoke(tt.payload)
			if err == nil || !strings.Contains(err.Error(), tt.fault) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q in one line", err, tt.fault)
			}
			if calls := b.aws.Calls(); len(calls) > 0 {
				t.Errorf("calls were made: %v", calls)
			}
		})
	}
}

func TestMonitor(t *testing.T) {
	b := newBed(t, Monitor, map[string]string{"Regions": "us-east-1,eu-west-1", "LOG_LEVEL": "debug", "AutoCreateIdleAlarms": "No"})
	// A scheduled event's keys are no parameters, and its time is the window's.
	b.must(`{"detail-type":"Scheduled Event","time":"2026-03-04T11:57:10Z","region":"us-east-1","Regions":"x","detail":{}}`,
		"14 resources measured from 2026-03-04 11:50 to 11:55 UTC")
	log := b.log.String()
	if !strings.Contains(log, `"level":"DEBUG","msg":"event"`) || strings.Count(log, "\n") != strings.Count(log, `"request_id":"request-1"`) {
		t.Errorf("the log:\n%.2000s", log)
	}
	if calls := b.aws.Calls(); calls["sts.GetCallerIdentity"] != 0 {
		t.Error("STS was asked, although the function's ARN tells the account")
	}
	// A bare one's are, and win over the environment; clients live on.
	b.must(`{"Regions":["eu-west-1"],"HourlyChecks":"never","key1":"value1"}`, "7 resources measured from 2026-03-04 11:55 to 12:00 UTC")
	if b.loads != 1 || !strings.Contains(b.log.String(), "keys that name no parameter are ignored") {
		t.Errorf("configuration read %d times", b.loads)
	}
	b.must("null", "resources measured")

	// The version is where verify looks for it.
	topic := awsbed.TopicIn(home).String()
	tags, err := b.world.Raw.SNS(home).ListTagsForResource(t.Context(), &sns.ListTagsForResourceInput{ResourceArn: &topic})
	if err != nil || !slices.ContainsFunc(tags.Tags, func(tag snstypes.Tag) bool {
		return *tag.Key == "Version/"+home+"/personalize-monitor" && *tag.Value == "1.2.3"
	}) {
		t.Errorf("the topic's tags are %v, %v", tags, err)
	}
}

func TestMonitorFailsOnlyIfNothingWasMeasured(t *testing.T) {
	b := newBed(t, Monitor, map[string]string{
		"Regions": "us-east-1,eu-west-1", "AutoCreateIdleAlarms": "No", "AutoCreateUtilizationAlarms": "No", "HourlyChecks": "never",
	})
	b.aws.AddFault(localaws.Fault{Service: "personalize", Operation: "ListCampaigns", Region: "eu-west-1", Code: "AccessDeniedException"})
	b.must(`{}`, "problem")
	if !strings.Contains(b.log.String(), `"msg":"problem"`) {
		t.Error("the problem is not in the log")
	}
	other := newBed(t, Monitor, nil)
	other.aws.AddFault(localaws.Fault{Service: "personalize", Operation: "ListCampaigns", Code: "AccessDeniedException"})
	other.aws.AddFault(localaws.Fault{Service: "personalize", Operation: "ListRecommenders", Code: "AccessDeniedException"})
	if _, err := other.invoke(`{}`); err == nil || !strings.Contains(err.Error(), "nothing could be measured") {
		t.Error(err)
	}
}

// A monitor whose problems no alarm can see, because their count cannot be published, does not pass for healthy.
func TestMonitorFailsIfItCannotCountItsProblems(t *testing.T) {
	b := newBed(t, Monitor, map[string]string{
		"Regions": "us-east-1,eu-west-1", "AutoCreateIdleAlarms": "No", "AutoCreateUtilizationAlarms": "No", "HourlyChecks": "never",
	})
	fault := localaws.Fault{Service: "cloudwatch", Operation: "PutMetricData", Region: "eu-west-1", Code: "AccessDeniedException"}
	b.aws.AddFault(fault)
	b.must(`{}`, "problem")
	fault.Region = home
	b.aws.AddFault(fault)
	_, err := b.invoke(`{}`)
	if err == nil || !strings.Contains(err.Error(), "monitorProblems could not be published in us-east-1 (PutMetricData), so that no alarm shows the problems: ") ||
		!strings.Contains(err.Error(), "AccessDenied") || !strings.Contains(err.Error(), "resources measured") {
		t.Error(err)
	}
}

func TestActions(t *testing.T) {
	b := newBed(t, UpdateTPS, nil)
	b.must(`{"ARN":"`+campaign+`","NewMinTPS":30,"Reason":"less"}`, "is being updated from 40 to 30 TPS")
	b.must(`{"ARN":"`+campaign+`","NewMinTPS":30}`, "Nothing to do")
	b.must(envelope("UpdatePersonalizeRecommenderMinRecommendationRPS", `{"ARN":"`+idleOne+`","NewMinTPS":3}`), "is being updated from 1 to 3")

	b.as(Monitor).must("{}", "resources measured") // it creates the topic in which actions are counted
	del := b.as(DeleteCampaign)
	for _, want := range []string{"is being deleted", "Nothing to do"} { // delivered twice
		del.must(envelope("DeletePersonalizeCampaign", `{"ARN":"`+endedOne+`","IdleThresholdHours":24,"Utilization":0}`), want)
	}
	stop := newBed(t, StopRecommender, nil)
	for _, want := range []string{"is being stopped", "Nothing to do"} {
		stop.must(`{"ARN":"`+idleOne+`","Reason":"off season"}`, want)
	}
	if got := stop.aws.Calls()["personalize.StopRecommender"]; got != 1 {
		t.Errorf("stopped %d times", got)
	}
	// An automatic one that is not true writes nothing.
	del.must(envelope("DeletePersonalizeCampaign", `{"ARN":"`+campaign+`","IdleThresholdHours":24}`), "Nothing was done")
	if got := b.aws.Calls()["personalize.DeleteCampaign"]; got != 1 {
		t.Errorf("deleted %d times", got)
	}
	// What an automatic one would be checked by is refused first.
	bad := newBed(t, UpdateTPS, map[string]string{"IdleThresholdHours": "0", "Regions": "x"})
	if _, err := bad.invoke(`{"ARN":"` + campaign + `","NewMinTPS":30}`); err == nil || !strings.HasPrefix(err.Error(), "invalid parameter IdleThresholdHours") {
		t.Error(err)
	}
}

// An event may raise 1 to 50 before a sale; more than 10,000 TPS it has to confirm.
func TestAnEventWithALargeMinimum(t *testing.T) {
	b := newBed(t, UpdateTPS, nil)
	about := func(minimum, more string) string {
		return `{"ARN":"` + idleOne + `","NewMinTPS":` + minimum + more + `}`
	}
	for payload, says := range map[string]string{
		about("10001", ``):                     `10,001 RPS is more than 10,000 RPS; if that is meant, allow it`,
		about("2147483647", ``):                `is more than 10,000 RPS`,
		about("10001", `,"AllowLarge":false`):  `is more than 10,000 RPS`,
		about("10001", `,"AllowLarge":"true"`): `key "AllowLarge" is "true"; valid: true or false`,
	} {
		if _, err := b.invoke(payload); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", payload, err, says)
		}
	}
	if n := b.aws.Calls()["personalize.UpdateRecommender"]; n != 0 {
		t.Errorf("%d updates", n)
	}
	b.must(about("50", ``), "is being updated from 1 to 50")
	newBed(t, UpdateTPS, nil).must(about("10001", `,"AllowLarge":true`), "is being updated from 1 to 10001")
}

// What fails after an action was accepted is logged and no error.
func TestProblemsAfterAnAction(t *testing.T) {
	b := newBed(t, StopRecommender, nil)
	b.aws.AddFault(localaws.Fault{Service: "events", Operation: "PutEvents", Code: "AccessDeniedException"})
	b.must(`{"ARN":"`+idleOne+`"}`, "failures after that: 2")
	if strings.Count(b.log.String(), `"msg":"problem"`) != 2 {
		t.Error(b.log.String())
	}
}

func TestDashboardEvents(t *testing.T) {
	b := newBed(t, Dashboard, nil)
	b.must(envelope("Scheduled Event", `{}`), "1 dashboard written, showing 7 resources")
	b.must(envelope("BuildPersonalizeMonitorDashboard", `{"Reason":"alarms changed"}`), "showing 7 resources")
	b.must(envelope("BuildPersonalizeMonitorDashboard", `{"ARN":"`+campaign+`","Reason":"deleted"}`), "showing 6 resources")
	b.must(`{"Reason":"because"}`, "showing 7 resources")
	b.must(`{"ARN":"`+campaign+`","Regions":"eu-west-1"}`, "showing 7 resources")
}

func TestWithoutSettings(t *testing.T) {
	b := newBed(t, Monitor, nil)
	tries := 0
	b.Config = func(context.Context, *slog.Logger) (aws.Config, error) {
		tries++
		return aws.Config{}, errors.New("no settings")
	}
	for range 2 { // a failure is not remembered
		if _, err := b.invoke("{}"); err == nil || err.Error() != "no settings" {
			t.Error(err)
		}
	}
	if tries != 2 {
		t.Errorf("tried %d times", tries)
	}
}

func TestUnknownLogLevel(t *testing.T) {
	for level, warned := range map[string]bool{"": false, "warn": false, "DEBUG": false, "loud": true, "info+2": true} {
		log := &awsbed.Log{}
		New(Monitor, Options{Log: log, Env: func(string) (string, bool) { return level, true }})
		if strings.Contains(log.String(), "LOG_LEVEL is not one of") != warned {
			t.Errorf("%q: %s", level, log)
		}
	}
}

// mailbox is where CloudFormation waits for answers.
type mailbox struct {
	*httptest.Server
	mu      sync.Mutex
	answers []map[string]string
	bodies  []int
	refuse  []int // status codes of the next answers
}

func newMailbox(t *testing.T) *mailbox {
	m := &mailbox{}
	m.Server = httptest.NewServer(m.handler(t))
	t.Cleanup(m.Close)
	return m
}

func (m *mailbox) handler(t *testing.T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		if len(m.refuse) > 0 {
			w.WriteHeader(m.refuse[0])
			m.refuse = m.refuse[1:]
			return
		}
		var a map[string]string
		if err := json.Unmarshal(body, &a); err != nil || r.Method != http.MethodPut || r.Header.Get("Content-Type") != "" {
			t.Errorf("%s %s, content type %q: %v", r.Method, body, r.Header.Get("Content-Type"), err)
		}
		m.answers = append(m.answers, a)
		m.bodies = append(m.bodies, len(body))
	})
}

// request is a request of CloudFormation with more keys.
func (m *mailbox) request(kind, more string) string {
	return fmt.Sprintf(`{"RequestType":%q,"ResponseURL":"%s/secret?signature=x","StackId":"arn:aws:cloudformation:us-east-1:123456789012:stack/s/1",
		"RequestId":"r-1","LogicalResourceId":"Thing","ResourceType":"Custom::Thing"%s}`, kind, m.URL, more)
}

// last is the last answer; there must be as many as asked for.
func (m *mailbox) last(t *testing.T, count int) map[string]string {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.answers) != count {
		t.Fatalf("%d answers, want %d", len(m.answers), count)
	}
	a := m.answers[count-1]
	if a["RequestId"] != "r-1" || a["LogicalResourceId"] != "Thing" || !strings.HasSuffix(a["StackId"], "stack/s/1") {
		t.Errorf("the ids are not echoed: %v", a)
	}
	if m.bodies[count-1] > maxAnswer {
		t.Errorf("%d bytes", m.bodies[count-1])
	}
	return a
}

func TestCustomResources(t *testing.T) {
	const given = `,"PhysicalResourceId":" ab9f "`
	properties := func(p string) string { return `,"ResourceProperties":{"ServiceToken":"arn:x",` + p + `}` }
	tests := []struct {
		name     string
		function Function
		kind     string
		more     string
		status   string
		physical string
		reason   string
	}{
		{"build", Dashboard, "Create", properties(`"Regions":"us-east-1"`), "SUCCESS", "Amazon-Personalize-Monitor", ""},
		{"build by another name", Dashboard, "Create", properties(`"DashboardName":"Mine"`), "SUCCESS", "Mine", ""},
		{"bad properties", Dashboard, "Create", properties(`"DashboardName":"a b","Regions":"x"`), "FAILED", "Amazon-Personalize-Monitor", "2 invalid parameters"},
		{"no properties to speak of", Dashboard, "Create", `,"ResourceProperties":"x"`, "FAILED", "Amazon-Personalize-Monitor", "valid: an object"},
		{"build again", Dashboard, "Update", given, "SUCCESS", " ab9f ", ""},
		{"delete what never was", Dashboard, "Delete", given, "SUCCESS", " ab9f ", ""},
		{"delete after bad properties", Dashboard, "Delete", given + properties(`"DashboardName":"a b"`), "SUCCESS", " ab9f ", ""},
		{"delete with no properties to speak of", Dashboard, "Delete", given + `,"ResourceProperties":[]`, "SUCCESS", " ab9f ", ""},
		{"nothing to clean up yet", Cleanup, "Create", properties(`"Regions":"x"`), "SUCCESS", "personalize-monitor-cleanup", ""},
		{"nor here", Cleanup, "Update", given, "SUCCESS", " ab9f ", ""},
		{"clean up", Cleanup, "Delete", given + properties(`"Regions":"x"`), "SUCCESS", " ab9f ", ""},
		{"unknown type", Monitor, "Import", given, "FAILED", " ab9f ", `request type "Import" is unknown`},
		{"unknown type", Dashboard, "Import", given, "FAILED", " ab9f ", `request type "Import" is unknown`},
		{"unknown type", UpdateTPS, "Import", given, "FAILED", " ab9f ", `request type "Import" is unknown`},
		{"unknown type", DeleteCampaign, "Import", given, "FAILED", " ab9f ", `request type "Import" is unknown`},
		{"unknown type", StopRecommender, "Import", given, "FAILED", " ab9f ", `request type "Import" is unknown`},
		{"unknown type", Cleanup, "Destroy", given, "FAILED", " ab9f ", `request type "Destroy" is unknown`},
		{"no type", Dashboard, "", "", "FAILED", "Amazon-Personalize-Monitor", "lacks RequestType"},
		{"no custom resource", Monitor, "Create", "", "FAILED", "personalize-monitor-monitor", "is not a custom resource"},
		{"nor to delete", UpdateTPS, "Delete", given, "SUCCESS", " ab9f ", ""},
	}
	for _, tt := range tests {
		t.Run(string(tt.function)+"/"+tt.name, func(t *testing.T) {
			m, b := newMailbox(t), newBed(t, tt.function, map[string]string{"LOG_LEVEL": "debug"})
			b.must(m.request(tt.kind, tt.more), "answered: "+tt.status)
			a := m.last(t, 1)
			if a["Status"] != tt.status || a["PhysicalResourceId"] != tt.physical || !strings.Contains(a["Reason"], tt.reason) || (tt.reason == "") != (a["Reason"] == "") {
				t.Errorf("got %v", a)
			}
			if tt.status == "FAILED" && len(b.aws.Calls()) > 0 {
				t.Errorf("calls were made: %v", b.aws.Calls())
			}
			if strings.Contains(b.log.String(), "signature=x") {
				t.Error("the log holds the URL to answer to")
			}
		})
	}
}

func TestDashboardOfAnotherName(t *testing.T) {
	m, b := newMailbox(t), newBed(t, Dashboard, nil)
	b.must(m.request("Create", `,"ResourceProperties":{"DashboardName":"Old"}`), "SUCCESS")
	b.must(m.request("Update", `,"PhysicalResourceId":"Old","ResourceProperties":{"DashboardName":"New"},"OldResourceProperties":{"DashboardName":"Old"}`), "SUCCESS")
	if a := m.last(t, 2); a["PhysicalResourceId"] != "Old" {
		t.Error(a)
	}
	if calls := b.aws.Calls(); calls["cloudwatch.PutDashboard"] != 2 || calls["cloudwatch.DeleteDashboards"] != 1 {
		t.Error(calls)
	}
}

func TestCleanupTellsWhatRemains(t *testing.T) {
	m := newMailbox(t)
	b := newBed(t, Monitor, map[string]string{"AutoCreateIdleAlarms": "No"})
	b.must("{}", "resources measured")
	c := b.as(Cleanup)
	b.aws.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DeleteAlarms", Code: "AccessDeniedException", Status: 403})
	c.must(m.request("Delete", `,"PhysicalResourceId":"p"`), "FAILED")
	if a := m.last(t, 1); a["Status"] != "FAILED" || !strings.Contains(a["Reason"], "things could not be removed: alarm PersonalizeMonitor-") {
		t.Error(a)
	}
	b.aws.ClearFaults()
	c.must(`{"Confirm":"remove"}`, "removed in")
	c.must(m.request("Delete", `,"PhysicalResourceId":"p"`), "SUCCESS")
	if a := m.last(t, 2); a["Status"] != "SUCCESS" {
		t.Error(a)
	}
}

// unrecorded is a log that loses audit records.
type unrecorded struct{ *awsbed.Log }

func (b unrecorded) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(`"msg":"audit"`)) {
		return 0, errors.New("no space left on device")
	}
	return b.Log.Write(p)
}

// A deletion that cannot be recorded is not made, and fails, so that Lambda repeats the event.
func TestADeletionThatCannotBeRecordedIsRepeated(t *testing.T) {
	b := newBed(t, DeleteCampaign, nil)
	recorded := b.Handler
	b.Handler = New(DeleteCampaign, Options{Env: recorded.Env, Log: unrecorded{b.log}, Clock: b.clock, Config: b.Config})
	t.Cleanup(b.forget)
	request := `{"ARN":"` + campaign + `","Reason":"not needed"}`
	if _, err := b.invoke(request); err == nil || !strings.Contains(err.Error(), "nothing is stopped or deleted without one") {
		t.Error(err)
	}
	if calls := b.aws.Calls(); calls["personalize.DeleteCampaign"] > 0 || calls["cloudwatch.PutMetricData"] == 0 {
		t.Errorf("calls %v", calls)
	}
	b.Handler = recorded
	b.must(request, "is being deleted")
	if n := b.aws.Calls()["personalize.DeleteCampaign"]; n != 1 {
		t.Errorf("%d deletions", n)
	}
}

// What could not be listed may remain: the deletion fails, and what may be in use stays.
func TestCleanupFailsIfItCouldNotLookEverywhere(t *testing.T) {
	tests := []struct {
		name   string
		fault  localaws.Fault
		status string
		reason string
	}{
		{
			"alarms of the deployment region",
			localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Region: home, Code: "AccessDenied"},
			"FAILED", "1 thing could not be removed: topic PersonalizeMonitorNotifications in us-east-1 (alarms could not be read, and may send to it); " +
				"DescribeAlarms us-east-1: look for alarms: AccessDenied",
		},
		{
			"alarms of another region",
			localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Region: "eu-west-1", Code: "AccessDenied"},
			"FAILED", "topic PersonalizeMonitorNotifications in eu-west-1 (alarms could not be read, and may send to it)",
		},
		{
			"alarms of a region without anything",
			localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Region: "ap-south-1", Code: "InternalFailure"},
			"FAILED", "not everything could be listed or read: DescribeAlarms ap-south-1: look for alarms: InternalFailure",
		},
		{
			"targets of the rule",
			localaws.Fault{Service: "events", Operation: "ListTargetsByRule", Code: "AccessDeniedException"},
			"FAILED", "topic PersonalizeMonitorNotifications in us-east-1 (a rule that could not be read may send to it)",
		},
		{"nothing of a closed region", localaws.Fault{Region: "ap-south-1", Code: "AccessDenied"}, "SUCCESS", ""},
		{"everything", localaws.Fault{Region: "ap-south-1", Operation: "none"}, "SUCCESS", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMailbox(t)
			b := newBed(t, Monitor, map[string]string{"Regions": "us-east-1,eu-west-1", "NotificationEndpoint": "ops@example.com"})
			b.must("{}", "resources measured")
			b.aws.ConfirmAll()
			b.aws.AddFault(tt.fault)
			b.as(Cleanup).must(m.request("Delete", `,"PhysicalResourceId":"p"`), tt.status)
			if a := m.last(t, 1); a["Status"] != tt.status || !strings.Contains(a["Reason"], tt.reason) {
				t.Error(a)
			}
			calls := b.aws.Calls()["sns.DeleteTopic"]
			if want := map[bool]int{true: 2, false: 1}[tt.status == "SUCCESS" || tt.fault.Region == "ap-south-1"]; calls != want {
				t.Errorf("%d topics were deleted, want %d", calls, want)
			}
		})
	}
}

// Each part of a reason has its place in the answer, however long the others are.
func TestCleanupNamesEverythingThatRemains(t *testing.T) {
	m := newMailbox(t)
	b := newBed(t, Monitor, map[string]string{"Regions": "us-east-1,eu-west-1"})
	b.must("{}", "resources measured")
	for _, operation := range []string{"DeleteAlarms", "DeleteTopic", "RemoveTargets"} {
		b.aws.AddFault(localaws.Fault{Operation: operation, Code: "AccessDenied", Message: "not allowed " + strings.Repeat("for this reason ", 200)})
	}
	b.as(Cleanup).must(m.request("Delete", `,"PhysicalResourceId":"p"`), "FAILED")
	reason := m.last(t, 1)["Reason"]
	for _, want := range []string{
		"alarm PersonalizeMonitor-IdleCampaign-", "more in eu-west-1 (AccessDenied: not allowed", "more in us-east-1 (AccessDenied: not allowed",
		"; topic PersonalizeMonitorNotifications in eu-west-1 (", "; topic PersonalizeMonitorNotifications in us-east-1 (",
		"; target PersonalizeMonitorNotificationsId in us-east-1 (", "; rule PersonalizeMonitor-NotificationsRule in us-east-1 (",
		"; DeleteAlarms eu-west-1: ", "; DeleteAlarms us-east-1: ",
	} {
		if !strings.Contains(reason, want) {
			t.Errorf("%q is not in %q", want, reason)
		}
	}
}

func TestPanicIsAnswered(t *testing.T) {
	m, b := newMailbox(t), newBed(t, Dashboard, nil)
	good := b.Config
	b.Config = func(context.Context, *slog.Logger) (aws.Config, error) { panic("out of order") }
	b.must(m.request("Create", ""), "FAILED")
	if a := m.last(t, 1); !strings.Contains(a["Reason"], "out of order") || a["PhysicalResourceId"] == "" {
		t.Error(a)
	}
	b.Config = good
	b.must(m.request("Delete", ""), "SUCCESS")
}

// An answer is given before the time is up, whether the work minds its context or not.
func TestAnswerComesInTime(t *testing.T) {
	for name, load := range map[string]func(context.Context, *slog.Logger) (aws.Config, error){
		"minds": func(ctx context.Context, _ *slog.Logger) (aws.Config, error) {
			<-ctx.Done()
			return aws.Config{}, ctx.Err()
		},
		"does not end": func(context.Context, *slog.Logger) (aws.Config, error) {
			time.Sleep(10 * time.Minute)
			return aws.Config{}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { answerInTime(t, load) })
		})
	}
}

func answerInTime(t *testing.T, load func(context.Context, *slog.Logger) (aws.Config, error)) {
	m := &mailbox{Server: &httptest.Server{}}
	memory := localaws.InMemory(m.handler(t))
	t.Cleanup(memory.Shut)
	m.URL = memory.URL()
	h := New(Cleanup, Options{Config: load})
	h.http = &http.Client{Transport: memory.Transport()}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := h.Invoke(ctx, []byte(m.request("Delete", `,"PhysicalResourceId":"p"`))); err != nil || ctx.Err() != nil {
		t.Fatal(err, ctx.Err())
	}
	if a := m.last(t, 1); a["Status"] != "FAILED" || !strings.Contains(a["Reason"], "in time") && !strings.Contains(a["Reason"], "timed out") {
		t.Error(a)
	}
	time.Sleep(time.Hour) // until what did not end has ended
}

// That one region is closed takes back no deployment, and what cannot be deleted is left to
// the clean-up.
func TestARegionThatIsClosedTakesNoDeploymentBack(t *testing.T) {
	m, b := newMailbox(t), newBed(t, Dashboard, map[string]string{"Regions": "us-east-1,eu-west-1"})
	b.aws.AddFault(localaws.Fault{Service: "personalize", Region: "eu-west-1", Code: "AccessDeniedException"})
	b.must(m.request("Create", ""), "SUCCESS")
	b.must(m.request("Update", `,"PhysicalResourceId":"p"`), "SUCCESS")
	if b.aws.Calls()["cloudwatch.PutDashboard"] > 0 || !strings.Contains(b.log.String(), "will be with the next schedule") {
		t.Errorf("calls %v, log %s", b.aws.Calls(), b.log)
	}
	b.aws.ClearFaults()
	b.must("{}", "1 dashboard written")
	b.aws.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "ListDashboards", Code: "AccessDenied"})
	b.aws.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "DeleteDashboards", Code: "AccessDenied"})
	b.must(m.request("Delete", `,"PhysicalResourceId":"p"`), "SUCCESS")
	if a := m.last(t, 3); a["Status"] != "SUCCESS" || !strings.Contains(b.log.String(), "the clean-up deletes it") {
		t.Errorf("answer %v, log %s", a, b.log)
	}
}

func TestDelivery(t *testing.T) {
	m, b := newMailbox(t), newBed(t, Cleanup, nil)
	m.refuse = []int{500, 503}
	b.must(m.request("Create", ""), "SUCCESS")
	m.last(t, 1)
	for _, codes := range [][]int{{403}, {500, 500, 500, 500}} {
		m.refuse = codes
		_, err := b.invoke(m.request("Create", ""))
		if err == nil || !strings.Contains(err.Error(), "was not delivered to CloudFormation: HTTP") || strings.Contains(err.Error(), "signature") {
			t.Error(err)
		}
		if len(m.refuse) > 0 {
			t.Errorf("%d tries left over", len(m.refuse))
		}
	}
	payload := m.request("Create", "")
	m.Close()
	if _, err := b.invoke(payload); err == nil || strings.Contains(err.Error(), "signature") {
		t.Error(err)
	}
}

func TestAnswerFits(t *testing.T) {
	for _, text := range []string{"x", "ü", "\x01", "\xff", `"`, "<", "日本"} {
		for _, n := range []int{1, 3000, 4090, 20_000} {
			body, err := answerBody(cfn.Response{Status: cfn.StatusFailed, Reason: strings.Repeat(text, n), StackID: "s"})
			if err != nil || len(body) > maxAnswer {
				t.Fatalf("%q %d: %d bytes, %v", text, n, len(body), err)
			}
			var a cfn.Response
			if err := json.Unmarshal(body, &a); err != nil || a.Reason == "" || (n == 20_000 && text != "\xff" && len(body) < maxAnswer-20) {
				t.Errorf("%q %d: %d bytes, %v", text, n, len(body), err)
			}
		}
	}
	if _, err := answerBody(cfn.Response{Status: cfn.StatusSuccess, StackID: strings.Repeat("x", maxAnswer)}); err == nil {
		t.Error("ids that are too long are no error")
	}
}
