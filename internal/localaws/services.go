package localaws

import (
	"net/http"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// service is one AWS service as a client addresses it.
type service struct {
	name     string // as in Calls
	signing  string // as in the signature's scope
	protocol wire.Protocol
	// target is what names the service in a request: the prefix of X-Amz-Target, the
	// service id in the path of RPC v2, or the API version of a query.
	target     string
	xmlns      string // query services: the namespace of their responses
	operations map[string]operation
}

// serviceTable lists the services. CloudWatch is there twice: SDKs speak CBOR with it, the
// aws command JSON.
func (s *Server) serviceTable() []*service {
	return []*service{
		{
			name: "personalize", signing: "personalize", protocol: wire.JSON,
			target: "AmazonPersonalize", operations: s.personalizeOperations(),
		},
		{
			name: "events", signing: "events", protocol: wire.JSON,
			target: "AWSEvents", operations: s.eventsOperations(),
		},
		{
			name: "logs", signing: "logs", protocol: wire.JSON,
			target: "Logs_20140328", operations: s.logsOperations(),
		},
		{
			name: "cloudwatch", signing: "monitoring", protocol: wire.CBOR,
			target: "GraniteServiceVersion20100801", operations: s.cloudwatchOperations(),
		},
		{
			name: "cloudwatch", signing: "monitoring", protocol: wire.JSON10,
			target: "GraniteServiceVersion20100801", operations: s.cloudwatchOperations(),
		},
		{
			name: "sns", signing: "sns", protocol: wire.Query, target: "2010-03-31",
			xmlns: "http://sns.amazonaws.com/doc/2010-03-31/", operations: s.snsOperations(),
		},
		{
			name: "pricing", signing: "pricing", protocol: wire.JSON,
			target: "AWSPriceListService", operations: s.pricingOperations(),
		},
		{
			name: "sts", signing: "sts", protocol: wire.Query, target: "2011-06-15",
			xmlns: "https://sts.amazonaws.com/doc/2011-06-15/", operations: s.stsOperations(),
		},
	}
}

// find returns the service a request is addressed to, or nil.
func (s *Server) find(req *wire.Request) *service {
	if req == nil {
		return nil
	}
	for _, svc := range s.services {
		if svc.protocol == req.Protocol && svc.target == req.Target {
			return svc
		}
	}
	return nil
}

// route finds the service and operation of a request. What this endpoint does not know
// is an error, also where AWS itself would know it.
func (s *Server) route(req *wire.Request) (*service, operation, error) {
	code := "UnknownOperationException"
	if req.Protocol == wire.Query {
		code = "InvalidAction"
	}
	svc := s.find(req)
	if svc == nil {
		return nil, nil, &apiError{Code: code, Status: http.StatusBadRequest, Message: "this endpoint serves no " +
			req.Protocol.String() + " service " + quoted(req.Target)}
	}
	op, ok := svc.operations[req.Operation]
	if !ok {
		return nil, nil, &apiError{Code: code, Status: http.StatusBadRequest, Message: "this endpoint does not know the operation " +
			quoted(req.Operation) + " of " + svc.name}
	}
	return svc, op, nil
}

// count adds a request to Calls if its operation is one of ours.
func (s *Server) count(req *wire.Request) {
	svc := s.find(req)
	if svc == nil || svc.operations[req.Operation] == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[svc.name+"."+req.Operation]++
}

// newCall places a request: region and account from its signature's scope, which must be
// for the service it is addressed to.
func (s *Server) newCall(r *http.Request, req *wire.Request, svc *service) (*call, error) {
	scope, err := parseScope(r.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	if scope.service != svc.signing {
		return nil, &apiError{
			Code: "SignatureDoesNotMatch", Status: http.StatusForbidden,
			Message: "Credential should be scoped to correct service: '" + svc.signing + "'.",
		}
	}
	s.mu.Lock()
	account := scope.accountOr(s.account)
	s.mu.Unlock()
	return &call{
		service:   svc.signing,
		operation: req.Operation,
		region:    scope.region,
		account:   account,
		accessKey: scope.accessKey,
		decode:    req.Decode,
		form:      req.Form,
		size:      req.Size(),
		svc:       svc,
	}, nil
}
