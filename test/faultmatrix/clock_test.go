package faultmatrix

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// wrongClock is the clock of a host that is ahead of AWS's.
type wrongClock struct {
	model.Clock
	ahead time.Duration
}

func (c wrongClock) Now() time.Time { return c.Clock.Now().Add(c.ahead) }

// TestHostClockDiffers runs the jobs that decide or act on a host whose clock is wrong: they change nothing and send nothing. Those
// that measure name the clock, publish their metrics and create alarms all the same.
func TestHostClockDiffers(t *testing.T) {
	for _, s := range scenarios() {
		automatic := strings.HasPrefix(s.name, "update-tps") || strings.HasPrefix(s.name, "delete-campaign") || strings.HasPrefix(s.name, "stop-recommender")
		if !s.measures && !automatic || s.about != nil {
			continue
		}
		for _, ahead := range []time.Duration{-skewed, skewed, -2 * time.Hour, 2 * time.Hour, -72 * time.Hour, 72 * time.Hour} {
			t.Run(fmt.Sprint(s.name, " ", ahead), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBed(t, s.estate())
					wrong := s
					wrong.repair = nil
					var window time.Time
					wrong.run = func(b *bed) outcome {
						right := b.clock
						defer func() { b.clock = right }()
						b.clock = wrongClock{right, ahead}
						window = b.clock.Now().Truncate(cycleEvery).Add(-cycleEvery)
						return s.run(b)
					}
					got := wrong.drive(b, nil, nil)
					last := got.stages[0]
					for name, before := range got.before {
						resource := strings.Contains(name, " campaign ") || strings.Contains(name, " recommender ")
						if resource && last.things[name] != before {
							t.Errorf("%s was %q and is %q", name, before, last.things[name])
						}
					}
					if len(last.sent) > 0 {
						t.Errorf("sent %v", last.sent)
					}
					if !s.measures {
						return
					}
					if text := fmt.Sprint(last.out.troubles, last.out.err); !strings.Contains(text, "the clock of this host is") {
						t.Errorf("the clock is not named: %s", text)
					}
					if _, ok := last.things[away+" alarm PersonalizeMonitor-LowCampaignUtilization-wide"]; !ok {
						t.Error("there is no alarm")
					}
					// CloudWatch accepts no data of the far future.
					if ahead < time.Hour && len(b.aws.Data(model.NamespaceMonitor, window)) == 0 {
						t.Error("no metric was published")
					}
				})
			})
		}
	}
}
