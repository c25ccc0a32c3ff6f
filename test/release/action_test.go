package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeGH is gh as far as the action uses it: it lists comments of a pull request, and writes down what it is given.
const fakeGH = `#!/bin/sh
[ "$GH_TOKEN" = secret-of-the-job ] || exit 4
case "$*" in
"api user "*) [ -n "$GH_LOGIN" ] || { echo '{"message":"Resource not accessible by integration"}'; exit 1; }; echo "$GH_LOGIN" ;;
"api --paginate "*) cat "$GH_COMMENTS" ;;
*) echo "$*" >>"$GH_CALLS"; cat >"$GH_BODY"; exit "${GH_EXIT:-0}" ;;
esac
`

// job is a run of the action in a job.
type job struct {
	out, outputs, summary, call, body string
	code                              int
}

// runAction runs the script of the action against an embedded AWS, with inputs and variables of the environment.
func runAction(t *testing.T, comments string, env ...string) job {
	t.Helper()
	need(t, "bash", "jq")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"gh": fakeGH, "comments": comments, "event": `{"pull_request":{"number":7}}`, "outputs": "", "summary": "", "calls": "", "body": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", root+"/deploy/action/plan.sh")
	cmd.Env = append([]string{
		"PATH=" + dir + ":" + os.Getenv("PATH"), "PERSONALIZE_MONITOR=" + program(t), "GITHUB_ACTION_PATH=" + dir, "GH_TOKEN=secret-of-the-job",
		"GITHUB_OUTPUT=" + dir + "/outputs", "GITHUB_STEP_SUMMARY=" + dir + "/summary", "GITHUB_EVENT_PATH=" + dir + "/event",
		"GITHUB_REPOSITORY=shop/infrastructure", "GH_COMMENTS=" + dir + "/comments", "GH_CALLS=" + dir + "/calls", "GH_BODY=" + dir + "/body",
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_REGION=us-east-1",
	}, env...)
	out, err := cmd.CombinedOutput()
	j := job{out: string(out), code: cmd.ProcessState.ExitCode()}
	if err != nil && j.code < 0 {
		t.Fatal(err)
	}
	for name, field := range map[string]*string{"outputs": &j.outputs, "summary": &j.summary, "calls": &j.call, "body": &j.body} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		*field = strings.TrimSpace(string(text))
	}
	if strings.Contains(j.out+j.summary+j.body, "secret-of-the-job") {
		t.Errorf("the token is printed:\n%s\n%s\n%s", j.out, j.summary, j.body)
	}
	return j
}

// The action comments with the plan of an account, in one comment for each title.
func TestActionComments(t *testing.T) {
	need(t, "bash", "jq")
	cmd := exec.CommandContext(t.Context(), program(t), "localaws", "--listen", "127.0.0.1:0")
	url, stop := listen(t, cmd)
	defer stop()
	endpoint := "AWS_ENDPOINT_URL=" + url
	marker := "<!-- personalize-monitor plan: Shop -->"

	first := runAction(t, `[{"id":1,"body":"Nice"}][{"id":2,"body":"<!-- personalize-monitor plan: Other -->"}]`, endpoint, "INPUT_TITLE=Shop", "INPUT_REGIONS=us-east-1",
		"INPUT_FLAGS=--auto-delete-or-stop-idle=dryrun\n\n--idle-threshold-hours=48")
	want := job{
		out: first.out, outputs: "changes=true\nexit-code=10", summary: first.summary, body: first.body,
		call: "api --silent --method POST repos/shop/infrastructure/issues/7/comments --input -",
	}
	if diff := cmp.Diff(want, first, cmp.AllowUnexported(job{})); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, first.out)
	}
	for _, part := range []string{marker, "### Shop: plan", "Something would change.", "shop-similar-items", "step-down → 30", "Nothing was written to AWS."} {
		if !strings.Contains(first.summary, part) || !strings.Contains(first.body, strings.NewReplacer("→", "→").Replace(part)) {
			t.Errorf("%q is missing:\n%s\n%s", part, first.summary, first.body)
		}
	}
	if strings.Contains(first.body, "123456789012") {
		t.Errorf("the comment has the number of the account:\n%s", first.body)
	}

	again := runAction(t, `[{"id":1,"body":"`+marker+`","user":{"type":"User"}},{"id":42,"body":"`+marker+`\nold","user":{"type":"Bot"}}]`, endpoint, "INPUT_TITLE=Shop")
	if want := "api --silent --method PATCH repos/shop/infrastructure/issues/comments/42 --input -"; again.call != want || again.code != 0 {
		t.Errorf("exit code %d, gh %s\n%s", again.code, again.call, again.out)
	}
	// The token of a person: the comments of others are not ours, those of bots included.
	own := runAction(t, `[{"id":42,"body":"`+marker+`","user":{"type":"Bot","login":"x[bot]"}},{"id":43,"body":"`+marker+`","user":{"type":"User","login":"mia"}}]`,
		endpoint, "INPUT_TITLE=Shop", "GH_LOGIN=mia")
	if want := "api --silent --method PATCH repos/shop/infrastructure/issues/comments/43 --input -"; own.call != want || own.code != 0 {
		t.Errorf("exit code %d, gh %s\n%s", own.code, own.call, own.out)
	}
	// A fork's token cannot write: the plan is in the summary.
	denied := runAction(t, `[]`, endpoint, "GH_EXIT=1")
	if denied.code != 0 || !strings.Contains(denied.out, "::warning title=Personalize Monitor::the comment could not be written") || denied.summary == "" {
		t.Errorf("exit code %d\n%s\n%s", denied.code, denied.out, denied.summary)
	}
	silent := runAction(t, `[]`, endpoint, "INPUT_COMMENT=false")
	if silent.code != 0 || silent.call != "" || !strings.Contains(silent.summary, "shop-similar-items") {
		t.Errorf("exit code %d, gh %s\n%s", silent.code, silent.call, silent.summary)
	}
}

// Inputs are values: nothing in them is a command, an option or a command of the runner.
func TestActionQuotesItsInputs(t *testing.T) {
	evil := "`touch pwned` $(touch pwned); touch pwned\n::set-output name=x::y --> <script>"
	failed := runAction(t, `[]`, "INPUT_REGIONS="+evil, "INPUT_TITLE="+evil)
	if failed.code != 2 || failed.outputs != "changes=unknown\nexit-code=2" || !strings.Contains(failed.summary, "**The plan failed** with exit code 2.") {
		t.Errorf("exit code %d\n%s\n%s", failed.code, failed.outputs, failed.summary)
	}
	if _, err := os.Stat(filepath.Join(root, "pwned")); err == nil {
		t.Error("an input was executed")
	}
	stopped := regexp.MustCompile(`(?s)^::stop-commands::([0-9a-f]{32})\n.*set-output.*\n::([0-9a-f]{32})::\n`).FindStringSubmatch(failed.out)
	if stopped == nil || stopped[1] != stopped[2] {
		t.Errorf("the runner may read commands in the log of the program:\n%s", failed.out)
	}
	if strings.Count(failed.body, "-->") != 1 || strings.Contains(failed.body, "<script>") {
		t.Errorf("the title is more than text:\n%s", failed.body)
	}
	if j := runAction(t, `[]`, "INPUT_FLAGS=run"); j.code != 2 || !strings.Contains(j.out, "::error title=Personalize Monitor::") || j.call != "" {
		t.Errorf("exit code %d\n%s", j.code, j.out)
	}
}

// The program is built without the token, and without a variable of the job that make would read.
func TestActionBuilds(t *testing.T) {
	const plan = "#!/bin/sh\n[ -z \"$GH_TOKEN\" ] || exit 4\necho planned\nexit 3\n"
	dir := t.TempDir()
	for name, text := range map[string]string{
		"make": "#!/bin/sh\n[ -z \"$VERSION$GH_TOKEN\" ] || exit 5\n[ \"$*\" = \"--silent -C $GITHUB_ACTION_PATH build\" ] && cp \"$FAKE\" \"$3/personalize-monitor\"\n",
		"fake": plan,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	built := runAction(t, `[]`, "PERSONALIZE_MONITOR=", "FAKE="+filepath.Join(dir, "fake"), "VERSION=$(shell touch pwned)")
	if built.code != 3 || built.outputs != "changes=unknown\nexit-code=3" || !strings.Contains(built.body, "planned") ||
		!strings.Contains(built.body, "could not be read") {
		t.Errorf("exit code %d\n%s\n%s\n%s", built.code, built.outputs, built.body, built.out)
	}
}

// Inputs come to the script as variables, never in the text of a command, and no other action is used.
func TestActionIsSafe(t *testing.T) {
	type step struct {
		Run, Shell, Uses string
		Env              map[string]string
	}
	action := decode[struct {
		Inputs map[string]struct {
			Description, Default string
			Required             bool
		}
		Outputs map[string]struct{ Value string }
		Runs    struct {
			Using string
			Steps []step
		}
	}](t, read(t, "action.yml"))
	if action.Runs.Using != "composite" || len(action.Runs.Steps) != 1 {
		t.Fatalf("%+v", action.Runs)
	}
	only := action.Runs.Steps[0]
	if only.Run != `"$GITHUB_ACTION_PATH/deploy/action/plan.sh"` || only.Shell != "bash" || only.Uses != "" {
		t.Errorf("%+v", only)
	}
	var used []string
	script := read(t, "deploy/action/plan.sh")
	for variable, value := range only.Env {
		input := regexp.MustCompile(`^\$\{\{ inputs\.([a-z]+) \}\}$`).FindStringSubmatch(value)
		if input == nil || !strings.Contains(script, variable) {
			t.Errorf("%s: %s", variable, value)
			continue
		}
		used = append(used, input[1])
	}
	var inputs []string
	for name, input := range action.Inputs {
		inputs = append(inputs, name)
		if input.Description == "" || input.Required {
			t.Errorf("%s: %+v", name, input)
		}
	}
	slices.Sort(used)
	slices.Sort(inputs)
	if diff := cmp.Diff(inputs, used); diff != "" {
		t.Errorf("(-inputs +used)\n%s", diff)
	}
	for name := range action.Outputs {
		if !strings.Contains(script, `echo "`+name+"=") {
			t.Errorf("the script has no output %s", name)
		}
	}
	info, err := os.Stat(root + "/deploy/action/plan.sh")
	if err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("%v: it cannot be executed", err)
	}
}
