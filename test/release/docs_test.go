package release_test

import (
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/test/docs"
)

// Each way of installing leads to plan with three commands.
func TestThreeCommandsToPlan(t *testing.T) {
	page := docs.Read(t, "docs/guide/install.md")
	for _, way := range []string{"As a binary", "As a container", "With Helm", "In AWS Lambda"} {
		_, section, found := strings.Cut(page, "\n## "+way+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		blocks := docs.Blocks(section)
		if !found || len(blocks) == 0 {
			t.Errorf("%s: no commands", way)
			continue
		}
		commands := strings.Split(strings.TrimSpace(blocks[0].Text), "\n")
		if last := commands[len(commands)-1]; len(commands) > 3 || !strings.Contains(last+" ", "personalize-monitor plan ") {
			t.Errorf("%s: %q", way, commands)
		}
	}
}

// The last command of each way finds its region and looks, with nothing else in the environment than the commands put there.
func TestPlanOfEachWay(t *testing.T) {
	url, stop := listen(t, exec.CommandContext(t.Context(), program(t), "localaws", "--listen", "127.0.0.1:0"))
	defer stop()
	ways := regexp.MustCompile("(?ms)^## (As|With|In) [^\\n]*\\n.*?^```sh\\n(.*?)^```").FindAllStringSubmatch(docs.Read(t, "docs/guide/install.md"), -1)
	if len(ways) != 5 {
		t.Fatalf("%d ways", len(ways))
	}
	for _, way := range ways {
		commands := strings.Split(strings.TrimSpace(way[2]), "\n")
		_, args, found := strings.Cut(commands[len(commands)-1]+" ", "personalize-monitor plan ")
		if !found {
			t.Errorf("no plan: %q", commands)
			continue
		}
		cmd := exec.CommandContext(t.Context(), program(t), append([]string{"plan"}, strings.Fields(args)...)...)
		cmd.Env = []string{"HOME=" + t.TempDir(), "AWS_ENDPOINT_URL=" + url, "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local"}
		if region := regexp.MustCompile(`(?:export|--env) AWS_REGION=(\S+)|--set region=(\S+)`).FindStringSubmatch(way[2]); region != nil {
			cmd.Env = append(cmd.Env, "AWS_REGION="+region[1]+region[2])
		}
		if out, err := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 10 || !strings.Contains(string(out), "video-continue-watching") {
			t.Errorf("%q: %v\n%s", commands, err, out)
		}
	}
}

// The chart, the image and the values in the commands exist, and the chart renders with them.
func TestHelmCommand(t *testing.T) {
	need(t, "helm")
	_, after, _ := strings.Cut(docs.Read(t, "docs/guide/install.md"), "\nhelm install personalize-monitor ")
	command, _, _ := strings.Cut(after, "\n")
	args := strings.Fields(strings.Replace(command, `"$(openssl rand -hex 16)"`, token, 1))
	out := run(t, "helm", append([]string{"template", "personalize-monitor"}, slices.DeleteFunc(args, func(s string) bool { return s == "--wait" })...)...)
	for _, part := range []string{"image: \"registry.example.com/personalize-monitor:" + releaseVersion(t) + `"`, "kind: StatefulSet\nmetadata:\n  name: personalize-monitor\n"} {
		if !strings.Contains(out, part) {
			t.Errorf("%q is missing:\n%s", part, out)
		}
	}
}

// The workflow in the guide uses inputs that the action has.
func TestWorkflowInTheGuide(t *testing.T) {
	type action struct{ Inputs map[string]any }
	inputs := decode[action](t, read(t, "action.yml")).Inputs
	steps := 0
	for _, block := range docs.Blocks(docs.Read(t, "docs/guide/install.md")) {
		if block.Language != "yaml" {
			continue
		}
		workflow := decode[struct {
			Permissions map[string]string
			Jobs        map[string]struct {
				Steps []struct {
					Uses string
					With map[string]string
				}
			}
		}](t, block.Text)
		for _, job := range workflow.Jobs {
			for _, step := range job.Steps {
				if !strings.HasPrefix(step.Uses, "personalize-monitor/") {
					continue
				}
				steps++
				for name := range maps.Keys(step.With) {
					if _, ok := inputs[name]; !ok {
						t.Errorf("the action has no input %s", name)
					}
				}
			}
		}
		if workflow.Permissions["pull-requests"] != "write" {
			t.Errorf("it cannot comment: %v", workflow.Permissions)
		}
	}
	if steps == 0 {
		t.Error("the guide has no workflow")
	}
}
