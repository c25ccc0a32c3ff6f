package wire

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"reflect"
	"strings"
)

// readForm parses the form of a query and reads service version and operation from it.
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

// decodeForm reads the parameters of a query. Lists are written Name.member.N, maps
// Name.entry.N.key and Name.entry.N.value; an empty list is Name with an empty value.
func decodeForm(form url.Values, into any) error {
	tree := map[string]any{}
	for key := range form {
		if err := plant(tree, key, form.Get(key)); err != nil {
			return err
		}
	}
	return assigner{Query}.assign("", tree, reflect.ValueOf(into).Elem())
}

// maxFormDepth bounds the dots in a parameter's name; real inputs have at most five.
const maxFormDepth = 16

// plant puts a value into the tree at the place of its dotted key.
func plant(tree map[string]any, key, value string) error {
	parts := strings.Split(key, ".")
	if len(parts) > maxFormDepth {
		return serialization("the parameter %q is nested too deeply", key)
	}
	for _, part := range parts[:len(parts)-1] {
		if tree[part] == nil {
			tree[part] = map[string]any{}
		}
		inner, ok := tree[part].(map[string]any)
		if !ok {
			return serialization("the parameter %q contradicts another one", key)
		}
		tree = inner
	}
	last := parts[len(parts)-1]
	if tree[last] != nil {
		return serialization("the parameter %q contradicts another one", key)
	}
	tree[last] = value
	return nil
}

type xmlResponse struct {
	XMLName   xml.Name
	Namespace string `xml:"xmlns,attr"`
	Result    any
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

// xmlResult renders an output under the name of its element.
type xmlResult struct {
	name string
	out  any
}

// MarshalXML makes an xmlResult an xml.Marshaler.
func (r xmlResult) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(r.out, xml.StartElement{Name: xml.Name{Local: r.name}})
}

// encodeXML renders the response of a query: <OpResponse><OpResult>…, without the result
// if the operation has none.
func encodeXML(operation, xmlns, requestID string, out any) ([]byte, error) {
	response := xmlResponse{XMLName: xml.Name{Local: operation + "Response"}, Namespace: xmlns, RequestID: requestID}
	if out != nil {
		response.Result = xmlResult{operation + "Result", out}
	}
	return xml.Marshal(response)
}

type xmlError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func encodeXMLError(requestID string, e *Error) ([]byte, error) {
	return xml.Marshal(xmlError{Type: e.fault(), Code: e.Code, Message: e.Message, RequestID: requestID})
}
