package notify

import (
	"maps"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

// The version is recorded once, in the deployment region alone, and again after a change.
func TestTheVersionIsRecorded(t *testing.T) {
	w := newWorld(t)
	version := func(v string) func(*writer.Options) { return func(o *writer.Options) { o.Version = v } }
	dry, _ := w.actor(version("1.0.0"), func(o *writer.Options) { o.DryRun = true })
	if _, problems := dry.Ensure(ctxAll, Input{Regions: []string{home}}); len(problems) > 0 {
		t.Errorf("a dry run where there is no topic yet: %v", problems)
	}
	w.WantWrites(map[string]int{})
	a, _ := w.actor(version("1.0.0"))
	w.notify(a)
	w.WantWrites(map[string]int{"sns.CreateTopic": 2, "sns.SetTopicAttributes": 2, "events.PutRule": 1, "events.PutTargets": 1, "sns.TagResource": 1})
	w.Clock.Advance(checkTTL)
	w.notify(a)
	w.WantWrites(map[string]int{})
	b, _ := w.actor(version("(devel)"))
	w.notify(b)
	w.WantWrites(map[string]int{"sns.TagResource": 1})
	tags, err := a.w.ReadTags(ctxAll, home, testTopic.String())
	w.Must(err)
	if got := Versions(tags); !maps.Equal(got, map[string]string{"cli": "devel"}) {
		t.Errorf("versions %v in %v", got, tags)
	}
	if got := Leases(tags); len(got) != 0 {
		t.Errorf("leases %v in %v", got, tags)
	}
	long, _ := w.actor(version("1.0.0"), func(o *writer.Options) { o.Deployment = "us-east-1/" + string(make([]byte, 128)) })
	w.notify(long)
	w.WantWrites(map[string]int{})

	// Nothing else depends on it.
	w.Server.AddFault(localaws.Fault{Service: "sns", Operation: "TagResource", Code: "AuthorizationError"})
	c, _ := w.actor(version("2.0.0"))
	topics, problems := c.Ensure(ctxAll, Input{Regions: []string{other}})
	if len(topics) != 2 || len(problems) != 1 || problems[0].Operation != "TagResource" {
		t.Errorf("topics %v, problems %v", topics, problems)
	}
}

func TestLeasesOfAllDeployments(t *testing.T) {
	tick := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	got := Leases(writer.Tags{"Serving/cli": Lease{Holder: "a", Tick: tick}.String(), "Serving/x": "?", "Version/cli": "1"})
	want := map[string]Lease{"cli": {Holder: "a", Tick: tick}, "x": {}}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
