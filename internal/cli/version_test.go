package cli_test

import (
	"runtime/debug"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/cli"
)

func TestVersionOf(t *testing.T) {
	module := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123"}
	tests := []struct {
		name, release string
		info          *debug.BuildInfo
		want          string
	}{
		{"a release", "1.2.3", module("v9.9.9", commit), "1.2.3"},
		{"go install of a tag", "", module("v1.2.3"), "v1.2.3"},
		{"go build of a commit", "", module("v0.0.0-20260301120000-0123456789ab+dirty", commit), "v0.0.0-20260301120000-0123456789ab+dirty"},
		{"a build that has the commit only", "", module("(devel)", commit), "devel-0123456789ab"},
		{"and was changed", "", module("", commit, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "devel-0123456789ab-modified"},
		{"a short commit", "", module("", debug.BuildSetting{Key: "vcs.revision", Value: "01"}), "devel-01"},
		{"a build without version control", "", module("(devel)"), "(devel)"},
		{"nothing is known", "", nil, "(devel)"},
	}
	for _, tt := range tests {
		if got := cli.VersionOf(tt.release, tt.info); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
