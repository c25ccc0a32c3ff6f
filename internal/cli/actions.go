package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

type actionOptions struct {
	common
	action   model.Action
	event    string // file with an event, or - for stdin
	reason   string
	large    bool
	length   time.Duration // of a timed raise
	until    string
	schedule string // of automatic training
	accounts accountOptions
}

func newUpdateTPS(g *global) *cobra.Command {
	cmd, o := newAction(g, model.ActionUpdate, " ARN NEW_MIN", "Change the minimum of a campaign or recommender",
		`Change the minimum throughput of a campaign (minProvisionedTPS) or recommender
(minRecommendationRequestsPerSecond), up or down. All its other settings stay.

With --for or --until it is a raise that returns: the end is arranged first, in a tag of the
resource, and carried out by whichever monitor runs then. If somebody changes the minimum
meanwhile, it stays, and that is reported.`,
		`campaign/home 50 --reason "sale on Friday"`)
	addAllowLarge(cmd, &o.large)
	cmd.Flags().DurationVar(&o.length, "for", 0, "a raise that returns after this `TIME`, such as 2h or 90m")
	cmd.Flags().StringVar(&o.until, "until", "", "a raise that returns at this `TIME`, such as 2026-03-04T14:00:00Z")
	return cmd
}

func newDeleteCampaign(g *global) *cobra.Command {
	cmd, _ := newAction(g, model.ActionDelete, " ARN", "Delete a campaign; its trained model stays",
		`Delete a campaign, and the alarms that were created for it. Its solution and the trained
solution version stay, so that it can be created again.`, "campaign/spring-sale --yes")
	return cmd
}

func newStopRecommender(g *global) *cobra.Command {
	cmd, _ := newAction(g, model.ActionStop, " ARN", "Stop a recommender; start-recommender undoes it",
		`Stop a recommender, and remove the alarms that were created for it. It keeps its model and
costs nothing until it is started again.`, "recommender/for-you --yes")
	return cmd
}

func newStartRecommender(g *global) *cobra.Command {
	cmd, _ := newAction(g, model.ActionStart, " ARN", "Start a recommender that was stopped",
		"Start a recommender that was stopped.", "recommender/for-you")
	return cmd
}

func newPauseTraining(g *global) *cobra.Command {
	cmd, _ := newAction(g, model.ActionPause, " ARN", "Switch off the automatic training of a solution; resume-training undoes it",
		`Switch off the automatic training of a solution (performAutoTraining). Its versions stay,
campaigns go on serving them, and a training in progress is not stopped. report finds
solutions that are trained although nothing uses them. The program never does this
automatically.`, "solution/shop-gift-ideas")
	return cmd
}

func newResumeTraining(g *global) *cobra.Command {
	cmd, o := newAction(g, model.ActionResume, " ARN", "Switch on the automatic training of a solution again",
		`Switch on the automatic training of a solution (performAutoTraining). AWS starts the first
training within an hour, and bills each by the training hour.`, "solution/shop-gift-ideas")
	cmd.Flags().StringVar(&o.schedule, "schedule", "", "train this often: \"rate(`N days`)\", from 1 to 30 (default: as the solution has it)")
	return cmd
}

// newAction is a command that acts on one resource; example is the end of its arguments. Only people
// request what is about training: there is no event for it.
func newAction(g *global, action model.Action, operands, short, long, example string) (*cobra.Command, *actionOptions) {
	o := &actionOptions{action: action}
	name := string(action)
	cmd := &cobra.Command{
		Use:     name + operands,
		Short:   short,
		Example: "  personalize-monitor " + name + " arn:aws:personalize:us-east-1:123456789012:" + example,
	}
	o.accounts.addFlags(cmd)
	o.addDryRun(cmd, "write nothing; show what would be done")
	if action != model.ActionStart {
		cmd.Flags().StringVar(&o.reason, "reason", "", "why; part of the notification")
	}
	if asks[action] != "" {
		o.addYes(cmd)
	}
	if action.Training() {
		cmd.Args = exactArgs(1)
		cmd.Long = long + `

Exit codes: 0 done, or nothing to do; 1 failed; 2 bad usage or configuration; 3 done,
but something that follows (the notification, the audit record) failed, or the solution
does not exist.`
	} else {
		cmd.Flags().StringVar(&o.event, "event", "", "read the request from this `FILE`, or - for stdin")
		cmd.Args = func(_ *cobra.Command, args []string) error {
			switch n := len(strings.Fields(operands)); {
			case o.event != "" && (len(args) > 0 || o.reason != "" || o.length != 0 || o.until != ""):
				return errors.New("--event has everything in it; give no ARN, minimum, --reason, --for or --until with it")
			case o.event == "" && len(args) != n:
				return fmt.Errorf("%s needs%s, or --event FILE; it has %d of these arguments", name, operands, len(args))
			}
			return nil
		}
		cmd.Long = long + `

Instead of the ARN, --event reads an EventBridge event or its bare detail as JSON. What
the monitor decided automatically (the detail has CurrentMinTPS or IdleThresholdHours) is
checked again on fresh data first, and not done if it no longer applies.

Exit codes: 0 done, or nothing to do; 1 failed; 2 bad usage or configuration; 3 done,
but something that follows (a notification, the removal of alarms, the audit record)
failed, or not done, as a stop or deletion could not be recorded beforehand, or the ARN does
not exist (what an event names may be gone already: 0).`
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req, err := o.request(args, g.streams)
		req.Command, req.AllowLarge = true, req.AllowLarge || o.large
		if err == nil {
			err = req.Validate(action)
		}
		if err = cmp.Or(usage(err), o.accounts.check(), o.canAsk(g.streams)); err != nil {
			return err
		}
		return o.run(cmd.Context(), g, req)
	}
	return cmd, o
}

// asks are the actions that a person confirms, as a question has them.
var asks = map[model.Action]string{
	model.ActionDelete: "Delete", model.ActionStop: "Stop", model.ActionPause: "Pause the automatic training of",
}

// canAsk makes sure, before anything else is done, that the question can be answered, if there is one.
func (o *actionOptions) canAsk(streams Streams) error {
	if asks[o.action] == "" {
		return nil
	}
	return o.checkAsk(streams.without(o.event), string(o.action)+" asks before it acts")
}

// without are the streams whose input, if it has an event, has no answer.
func (s Streams) without(event string) Streams {
	if event == "-" {
		s.In = nil
	}
	return s
}

const maxEvent = 1 << 20

func (o *actionOptions) request(args []string, streams Streams) (req events.Request, err error) {
	switch {
	case o.event != "":
		payload, err := streams.readEvent(o.event)
		if err != nil {
			return req, err
		}
		return events.Decode(payload)
	case o.action.Training():
		req, err = events.NewTrainingRequest(args[0], o.schedule)
	default:
		req, err = events.NewRequest(args[0])
	}
	if err == nil && o.action == model.ActionUpdate {
		req.NewMinTPS, err = events.ParseMinTPS(args[1])
	}
	if err == nil && o.until != "" {
		if req.Until, err = time.Parse(time.RFC3339, o.until); err != nil {
			err = fmt.Errorf("--until %q is no time; valid: such as 2026-03-04T14:00:00Z", o.until)
		}
	}
	req.Reason, req.For = o.reason, o.length
	return req, err
}

// readEvent reads a file, or - for stdin.
func (s Streams) readEvent(name string) (payload []byte, err error) {
	switch {
	case name != "-":
		payload, err = readLimited(name, maxEvent+1)
	case s.In == nil:
		err = errors.New("there is no standard input")
	default:
		payload, err = io.ReadAll(io.LimitReader(s.In, maxEvent+1))
	}
	if err == nil && len(payload) > maxEvent {
		err = fmt.Errorf("it has more than %d bytes", maxEvent)
	}
	if err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	return payload, nil
}

func (o *actionOptions) run(ctx context.Context, g *global, req events.Request) error {
	var more []string
	if o.action.Ends() { // then the dashboard is rebuilt
		more = dashboardParams
	}
	values, err := config.Resolve(cycle.RecheckSources(g.streams.Env, more...))
	if err != nil {
		return err
	}
	s, done, err := o.accounts.sessionFor(ctx, g, req.ARN)
	if err != nil {
		return err
	}
	defer done()
	if req.Timed() {
		if _, err := req.Due(s.clock.Now()); err != nil {
			return usage(err)
		}
	}
	parts := s.app(s.acting(values, o.dryRun))
	identity, err := parts.Owner.Identity(ctx)
	if err != nil {
		return err
	}
	if err := s.announce(ctx, parts.Owner, "region "+req.ARN.Region()+s.eventsIn(), mayDo(o.action, req), o.dryRun); err != nil {
		return err
	}
	if identity.Account != req.ARN.Account() {
		return usage(fmt.Errorf("%s belongs to the account %s, the credentials to %s", req.ARN, req.ARN.Account(), identity.Account))
	}
	if verb := asks[o.action]; verb != "" {
		if err := o.confirm(ctx, g.streams, fmt.Sprintf("%s %s %s?", verb, req.Kind, req.ARN)); err != nil {
			return err
		}
	}
	answer, err := parts.Actions.Do(ctx, o.action, req)
	if err := o.accounts.print(s, answer, err); err != nil || !answer.Gone || o.event != "" {
		return err
	}
	return missing(fmt.Errorf("%s: %w", req.ARN, actions.ErrNotFound))
}

// missing is the error for a resource that a person names and that does not exist: with its own exit
// code, as it may be a mistake in the name.
func missing(err error) error {
	if !errors.Is(err, actions.ErrNotFound) {
		return err
	}
	return &exit{code: ExitPartial, err: err, hint: "check the account, the region and the name in the ARN; plan lists what exists"}
}

// print prints the sentence of an answer, and to stderr how to undo what was done, and what failed afterwards.
func (o *accountOptions) print(s *session, answer actions.Answer, err error) error {
	s.progress.clear()
	if err != nil {
		return missing(err)
	}
	if _, err := fmt.Fprintln(s.streams.Out, model.OneLine(answer.Sentence)); err != nil {
		return fmt.Errorf("print the answer: %w", err)
	}
	if answer.Restore != "" { // the audit record has it too
		fmt.Fprintln(s.streams.Err, "To undo it:", answer.Restore+o.text())
	}
	s.streams.printProblems(answer.Problems)
	return partial(len(answer.Problems) > 0)
}

func mayDo(action model.Action, req events.Request) string {
	switch action {
	case model.ActionUpdate:
		tag := ""
		if req.Timed() {
			tag = ", tag it with the end of that"
		}
		return fmt.Sprintf("may change the minimum of %s %s to %d%s, and send events", req.Kind, req.ARN.Name(), req.NewMinTPS, tag)
	case model.ActionDelete:
		return fmt.Sprintf("may delete campaign %s and its alarms, send events, and rebuild the dashboard", req.ARN.Name())
	case model.ActionStop:
		return fmt.Sprintf("may stop recommender %s, delete its alarms, send events, and rebuild the dashboard", req.ARN.Name())
	case model.ActionPause:
		return fmt.Sprintf("may switch off the automatic training of solution %s, and send events", req.ARN.Name())
	case model.ActionResume:
		return fmt.Sprintf("may switch on the automatic training of solution %s, and send events", req.ARN.Name())
	}
	return "may start recommender " + req.ARN.Name()
}
