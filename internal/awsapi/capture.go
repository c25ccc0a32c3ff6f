package awsapi

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// CaptureBody makes one call keep the body of its answer in into, as it came, beside
// what the SDK makes of it: the SDK drops what it does not know. Given to a call as
// personalize.WithAPIOptions(awsapi.CaptureBody(&body)). Of several attempts the last
// one's is kept; into is empty if there was no answer.
func CaptureBody(into *[]byte) func(*middleware.Stack) error {
	capture := func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		*into = nil
		out, metadata, err := next.HandleDeserialize(ctx, in)
		response, ok := out.RawResponse.(*smithyhttp.Response)
		if err != nil || !ok {
			return out, metadata, err
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return out, metadata, fmt.Errorf("read the answer: %w", err)
		}
		*into = body
		response.Body = struct {
			io.Reader
			io.Closer
		}{bytes.NewReader(body), response.Body}
		return out, metadata, nil
	}
	return func(stack *middleware.Stack) error {
		// Nearer to the network than what reads the body.
		return stack.Deserialize.Insert(middleware.DeserializeMiddlewareFunc("PersonalizeMonitorCapture", capture), "OperationDeserializer", middleware.After)
	}
}
