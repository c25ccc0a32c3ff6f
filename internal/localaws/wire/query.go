package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/url"
	"reflect"
	"strings"
)

// readForm parses the form of a query and takes service version and operation from it.
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
	return assigner{tag: "query"}.assign("", tree, reflect.ValueOf(into).Elem())
}

// maxFormDepth bounds the dots in a parameter's name; real inputs have at most five.
const maxFormDepth = 16

// plant puts a value into the tree at the place its dotted key says.
func plant(tree map[string]any, key, value string) error {
	parts := strings.Split(key, ".")
	if len(parts) > maxFormDepth {
		return serialization("the parameter %q is nested too deeply", key)
	}
	for _, part := range parts[:len(parts)-1] {
		next, ok := tree[part].(map[string]any)
		if !ok {
			if _, taken := tree[part]; taken {
				return serialization("the parameter %q contradicts another one", key)
			}
			next = map[string]any{}
			tree[part] = next
		}
		tree = next
	}
	last := parts[len(parts)-1]
	if _, taken := tree[last]; taken {
		return serialization("the parameter %q contradicts another one", key)
	}
	tree[last] = value
	return nil
}

type responseMetadata struct {
	RequestID string `xml:"RequestId"`
}

// encodeXML renders the response of a query: <OpResponse><OpResult>…, the result left
// out when the operation has none.
func encodeXML(operation, xmlns, requestID string, out any) ([]byte, error) {
	var buf bytes.Buffer
	enc := xml.NewEncoder(&buf)
	root := xml.StartElement{
		Name: xml.Name{Local: operation + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: xmlns}},
	}
	if err := enc.EncodeToken(root); err != nil {
		return nil, err
	}
	if out != nil {
		if err := enc.EncodeElement(out, element(operation+"Result")); err != nil {
			return nil, err
		}
	}
	if err := enc.EncodeElement(responseMetadata{requestID}, element("ResponseMetadata")); err != nil {
		return nil, err
	}
	if err := enc.EncodeToken(root.End()); err != nil {
		return nil, err
	}
	if err := enc.Flush(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func element(name string) xml.StartElement {
	return xml.StartElement{Name: xml.Name{Local: name}}
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
