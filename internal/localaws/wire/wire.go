// Package wire reads requests and writes responses in the protocols of the AWS services
// that localaws serves: AWS JSON 1.0 and 1.1, Smithy RPC v2 CBOR, and AWS query with XML
// responses. It knows the shapes of messages and no service.
//
// Decoding is strict. A member that the target struct does not declare is an error, so that
// no input is ignored silently. AWS ignores members it does not know, but rejects wrong
// types as this package does.
package wire

import (
	"cmp"
	"compress/gzip"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// Protocol is one of the wire protocols.
type Protocol int

// The protocols.
const (
	JSON   Protocol = iota + 1 // AWS JSON 1.1
	CBOR                       // Smithy RPC v2 CBOR
	Query                      // AWS query: a form in, XML out
	JSON10                     // AWS JSON 1.0, for services that speak CBOR as well
)

func (p Protocol) String() string {
	return [...]string{"unknown", "AWS JSON 1.1", "RPC v2 CBOR", "query", "AWS JSON 1.0"}[p]
}

// contentType is the content type of requests. Those of responses differ for Query only.
func (p Protocol) contentType() string {
	return [...]string{"", contentJSON, contentCBOR, contentForm, contentJSON10}[p]
}

const (
	contentJSON   = "application/x-amz-json-1.1"
	contentJSON10 = "application/x-amz-json-1.0"
	contentCBOR   = "application/cbor"
	contentForm   = "application/x-www-form-urlencoded"
)

// MaxBody is the largest body that Read accepts, in bytes, both as sent and decompressed.
// It exceeds the limit of every operation, so that each operation can check its own.
const MaxBody = 4 << 20

// Error is an API error as a client sees it.
type Error struct {
	Code    string // without a namespace
	Message string
	Status  int    // HTTP status; 0 means 400
	Query   string // the code in the query protocol, and in X-Amzn-Query-Error; empty means Code
	// Members are further members of the error's body. The query protocol does not write them.
	Members map[string]any
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) status() int { return cmp.Or(e.Status, http.StatusBadRequest) }

// fault is the side that caused the error, as the query protocol names it.
func (e *Error) fault() string {
	if e.status() >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// Request is one request, read completely but not decoded.
type Request struct {
	Protocol Protocol
	// Target names the service: the prefix of X-Amz-Target (both JSON), the service in the
	// path (CBOR) or the API version (Query).
	Target    string
	Operation string
	Form      url.Values // Query only; without Action and Version
	body      []byte
}

// Body returns the input as received, after decompression. Callers must not change it.
func (r *Request) Body() []byte { return r.body }

// Read recognizes the protocol of a request and reads its body. The returned request is
// never nil and holds what was recognized, so that an error, always an *Error, can be
// written in the right protocol.
func Read(r *http.Request) (*Request, error) {
	req, err := identify(r)
	if err != nil {
		return req, err
	}
	req.body, err = readBody(r)
	if err == nil && req.Protocol == Query {
		err = req.readForm()
	}
	return req, err
}

// identify reads protocol, service and operation from the request line and headers. For a
// query, service and operation are in the body and still missing.
func identify(r *http.Request) (*Request, error) {
	contentType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		contentType = ""
	}
	req, ok := recognize(r, contentType)
	if !ok {
		return req, &Error{
			Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: "neither X-Amz-Target, nor an RPC v2 path, nor a form: this endpoint does not speak the protocol",
		}
	}
	if got := r.Header.Get("Smithy-Protocol"); req.Protocol == CBOR && got != "rpc-v2-cbor" {
		return req, &Error{Code: "UnknownOperationException", Message: fmt.Sprintf("Smithy-Protocol is %q, not rpc-v2-cbor", got)}
	}
	if r.Method != http.MethodPost {
		return req, &Error{
			Code: "UnknownOperationException", Status: http.StatusMethodNotAllowed,
			Message: fmt.Sprintf("method %s is not allowed; every call is a POST", r.Method),
		}
	}
	// In RPC v2 an operation without input has no body, and then no content type either.
	bare := req.Protocol == CBOR && r.ContentLength == 0 && contentType == ""
	if contentType != req.Protocol.contentType() && !bare {
		return req, &Error{
			Code: "SerializationException", Status: http.StatusUnsupportedMediaType,
			Message: fmt.Sprintf("content type %q is not %s", r.Header.Get("Content-Type"), req.Protocol.contentType()),
		}
	}
	return req, nil
}

// recognize detects the protocol. ok is false if it is none of ours.
func recognize(r *http.Request, contentType string) (req *Request, ok bool) {
	// RPC v2 paths have the form /service/{service}/operation/{operation}.
	if p := strings.Split(r.URL.Path, "/"); len(p) == 5 && p[0] == "" && p[1] == "service" && p[3] == "operation" {
		return &Request{Protocol: CBOR, Target: p[2], Operation: p[4]}, true
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		i := strings.LastIndexByte(target, '.')
		protocol := JSON
		if contentType == contentJSON10 {
			protocol = JSON10
		}
		return &Request{Protocol: protocol, Target: target[:max(i, 0)], Operation: target[i+1:]}, true
	}
	if contentType == contentForm {
		return &Request{Protocol: Query}, true
	}
	return &Request{Protocol: JSON}, false
}

func (r *Request) readForm() error {
	form, err := url.ParseQuery(string(r.body))
	if err != nil {
		return &Error{Code: "MalformedQueryString", Message: "the body is not a form: " + err.Error()}
	}
	for key, values := range form {
		if len(values) > 1 {
			return &Error{Code: "InvalidParameterCombination", Message: fmt.Sprintf("the parameter %s is given %d times", key, len(values))}
		}
	}
	r.Operation, r.Target = form.Get("Action"), form.Get("Version")
	form.Del("Action")
	form.Del("Version")
	r.Form = form
	if r.Operation == "" {
		return &Error{Code: "MissingAction", Message: "The request is missing an Action parameter."}
	}
	return nil
}

// readBody reads and decompresses a body of at most MaxBody bytes.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := readCapped(r.Body)
	if err != nil {
		return nil, err
	}
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
		return body, nil
	case "gzip":
		zr, err := gzip.NewReader(strings.NewReader(string(body)))
		if err != nil {
			return nil, serialization("the body is not gzip: %v", err)
		}
		return readCapped(zr)
	default:
		return nil, &Error{
			Code: "SerializationException", Status: http.StatusUnsupportedMediaType,
			Message: fmt.Sprintf("content encoding %q is not supported", encoding),
		}
	}
}

func readCapped(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, MaxBody+1))
	if err != nil {
		return nil, serialization("read the body: %v", err)
	}
	if len(body) > MaxBody {
		return nil, &Error{
			Code: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("the body has more than %d bytes", MaxBody),
		}
	}
	return body, nil
}

// Write sends a rendered body with the headers of the protocol.
func Write(w http.ResponseWriter, p Protocol, status int, body []byte) {
	contentType := p.contentType()
	switch p {
	case CBOR:
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	case Query:
		contentType = "text/xml"
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

// WriteError sends an error in the protocol of the request.
func WriteError(w http.ResponseWriter, r *Request, requestID string, e *Error) {
	doc := map[string]any{}
	maps.Copy(doc, e.Members)
	doc["__type"], doc["message"] = e.Code, e.Message
	if r.Protocol == CBOR || r.Protocol == JSON10 {
		w.Header().Set("X-Amzn-Query-Error", cmp.Or(e.Query, e.Code)+";"+e.fault())
	}
	var body []byte
	var err error
	switch r.Protocol {
	case CBOR:
		body, err = encodeCBOR(doc)
	case Query:
		body, err = xml.Marshal(xmlError{Type: e.fault(), Code: cmp.Or(e.Query, e.Code), Message: e.Message, RequestID: requestID})
	default:
		w.Header().Set("X-Amzn-Errortype", e.Code)
		body, err = encodeJSON(doc)
	}
	if err != nil { // only Members can fail to encode
		body = nil
	}
	Write(w, r.Protocol, e.status(), body)
}
