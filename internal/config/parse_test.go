package config

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// parseTest is one value as an event has it; a JSON string also represents flags and
// variables as well, and is tried through them too.
type parseTest struct {
	name string
	json string
	want any    // nil if the value is refused
	err  string // part of the message, where want is nil
}

// runParse resolves each value of the named parameter and compares what get finds.
func runParse(t *testing.T, name string, get func(Values) any, tests []parseTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sources := []Sources{{Event: map[string]json.RawMessage{name: json.RawMessage(tt.json)}}}
			var text string
			if json.Unmarshal([]byte(tt.json), &text) == nil {
				sources = append(sources, Sources{Env: env(map[string]string{name: text})})
			}
			for _, src := range sources {
				got, err := Resolve(src)
				switch {
				case tt.want == nil && err == nil:
					t.Errorf("accepted: %+v", get(got))
				case tt.want == nil && !strings.Contains(err.Error(), tt.err):
					t.Errorf("the message %q does not contain %q", err, tt.err)
				case tt.want != nil && err != nil:
					t.Errorf("refused: %v", err)
				case tt.want != nil && !reflect.DeepEqual(get(got), tt.want):
					t.Errorf("got %+v, want %+v", get(got), tt.want)
				}
			}
		})
	}
}

func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func TestCampaignARNs(t *testing.T) {
	longest := "arn:aws:personalize:eu-west-1:123456789012:campaign/" + strings.Repeat("n", 63)
	runParse(t, CampaignARNs, func(v Values) any { return v.Campaigns }, []parseTest{
		{"all", `"all"`, model.Selection{All: true}, ""},
		{"all in any case, with space", `" ALL "`, model.Selection{All: true}, ""},
		{"all in a list", `["All"]`, model.Selection{All: true}, ""},
		{"none", `"None"`, model.Selection{}, ""},
		{"one ARN", quoted(campaignA), model.Selection{ARNs: arns(t, campaignA)}, ""},
		{"several, spaces and a trailing comma", quoted(campaignA + " , " + campaignB + ","), model.Selection{ARNs: arns(t, campaignA, campaignB)}, ""},
		{"duplicates are kept once", quoted(campaignB + "," + campaignA + "," + campaignB), model.Selection{ARNs: arns(t, campaignB, campaignA)}, ""},
		{"a JSON list", `["` + campaignA + `", " ` + campaignB + `"]`, model.Selection{ARNs: arns(t, campaignA, campaignB)}, ""},
		{"the longest name", quoted(longest), model.Selection{ARNs: arns(t, longest)}, ""},
		{"a name too long", quoted(longest + "n"), nil, "does not end in campaign/<name>"},
		{"an ARN too long", quoted(longest + strings.Repeat("n", 200)), nil, `" is an ARN of 315 characters`},
		{"an ARN far too long", quoted(longest + strings.Repeat("n", 2000)), nil, `…" is an ARN of 2115 characters`},
		{"a recommender", quoted(recommenderA), nil, "is the ARN of a recommender, not of a campaign"},
		{"not an ARN", `"home"`, nil, `"home" is not an ARN`},
		{"another service", `"arn:aws:s3:::campaign/a"`, nil, "is not the ARN of a Personalize"},
		{"all beside an ARN", quoted("all," + campaignA), nil, "cannot be combined"},
		{"none beside an ARN", quoted(campaignA + ",none"), nil, "cannot be combined"},
		{"all beside none", `"all,none"`, nil, "cannot be combined"},
		{"only a comma", `","`, nil, `"," is empty`},
		{"an empty list", `[]`, nil, "is empty"},
		{"a list of nothing", `[""]`, nil, "is empty"},
		{"a list of numbers", `[1]`, nil, "not all its items are strings"},
		{"a number", `3`, nil, `the JSON number "3" is not accepted`},
		{"a boolean", `true`, nil, `the JSON boolean "true" is not accepted`},
		{"an object", `{}`, nil, `the JSON object "{}" is not accepted`},
		{"broken JSON", `[`, nil, `"[" is not valid JSON`},
		{"many wrong ones", `"a,b,c,d,e"`, nil, `"c" is not an ARN (arn:partition:service:region:account:resource), and 2 more`},
	})
}

func TestRecommenderARNs(t *testing.T) {
	runParse(t, RecommenderARNs, func(v Values) any { return v.Recommenders }, []parseTest{
		{"none", `"none"`, model.Selection{}, ""},
		{"one ARN", quoted(recommenderA), model.Selection{ARNs: arns(t, recommenderA)}, ""},
		{"a campaign", quoted(campaignA), nil, "is the ARN of a campaign, not of a recommender"},
	})
}

func TestRegions(t *testing.T) {
	runParse(t, Regions, func(v Values) any { return v.Regions }, []parseTest{
		{"one", `"eu-west-1"`, []string{"eu-west-1"}, ""},
		{"several, as given", `" us-east-1,eu-west-1, us-east-1,"`, []string{"us-east-1", "eu-west-1"}, ""},
		{"a JSON list", `["us-gov-west-1", "cn-north-1"]`, []string{"us-gov-west-1", "cn-north-1"}, ""},
		{"all", `"All"`, nil, `"All" is not supported: name the regions`},
		{"a wrong shape", `"eu-west"`, nil, `"eu-west" is not the name of a region`},
		{"a zone", `"eu-west-1a"`, nil, "is not the name of a region"},
		{"only commas", `",,"`, nil, "is empty"},
		{"a boolean", `false`, nil, `the JSON boolean "false" is not accepted`},
	})
}

func TestBooleans(t *testing.T) {
	places := map[string]func(Values) any{
		AutoCreateUtilizationAlarms:   func(v Values) any { return v.AutoCreateUtilizationAlarms },
		AutoAdjustMinTPS:              func(v Values) any { return v.AutoAdjustMinTPS.Is(model.On) },
		AutoCreateIdleAlarms:          func(v Values) any { return v.AutoCreateIdleAlarms },
		AutoDeleteOrStopIdleResources: func(v Values) any { return v.AutoDeleteOrStopIdle.Is(model.On) },
	}
	for name, get := range places {
		t.Run(name, func(t *testing.T) {
			runParse(t, name, get, []parseTest{
				{"yes", `"yes"`, true, ""},
				{"Yes", `"Yes"`, true, ""},
				{"TRUE", `" TRUE "`, true, ""},
				{"1", `"1"`, true, ""},
				{"JSON true", `true`, true, ""},
				{"JSON 1", `1`, true, ""},
				{"no", `"no"`, false, ""},
				{"No", `"No"`, false, ""},
				{"False", `"False"`, false, ""},
				{"0", `"0"`, false, ""},
				{"JSON false", `false`, false, ""},
				{"JSON 0", `0`, false, ""},
				{"on", `"on"`, nil, `"on" is neither yes nor no`},
				{"y", `"y"`, nil, "is neither yes nor no"},
				{"2", `2`, nil, `"2" is neither yes nor no`},
				{"a list", `[true]`, nil, "not all its items are strings"},
				{"a list of strings", `["yes" ]`, nil, `the JSON list "[\"yes\"]" is not accepted`},
			})
		})
	}
}

func TestSwitches(t *testing.T) {
	for name, get := range map[string]func(Values) any{
		AutoAdjustMinTPS:              func(v Values) any { return v.AutoAdjustMinTPS },
		AutoDeleteOrStopIdleResources: func(v Values) any { return v.AutoDeleteOrStopIdle },
	} {
		t.Run(name, func(t *testing.T) {
			runParse(t, name, get, []parseTest{
				{"on", `"Yes"`, model.On, ""},
				{"off", `false`, model.Off, ""},
				{"rehearsed", `"DryRun"`, model.DryRun, ""},
				{"as flags write it", `"dry-run"`, model.DryRun, ""},
				{"two words", `" Dry Run "`, model.DryRun, ""},
				{"half of it", `"dry"`, nil, `"dry" is neither yes nor no nor DryRun`},
				{"a number", `2`, nil, "is neither yes nor no"},
			})
		})
	}
	runParse(t, AutoCreateIdleAlarms, func(v Values) any { return v.AutoCreateIdleAlarms }, []parseTest{
		{"alarms are not rehearsed", `"DryRun"`, nil, "is neither yes nor no"},
	})
}

func TestMaxStopsOrDeletesPerHour(t *testing.T) {
	runParse(t, MaxStopsOrDeletesPerHour, func(v Values) any { return v.MaxRemovalsPerHour }, []parseTest{
		{"none is what AutoDeleteOrStopIdleResources=No is for", `"0"`, nil, "is out of range"},
		{"the lowest", `"1"`, 1, ""},
		{"the highest", `1000`, 1000, ""},
		{"above the highest", `1001`, nil, "is out of range"},
		{"not whole", `2.5`, nil, "is not a whole number"},
	})
}

func TestUtilizationThreshold(t *testing.T) {
	runParse(t, UtilizationThresholdAlarmLowerBound, func(v Values) any { return v.UtilizationThreshold }, []parseTest{
		{"the lowest", `"0"`, 0.0, ""},
		{"minus zero", `"-0"`, 0.0, ""},
		{"below the lowest", `"-0.01"`, nil, "is out of range"},
		{"the highest", `"1000"`, 1000.0, ""},
		{"above the highest", `"1000.1"`, nil, `"1000.1" is out of range`},
		{"a fraction", `"62.5"`, 62.5, ""},
		{"a JSON number", `99.5`, 99.5, ""},
		{"with an exponent", `1e2`, 100.0, ""},
		{"beyond all numbers", `1e999999999`, nil, "is out of range"},
		{"infinity", `"Inf"`, nil, `"Inf" is not a number`},
		{"not a number", `"NaN"`, nil, `"NaN" is not a number`},
		{"hexadecimal", `"0x10"`, nil, "is not a number"},
		{"with a unit", `"50%"`, nil, "is not a number"},
		{"a boolean", `true`, nil, `the JSON boolean "true" is not accepted`},
	})
}

func TestUsedIdleThresholdHours(t *testing.T) {
	runParse(t, UsedIdleThresholdHours, func(v Values) any { return v.UsedIdleThresholdHours }, []parseTest{
		{"below the lowest", `"0"`, nil, `"0" is out of range`},
		{"the lowest", `"1"`, 1, ""},
		{"the highest", `1080`, 1080, ""},
		{"above the highest", `"1081"`, nil, "is out of range"},
		{"not whole", `"24.5"`, nil, `"24.5" is not a whole number`},
	})
}

func TestIdleThresholdHours(t *testing.T) {
	runParse(t, IdleThresholdHours, func(v Values) any { return v.IdleThresholdHours }, []parseTest{
		{"below the lowest", `"0"`, nil, `"0" is out of range`},
		{"the lowest", `"1"`, 1, ""},
		{"the highest", `"168"`, 168, ""},
		{"above the highest", `"169"`, nil, "is out of range"},
		{"a JSON number", `48`, 48, ""},
		{"whole, though written with a point", `24.0`, 24, ""},
		{"not whole", `"24.5"`, nil, `"24.5" is not a whole number`},
		{"not whole, JSON", `24.5`, nil, `"24.5" is not a whole number`},
		{"negative", `-24`, nil, "is out of range"},
		{"a word", `"day"`, nil, `"day" is not a number`},
		{"a list", `["24"]`, nil, "the JSON list "},
	})
}

func TestNotificationEndpoint(t *testing.T) {
	mailTo := func(a string) Endpoint { return Endpoint{Email, a} }
	post := func(a string) Endpoint { return Endpoint{HTTPS, a} }
	runParse(t, NotificationEndpoint, func(v Values) any { return v.Endpoints }, []parseTest{
		{"an address", `"ops@example.com"`, []Endpoint{mailTo("ops@example.com")}, ""},
		{"a URL", `"https://hooks.example.com/x?y=z"`, []Endpoint{post("https://hooks.example.com/x?y=z")}, ""},
		{
			"several of both", `"a@example.com, https://h.example.com:8443/p ,b+c@example.com,"`,
			[]Endpoint{mailTo("a@example.com"), post("https://h.example.com:8443/p"), mailTo("b+c@example.com")},
			"",
		},
		{"a JSON list", `["a@example.com", "https://h.example.com/a,b"]`, []Endpoint{mailTo("a@example.com"), post("https://h.example.com/a,b")}, ""},
		{"addresses differing in case are one", `"Ops@Example.com,ops@example.COM"`, []Endpoint{mailTo("Ops@Example.com")}, ""},
		{"URLs differing in case are two", `"https://h.io/A,https://h.io/a,https://h.io/A"`, []Endpoint{post("https://h.io/A"), post("https://h.io/a")}, ""},
		{"the scheme in capitals", `"HTTPS://h.io/A"`, []Endpoint{post("https://h.io/A")}, ""},
		{"http", `"http://h.io/a"`, nil, `"http://h.io/…" is not an https:// URL`},
		{"no host", `"https:///a"`, nil, "has no host"},
		{"a port without a host", `"https://:443/a"`, nil, "has no host"},
		{"a user name", `"https://joe:pw@h.io/"`, nil, `"https://***@h.io/…" contains a user name`},
		{"a broken URL", `"https://h.io:port/"`, nil, "is not a well-formed URL"},
		{"a display name", `"Joe <joe@example.com>"`, nil, "contains a space"},
		{"angle brackets", `"<joe@example.com>"`, nil, "is neither an e-mail address"},
		{"mailto", `"mailto:joe@example.com"`, nil, "is neither an e-mail address"},
		{"no domain", `"joe@"`, nil, "is neither an e-mail address"},
		{"a phone number", `"+15550100"`, nil, "is neither an e-mail address"},
		{"one bad among good ones", `"a@example.com,nobody"`, nil, `"nobody" is neither`},
		{"only a comma", `","`, nil, "is empty"},
		{"a number", `1`, nil, `the JSON number "1" is not accepted`},
	})
}

func TestChatNotifications(t *testing.T) {
	runParse(t, ChatNotifications, func(v Values) any { return v.ChatNotifications }, []parseTest{
		{"yes", `"Yes"`, true, ""},
		{"no", `"No"`, false, ""},
		{"a JSON boolean", `false`, false, ""},
		{"a channel", `"#ops"`, nil, `"#ops" is neither yes nor no`},
	})
}

func TestKMSKeyARN(t *testing.T) {
	key := func(region, id string) model.ARN {
		return model.NewARN("aws", "kms", region, "123456789012", "key/"+id)
	}
	runParse(t, KMSKeyARN, func(v Values) any { return v.KMSKey }, []parseTest{
		{"a key", `"arn:aws:kms:eu-west-1:123456789012:key/1-a"`, key("eu-west-1", "1-a"), ""},
		{"a key of several regions", `"arn:aws:kms:us-east-1:123456789012:key/mrk-1"`, key("us-east-1", "mrk-1"), ""},
		{"none", `""`, model.ARN{}, ""},
		{"an alias", `"arn:aws:kms:eu-west-1:123456789012:alias/mine"`, nil, "is not the ARN of a key"},
		{"an id", `"1-a"`, nil, "is not the ARN of a key"},
		{"another service", `"arn:aws:sns:eu-west-1:123456789012:key/1"`, nil, "is not the ARN of a key"},
		{"two", `"arn:aws:kms:eu-west-1:123456789012:key/1,arn:aws:kms:us-east-1:123456789012:key/2"`, nil, "is not the ARN of a key"},
		{"a list", `["arn:aws:kms:eu-west-1:123456789012:key/1"]`, nil, "the JSON list "},
	})
}

func TestHourlyChecks(t *testing.T) {
	runParse(t, HourlyChecks, func(v Values) any { return v.HourlyChecks }, []parseTest{
		{"auto", `"auto"`, model.Auto, ""},
		{"always", `"Always"`, model.Always, ""},
		{"never", `"NEVER"`, model.Never, ""},
		{"another word", `"hourly"`, nil, `"hourly" is not a mode`},
		{"a boolean", `true`, nil, `the JSON boolean "true" is not accepted`},
	})
}

func TestMetricDelay(t *testing.T) {
	runParse(t, MetricDelay, func(v Values) any { return v.MetricDelay }, []parseTest{
		{"the shortest", `"0s"`, time.Duration(0), ""},
		{"zero needs no unit", `"0"`, time.Duration(0), ""},
		{"below the shortest", `"-1ns"`, nil, "is out of range"},
		{"the longest", `"15m"`, 15 * time.Minute, ""},
		{"above the longest", `"15m1ns"`, nil, "is out of range"},
		{"mixed units", `"1m30s"`, 90 * time.Second, ""},
		{"no unit", `"120"`, nil, `"120" has no unit`},
		{"a JSON number", `120`, nil, `the JSON number "120" is not accepted`},
		{"a word", `"soon"`, nil, `"soon" is not a duration`},
	})
}

func TestDashboardName(t *testing.T) {
	longest := strings.Repeat("d", 250)
	runParse(t, DashboardName, func(v Values) any { return v.DashboardName }, []parseTest{
		{"all kinds of characters", `"My_Board-2"`, "My_Board-2", ""},
		{"one character", `"x"`, "x", ""},
		{"the longest", quoted(longest), longest, ""},
		{"above the longest", quoted(longest + "d"), nil, "is not the name of a dashboard"},
		{"a space", `"My Board"`, nil, `"My Board" is not the name of a dashboard`},
		{"a dot", `"my.board"`, nil, "is not the name of a dashboard"},
		{"a letter beyond ASCII", `"Übersicht"`, nil, "is not the name of a dashboard"},
		{"a number", `7`, nil, `the JSON number "7" is not accepted`},
	})
}
