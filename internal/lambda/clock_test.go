package lambda

import (
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// shifted is the clock of a host that is ahead.
type shifted struct {
	model.Clock
	ahead time.Duration
}

func (c shifted) Now() time.Time { return c.Clock.Now().Add(c.ahead) }

// functionOn returns a function in front of the bed's estate, on a host whose clock is ahead.
func (b *bed) functionOn(f Function, ahead time.Duration) *bed {
	other := *b
	other.Handler = New(f, Options{
		Env: func(name string) (string, bool) { v, ok := b.env[name]; return v, ok }, Log: b.log, Clock: shifted{b.clock, ahead}, Config: b.Config,
	})
	b.t.Cleanup(other.Handler.forget)
	return &other
}

// By a clock that is wrong the monitor measures, and requests nothing, and the functions carry out nothing that is automatic. The control is a
// right clock. A person's request is obeyed by any clock.
func TestAWrongClockOfTheHost(t *testing.T) {
	for _, ahead := range []time.Duration{0, -2 * time.Hour, 2 * time.Hour, -72 * time.Hour, 72 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			b := newBedOn(t, shops(), Monitor, map[string]string{
				"Regions": home + "," + away, "HourlyChecks": "always", "AutoDeleteOrStopIdleResources": "Yes",
			})
			// CloudWatch accepts no datapoint of more than two hours ahead, so that the count of problems is lost, and the cycle fails.
			outcome, err := b.functionOn(Monitor, ahead).invoke("null")
			if err != nil {
				outcome = err.Error()
			}
			lost := strings.Contains(outcome, "monitorProblems could not be published")
			if !strings.Contains(outcome, "18 resources measured from ") || lost != (err != nil) || lost && ahead < 2*time.Hour || !lost && ahead > 2*time.Hour {
				t.Errorf("got %q, %v", outcome, err)
			}
			requested := map[string]int{}
			for _, e := range b.aws.Events() {
				requested[e.DetailType]++
			}
			for _, detailType := range []string{"DeletePersonalizeCampaign", "StopPersonalizeRecommender", "UpdatePersonalizeCampaignMinProvisionedTPS"} {
				if right := ahead == 0; right != (requested[detailType] > 0) {
					t.Errorf("requested %v", requested)
				}
			}
			if problem := strings.Contains(b.log.String(), "the clock of this host is"); problem != (ahead != 0) {
				t.Errorf("the log: %s", b.log)
			}
			for _, tt := range []struct {
				function               Function
				resource, rest, action string
			}{
				{UpdateTPS, "campaign/large", `,"CurrentMinTPS":20,"NewMinTPS":15`, "is being updated"},
				{DeleteCampaign, "campaign/idle", `,"IdleThresholdHours":24`, "is being deleted"},
				{StopRecommender, "recommender/idle", `,"IdleThresholdHours":24`, "is being stopped"},
			} {
				f, want := b.functionOn(tt.function, ahead), tt.action
				if ahead != 0 {
					want = "nothing is decided: the clock of this host is"
				}
				f.must(`{"ARN":"`+arnOf(away, tt.resource)+`"`+tt.rest+`}`, want)
				if tt.function == UpdateTPS {
					f.must(`{"ARN":"`+arnOf(away, "campaign/busy")+`","NewMinTPS":3}`, tt.action)
				}
			}
		})
	}
}

// Where CloudWatch data are late the monitor requests nothing, and the functions carry out nothing that is automatic. The other region goes
// on, and a person's request is obeyed.
func TestLateDataInOneRegion(t *testing.T) {
	b := newBedOn(t, shops(), Monitor, map[string]string{
		"Regions": home + "," + away, "HourlyChecks": "always", "AutoDeleteOrStopIdleResources": "Yes",
	})
	b.aws.AddDataFault(localaws.DataFault{Region: away, Late: 3 * time.Hour})
	b.must("null", "18 resources measured from ")
	requested := map[string]int{}
	for _, e := range b.aws.Events() {
		if len(e.Resources) > 0 {
			requested[strings.Split(e.Resources[0], ":")[3]]++
		}
	}
	if requested[home] == 0 || requested[away] > 0 {
		t.Errorf("requested %v", requested)
	}
	for _, tt := range []struct {
		function             Function
		resource, rest, done string
	}{
		{UpdateTPS, "campaign/large", `,"CurrentMinTPS":20,"NewMinTPS":15`, "is being updated"},
		{DeleteCampaign, "campaign/idle", `,"IdleThresholdHours":24`, "is being deleted"},
		{StopRecommender, "recommender/idle", `,"IdleThresholdHours":24`, "is being stopped"},
	} {
		f := b.as(tt.function)
		f.must(`{"ARN":"`+arnOf(away, tt.resource)+`"`+tt.rest+`}`, "Nothing was done")
		f.must(`{"ARN":"`+arnOf(home, tt.resource)+`"`+tt.rest+`}`, tt.done)
		if tt.function == UpdateTPS {
			f.must(`{"ARN":"`+arnOf(away, "campaign/busy")+`","NewMinTPS":3}`, tt.done)
		}
	}
}
