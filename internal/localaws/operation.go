package localaws

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// call is one request on its way to an operation: who asked, from which region, when,
// and what. Region and account come from the scope of the request's signature.
type call struct {
	service   string // as in the signature scope: personalize, monitoring, logs, events, sns, sts
	operation string
	region    string
	account   string
	accessKey string
	now       time.Time
	// decode reads the input into a struct whose fields carry json, cbor or query tags
	// (see the package wire). An unknown member or a wrong type is the error that AWS
	// gives for it, to be returned as it is.
	decode func(into any) error
	// form holds the raw input of query operations.
	form url.Values
	// size is the length of the input in bytes, after decompression.
	size int

	svc       *service
	partial   *Fault // a part is done, or left out
	emptyPage bool   // page answers no items, only a token
}

// arn builds an ARN in the call's partition, region and account.
func (c *call) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", partitionOf(c.region), service, c.region, c.account, resource)
}

// operation carries out one call and returns its output: a struct with json, cbor or
// xml tags, or nil for an empty one. Errors are *apiError; any other becomes the
// service's InternalFailure.
type operation func(c *call) (any, error)

// apiError is an error as AWS puts it on the wire.
type apiError struct {
	Code    string // without a namespace: ResourceNotFoundException
	Message string
	Status  int    // HTTP status; 0 means 400
	Query   string // CloudWatch only: the code of the x-amzn-query-error header, if it differs
	// Members are further members of the error's body, for the few errors that have some.
	Members map[string]any
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func (e *apiError) onWire() *wire.Error {
	return &wire.Error{Code: e.Code, Message: e.Message, Status: e.Status, Query: e.Query, Members: e.Members}
}

// refuse makes an error with HTTP status 400.
func refuse(code, format string, args ...any) *apiError {
	return &apiError{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}
