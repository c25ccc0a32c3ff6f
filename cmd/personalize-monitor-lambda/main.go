// Command personalize-monitor-lambda is the bootstrap of the AWS Lambda functions. It links
// their entry point alone, so that the zip stays small and the cold start short.
package main

import (
	"context"
	"os"

	"github.com/personalize-monitor/personalize-monitor/internal/lambda"
)

// version is set by the linker in releases.
var version string

func main() {
	lambda.Start(context.Background(), lambda.Options{Env: os.LookupEnv, Log: os.Stderr, Version: version})
}
