package faultmatrix

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

// TestServicesClockDiffers tests services whose clock is 20 minutes ahead or behind. The program measures them all the same, and does
// nothing that it would not do if the clocks agreed, especially with a resource that is too young.
func TestServicesClockDiffers(t *testing.T) {
	estate := func() localaws.Estate {
		estate := world()
		group := &estate.Regions[1].DatasetGroups[0]
		young := group.Campaigns[0]
		young.Name, young.Age, young.MinTPS = "young", 10*time.Minute, 9
		group.Campaigns = append(group.Campaigns, young)
		return estate
	}
	for _, s := range scenarios() {
		if !s.measures && s.name != "dashboard" && s.name != "cleanup" {
			continue
		}
		var want trace
		synctest.Test(t, func(t *testing.T) { want = s.drive(newBed(t, estate(), 0), nil, nil) })
		for _, ahead := range []time.Duration{-skewed, skewed} {
			t.Run(fmt.Sprint(s.name, " ", ahead), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBed(t, estate(), ahead)
					got := s.drive(b, nil, nil)
					b.mustOut(got.stages[0].out)
					for _, wrong := range wrongActions(want, got) {
						t.Error(wrong)
					}
					for name := range want.stages[0].data {
						// A service that is behind has no requests in the window yet.
						unknown := ahead < 0 && strings.Contains(name, " average")
						if _, ok := got.stages[0].data[name]; !ok && s.measures && !unknown {
							t.Error("not published: " + name)
						}
					}
					if young := got.stages[0].things[away+" campaign young"]; s.measures && (!strings.HasPrefix(young, "ACTIVE ") || strings.Contains(young, "update")) {
						t.Errorf("the young campaign is %q", young)
					}
				})
			})
		}
	}
}
