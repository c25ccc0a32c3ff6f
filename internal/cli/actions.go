package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/config"
	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// actionOptions are the settings of the commands that act on one resource.
type actionOptions struct {
	action model.Action
	event  string // file with an event, or - for stdin
	reason string
	dryRun bool
	yes    bool
}

func newUpdateTPS(g *global) *cobra.Command {
	return newAction(g, &actionOptions{action: model.ActionUpdate}, &cobra.Command{
		Use:   "update-tps ARN NEW_MIN",
		Short: "Change the minimum of a campaign or recommender",
		Long: `Change the minimum throughput of a campaign (minProvisionedTPS) or recommender
(minRecommendationRequestsPerSecond), up or down. All its other settings stay.`,
		Example: `  personalize-monitor update-tps arn:aws:personalize:us-east-1:123456789012:campaign/home 50 --reason "sale on Friday"`,
	})
}

func newDeleteCampaign(g *global) *cobra.Command {
	return newAction(g, &actionOptions{action: model.ActionDelete}, &cobra.Command{
		Use:   "delete-campaign ARN",
		Short: "Delete a campaign; its trained model stays",
		Long: `Delete a campaign, and the alarms that were made for it. Its solution and the trained
solution version stay, so that it can be created again.`,
		Example: `  personalize-monitor delete-campaign arn:aws:personalize:us-east-1:123456789012:campaign/spring-sale --yes`,
	})
}

func newStopRecommender(g *global) *cobra.Command {
	return newAction(g, &actionOptions{action: model.ActionStop}, &cobra.Command{
		Use:   "stop-recommender ARN",
		Short: "Stop a recommender; start-recommender undoes it",
		Long: `Stop a recommender, and remove the alarms that were made for it. It keeps its model and
costs nothing until it is started again.`,
		Example: `  personalize-monitor stop-recommender arn:aws:personalize:us-east-1:123456789012:recommender/for-you --yes`,
	})
}

func newStartRecommender(g *global) *cobra.Command {
	return newAction(g, &actionOptions{action: model.ActionStart}, &cobra.Command{
		Use:     "start-recommender ARN",
		Short:   "Start a recommender that was stopped",
		Long:    `Start a recommender that was stopped.`,
		Example: `  personalize-monitor start-recommender arn:aws:personalize:us-east-1:123456789012:recommender/for-you`,
	})
}

// newAction completes a command that acts on one resource.
func newAction(g *global, o *actionOptions, cmd *cobra.Command) *cobra.Command {
	cmd.Long += `

Instead of the ARN, --event takes an EventBridge event or its bare detail as JSON. What
the monitor decided by itself (the detail has CurrentMinTPS or IdleThresholdHours) is
checked again on fresh data first, and not done if it no longer holds.

Exit codes: 0 done, or nothing to do; 1 failed; 2 bad usage or configuration; 3 done,
but something that follows (a notification, the removal of alarms) failed.`
	flags := cmd.Flags()
	flags.StringVar(&o.event, "event", "", "read the request from this `FILE`, or - for stdin")
	flags.BoolVar(&o.dryRun, "dry-run", false, "write nothing; tell what would be done")
	if o.action != model.ActionStart {
		flags.StringVar(&o.reason, "reason", "", "why; stands in the notification")
	}
	if o.action.Ends() {
		flags.BoolVar(&o.yes, "yes", false, "do not ask; needed where there is no terminal")
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		want := 1
		if o.action == model.ActionUpdate {
			want = 2
		}
		if o.event != "" {
			if len(args) > 0 || o.reason != "" {
				return errors.New("--event has everything in it; give no ARN, minimum or --reason with it")
			}
			return nil
		}
		return cobra.ExactArgs(want)(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		req, err := g.request(args, o)
		if err == nil {
			err = req.Validate(o.action)
		}
		if err != nil {
			return usage(err)
		}
		return g.runAction(cmd.Context(), req, o)
	}
	return cmd
}

// maxEvent is how large an event may be; the bus takes less.
const maxEvent = 1 << 20

// request reads what is asked for from the arguments or the event.
func (g *global) request(args []string, o *actionOptions) (events.Request, error) {
	if o.event != "" {
		payload, err := g.readEvent(o.event)
		if err != nil {
			return events.Request{}, fmt.Errorf("read the event: %w", err)
		}
		return events.Decode(payload)
	}
	req, err := events.NewRequest(args[0])
	if err == nil && o.action == model.ActionUpdate {
		req.NewMinTPS, err = events.ParseMinTPS(args[1])
	}
	req.Reason = o.reason
	return req, err
}

func (g *global) readEvent(name string) (payload []byte, err error) {
	in := g.streams.In
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // read only
		in = file
	}
	if in == nil {
		return nil, errors.New("there is no standard input")
	}
	payload, err = io.ReadAll(io.LimitReader(in, maxEvent+1))
	if err == nil && len(payload) > maxEvent {
		err = fmt.Errorf("it has more than %d bytes", maxEvent)
	}
	return payload, err
}

// runAction carries out a request and prints the answer.
func (g *global) runAction(ctx context.Context, req events.Request, o *actionOptions) error {
	names := recheckParams
	if o.action.Ends() { // then the dashboard is built again
		names = slices.Concat(names, estateParams)
	}
	values, err := config.Resolve(config.Sources{Env: someOf(g.streams.Env, names), Defaults: cycle.RecheckDefaults()})
	if err != nil {
		return err
	}
	ask := o.action.Ends() && !o.dryRun && !o.yes
	if ask && (o.event == "-" || !g.streams.interactive()) {
		return usage(fmt.Errorf("%s asks before it acts; without a terminal give --yes, or --dry-run to look only", o.action))
	}
	s, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if model.PartitionOf(req.ARN.Region) != model.PartitionOf(s.config.Region) {
		return usage(fmt.Errorf("%s is in another partition than the region %s", req.ARN, s.config.Region))
	}
	parts := s.app(s.acting(values, o.dryRun))
	if err := g.announceAction(ctx, parts.Owner, s, req, o); err != nil {
		return err
	}
	if ask {
		if err := g.streams.confirm(ctx, question(o.action, req)); err != nil {
			return err
		}
	}
	answer, err := parts.Actions.Do(ctx, o.action, req)
	if err != nil {
		return err
	}
	return g.printAnswer(answer)
}

// announceAction tells for which account and region the command works and what it may
// write, and refuses another account's resource.
func (g *global) announceAction(ctx context.Context, owner *writer.Owner, s *session, req events.Request, o *actionOptions) error {
	identity, err := owner.Identity(ctx)
	if err != nil {
		return err
	}
	may := "reads only"
	if !o.dryRun {
		may = mayOf(o.action, req)
	}
	if err := g.announce(ctx, owner, "region "+req.ARN.Region+eventsIn(s), may); err != nil {
		return err
	}
	if identity.Account != req.ARN.Account {
		return usage(fmt.Errorf("%s belongs to the account %s, the credentials to %s", req.ARN, req.ARN.Account, identity.Account))
	}
	return nil
}

// printAnswer prints the sentence, and to stderr what failed after it was true.
func (g *global) printAnswer(answer actions.Answer) error {
	if _, err := fmt.Fprintln(g.streams.Out, answer.Sentence); err != nil {
		return fmt.Errorf("print the answer: %w", err)
	}
	if answer.Restore != "" {
		_, _ = fmt.Fprintln(g.streams.Err, "To undo it:", answer.Restore) // beside the result; the record has it too
	}
	if len(answer.Problems) == 0 {
		return nil
	}
	g.tellProblems(answer.Problems)
	return &exit{code: ExitPartial}
}

// recheckParams are the parameters by which automatic events are checked again.
var recheckParams = []string{
	config.AutoAdjustMinTPS, config.IdleThresholdHours, config.AutoDeleteOrStopIdleResources, config.MetricDelay, config.MaxStopsOrDeletesPerHour,
}

// question is what is asked before a resource goes out of service.
func question(action model.Action, req events.Request) string {
	if action == model.ActionDelete {
		return fmt.Sprintf("Delete campaign %s?", req.ARN)
	}
	return fmt.Sprintf("Stop recommender %s?", req.ARN)
}

// mayOf says what an action may write.
func mayOf(action model.Action, req events.Request) string {
	switch action {
	case model.ActionUpdate:
		return fmt.Sprintf("may change the minimum of %s %s to %d, and send events", req.Kind, req.ARN.Name(), req.NewMinTPS)
	case model.ActionDelete:
		return fmt.Sprintf("may delete campaign %s and its alarms, send events, and rebuild the dashboard", req.ARN.Name())
	case model.ActionStop:
		return fmt.Sprintf("may stop recommender %s, delete its alarms, send events, and rebuild the dashboard", req.ARN.Name())
	}
	return "may start recommender " + req.ARN.Name()
}
