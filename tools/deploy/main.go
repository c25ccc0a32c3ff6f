// Command deploy deploys what pack made, by means of the AWS CLI: it checks the
// parameters before anything is asked of AWS, finds or makes a bucket, and creates or
// updates the stack.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
)

func main() {
	var d deployment
	params := flag.String("params", "", "parameters of the stack: Key=Value, separated by spaces")
	flag.StringVar(&d.stack, "stack", "personalize-monitor", "name of the stack")
	flag.StringVar(&d.region, "region", "", "region of the stack; empty: the AWS CLI's")
	flag.StringVar(&d.bucket, "bucket", "", "bucket for the code; empty: one of this account's, made if need be")
	flag.StringVar(&d.dist, "dist", "dist", "where pack has put the template")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	d.aws, d.say = cli, func(line string) { fmt.Fprintln(os.Stderr, line) }
	if err := d.run(ctx, *params); err != nil {
		d.say("deploy: " + err.Error())
		os.Exit(1)
	}
}

// cli runs the AWS CLI and gives what it printed. Its error is what it had to say.
func cli(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "aws", args...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("aws %s %s: %w: %s", args[0], args[1], err, strings.TrimSpace(complaint.String()))
	}
	return strings.TrimSpace(out.String()), nil
}
