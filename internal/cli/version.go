package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// devel is the version of a build that has none.
const devel = "(devel)"

// VersionOf is the version of a build: the release's, which the linker sets, or else that of the module,
// which go install and go build record, or else the commit. The info may be nil.
func VersionOf(release string, info *debug.BuildInfo) string {
	switch {
	case release != "":
		return release
	case info == nil:
		return devel
	case info.Main.Version != "" && info.Main.Version != devel:
		return info.Main.Version
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	if revision == "" {
		return devel
	}
	parts := []string{"devel", revision[:min(12, len(revision))]}
	if settings["vcs.modified"] == "true" {
		parts = append(parts, "modified")
	}
	return strings.Join(parts, "-")
}

func newVersion(version string, streams Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(streams.Out, "personalize-monitor %s (%s, %s/%s)\n",
				cmp.Or(version, devel), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
