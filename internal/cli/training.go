package cli

import (
	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func newPauseTraining(g *global) *cobra.Command {
	o := &actionOptions{action: model.ActionPause}
	cmd := newTraining(g, o, "Switch off the automatic training of a solution; resume-training undoes it",
		`Switch off the automatic training of a solution (performAutoTraining). Its versions stay,
campaigns go on serving them, and a training in progress is not stopped. report finds
solutions that are trained although nothing uses them. The program never does this
automatically.`)
	o.addYes(cmd)
	return cmd
}

func newResumeTraining(g *global) *cobra.Command {
	o, schedule := &actionOptions{action: model.ActionResume}, ""
	cmd := newTraining(g, o, "Switch on the automatic training of a solution again",
		`Switch on the automatic training of a solution (performAutoTraining). AWS starts the first
training within an hour, and bills each by the training hour.`)
	cmd.Flags().StringVar(&schedule, "schedule", "", "train this often: \"rate(`N days`)\", from 1 to 30 (default: as the solution has it)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return o.train(cmd, g, args[0], schedule) }
	return cmd
}

// newTraining is a command about the automatic training of a solution. Only people request it: there
// is no event for it.
func newTraining(g *global, o *actionOptions, short, long string) *cobra.Command {
	name := string(o.action)
	cmd := &cobra.Command{
		Use:     name + " ARN",
		Short:   short,
		Example: "  personalize-monitor " + name + " arn:aws:personalize:us-east-1:123456789012:solution/shop-gift-ideas",
		Long: long + `

Exit codes: 0 done, or nothing to do; 1 failed; 2 bad usage or configuration; 3 done,
but something that follows (the notification, the audit record) failed, or the solution
does not exist.`,
		Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.train(cmd, g, args[0], "") },
	}
	o.accounts.addFlags(cmd)
	o.addDryRun(cmd, "write nothing; show what would be done")
	cmd.Flags().StringVar(&o.reason, "reason", "", "why; part of the notification")
	return cmd
}

// train executes a request about training.
func (o *actionOptions) train(cmd *cobra.Command, g *global, arn, schedule string) error {
	req, err := events.NewTrainingRequest(arn, schedule)
	if err != nil {
		return usage(err)
	}
	req.Command, req.Reason = true, o.reason
	return o.run(cmd.Context(), g, req)
}
