package awsapi

import (
	"fmt"
	"log/slog"

	"github.com/aws/smithy-go/logging"
)

// sdkLogger passes the SDK's messages to a slog.Logger, or discards them if there is
// none. They are all debug messages to us: what matters of them also comes as an error.
type sdkLogger struct{ logger *slog.Logger }

// Logf implements the SDK's logging.Logger.
func (l sdkLogger) Logf(_ logging.Classification, format string, args ...any) {
	if l.logger != nil {
		l.logger.Debug("aws sdk", "message", fmt.Sprintf(format, args...))
	}
}
