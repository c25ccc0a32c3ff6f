package localaws

import (
	"encoding/json"
	"net/http"
	"unicode/utf8"
)

type alarmNamesInput struct {
	AlarmNames []string `cbor:"AlarmNames"`
}

// alarmNames reads an input of nothing but names.
func (s *Server) alarmNames(c *call) ([]string, error) {
	var in alarmNamesInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.AlarmNames == nil {
		return nil, missing("AlarmNames")
	}
	return in.AlarmNames, checkNames("alarmNames", in.AlarmNames)
}

// deleteAlarms deletes alarms and passes over names that are none.
func (s *Server) deleteAlarms(c *call) (any, error) {
	names, err := s.alarmNames(c)
	if err != nil {
		return nil, err
	}
	s.evaluateEachMinute(c.now)
	for _, name := range names {
		if a := s.alarms.named(c.home(), name); a != nil {
			s.alarms.noteConfiguration(a, "deleted", c.now)
			delete(s.alarms.of[c.home()], name)
		}
	}
	return nil, nil
}

func (s *Server) enableAlarmActions(c *call) (any, error) { return s.switchActions(c, true) }

func (s *Server) disableAlarmActions(c *call) (any, error) { return s.switchActions(c, false) }

// switchActions sets ActionsEnabled. An alarm that is in a state already takes no action
// for it: only the next change of state does.
func (s *Server) switchActions(c *call, on bool) (any, error) {
	names, err := s.alarmNames(c)
	if err != nil {
		return nil, err
	}
	s.evaluateEachMinute(c.now)
	for _, name := range names {
		if a := s.alarms.named(c.home(), name); a != nil && a.ActionsEnabled != on {
			a.ActionsEnabled = on
			a.configured = c.now
			s.alarms.noteConfiguration(a, "updated", c.now)
		}
	}
	return nil, nil
}

type setAlarmStateInput struct {
	AlarmName       *string `cbor:"AlarmName"`
	StateValue      *string `cbor:"StateValue"`
	StateReason     *string `cbor:"StateReason"`
	StateReasonData *string `cbor:"StateReasonData"`
}

func (in *setAlarmStateInput) check() error {
	if err := checkAlarmName(in.AlarmName); err != nil {
		return err
	}
	if in.StateValue == nil {
		return missing("StateValue")
	}
	if in.StateReason == nil {
		return missing("StateReason")
	}
	if err := oneOf("stateValue", in.StateValue, alarmStates); err != nil {
		return err
	}
	if err := within("stateReason", utf8.RuneCountInString(*in.StateReason), 0, maxStateReason); err != nil {
		return err
	}
	data := value(in.StateReasonData)
	if err := within("stateReasonData", utf8.RuneCountInString(data), 0, maxStateReasonData); err != nil {
		return err
	}
	if data != "" && !json.Valid([]byte(data)) {
		return cloudwatchError("InvalidFormatFault", "InvalidFormat", "StateReasonData is not valid JSON.")
	}
	return nil
}

// setAlarmState sets a state until the next evaluation. If it is another one, the actions
// of the new state are carried out, as for any change.
func (s *Server) setAlarmState(c *call) (any, error) {
	var in setAlarmStateInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	s.evaluateEachMinute(c.now)
	a := s.alarms.named(c.home(), *in.AlarmName)
	if a == nil {
		e := cloudwatchError("ResourceNotFound", "ResourceNotFound", "Unknown alarm "+quoted(*in.AlarmName))
		e.Status = http.StatusNotFound
		return nil, e
	}
	a.seen = evaluationMark{}
	if a.state == *in.StateValue {
		a.reason, a.reasonData, a.updated = *in.StateReason, value(in.StateReasonData), c.now
		return nil, nil
	}
	s.moveAlarm(a, *in.StateValue, *in.StateReason, value(in.StateReasonData), c.now)
	return nil, nil
}
