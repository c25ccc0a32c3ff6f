// Command deploy deploys the output of pack with the AWS CLI. It checks the parameters before
// any AWS call, finds or creates a bucket, and creates or updates the stack.
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
	d := deployment{aws: cli, say: func(line string) { fmt.Fprintln(os.Stderr, line) }}
	params := flag.String("params", "", "parameters of the stack: Key=Value, separated by spaces")
	flag.StringVar(&d.stack, "stack", "personalize-monitor", "name of the stack")
	flag.StringVar(&d.region, "region", "", "region of the stack; empty: the AWS CLI's")
	flag.StringVar(&d.bucket, "bucket", "", "bucket for the code; empty: one of this account, created if it does not exist")
	flag.StringVar(&d.dist, "dist", "dist", "directory with the template that pack wrote")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := d.run(ctx, *params); err != nil {
		d.say("deploy: " + err.Error())
		os.Exit(1)
	}
}

// cli runs the AWS CLI and returns its output. The error contains its error output.
func cli(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "aws", args...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("aws %s %s: %w: %s", args[0], args[1], err, strings.TrimSpace(complaint.String()))
	}
	return strings.TrimSpace(out.String()), nil
}
