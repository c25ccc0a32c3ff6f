package cli_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/goccy/go-yaml"

	"github.com/personalize-monitor/personalize-monitor/internal/accounts"
	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cli"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/rules"
	"github.com/personalize-monitor/personalize-monitor/test/docs"
)

// example is a command in a document.
type example struct {
	page  string
	words []string
	input string // what a pipe gives it
	shows string // the output that the document has below it, if any
}

func (e example) String() string { return e.page + ": " + strings.Join(e.words, " ") }

// Each command in the documents and in the help texts works. Those of the program run, against an embedded AWS that
// has what they name; of the others, what they name exists.
func TestDocsExamples(t *testing.T) {
	var examples []example
	files := map[string]string{}
	for _, page := range docs.Pages(t) {
		if page == "CHANGELOG.md" {
			continue
		}
		first := -1 // the first command of the last block
		for _, block := range docs.Blocks(docs.Read(t, page)) {
			switch {
			case block.Language == "sh":
				first = len(examples)
				examples = append(examples, parseShell(t, page, block.Text)...)
			case block.Language == "yaml" && strings.Contains(block.Text, "datasetGroups:"):
				name := fmt.Sprintf("estate%d.yaml", len(files))
				files[name], files["estate.yaml"], files["my-estate.yaml"] = block.Text, block.Text, block.Text
				examples = append(examples, example{page: page, words: []string{"personalize-monitor", "plan", "--local", "--estate", name}})
			case block.Language == "yaml" && strings.Contains(block.Text, "currency:"):
				name := fmt.Sprintf("prices%d.yaml", len(files))
				files[name], files["prices.yaml"] = block.Text, block.Text
				examples = append(examples, example{page: page, words: []string{"personalize-monitor", "plan", "--local", "--prices", name}})
			case block.Language == "yaml" && strings.Contains(block.Text, "roleArn:"):
				files["accounts.yaml"] = block.Text
			case block.Language == "yaml" && strings.Contains(block.Text, "sts:ExternalId"):
				checkRole(t, page, block.Text)
			case block.Language == "yaml" && (page == "docs/guide/kubernetes.md" || page == "docs/guide/install.md"): // test/release uses them
			case block.Language == "yaml":
				t.Errorf("%s: no test knows this YAML:\n%s", page, block.Text)
			case block.Language == "" && first >= 0:
				examples[first].shows = block.Text
			}
			if block.Language != "sh" {
				first = -1
			}
		}
	}
	if files["prices.yaml"] == "" || files["estate.yaml"] == "" {
		t.Fatal("the documents have no price file or no estate file")
	}
	makefile, root := docs.Read(t, "Makefile"), docs.Root(t)
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, e := range examples {
		named = append(named, strings.Join(e.words, " "), e.input)
	}
	bed := newExampleBed(t, files, strings.Join(named, " "))
	ran := map[string]int{}
	done := map[string]bool{}
	for _, e := range examples {
		line := strings.Join(e.words, " ")
		if done[line] && e.shows == "" {
			continue
		}
		done[line] = true
		program := e.words[0]
		switch {
		case program == "personalize-monitor":
			bed.run(t, e, e.words[1:])
		case strings.HasPrefix(line, "go run ./cmd/personalize-monitor "):
			program = "personalize-monitor"
			bed.run(t, e, e.words[3:])
		case program == "go":
			checkGo(t, e, root)
		case program == "make":
			if !regexp.MustCompile(`(?m)^` + e.words[1] + `:`).MatchString(makefile) {
				t.Errorf("%s: there is no such target", e)
			}
		case program == "aws":
			checkAWS(t, e, files)
		case strings.HasPrefix(program, "./"):
			if _, err := os.Stat(filepath.Join(root, program)); err != nil {
				t.Errorf("%s: %v", e, err)
			}
		case !slices.Contains([]string{"cd", "export", "git", "kill", "sam", "gofmt", "golangci-lint", "jq", "buildah", "docker", "helm", "kubectl", "terraform", "convert"}, program):
			t.Errorf("%s: no test knows this program", e)
		}
		ran[program]++
	}
	if ran["personalize-monitor"] < 40 || ran["make"] < 3 || ran["go"] < 5 || ran["aws"] < 8 {
		t.Errorf("too few examples were found: %v", ran)
	}
}

// parseShell reads the commands of a block: words with their quotes, pipes, lists and comments, which is all that documents need.
func parseShell(t *testing.T, page, block string) []example {
	t.Helper()
	var list []example
	current, word := example{page: page}, ""
	inWord, skip, piped := false, false, ""
	endWord := func() {
		switch {
		case !inWord:
		case skip: // the name of a file that gets the output
			skip = false
		case len(current.words) == 0 && regexp.MustCompile(`^[A-Z_]+=`).MatchString(word): // a variable of one command
		default:
			current.words = append(current.words, word)
		}
		word, inWord = "", false
	}
	endCommand := func() {
		endWord()
		if len(current.words) > 0 {
			current.input = piped
			list = append(list, current)
		}
		current, piped = example{page: page}, ""
	}
	for i := 0; i < len(block); i++ {
		rest := block[i:]
		switch c := block[i]; {
		case strings.HasPrefix(rest, "\\\n"):
			endWord()
			i++
		case c == '\'' || c == '"':
			inside, _, closed := strings.Cut(rest[1:], string(c))
			if !closed {
				t.Fatalf("%s: a quote does not end: %s", page, rest)
			}
			word, inWord, i = word+inside, true, i+len(inside)+1
		case c == '#' && !inWord:
			comment, _, _ := strings.Cut(rest, "\n")
			i += len(comment) - 1
		case c == '|':
			endWord()
			from := current.words
			endCommand()
			if piped = "[]"; len(from) == 2 && from[0] == "echo" {
				piped = from[1]
				list = list[:len(list)-1]
			}
		case c == '&' || c == '\n' || c == ';':
			endCommand()
		case c == '>':
			endWord()
			skip = true
		case c == ' ':
			endWord()
		default:
			word, inWord = word+block[i:i+1], true
		}
	}
	endCommand()
	return list
}

func TestShellOfExamplesIsRead(t *testing.T) {
	block := "# all\nA=1 x 'a  b' --c=\"d e\"f # no\necho '{\"k\": 1}' | y - && z \\\n  last > file\nw &\n"
	var got []string
	for _, e := range parseShell(t, "", block) {
		got = append(got, strings.Join(e.words, ",")+"<"+e.input)
	}
	if want := []string{"x,a  b,--c=d ef<", `y,-<{"k": 1}`, "z,last<", "w<"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// exampleBed is where examples run: a folder with the files that they name, and settings of AWS.
type exampleBed struct{ estate localaws.Estate }

// exampleReason is why an endpoint went from 10 to 7, as the guide shows it.
const exampleReason = "step down from 10 to 7: lowest level reached 3 times: 7.4 TPS (336 of 336 h known)"

// newExampleBed makes a bed with the campaigns and recommenders that a text names, and a record of each campaign.
func newExampleBed(t *testing.T, files map[string]string, named string) exampleBed {
	t.Helper()
	var regions []localaws.EstateRegion
	var records []string
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		group := localaws.EstateDatasetGroup{Name: "shop", Domain: "ECOMMERCE"}
		arns := regexp.MustCompile(`arn:aws:personalize:`+region+`:123456789012:(campaign|recommender|solution)/([a-z-]+)`).FindAllStringSubmatch(named, -1)
		slices.SortFunc(arns, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
		for _, arn := range slices.CompactFunc(arns, func(a, b []string) bool { return a[0] == b[0] }) {
			endpoint := localaws.EstateEndpoint{
				Name: arn[2], Recipe: "aws-user-personalization", Age: 60 * 24 * time.Hour, Traffic: localaws.EstateTraffic{Shape: "constant", TPS: 8},
			}
			if arn[1] == "solution" {
				group.Solutions = append(group.Solutions, localaws.EstateSolution{Name: arn[2], Recipe: endpoint.Recipe})
				continue
			}
			if arn[1] == "recommender" {
				endpoint.Recipe = "aws-ecomm-recommended-for-you"
				group.Recommenders = append(group.Recommenders, localaws.EstateRecommender{MinRPS: 2, EstateEndpoint: endpoint})
				continue
			}
			group.Campaigns = append(group.Campaigns, localaws.EstateCampaign{MinTPS: 7, EstateEndpoint: endpoint})
			records = append(records, exampleRecord(region, arn[2]))
		}
		regions = append(regions, localaws.EstateRegion{Name: region, DatasetGroups: []localaws.EstateDatasetGroup{group}})
	}
	records = append(records, exampleRecord("eu-west-1", "home")) // as the guide shows it
	var counts strings.Builder
	counts.WriteString("timestamp,value\n")
	for i := range 3 * 288 {
		fmt.Fprintf(&counts, "%s,%d\n", time.Date(2026, 1, 1, 0, 5*i, 0, 0, time.UTC).Format(time.DateTime), 20*300)
	}
	files["counts.csv"] = counts.String()
	files["audit.jsonl"] = strings.Join(records, "\n") + "\n"
	files["deleted.json"] = `{"source":"personalize.monitor","detail":{"Audit":` + exampleRecord("eu-west-1", "home-page") + `}}`
	files["token"] = "a-token-of-16-characters-or-more\n"
	files["config"] = "[profile shop-production]\nregion = us-east-1\naws_access_key_id = local\naws_secret_access_key = local\n"
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": filepath.Join(dir, "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none"),
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
		"AutoCreateIdleAlarms": "No", "AutoCreateUtilizationAlarms": "No", // which wait, three a second
	} {
		t.Setenv(name, value)
	}
	estate := localaws.Estate{Account: "123456789012", Monitored: 24 * time.Hour, Regions: regions, Accounts: exampleAccounts(t, files["accounts.yaml"])}
	if role := regexp.MustCompile(`--role-arn (arn:aws:iam::123456789012:role/\S+)`).FindStringSubmatch(named); role != nil {
		estate.Accounts = append(estate.Accounts, localaws.EstateAccount{ID: estate.Account, Role: role[1]})
	}
	return exampleBed{estate}
}

// exampleAccounts are the accounts that a file names, each with a campaign, and one that has no role.
func exampleAccounts(t *testing.T, file string) []localaws.EstateAccount {
	t.Helper()
	if file == "" {
		return nil
	}
	entries, err := accounts.ParseFile("accounts.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	list := []localaws.EstateAccount{{ID: "999999999999", Name: "sandbox"}}
	for _, e := range entries {
		list = append(list, localaws.EstateAccount{ID: e.ID, Name: e.Name, Role: e.Role.Name(), Regions: []localaws.EstateRegion{{
			Name: "us-east-1", DatasetGroups: []localaws.EstateDatasetGroup{{Name: "shop", Campaigns: []localaws.EstateCampaign{{
				MinTPS: 2, EstateEndpoint: localaws.EstateEndpoint{
					Name: "home", Recipe: "aws-user-personalization", Age: 60 * 24 * time.Hour, Traffic: localaws.EstateTraffic{Shape: "constant", TPS: 8},
				},
			}}}},
		}}})
	}
	return list
}

// checkRole checks the template of a role: the hub assumes it, with the external id alone.
func checkRole(t *testing.T, page, text string) {
	t.Helper()
	var template struct {
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				Trust struct {
					Statement []struct {
						Effect    string                       `yaml:"Effect"`
						Action    string                       `yaml:"Action"`
						Condition map[string]map[string]string `yaml:"Condition"`
					} `yaml:"Statement"`
				} `yaml:"AssumeRolePolicyDocument"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal([]byte(text), &template); err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	role := template.Resources["Role"]
	statements := role.Properties.Trust.Statement
	if role.Type != "AWS::IAM::Role" || len(statements) != 1 || statements[0].Action != "sts:AssumeRole" || statements[0].Effect != "Allow" ||
		statements[0].Condition["StringEquals"]["sts:ExternalId"] == "" {
		t.Errorf("%s: the role is %+v", page, role)
	}
}

// exampleRecord is the audit record of a step-down.
func exampleRecord(region, name string) string {
	return fmt.Sprintf(`{"time":"2026-07-01T10:00:00Z","arn":"arn:aws:personalize:%s:123456789012:campaign/%s","kind":"campaign","region":%q,`+
		`"action":"update-tps","outcome":"done","automatic":true,"reason":%q,"newMinTPS":7,`+
		`"before":{"name":%q,"status":"ACTIVE","minTPS":10,"tags":null}}`, region, name, region, exampleReason, name)
}

// run runs a command of the program against a new AWS. Its questions are answered with yes.
func (b exampleBed) run(t *testing.T, e example, args []string) {
	t.Helper()
	server, err := localaws.New(b.estate)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	defer web.Close()
	t.Setenv("AWS_ENDPOINT_URL", web.URL)
	args = slices.Clone(args)
	ends := true
	switch command := args[0]; {
	case command == "demo": // other tests run it; this one reads the flags
		args = append(args, "--help")
	case command == "serve" || command == "localaws":
		args, ends = append(args, "--listen", "127.0.0.1:0"), false
	case command == "restore":
		args = append(args, "--no-wait")
	case slices.Equal(args[:min(2, len(args))], []string{"history", "-"}): // of what the pipe prints
		e.input = exampleRecord("us-east-1", "home") + "\n"
	}
	if i := slices.Index(args, "--until"); i > 0 && args[0] == "update-tps" { // a time to come
		args[i+1] = time.Now().UTC().Add(72 * time.Hour).Format(time.RFC3339)
	}
	for i, arg := range args {
		if strings.HasSuffix(arg, "…") { // a word that the help shortens
			args[i] = base64.RawURLEncoding.EncodeToString([]byte(exampleRecord("us-east-1", "home")))
		}
		if arg == "--log-group" {
			putExampleLogs(t, web.URL, strings.TrimSuffix(args[i+1], "*")+"monitor")
		}
	}
	code, out, errs := runExample(t, e, args, ends)
	if code == cli.ExitUsage && strings.Contains(errs, "add --yes") {
		code, out, errs = runExample(t, e, append(args, "--yes"), ends)
	}
	if code != cli.ExitDone && (code != cli.ExitChanges || args[0] != "plan") {
		t.Errorf("%s: exit code %d:\n%s%s", e, code, out, errs)
	}
	if e.shows == "" || args[0] == "demo" { // whose output another test holds
		return
	}
	printed := withoutNumbers(out)
	for line := range strings.Lines(e.shows) {
		if strings.TrimSpace(line) != "..." && !strings.Contains("\n"+printed, "\n"+withoutNumbers(line)) {
			t.Errorf("%s: it does not print %q:\n%s", e, line, out)
		}
	}
}

// runExample runs a command once. One that does not end is stopped when it listens.
func runExample(t *testing.T, e example, args []string, ends bool) (code int, out, errs string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout bytes.Buffer
	stderr := newOutput()
	s := cli.Streams{In: strings.NewReader(e.input), Out: &stdout, Err: stderr, Env: os.LookupEnv}
	codes := make(chan int, 1)
	go func() { codes <- cli.Run(ctx, args, "test", s) }()
	if !ends {
		stderr.wait(t, `(http://\S+)`, make(chan struct{}))
		cancel()
	}
	return <-codes, stdout.String(), stderr.String()
}

// withoutNumbers is a text in which all numbers, and all gaps, are alike: those of traffic differ with the time of day.
func withoutNumbers(text string) string {
	return regexp.MustCompile(` +`).ReplaceAllString(regexp.MustCompile(`[0-9]+([.,][0-9]+)*`).ReplaceAllString(text, "0"), " ")
}

// putExampleLogs makes a log group with a record.
func putExampleLogs(t *testing.T, url, group string) {
	t.Helper()
	client := cloudwatchlogs.NewFromConfig(awsapi.LocalConfig("us-east-1", url, "local", nil))
	_, err := client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group})
	if err == nil {
		_, err = client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: aws.String("s")})
	}
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		for _, name := range []string{"home", "home-page"} {
			if err == nil {
				_, err = client.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
					LogGroupName: &group, LogStreamName: aws.String("s"),
					LogEvents: []types.InputLogEvent{{
						Timestamp: aws.Int64(time.Now().UnixMilli()), Message: aws.String(`{"level":"INFO","msg":"audit","audit":` + exampleRecord(region, name) + `}`),
					}},
				})
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// checkGo checks that what a go command names exists.
func checkGo(t *testing.T, e example, root string) {
	t.Helper()
	for i, word := range e.words {
		path, _, _ := strings.Cut(strings.TrimPrefix(word, "github.com/personalize-monitor/personalize-monitor/"), "@")
		path = strings.TrimPrefix(path, "./")
		switch {
		case word == "./..." || i < 2:
		case strings.HasPrefix(word, "./") || path != word:
			if info, err := os.Stat(filepath.Join(root, path)); err != nil || !info.IsDir() {
				t.Errorf("%s: there is no %s", e, path)
			}
		case e.words[i-1] == "-bench" || e.words[i-1] == "-run" && word != "^$":
			kind := map[string]string{"-bench": "Benchmark", "-run": ""}[e.words[i-1]]
			name, _, _ := strings.Cut(word, "/")
			if !declares(t, filepath.Join(root, e.words[2]), "func "+kind+name+"(") {
				t.Errorf("%s: there is no %s", e, name)
			}
		}
	}
}

// declares reports whether a test file of a package has the text.
func declares(t *testing.T, dir, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(data), text)
	})
}

// checkAWS checks what a command of the AWS CLI sends to the program. Commands for other services have their form alone.
func checkAWS(t *testing.T, e example, files map[string]string) {
	t.Helper()
	value := func(flag string) string {
		i := slices.Index(e.words, flag)
		if i < 0 || i+1 == len(e.words) {
			t.Fatalf("%s: it has no %s", e, flag)
		}
		return e.words[i+1]
	}
	decode := func(text string, into any) {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
	}
	request := func(source, detailType, detail string) {
		if events.DetailType(detailType) == events.BuildDashboard { // whose detail may be empty
			return
		}
		req, err := events.Decode(fmt.Appendf(nil, `{"detail-type":%q,"detail":%s}`, detailType, detail))
		if err == nil {
			err = req.Validate(req.Action())
		}
		if err != nil || req.Automatic() || source != events.Source {
			t.Errorf("%s: source %s: %v", e, source, err)
		}
	}
	switch command := e.words[1] + " " + e.words[2]; command {
	case "events put-events":
		var entries []struct{ Source, DetailType, Detail string }
		decode(value("--entries"), &entries)
		for _, entry := range entries {
			request(entry.Source, entry.DetailType, entry.Detail)
		}
	case "scheduler create-schedule":
		var target struct {
			EventBridgeParameters struct{ Source, DetailType string }
			Input                 string
		}
		decode(value("--target"), &target)
		request(target.EventBridgeParameters.Source, target.EventBridgeParameters.DetailType, target.Input)
	case "events put-rule":
		var pattern map[string][]string
		decode(value("--event-pattern"), &pattern)
		for _, detailType := range pattern["detail-type"] {
			if !slices.Contains(events.NotificationTypes(), events.DetailType(detailType)) {
				t.Errorf("%s: there is no notification %s", e, detailType)
			}
		}
		if !slices.Equal(pattern["source"], []string{events.Source}) {
			t.Errorf("%s: source %s", e, pattern["source"])
		}
	case "personalize tag-resource":
		key, tag, _ := strings.Cut(strings.TrimPrefix(value("--tags"), "tagKey="), ",tagValue=")
		now := time.Date(2027, 1, 31, 23, 0, 0, 0, time.UTC)
		why := rules.Protected(map[string]string{key: tag}, rules.Delete, now)
		if why == "" || strings.Contains(why, "not clear") || rules.Protected(map[string]string{key: tag}, rules.StepDown, now) != "" {
			t.Errorf("%s: the tag does not protect from a deletion alone: %q", e, why)
		}
	case "sts assume-role": // a role of an estate in the documents
		granted := false
		for name, text := range files {
			if !strings.Contains(text, "accounts:") || strings.Contains(text, "roleArn:") {
				continue
			}
			estate, err := localaws.ParseEstate([]byte(text), name, nil)
			if err != nil {
				t.Errorf("%s: %v", e, err)
			}
			granted = granted || slices.ContainsFunc(estate.Accounts, func(a localaws.EstateAccount) bool {
				return a.RoleARN("us-east-1") == value("--role-arn") && a.ExternalID == value("--external-id")
			})
		}
		if !granted {
			t.Errorf("%s: no estate in the documents has this role with this external id", e)
		}
	case "events put-targets", "lambda add-permission", "lambda invoke", "cloudwatch describe-alarms", "logs tail", "sqs receive-message", "sqs delete-message",
		"cloudformation package", "cloudformation create-stack-set", "cloudformation create-stack-instances":
	default:
		t.Errorf("%s: no test knows this command", e)
	}
}

// Each value of the protecting tag in the guide protects as the guide states.
func TestDocsProtectingTags(t *testing.T) {
	now := time.Date(2027, 1, 31, 23, 0, 0, 0, time.UTC)
	rows := regexp.MustCompile("(?m)^\\| (`[^|]*`) \\| ([^|]*) \\|$").FindAllStringSubmatch(docs.Read(t, "docs/guide/protect-and-undo.md"), -1)
	if len(rows) < 5 {
		t.Errorf("only %d rows were found", len(rows))
	}
	for _, row := range rows {
		for value := range strings.SplitSeq(strings.ReplaceAll(row[1], "`", ""), ", ") {
			protects := func(verdict rules.Verdict, at time.Time) bool {
				why := rules.Protected(map[string]string{rules.ProtectTag: value}, verdict, at)
				return why != "" && !strings.Contains(why, "not clear")
			}
			all, stops := strings.HasPrefix(row[2], "everything"), strings.HasPrefix(row[2], "a stop and a deletion")
			if protects(rules.Delete, now) != (all || stops) || protects(rules.Stop, now) != (all || stops) || protects(rules.StepDown, now) != (all || !stops) {
				t.Errorf("%s does not protect from %s", value, row[2])
			}
			if ends := strings.Contains(row[2], "to the end of that day"); ends == protects(rules.Delete, now.Add(time.Hour)) && value != "tps" {
				t.Errorf("%s: wrong on the next day", value)
			}
		}
	}
}
