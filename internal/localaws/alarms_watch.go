package localaws

import "time"

// AlarmChange is the change of an alarm's state.
type AlarmChange struct {
	Time     time.Time
	Region   string
	Name     string
	From, To string // OK, ALARM or INSUFFICIENT_DATA
	Actions  bool   // whether its actions were switched on
}

// WithAlarmWatch has a function told of each change of an alarm's state as it happens. The
// function must return soon and must not call the Server. The default is none.
func WithAlarmWatch(told func(AlarmChange)) Option { return func(s *Server) { s.alarms.told = told } }
