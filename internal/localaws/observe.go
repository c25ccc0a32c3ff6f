package localaws

import (
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// Observed is what an observer is told: that a fault hit a call, that a call was carried out,
// or first the one and then, for faults that spoil only the answer, the other.
type Observed struct {
	Time      time.Time // by the endpoint's clock
	AccessKey string    // whose call it was
	Service   string    // as in Calls
	Operation string
	Region    string
	// Body is the input as it came, decompressed. It must not be changed.
	Body []byte
	// Fault is what hit the call, nil if this tells that it was carried out.
	Fault *Fault
	Done  bool // the call was carried out
}

// tell tells the observer, if there is one.
func (s *Server) tell(c *call, req *wire.Request, fault *Fault, done bool) {
	if s.observe == nil {
		return
	}
	at := c.now
	if at.IsZero() {
		at = s.clock.Now().UTC()
	}
	s.observe(Observed{
		Time: at, AccessKey: c.accessKey, Service: c.svc.name, Operation: c.operation, Region: c.region,
		Body: req.Body(), Fault: fault, Done: done,
	})
}
