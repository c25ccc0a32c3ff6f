package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

type deployment struct {
	stack, region, bucket, dist string

	aws func(ctx context.Context, args ...string) (string, error)
	say func(line string) // prints progress
}

// run deploys the stack with the given parameters. The others keep their value in the stack,
// or get their default.
func (d *deployment) run(ctx context.Context, params string) error {
	if err := d.findRegion(ctx); err != nil {
		return err
	}
	template, err := readTemplate(filepath.Join(d.dist, "template.yaml"))
	if err != nil {
		return err
	}
	given, err := parse(params, template)
	if err != nil {
		return err
	}
	name := d.region + "/" + d.stack
	if err := check(template.with(given), name); err != nil {
		return err
	}
	before, err := d.current(ctx)
	if err != nil {
		return err
	}
	if err := check(template.with(before).with(given), name); err != nil { // the values in the stack may fill the environment
		return err
	}
	if _, decided := before[reserve]; !decided && given[reserve] == "" {
		given[reserve] = d.reserve(ctx)
	}
	if err := d.findBucket(ctx); err != nil {
		return err
	}
	return d.deploy(ctx, given)
}

// findRegion uses the region of the AWS CLI if none is given.
func (d *deployment) findRegion(ctx context.Context) error {
	if d.region != "" {
		return nil
	}
	region, err := d.aws(ctx, "configure", "get", "region")
	if err != nil || region == "" {
		return errors.New("no region: run make deploy REGION=…, or configure the AWS CLI")
	}
	d.region = region
	return nil
}

// current reads the parameters of the stack; a stack that does not exist has none.
func (d *deployment) current(ctx context.Context) (values, error) {
	out, err := d.call(ctx, "cloudformation", "describe-stacks", "--stack-name", d.stack,
		"--query", "Stacks[0].Parameters", "--output", "json")
	if err != nil && strings.Contains(err.Error(), "does not exist") {
		return values{}, nil
	}
	if err != nil {
		return nil, err
	}
	var list []struct{ ParameterKey, ParameterValue string }
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, fmt.Errorf("read the parameters of the stack %s: %w", d.stack, err)
	}
	before := values{}
	for _, p := range list {
		before[p.ParameterKey] = p.ParameterValue
	}
	return before, nil
}

func (d *deployment) call(ctx context.Context, args ...string) (string, error) {
	return d.aws(ctx, append(args, "--region", d.region)...)
}

// reserve is the parameter that reserves one unit of the account's concurrency for the
// monitor.
const reserve = "ReserveMonitorConcurrency"

// minUnreserved is how much concurrency Lambda requires to remain unreserved.
const minUnreserved = 100

// reserve decides whether the monitor gets reserved concurrency: if the account allows it.
func (d *deployment) reserve(ctx context.Context) string {
	out, err := d.call(ctx, "lambda", "get-account-settings", "--query", "AccountLimit.UnreservedConcurrentExecutions", "--output", "text")
	if places, numErr := strconv.Atoi(out); err == nil && numErr == nil && places > minUnreserved {
		return "Yes"
	}
	d.say("The monitor gets no reserved concurrency: the account has too little, or the amount could not be read.")
	return "No"
}

// findBucket makes sure that there is a bucket for the code. Without a name it is the bucket
// of the account and the region, which is created if it does not exist.
func (d *deployment) findBucket(ctx context.Context) error {
	if d.bucket != "" {
		return nil
	}
	account, err := d.call(ctx, "sts", "get-caller-identity", "--query", "Account", "--output", "text")
	if err != nil {
		return err
	}
	d.bucket = "personalize-monitor-" + account + "-" + d.region
	// Bucket names are global: a bucket of another account is an error.
	_, err = d.call(ctx, "s3api", "head-bucket", "--bucket", d.bucket, "--expected-bucket-owner", account)
	switch {
	case err == nil:
		return nil
	case !strings.Contains(err.Error(), "404"):
		return fmt.Errorf("the bucket %s cannot be used; name one with BUCKET=…: %w", d.bucket, err)
	}
	d.say("Creating the bucket " + d.bucket + " for the code.")
	create := []string{"s3api", "create-bucket", "--bucket", d.bucket}
	if d.region != "us-east-1" {
		create = append(create, "--create-bucket-configuration", "LocationConstraint="+d.region)
	}
	_, err = d.call(ctx, create...)
	return err
}

// deploy uploads the code and creates or updates the stack.
func (d *deployment) deploy(ctx context.Context, given values) error {
	template, packaged := filepath.Join(d.dist, "template.yaml"), filepath.Join(d.dist, "packaged.yaml")
	_, err := d.call(ctx, "cloudformation", "package", "--template-file", template, "--output-template-file", packaged,
		"--s3-bucket", d.bucket, "--s3-prefix", d.stack)
	if err != nil {
		return err
	}
	args := []string{
		"cloudformation", "deploy", "--template-file", packaged, "--stack-name", d.stack, "--s3-bucket", d.bucket,
		"--s3-prefix", d.stack, "--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset",
	}
	if list := given.list(); len(list) > 0 {
		args = append(append(args, "--parameter-overrides"), list...)
	}
	d.say("Deploying the stack " + d.stack + " in " + d.region + "; this takes a few minutes.")
	if _, err := d.call(ctx, args...); err != nil {
		return err
	}
	d.say("The stack " + d.stack + " in " + d.region + " is deployed.")
	if given["NotificationEndpoint"] != "" {
		d.say("Each notification endpoint gets a request to confirm its subscription within ten minutes.")
	}
	return nil
}
