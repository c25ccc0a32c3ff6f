package alarms

import (
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/writer"
)

func TestKeepReason(t *testing.T) {
	tag := func(createdBy, deployment string) writer.Tags {
		t := writer.Tags{}
		if createdBy != "" {
			t["CreatedBy"] = createdBy
		}
		if deployment != "" {
			t["Deployment"] = deployment
		}
		return t
	}
	const ours = "PersonalizeMonitor"
	tests := []struct {
		name    string
		tags    writer.Tags
		ownOnly bool
		goes    bool
	}{
		{"ours", tag(ours, "cli"), true, true},
		{"the sample's, which names no deployment", tag(ours, ""), true, true},
		{"another deployment's", tag(ours, "eu-west-1/prod"), true, false},
		{"another deployment's whose resource is gone", tag(ours, "eu-west-1/prod"), false, true},
		{"untagged", tag("", ""), false, false},
		{"someone else's", tag("terraform", ""), false, false},
		{"someone else's with our deployment", tag("terraform", "cli"), true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if reason := keepReason(tt.tags, tt.ownOnly, "cli"); (reason == "") != tt.goes {
				t.Errorf("reason %q", reason)
			}
		})
	}
}
