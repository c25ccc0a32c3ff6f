package lambda_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// home is the deployment region of the tests.
const home = "us-east-1"

// Types of resources in the template.
const (
	functionType = "AWS::Serverless::Function"
	scheduleType = "Schedule"
	ruleType     = "EventBridgeRule"
)

// stack is the template deployed on an embedded AWS, with the tests as CloudFormation and
// Lambda: each function is a process of the program, started with the variables that the
// template gives it; its rules are on the bus, which delivers events to it; and the custom
// resources are asked for in the order of the template's dependencies.
type stack struct {
	t          *testing.T
	aws        *localaws.Server
	url        string              // of the embedded AWS
	clock      *model.VirtualClock // nil for the system's
	lambda     fakeLambda
	answers    answers
	template   object
	order      []string
	name       string
	parameters map[string]string
	times      int // how often each event is delivered

	processes  map[string]*host  // by the function's id
	properties map[string]object // of the custom resources, as they were last asked for
	physical   map[string]string // ids of the custom resources
	told       []string          // what CloudFormation asked for: request, resource, physical id
	said       []said
}

// said is what a function said of an event.
type said struct {
	function, detailType, sentence string
}

// newStack is a stack that is not deployed yet, on a clock of its own.
func newStack(t *testing.T, description localaws.Estate, parameters map[string]string) *stack {
	t.Helper()
	clock := model.NewVirtualClock(time.Date(2026, 3, 4, 11, 58, 0, 0, time.UTC))
	s := stackOn(t, description, parameters, localaws.WithClock(clock))
	s.clock = clock
	s.lambda = fakeLambda{program: thisProgram(t), endpoint: s.url, clock: serveClock(t, clock)}
	return s
}

// newRealStack is a stack of the real program, which knows no time but the system's.
func newRealStack(t *testing.T, description localaws.Estate, parameters map[string]string) *stack {
	t.Helper()
	program := realProgram(t)
	s := stackOn(t, description, parameters)
	s.lambda = fakeLambda{program: program, endpoint: s.url}
	return s
}

func stackOn(t *testing.T, description localaws.Estate, parameters map[string]string, options ...localaws.Option) *stack {
	t.Helper()
	description.Account = owner
	server, err := localaws.New(description, options...)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	t.Cleanup(endpoint.Close)
	template := readTemplate(t)
	return &stack{
		t: t, aws: server, url: endpoint.URL, answers: newAnswers(t), template: template, order: creationOrder(t, template),
		name: "monitor", parameters: parameters, times: 1,
		processes: map[string]*host{}, properties: map[string]object{}, physical: map[string]string{},
	}
}

func (s *stack) now() time.Time {
	if s.clock == nil {
		return time.Now().UTC()
	}
	return s.clock.Now()
}

// arn is the ARN of a function of the stack.
func (s *stack) arn(id string) string {
	return "arn:aws:lambda:" + home + ":" + owner + ":function:" + s.name + "-" + id
}

func (s *stack) resource(id string) object { return at(s.template, "Resources", id).(object) }

// setting is a property of a function, its own or that of all.
func (s *stack) setting(id, key string) any {
	if own := at(s.resource(id), "Properties", key); own != nil {
		return own
	}
	return at(s.template, "Globals", "Function", key)
}

func isCustom(resource object) bool {
	return strings.HasPrefix(at(resource, "Type").(string), "Custom::")
}

// create deploys the stack.
func (s *stack) create() {
	s.t.Helper()
	for _, id := range s.order {
		switch resource := s.resource(id); {
		case resource["Type"] == functionType:
			s.startFunction(id)
			s.putRules(id)
		case isCustom(resource):
			s.ask(id, "Create")
		}
	}
}

// update puts the stack in the place of another one with the same ids, whose custom
// resources have the given physical ids. A resource that answers with another id would
// be a new one: as CloudFormation does, the old one is deleted then.
func (s *stack) update(physical map[string]string, properties map[string]object) {
	s.t.Helper()
	maps.Copy(s.physical, physical)
	maps.Copy(s.properties, properties)
	var replaced []func()
	for _, id := range s.order {
		switch resource := s.resource(id); {
		case resource["Type"] == functionType:
			s.startFunction(id)
			s.putRules(id)
		case isCustom(resource):
			old := s.physical[id]
			s.ask(id, "Update")
			if s.physical[id] != old {
				replaced = append(replaced, func() { s.askAbout(id, "Delete", old) })
			}
		}
	}
	for _, deletion := range replaced {
		deletion()
	}
}

// remove deletes the stack: what depends on something goes before it.
func (s *stack) remove() {
	s.t.Helper()
	for _, id := range slices.Backward(s.order) {
		switch resource := s.resource(id); {
		case resource["Type"] == functionType:
			s.removeRules(id)
			s.aws.RegisterTarget(s.arn(id), nil)
			s.processes[id].stop()
			delete(s.processes, id)
		case isCustom(resource):
			s.ask(id, "Delete")
		}
	}
}

// startFunction starts a function as its settings say; one that runs ends, as it does in
// Lambda now and then.
func (s *stack) startFunction(id string) {
	s.t.Helper()
	if old := s.processes[id]; old != nil {
		old.stop()
	}
	var env []string
	for name, value := range at(s.setting(id, "Environment"), "Variables").(object) {
		env = append(env, name+"="+s.resolve(value))
	}
	h := s.lambda.start(s.t, s.setting(id, "Handler").(string), env...)
	h.arn = s.arn(id)
	h.timeout = time.Duration(s.setting(id, "Timeout").(uint64)) * time.Second
	s.processes[id] = h
	s.aws.RegisterTarget(s.arn(id), func(_ context.Context, event []byte) error { return s.receive(id, event) })
}

// receive hands an event of the bus to a function.
func (s *stack) receive(id string, event []byte) error {
	var envelope struct {
		DetailType string `json:"detail-type"`
	}
	if err := json.Unmarshal(event, &envelope); err != nil {
		return err
	}
	for range s.times {
		sentence, good := s.processes[id].invoke(string(event))
		if !good {
			return errors.New(sentence)
		}
		s.said = append(s.said, said{id, envelope.DetailType, sentence})
	}
	return nil
}

// triggers are the events of a function in the template of one type, by the names that
// their rules get.
func (s *stack) triggers(id, kind string) map[string]object {
	found := map[string]object{}
	events, _ := s.setting(id, "Events").(object)
	for name, trigger := range events {
		if at(trigger, "Type") == kind {
			found[s.name+"-"+id+name] = at(trigger, "Properties").(object)
		}
	}
	return found
}

// putRules puts the rules of a function on the bus.
func (s *stack) putRules(id string) {
	s.t.Helper()
	bus := s.clients().events(home)
	put := func(in *eventbridge.PutRuleInput) {
		s.t.Helper()
		_, err := bus.PutRule(s.t.Context(), in)
		s.must(err)
		_, err = bus.PutTargets(s.t.Context(), &eventbridge.PutTargetsInput{
			Rule: in.Name, Targets: []types.Target{{Id: aws.String("Function"), Arn: aws.String(s.arn(id))}},
		})
		s.must(err)
	}
	for name, properties := range s.triggers(id, ruleType) {
		pattern, err := json.Marshal(properties["Pattern"])
		s.must(err)
		put(&eventbridge.PutRuleInput{Name: aws.String(name), EventPattern: aws.String(string(pattern))})
	}
	for name, properties := range s.triggers(id, scheduleType) {
		put(&eventbridge.PutRuleInput{Name: aws.String(name), ScheduleExpression: aws.String(properties["Schedule"].(string))})
	}
}

func (s *stack) removeRules(id string) {
	s.t.Helper()
	bus := s.clients().events(home)
	for _, kind := range []string{ruleType, scheduleType} {
		for name := range s.triggers(id, kind) {
			_, err := bus.RemoveTargets(s.t.Context(), &eventbridge.RemoveTargetsInput{Rule: aws.String(name), Ids: []string{"Function"}})
			s.must(err)
			_, err = bus.DeleteRule(s.t.Context(), &eventbridge.DeleteRuleInput{Name: aws.String(name)})
			s.must(err)
		}
	}
}

// ask sends a request of CloudFormation to the function behind a custom resource, which
// must succeed.
func (s *stack) ask(id, kind string) {
	s.t.Helper()
	s.physical[id] = s.askAbout(id, kind, s.physical[id])
}

func (s *stack) askAbout(id, kind, physical string) string {
	s.t.Helper()
	properties := object{}
	for name, value := range at(s.resource(id), "Properties").(object) {
		properties[name] = s.resolve(value) // CloudFormation sends every value as a text
	}
	request := map[string]any{
		"RequestType": kind, "StackId": "arn:aws:cloudformation:" + home + ":" + owner + ":stack/" + s.name + "/5f0c", "RequestId": "r-" + kind + id,
		"LogicalResourceId": id, "ResourceType": at(s.resource(id), "Type"), "ResourceProperties": properties,
	}
	if kind != "Create" {
		request["PhysicalResourceId"] = physical
	}
	if kind == "Update" {
		request["OldResourceProperties"] = s.properties[id]
	}
	function := strings.TrimPrefix(properties["ServiceToken"].(string), s.arn(""))
	answer := s.answers.ask(s.processes[function], request)
	if answer.Status != "SUCCESS" || answer.PhysicalResourceId == "" {
		s.t.Errorf("%s of %s: CloudFormation was told %+v", kind, id, answer)
	}
	s.told = append(s.told, strings.TrimSpace(kind+" "+id+" "+physical))
	s.properties[id] = properties
	return answer.PhysicalResourceId
}

// cron is a schedule by minutes alone, which is all that the template has.
var cron = regexp.MustCompile(`^cron\((\d+)(?:/(\d+))? \* \* \* \? \*\)$`)

// due tells whether a schedule fires at a minute.
func due(t *testing.T, schedule string, minute int) bool {
	t.Helper()
	parts := cron.FindStringSubmatch(schedule)
	if parts == nil {
		t.Fatalf("nothing here knows when %s is", schedule)
	}
	first, _ := strconv.Atoi(parts[1])               // digits
	every, _ := strconv.Atoi(cmp.Or(parts[2], "60")) // digits
	return minute >= first && (minute-first)%every == 0
}

// fire sends the events of the schedules that are due.
func (s *stack) fire(at time.Time) {
	s.t.Helper()
	for _, id := range s.order {
		if s.resource(id)["Type"] != functionType {
			continue
		}
		for name, properties := range s.triggers(id, scheduleType) {
			if due(s.t, properties["Schedule"].(string), at.Minute()) {
				s.schedule(id, name, at)
			}
		}
	}
}

// schedule sends the event of a schedule to a function.
func (s *stack) schedule(id, rule string, at time.Time) {
	s.t.Helper()
	event, err := json.Marshal(object{
		"version": "0", "id": "53dc4d37", "detail-type": "Scheduled Event", "source": "aws.events", "account": owner, "region": home,
		"time": at.UTC().Format(time.RFC3339), "resources": []string{"arn:aws:events:" + home + ":" + owner + ":rule/" + rule}, "detail": object{},
	})
	s.must(err)
	if err := s.receive(id, event); err != nil {
		s.t.Errorf("%s, by its schedule: %v", id, err)
	}
}

// deliver has the bus deliver what waits, and what comes of it.
func (s *stack) deliver() {
	s.t.Helper()
	if err := s.aws.Deliver(s.t.Context()); err != nil {
		s.t.Error(err)
	}
}

// pass lets time pass, with all that happens by itself meanwhile.
func (s *stack) pass(d time.Duration) {
	s.t.Helper()
	for end := s.clock.Now().Add(d); s.clock.Now().Before(end); {
		s.turn(s.tick)
	}
}

// tick is what happens at one minute: schedules fire, then events are delivered.
func (s *stack) tick(minute time.Time) {
	s.t.Helper()
	s.fire(minute)
	s.deliver()
}

// turn moves the clock to a little after the next minute at which a schedule may be due,
// and has it happen.
func (s *stack) turn(happen func(minute time.Time)) {
	s.t.Helper()
	minute := s.clock.Now().Truncate(time.Minute).Add(time.Minute)
	for minute.Minute()%5 != 0 && minute.Minute() != 3 {
		minute = minute.Add(time.Minute)
	}
	s.clock.Advance(minute.Add(10 * time.Second).Sub(s.clock.Now()))
	s.aws.Tick()
	happen(minute)
}

func (s *stack) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
