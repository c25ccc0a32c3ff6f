// Package wire reads requests and writes responses in the protocols of the AWS services
// that localaws serves: AWS JSON 1.0 and 1.1, Smithy RPC v2 CBOR and AWS query with XML
// responses. It knows the shapes of messages and nothing of any service.
//
// Decoding is strict. A member that the target struct does not declare is an error, so
// that nothing a client asks for is ignored unnoticed; AWS itself passes over members it
// does not know, but refuses wrong types as this package does.
package wire

import (
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
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
	switch p {
	case JSON:
		return "AWS JSON 1.1"
	case JSON10:
		return "AWS JSON 1.0"
	case CBOR:
		return "RPC v2 CBOR"
	case Query:
		return "query"
	default:
		return "unknown"
	}
}

const (
	contentJSON   = "application/x-amz-json-1.1"
	contentJSON10 = "application/x-amz-json-1.0"
	contentCBOR   = "application/cbor"
	contentForm   = "application/x-www-form-urlencoded"
	contentXML    = "text/xml"
)

// MaxBody is the largest body that Read accepts, in bytes, both as sent and decompressed.
// It is above the limit of every operation served, so that those limits can be told apart.
const MaxBody = 4 << 20

// Error is an API error as a client sees it.
type Error struct {
	Code    string // without a namespace
	Message string
	Status  int    // HTTP status; 0 means 400
	Query   string // CBOR and JSON 1.0: the code in X-Amzn-Query-Error; empty means Code
	// Members are further members of the error's body; not written by the query protocol.
	Members map[string]any
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// fault says whose fault the error is, in the words of the query protocol.
func (e *Error) fault() string {
	if e.status() >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// Request is one request, read whole but not decoded.
type Request struct {
	Protocol Protocol
	// Target names the service: the prefix of X-Amz-Target (both JSON), the service in the
	// path (CBOR) or the API version (Query).
	Target    string
	Operation string
	Form      url.Values // Query only; Action and Version are left out
	body      []byte
}

// Size returns the length of the body in bytes, after decompression.
func (r *Request) Size() int { return len(r.body) }

// Body returns the input as it came, after decompression. It must not be changed.
func (r *Request) Body() []byte { return r.body }

// Read recognises the protocol of a request and reads its body. The request it returns is
// never nil and holds what was recognised, so that an error, always an *Error, can be
// answered in the right protocol.
func Read(r *http.Request) (*Request, error) {
	req, err := identify(r)
	if err != nil {
		return req, err
	}
	req.body, err = readBody(r)
	if err != nil {
		return req, err
	}
	if req.Protocol == Query {
		return req, req.readForm()
	}
	return req, nil
}

// identify tells protocol, service and operation from the request line and headers. For a
// query, service and operation are in the body and still missing.
func identify(r *http.Request) (*Request, error) {
	contentType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		contentType = ""
	}
	req, want := recognise(r, contentType)
	if want == "" {
		return req, &Error{
			Code:    "UnknownOperationException",
			Message: "neither X-Amz-Target, nor an RPC v2 path, nor a form: not a protocol this endpoint speaks",
			Status:  http.StatusNotFound,
		}
	}
	if got := r.Header.Get("Smithy-Protocol"); req.Protocol == CBOR && got != "rpc-v2-cbor" {
		return req, &Error{Code: "UnknownOperationException", Message: fmt.Sprintf("Smithy-Protocol is %q, not rpc-v2-cbor", got)}
	}
	if r.Method != http.MethodPost {
		return req, &Error{
			Code:    "UnknownOperationException",
			Message: fmt.Sprintf("method %s is not allowed; every call is a POST", r.Method),
			Status:  http.StatusMethodNotAllowed,
		}
	}
	// An operation without input has no body in RPC v2, and then no content type either.
	bare := req.Protocol == CBOR && r.ContentLength == 0 && contentType == ""
	if contentType != want && !bare {
		return req, &Error{
			Code:    "SerializationException",
			Message: fmt.Sprintf("content type %q is not %s", r.Header.Get("Content-Type"), want),
			Status:  http.StatusUnsupportedMediaType,
		}
	}
	return req, nil
}

// recognise tells the protocol, and the content type that it needs, empty if none of the
// protocols was recognised.
func recognise(r *http.Request, contentType string) (req *Request, want string) {
	if service, operation, ok := rpcPath(r.URL.Path); ok {
		return &Request{Protocol: CBOR, Target: service, Operation: operation}, contentCBOR
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		i := strings.LastIndexByte(target, '.')
		req := &Request{Protocol: JSON, Target: target[:max(i, 0)], Operation: target[i+1:]}
		if contentType == contentJSON10 {
			req.Protocol = JSON10
			return req, contentJSON10
		}
		return req, contentJSON
	}
	if contentType == contentForm {
		return &Request{Protocol: Query}, contentForm
	}
	return &Request{Protocol: JSON}, ""
}

// rpcPath splits a path of the form /service/{service}/operation/{operation}.
func rpcPath(path string) (service, operation string, ok bool) {
	parts := strings.Split(path, "/")
	if len(parts) != 5 || parts[0] != "" || parts[1] != "service" || parts[3] != "operation" {
		return "", "", false
	}
	return parts[2], parts[4], true
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
			return nil, &Error{Code: "SerializationException", Message: "the body is not gzip: " + err.Error()}
		}
		return readCapped(zr)
	default:
		return nil, &Error{
			Code:    "SerializationException",
			Message: fmt.Sprintf("content encoding %q is not supported", encoding),
			Status:  http.StatusUnsupportedMediaType,
		}
	}
}

func readCapped(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, MaxBody+1))
	if err != nil {
		return nil, &Error{Code: "SerializationException", Message: "read the body: " + err.Error()}
	}
	if len(body) > MaxBody {
		return nil, &Error{
			Code:    "RequestEntityTooLarge",
			Message: fmt.Sprintf("the body has more than %d bytes", MaxBody),
			Status:  http.StatusRequestEntityTooLarge,
		}
	}
	return body, nil
}

// Decode reads the input of the operation into a struct, whose fields carry the tag of
// the protocol: json, cbor (also for JSON 1.0) or query, with the member's name as AWS
// spells it. Fields of
// type string, bool, int32, int64, float64, time.Time, structs, slices and maps with
// string keys are understood, and pointers to them, which stay nil for absent members.
// The error is always an *Error: ValidationException for a member the struct does not
// have, SerializationException for a wrong type or malformed data.
func (r *Request) Decode(into any) error {
	switch r.Protocol {
	case JSON:
		return decodeJSON(r.body, "json", into)
	case JSON10:
		return decodeJSON(r.body, "cbor", into)
	case CBOR:
		return decodeCBOR(r.body, into)
	case Query:
		return decodeForm(r.Form, into)
	default:
		return errors.New("decode: no protocol")
	}
}

// Encode renders the output of an operation: nil for none, else a struct with the
// protocol's tags (xml for queries, cbor for JSON 1.0).
func Encode(r *Request, xmlns, requestID string, out any) ([]byte, error) {
	switch r.Protocol {
	case JSON:
		return encodeJSON(out)
	case JSON10:
		return encodeJSON10(out)
	case CBOR:
		return encodeCBOR(out)
	case Query:
		return encodeXML(r.Operation, xmlns, requestID, out)
	default:
		return nil, errors.New("encode: no protocol")
	}
}

// Write sends a rendered body with the headers of the protocol.
func Write(w http.ResponseWriter, p Protocol, status int, body []byte) {
	switch p {
	case CBOR:
		w.Header().Set("Content-Type", contentCBOR)
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	case Query:
		w.Header().Set("Content-Type", contentXML)
	case JSON10:
		w.Header().Set("Content-Type", contentJSON10)
	default:
		w.Header().Set("Content-Type", contentJSON)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone is not our concern
}

// WriteError sends an error in the protocol of the request.
func WriteError(w http.ResponseWriter, r *Request, requestID string, e *Error) {
	var body []byte
	var err error
	if r.Protocol == CBOR || r.Protocol == JSON10 {
		w.Header().Set("X-Amzn-Query-Error", cmp.Or(e.Query, e.Code)+";"+e.fault())
	}
	switch r.Protocol {
	case CBOR:
		body, err = encodeCBOR(e.document())
	case Query:
		body, err = encodeXMLError(requestID, e)
	case JSON10:
		w.Header().Set("X-Amzn-Errortype", e.Code)
		body, err = encodeJSON10(e.document())
	default:
		w.Header().Set("X-Amzn-Errortype", e.Code)
		body, err = encodeJSON(e.document())
	}
	if err != nil { // only Members can fail to encode
		body = nil
	}
	Write(w, r.Protocol, e.status(), body)
}

// document is the body of a JSON or CBOR error.
func (e *Error) document() map[string]any {
	doc := map[string]any{}
	for k, v := range e.Members {
		doc[k] = v
	}
	doc["__type"], doc["message"] = e.Code, e.Message
	return doc
}

// Time is a timestamp in the output of JSON and query operations: seconds since the
// epoch with milliseconds in JSON, ISO 8601 in XML. CBOR uses a plain time.Time.
type Time struct{ time.Time }

// MarshalJSON renders t as a number of seconds.
func (t Time) MarshalJSON() ([]byte, error) {
	ms := t.UnixMilli()
	if ms%1000 == 0 {
		return fmt.Appendf(nil, "%d", ms/1000), nil
	}
	return fmt.Appendf(nil, "%.3f", float64(ms)/1000), nil
}

// MarshalText renders t as ISO 8601 in UTC with milliseconds.
func (t Time) MarshalText() ([]byte, error) {
	return []byte(t.UTC().Format("2006-01-02T15:04:05.000Z")), nil
}
