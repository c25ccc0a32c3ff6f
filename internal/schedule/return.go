package schedule

import (
	"fmt"
	"strings"
	"time"
)

// Return is how a timed raise ends: the text of the tag ReturnTag. It is arranged before the raise.
type Return struct {
	Target   int       // the minimum to return to
	From     int       // the minimum before the raise: Target, or higher if it was raised for a time already
	Raised   int       // the minimum it was raised to, higher than Target and not lower than From
	Due      time.Time // when to return; UTC, whole seconds
	Arranged time.Time // when it was arranged, just before the raise; UTC, whole seconds
}

// ParseReturn reads what String writes. The error is an *Error.
func ParseReturn(text string) (Return, error) {
	list, err := words(text)
	if err != nil {
		return Return{}, err
	}
	var r Return
	values, err := returnParts(list)
	if err != nil {
		return Return{}, err
	}
	for _, key := range []string{"to", "from", "raised", "due", "arranged"} {
		value, found := values[key]
		if !found {
			return Return{}, &Error{len(text) + 1, key + "= is missing"}
		}
		delete(values, key)
		switch key {
		case "to":
			r.Target, err = number(value)
		case "from":
			r.From, err = number(value)
		case "raised":
			r.Raised, err = number(value)
		case "due":
			r.Due, err = moment(value)
		default:
			r.Arranged, err = moment(value)
		}
		if err != nil {
			return Return{}, err
		}
	}
	for key, value := range values {
		return Return{}, value.fault("%s= is no part of a return", key)
	}
	if r.Raised <= r.Target || r.From < r.Target || r.From > r.Raised {
		return Return{}, &Error{1, fmt.Sprintf("from %d to %d, and back to %d, is no raise", r.From, r.Raised, r.Target)}
	}
	return r, nil
}

// returnParts are the values of a return by their keys.
func returnParts(list []word) (map[string]word, error) {
	values := map[string]word{}
	for _, w := range list {
		key, value, found := w.cut("=")
		if _, twice := values[key.text]; twice || !found {
			return nil, w.fault("%q is no part of a return", w.text)
		}
		values[key.text] = value
	}
	return values, nil
}

func moment(w word) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, w.text)
	if err != nil || t.UTC().Format(time.RFC3339) != w.text {
		return time.Time{}, w.fault("%q is no time; valid: such as 2026-03-04T14:00:00Z", w.text)
	}
	return t.UTC(), nil
}

// String writes the return as ParseReturn reads it.
func (r Return) String() string {
	return strings.Join([]string{
		fmt.Sprintf("to=%d from=%d raised=%d", r.Target, r.From, r.Raised),
		"due=" + r.Due.UTC().Format(time.RFC3339), "arranged=" + r.Arranged.UTC().Format(time.RFC3339),
	}, " ")
}
