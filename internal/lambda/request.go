package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// request is a request of CloudFormation for a custom resource. cfn.LambdaWrap is not used: it
// delivers an answer once, of any size, and however late.
type request struct {
	cfn.Event
	properties    map[string]json.RawMessage
	oldProperties map[string]json.RawMessage // on Update
	fault         error                      // in the properties, for requests that need them
}

// readRequest reads a request as far as possible, so that it can be answered. The error says
// what is wrong with it.
func readRequest(payload []byte) (request, error) {
	// What is not a text stays empty, and is reported below.
	var in struct {
		cfn.Event
		ResourceProperties, OldResourceProperties json.RawMessage
	}
	_ = json.Unmarshal(payload, &in)
	r := request{Event: in.Event}
	r.properties, r.fault = objectOf("ResourceProperties", in.ResourceProperties)
	old, fault := objectOf("OldResourceProperties", in.OldResourceProperties)
	r.oldProperties, r.fault = old, errors.Join(r.fault, fault)
	delete(r.properties, "ServiceToken")
	var missing []string
	for _, field := range []struct{ key, value string }{
		{keyRequestType, string(r.RequestType)},
		{"StackId", r.StackID},
		{"RequestId", r.RequestID},
		{"LogicalResourceId", r.LogicalResourceID},
		{keyResponseURL, r.ResponseURL},
	} {
		if strings.TrimSpace(field.value) == "" {
			missing = append(missing, field.key)
		}
	}
	switch {
	case len(missing) > 0:
		return r, fmt.Errorf("the CloudFormation request lacks %s, or it is not a text", strings.Join(missing, ", "))
	case r.RequestType != cfn.RequestCreate && r.RequestType != cfn.RequestUpdate && r.RequestType != cfn.RequestDelete:
		return r, fmt.Errorf("the request type %s is unknown; the types are %s, %s, %s",
			strconv.Quote(events.Brief(string(r.RequestType))), cfn.RequestCreate, cfn.RequestUpdate, cfn.RequestDelete)
	}
	return r, nil
}

func objectOf(key string, raw json.RawMessage) (map[string]json.RawMessage, error) {
	var keys map[string]json.RawMessage
	if raw != nil && json.Unmarshal(raw, &keys) != nil {
		return nil, fmt.Errorf("key %q is %s; valid: an object", key, events.Brief(string(raw)))
	}
	return keys, nil
}

// checkURL requires an absolute http or https URL. The error does not contain it.
func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return fmt.Errorf("its %s is missing or not a URL", keyResponseURL)
	}
	return nil
}
