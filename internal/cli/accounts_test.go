package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/personalize"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/cli"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

const (
	north  = "222222222222"
	south  = "333333333333"
	hubID  = "111111111111"
	inTest = "us-east-1"
)

// shopIn is what one account has: campaigns with the same names in every account, and demand of its own.
func shopIn(random *rand.Rand) string {
	var text strings.Builder
	text.WriteString("      us-east-1:\n        datasetGroups:\n          - name: shop\n            campaigns:\n")
	for i := range 3 {
		minimum := 2 + random.IntN(30)
		traffic := fmt.Sprintf("{shape: constant, tps: %d}", 1+random.IntN(minimum))
		if random.IntN(3) == 0 {
			traffic = "{shape: stopped, tps: 1, since: 20d}"
		}
		fmt.Fprintf(&text, "              - {name: c%d, recipe: aws-user-personalization, minTPS: %d, age: 60d, traffic: %s}\n", i, minimum, traffic)
	}
	// Two that are idle in each account, of which a budget of one an hour lets one go.
	for _, name := range []string{"idle-a", "idle-b"} {
		fmt.Fprintf(&text, "              - {name: %s, recipe: aws-user-personalization, minTPS: %d, age: 90d, traffic: {shape: stopped, tps: 1, since: 30d}}\n",
			name, 2+random.IntN(9))
	}
	return text.String()
}

// twoAccounts is an embedded AWS with two accounts of equal names, and a file that names them.
type twoAccounts struct {
	t       *testing.T
	server  *localaws.Server
	url     string
	file    string
	audits  string
	clients map[string]*awsapi.Clients // of each account
}

func newTwoAccounts(t *testing.T, shops map[string]string) *twoAccounts {
	t.Helper()
	estate := "account: \"" + hubID + "\"\nmonitored: 30d\nlifeCycle: {delete: 1s}\nregions: {us-east-1: {}}\naccounts:\n"
	accounts := "accounts:\n"
	for _, id := range slices.Sorted(maps.Keys(shops)) {
		name := map[string]string{north: "north", south: "south"}[id]
		estate += fmt.Sprintf("  - id: %q\n    name: %s\n    role: Reader\n    externalId: %s-7\n", id, name, name)
		estate += "    regions:\n" + shops[id]
		accounts += fmt.Sprintf("  - {name: %s, roleArn: 'arn:aws:iam::%s:role/Reader', externalId: %s-7}\n", name, id, name)
	}
	parsed, err := localaws.ParseEstate([]byte(estate), "estate.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	server, err := localaws.New(parsed)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	t.Cleanup(endpoint.Close)
	dir := t.TempDir()
	b := &twoAccounts{
		t: t, server: server, url: endpoint.URL, file: filepath.Join(dir, "accounts.yaml"), audits: filepath.Join(dir, "audit.jsonl"),
		clients: map[string]*awsapi.Clients{},
	}
	if err := os.WriteFile(b.file, []byte(accounts), 0o600); err != nil {
		t.Fatal(err)
	}
	hub := awsapi.New(awsapi.Options{Config: awsapi.LocalConfig(inTest, endpoint.URL, "HUB", nil)})
	t.Cleanup(hub.Close)
	for id := range shops {
		settings := awsapi.LocalConfig(inTest, endpoint.URL, "HUB", nil)
		name := map[string]string{north: "north", south: "south"}[id]
		settings.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(hub.STS(inTest), "arn:aws:iam::"+id+":role/Reader",
			func(o *stscreds.AssumeRoleOptions) { o.ExternalID = aws.String(name + "-7") }))
		b.clients[id] = awsapi.New(awsapi.Options{Config: settings})
		t.Cleanup(b.clients[id].Close)
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "HUB", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": inTest, "AWS_MAX_ATTEMPTS": "1",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	return b
}

func (b *twoAccounts) command(ctx context.Context, args ...string) (code int, out, errs string) {
	var stdout, stderr safeBuffer
	streams := cli.Streams{Out: &stdout, Err: &stderr, Env: func(string) (string, bool) { return "", false }}
	code = cli.Run(ctx, append(args, "--endpoint-url", b.url, "--accounts", b.file, "--audit-file", b.audits), "test", streams)
	return code, stdout.String(), stderr.String()
}

// outcome is what a cycle that acts did in one account.
type outcome struct {
	Decisions map[string]string // by name
	Campaigns []string          // that are left
	Alarms    []string          // with their topics, the account aside
	Minimums  map[string]float64
	Audits    []string
	Window    model.Window
}

// act runs a cycle that acts in all accounts, and returns what it did in each.
func (b *twoAccounts) act(wantCode int) map[string]outcome {
	b.t.Helper()
	code, out, errs := b.command(b.t.Context(), "run", "--act", "--yes", "--output", "json", "--auto-delete-or-stop-idle", "yes", "--max-stops-per-hour", "1", "--auto-create-utilization-alarms", "no")
	if code != wantCode {
		b.t.Fatalf("exit code %d, want %d\n%s%s", code, wantCode, out, errs)
	}
	b.server.ClearFaults()
	var result struct {
		Window    model.Window
		Resources []struct{ ARN, Name, Account, Decision, Outcome string }
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		b.t.Fatal(err)
	}
	found := map[string]outcome{}
	for id := range b.clients {
		found[id] = outcome{Decisions: map[string]string{}, Window: result.Window, Minimums: b.minimums(id, result.Window), Alarms: b.alarms(id), Campaigns: b.campaigns(id)}
	}
	for _, r := range result.Resources {
		if !strings.Contains(r.ARN, ":"+r.Account+":") {
			b.t.Errorf("%s is shown in the account %s", r.ARN, r.Account)
		}
		found[r.Account].Decisions[r.Name] = r.Decision + " " + r.Outcome
	}
	for id, list := range b.records() {
		one := found[id]
		one.Audits = list
		found[id] = one
	}
	return found
}

func (b *twoAccounts) campaigns(id string) []string {
	b.t.Helper()
	out, err := b.clients[id].Personalize(inTest).ListCampaigns(b.t.Context(), &personalize.ListCampaignsInput{})
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, c := range out.Campaigns {
		if !strings.Contains(*c.CampaignArn, ":"+id+":") {
			b.t.Errorf("%s is in the account %s", *c.CampaignArn, id)
		}
		if !strings.HasPrefix(*c.Status, "DELETE") {
			names = append(names, *c.Name)
		}
	}
	slices.Sort(names)
	return names
}

// alarms are the alarms of an account, and whether each is about it and notifies a topic of it.
func (b *twoAccounts) alarms(id string) []string {
	out, err := b.clients[id].CloudWatch(inTest).DescribeAlarms(b.t.Context(), &cloudwatch.DescribeAlarmsInput{})
	if err != nil {
		return nil // denied
	}
	var list []string
	for _, a := range out.MetricAlarms {
		texts := []string{*a.AlarmName}
		for _, about := range append(a.AlarmActions, *a.Dimensions[0].Value) {
			if !strings.Contains(about, ":"+id+":") {
				b.t.Errorf("the alarm %s of %s is about %s", *a.AlarmName, id, about)
			}
			texts = append(texts, strings.ReplaceAll(about, id, "ID"))
		}
		list = append(list, strings.Join(texts, " "))
	}
	slices.Sort(list)
	return list
}

// minimums are the minimums published in an account, by name: of the campaigns of every account, so that
// one which is published elsewhere shows.
func (b *twoAccounts) minimums(id string, w model.Window) map[string]float64 {
	b.t.Helper()
	found := map[string]float64{}
	for owner := range b.clients {
		for _, name := range campaignNames {
			out, err := b.clients[id].CloudWatch(inTest).GetMetricData(b.t.Context(), &cloudwatch.GetMetricDataInput{
				StartTime: aws.Time(w.Start), EndTime: aws.Time(w.End),
				MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("m"), MetricStat: &types.MetricStat{
					Period: aws.Int32(300), Stat: aws.String("Average"), Metric: &types.Metric{
						Namespace: aws.String("PersonalizeMonitor"), MetricName: aws.String("minProvisionedTPS"),
						Dimensions: []types.Dimension{{Name: aws.String("CampaignArn"), Value: aws.String("arn:aws:personalize:" + inTest + ":" + owner + ":campaign/" + name)}},
					},
				}}},
			})
			if err != nil || len(out.MetricDataResults[0].Values) == 0 {
				continue
			}
			if owner != id {
				b.t.Errorf("a metric of %s of %s is in %s", name, owner, id)
			}
			found[name] = out.MetricDataResults[0].Values[0]
		}
	}
	return found
}

// records are the audit records of actions by account: name, action and outcome.
func (b *twoAccounts) records() map[string][]string {
	b.t.Helper()
	data, err := os.ReadFile(b.audits)
	if err != nil {
		b.t.Fatal(err)
	}
	found := map[string][]string{}
	for line := range strings.Lines(string(data)) {
		record, err := events.DecodeAudit([]byte(line))
		if err != nil {
			b.t.Fatal(err)
		}
		arn, err := model.ParseARN(record.ARN)
		if err != nil {
			b.t.Fatal(err)
		}
		found[arn.Account()] = append(found[arn.Account()], fmt.Sprintf("%s %s %s %d", arn.Name(), record.Action, record.Outcome, record.NewMinTPS))
	}
	for _, list := range found {
		slices.Sort(list)
	}
	return found
}

// sameWindow runs f, again if a new window began meanwhile.
func sameWindow(t *testing.T, f func()) {
	t.Helper()
	for range 3 {
		// Windows end 2 minutes after each fifth minute.
		before := time.Now().Add(-2 * time.Minute).Truncate(5 * time.Minute)
		f()
		if time.Now().Add(-2 * time.Minute).Truncate(5 * time.Minute).Equal(before) {
			return
		}
	}
}

// A cycle over two accounts with equal names does in each what a cycle over that account alone does: no
// mix-up in metrics, alarms, budgets, the audit log, or in undoing.
func TestAccountsWithEqualNamesDoNotMix(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 14))
			shops := map[string]string{north: shopIn(random), south: shopIn(random)}
			var both *twoAccounts
			var together, alone map[string]outcome
			sameWindow(t, func() {
				both = newTwoAccounts(t, shops)
				together, alone = both.act(0), map[string]outcome{}
				for id, shop := range shops {
					alone[id] = newTwoAccounts(t, map[string]string{id: shop}).act(0)[id]
				}
			})
			for id := range shops {
				if got, want := fmt.Sprint(together[id]), fmt.Sprint(alone[id]); got != want {
					t.Errorf("%s, with another account:\n%s\nalone:\n%s", id, got, want)
				}
				if len(together[id].Campaigns) != 4 || len(together[id].Minimums) != 5 || len(together[id].Alarms) != 4 {
					t.Errorf("%s: %v; want one of five campaigns deleted, and metrics and alarms of all", id, together[id])
				}
			}
			both.restores(t, together)
		})
	}
}

// restores undoes the deletion in each account, the last one first. What was deleted in the other one is as it was.
func (b *twoAccounts) restores(t *testing.T, before map[string]outcome) {
	t.Helper()
	from := filepath.Join(t.TempDir(), "records.jsonl")
	data, err := os.ReadFile(b.audits)
	if err == nil {
		err = os.WriteFile(from, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	left := map[string][]string{north: before[north].Campaigns, south: before[south].Campaigns}
	for _, id := range []string{south, north} {
		gone := ""
		for _, name := range campaignNames { // by the traffic of the hour, any may be idle
			if !slices.Contains(left[id], name) {
				gone = name
			}
		}
		arn := "arn:aws:personalize:" + inTest + ":" + id + ":campaign/" + gone
		if code, out, errs := b.command(t.Context(), "restore", arn, "--from", from, "--yes", "--no-wait"); code != 0 || !strings.Contains(errs, "account "+id) {
			t.Fatalf("exit code %d\n%s%s", code, out, errs)
		}
		left[id] = campaignNames
		for of, want := range left {
			if got := b.campaigns(of); !slices.Equal(got, want) {
				t.Errorf("%s was restored: %s has %v, want %v", arn, of, got, want)
			}
		}
	}
	// An account that is not in the file is not reached with the credentials of another.
	other := "arn:aws:personalize:" + inTest + ":444444444444:campaign/c0"
	if code, _, errs := b.command(t.Context(), "update-tps", other, "3"); code != 2 || !strings.Contains(errs, "not among the accounts") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// campaignNames are those of shopIn.
var campaignNames = []string{"c0", "c1", "c2", "idle-a", "idle-b"}

// An account that is denied half-way, after whichever call, costs the other one nothing. What was done in it until then is on
// record, and no more was done.
func TestAnAccountDeniedHalfWay(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	shops := map[string]string{north: shopIn(random), south: shopIn(random)}
	var faults []string // if all was in one window
	sameWindow(t, func() {
		faults = nil
		fault := func(format string, a ...any) { faults = append(faults, fmt.Sprintf(format, a...)) }
		one := newTwoAccounts(t, map[string]string{north: shops[north]})
		alone := one.act(0)
		whole := newTwoAccounts(t, map[string]string{south: shops[south]})
		before := whole.act(0)[south]
		calls := 0
		for operation, n := range whole.server.Calls() {
			if !strings.HasPrefix(operation, "sts.") {
				calls += n
			}
		}
		cuts := map[int]bool{} // by the number of records
		for part := range 4 {
			b := newTwoAccounts(t, shops)
			b.server.AddFault(localaws.Fault{Account: south, Kind: localaws.Denied, Skip: calls * part / 4})
			denied := b.act(3)
			if got, want := fmt.Sprint(denied[north]), fmt.Sprint(alone[north]); got != want {
				fault("%s, beside one that is denied after %d quarters of its calls:\n%s\nalone:\n%s", north, part, got, want)
			}
			left, records := denied[south].Campaigns, denied[south].Audits
			for _, name := range campaignNames {
				deleted, onRecord := !slices.Contains(left, name), slices.Contains(records, name+" delete-campaign done 0")
				if deleted != onRecord {
					fault("denied after %d quarters: %s deleted: %t, on record: %v", part, name, deleted, records)
				}
			}
			// The history of the embedded AWS has minimums, too: what was published is counted.
			published, byOne := b.server.Calls()["cloudwatch.PutMetricData"], one.server.Calls()["cloudwatch.PutMetricData"]
			if part == 0 && (len(left) != 5 || len(records) > 0 || len(denied[south].Alarms) > 0 || published != byOne) {
				fault("denied at once: %v; metrics were published %d times, by %s alone %d times", denied[south], published, north, byOne)
			}
			cuts[len(records)] = true
		}
		if len(cuts) < 2 || len(before.Audits) == 0 {
			fault("no cut is half-way: %v", cuts)
		}
	})
	for _, text := range faults {
		t.Error(text)
	}
}

// Ctrl-C in the middle of what is done in two accounts: what was begun is finished and reported, the rest is named, and the
// next run does it. Nothing is done twice.
func TestAnInterruptedRunInTwoAccounts(t *testing.T) {
	shop := "      us-east-1:\n        datasetGroups:\n          - name: shop\n            campaigns:\n" +
		"              - {name: c, copies: 9, recipe: aws-user-personalization-v2, minTPS: 20, age: 60d, traffic: {shape: constant, tps: 6.5}}\n"
	b := newTwoAccounts(t, map[string]string{north: shop, south: shop})
	ctx, interrupt := context.WithCancel(t.Context())
	updates := atomic.Int32{}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateCampaign") && updates.Add(1) == 4 {
			interrupt()
		}
		b.server.ServeHTTP(w, r)
	}))
	t.Cleanup(endpoint.Close)
	b.url = endpoint.URL
	type outcome struct{ ARN, Account, Decision, Outcome, Reason string }
	run := func(ctx context.Context) (code int, done []string, left []outcome, problems, errs string) {
		code, out, errs := b.command(ctx, "run", "--act", "--output", "json", "--auto-create-utilization-alarms", "no", "--auto-create-idle-alarms", "no")
		var result struct {
			Resources []outcome
			Problems  []json.RawMessage
		}
		if err := json.Unmarshal([]byte(out), &result); err != nil || len(result.Resources) != 18 {
			t.Fatalf("exit code %d, %d resources, %v\n%s%s", code, len(result.Resources), err, out, errs)
		}
		for _, r := range result.Resources {
			switch {
			case r.Decision == "step-down" && r.Outcome == "done":
				done = append(done, r.ARN)
			case r.Decision != "none":
				left = append(left, r)
			}
		}
		for _, p := range result.Problems {
			problems += string(p) + "\n"
		}
		return code, done, left, problems, errs
	}
	code, first, left, problems, errs := run(ctx)
	if code != 1 || !strings.Contains(errs, "personalize-monitor: interrupted: the next run continues with what was not done") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if len(first) == 0 || len(left) == 0 || len(first)+len(left) != 18 {
		t.Fatalf("%d done, %d left: %v", len(first), len(left), left)
	}
	for _, arn := range first {
		if !strings.Contains(errs, "personalize-monitor update-tps "+arn+" 20 --accounts") {
			t.Errorf("how to undo %s is not shown: %s", arn, errs)
		}
	}
	for _, r := range left {
		if r.Decision != "step-down" || !strings.HasPrefix(r.Outcome, "failed") || !strings.Contains(problems, r.ARN) {
			t.Errorf("left and not explained: %+v\n%s", r, problems)
		}
	}
	code, second, left, problems, errs := run(t.Context())
	left = slices.DeleteFunc(left, func(r outcome) bool { // lowered before
		return slices.Contains(first, r.ARN) && strings.Contains(r.Reason, "an update is in progress")
	})
	if code != 0 || len(left) > 0 || len(first)+len(second) != 18 {
		t.Errorf("the next run: exit code %d, %d done after %d, left %v\n%s%s", code, len(second), len(first), left, problems, errs)
	}
	for _, arn := range second {
		if slices.Contains(first, arn) {
			t.Errorf("%s was lowered twice", arn)
		}
	}
	if n := b.server.Calls()["personalize.UpdateCampaign"]; n != 18 {
		t.Errorf("%d updates, want 18", n)
	}
	for id, list := range b.records() {
		done := 0
		for _, record := range list {
			if strings.Contains(record, " done 15") {
				done++
			}
		}
		if done != 9 {
			t.Errorf("the audit log of %s has %d updates, want 9: %v", id, done, list)
		}
	}
}

// Ctrl-C while the roles are assumed: nothing has begun, there is no result, and no role is to blame.
func TestInterruptedWhileRolesAreAssumed(t *testing.T) {
	shop := "      us-east-1: {}\n"
	b := newTwoAccounts(t, map[string]string{north: shop, south: shop})
	ctx, interrupt := context.WithCancel(t.Context())
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), "/sts/aws4_request") {
			interrupt()
		}
		b.server.ServeHTTP(w, r)
	}))
	t.Cleanup(endpoint.Close)
	b.url = endpoint.URL
	code, out, errs := b.command(ctx, "run", "--act")
	if code != 1 || out != "" || !strings.Contains(errs, "interrupted: ") || strings.Contains(errs, "role") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	for operation := range b.server.Calls() {
		if !strings.HasPrefix(operation, "sts.") {
			t.Errorf("%s was called", operation)
		}
	}
}

// Credentials that turn out to be of another account than the file has are not used.
func TestCredentialsOfAnotherAccountAreNotUsed(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	b := newTwoAccounts(t, map[string]string{north: shopIn(random), south: shopIn(random)})
	mistaken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		b.server.ServeHTTP(answer, r)
		body := answer.Body.String()
		if strings.Contains(body, "GetCallerIdentityResponse") {
			body = strings.ReplaceAll(body, north, south)
		}
		answer.Header().Del("Content-Length")
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(mistaken.Close)
	b.url = mistaken.URL
	code, out, errs := b.command(t.Context(), "plan")
	if code != 3 || !strings.Contains(out+errs, "the credentials belong to the account "+south) {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if strings.Contains(out, ":"+north+":") || !strings.Contains(out, "north ("+north+")") {
		t.Errorf("want one line about %s, as what is missing:\n%s", north, out)
	}
}
