package events

import (
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
)

const sampleEvent = `{"version":"0","id":"1","detail-type":"PersonalizeCampaignDeleted","source":"personalize.monitor",
"account":"123456789012","time":"2026-03-02T12:00:00Z","region":"eu-west-1","resources":["arn:a","arn:b"],
"detail":{"ARN":"arn:a","NewMinTPS":15,"Ratio":0.5,"Auto":true,"Reason":null,"Audit":{"by":"us"},"list":[{"k":"x"},{"k":"y"}],"empty":[]}}`

func TestEventPatterns(t *testing.T) {
	tests := []struct {
		name, pattern string
		want          bool
	}{
		{"a source of the list", `{"source":["other","personalize.monitor"]}`, true},
		{"no source of the list", `{"source":["other"]}`, false},
		{"case counts", `{"source":["Personalize.Monitor"]}`, false},
		{"every field must match", `{"source":["personalize.monitor"],"detail-type":["Other"]}`, false},
		{"two fields", `{"source":["personalize.monitor"],"detail-type":["PersonalizeCampaignDeleted"]}`, true},
		{"any element of an array", `{"resources":["arn:b"]}`, true},
		{"no element of an array", `{"resources":["arn:c"]}`, false},
		{"a nested field", `{"detail":{"Audit":{"by":["us"]}}}`, true},
		{"a field of any object of an array", `{"detail":{"list":{"k":["y"]}}}`, true},
		{"a number", `{"detail":{"NewMinTPS":[15]}}`, true},
		{"a number written otherwise", `{"detail":{"NewMinTPS":[15.0]}}`, false},
		{"a number is no text", `{"detail":{"NewMinTPS":["15"]}}`, false},
		{"true", `{"detail":{"Auto":[true]}}`, true},
		{"null", `{"detail":{"Reason":[null]}}`, true},
		{"null is not a missing field", `{"detail":{"None":[null]}}`, false},
		{"an object is no value", `{"detail":{"Audit":["us"]}}`, false},
		{"a field of what is no object", `{"detail":{"ARN":{"x":["y"]}}}`, false},
		{"a prefix", `{"source":[{"prefix":"personalize."}]}`, true},
		{"another prefix", `{"source":[{"prefix":"aws."}]}`, false},
		{"one of a mixed choice", `{"source":["x",{"prefix":"personalize"}]}`, true},
	}
	event, err := api.JSONObject([]byte(sampleEvent))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := parsePattern(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.matches(event); got != tt.want {
				t.Errorf("match is %t", got)
			}
		})
	}
}

func TestEventPatternsThatAreRefused(t *testing.T) {
	tests := []struct{ name, pattern string }{
		{"nothing", ``},
		{"no object", `["source"]`},
		{"null", `null`},
		{"an empty pattern", `{}`},
		{"an empty choice", `{"source":[]}`},
		{"an empty object", `{"detail":{}}`},
		{"a value that is no array", `{"source":"personalize.monitor"}`},
		{"an array in an array", `{"source":[["x"]]}`},
		{"two keys in one expression", `{"source":[{"prefix":"a","suffix":"b"}]}`},
		{"an unknown expression", `{"source":[{"wildcard":"a*"}]}`},
		{"alternatives of fields", `{"$or":[{"source":["x"]}]}`},
		{"an empty prefix", `{"source":[{"prefix":""}]}`},
		{"a prefix that is a number", `{"source":[{"prefix":1}]}`},
		{"a suffix", `{"source":[{"suffix":"x"}]}`},
		{"exists", `{"source":[{"exists":true}]}`},
		{"anything-but", `{"source":[{"anything-but":"x"}]}`},
		{"numeric", `{"a":[{"numeric":[">",0]}]}`},
		{"something after the object", `{"source":["x"]} x`},
		{"too long", `{"source":["` + strings.Repeat("x", 2048) + `"]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parsePattern(tt.pattern); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func FuzzParsePattern(f *testing.F) {
	f.Add(`{"source":["personalize.monitor",{"prefix":"a"}],"detail":{"x":["y"]}}`)
	f.Add(`{"a":{"b":[null,true,1e3]}}`)
	event, err := api.JSONObject([]byte(sampleEvent))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePattern(text)
		if err != nil {
			return
		}
		if first := p.matches(event); first != p.matches(event) {
			t.Error("matches sometimes")
		}
		p.matches(nil)
	})
}

func TestInputTransformers(t *testing.T) {
	paths := map[string]string{
		"arn": "$.detail.ARN", "tps": "$.detail.NewMinTPS", "type": "$.detail-type", "first": "$.resources[0]",
		"audit": "$.detail.Audit", "none": "$.detail.None", "all": "$",
	}
	tests := []struct {
		name, template string
		want           string // "" means refused
	}{
		{"a quoted string keeps its quotes", `"<arn> has <tps>"`, `"arn:a has 15"`},
		{"escapes are undone", `"say \"<arn>\"\nbye"`, "\"say \"arn:a\"\nbye\""},
		{"a string on each line", "\"<type>\"\n\"<first>\"", "\"PersonalizeCampaignDeleted\"\n\"arn:a\""},
		{"an object in text", `"by <audit>"`, `"by {"by":"us"}"`},
		{"a missing value is nothing", `"<none>."`, `"."`},
		{"a JSON document", `{"a": <arn>}`, ""},
		{"an escaped placeholder is text", `"\u003carn\u003e"`, `"<arn>"`},
		{"text without quotes", `<arn> has`, ""},
		{"text after a string", `"<arn>" has`, ""},
		{"a string without end", `"<arn>`, ""},
		{"an invalid escape", `"\x"`, ""},
		{"an undefined placeholder", `"<arm>"`, ""},
		{"a reserved variable", `"<aws.events.rule-name>"`, ""},
		{"nothing", ``, ""},
	}
	event, err := api.JSONObject([]byte(sampleEvent))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr, err := newTransformer(paths, tt.template)
			if (err == nil) != (tt.want != "") {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			if got := tr.apply(event); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestInputPathsThatAreRefused(t *testing.T) {
	for _, path := range []string{"", "detail.ARN", "$detail", "$.detail['ARN']", "$..ARN", "$.a[*]", "$.a b", "$.a[-1]"} {
		if _, err := newTransformer(map[string]string{"a": path}, `"<a>"`); err == nil {
			t.Errorf("path %q is accepted", path)
		}
	}
	for _, key := range []string{"", "a b", "aws.events.rule-name"} {
		if _, err := newTransformer(map[string]string{key: "$.a"}, `"x"`); err == nil {
			t.Errorf("key %q is accepted", key)
		}
	}
}

func FuzzInputTransformer(f *testing.F) {
	f.Add("$.detail.ARN", `"<a> \" x"`)
	f.Add("$.list[0]", `"<a>\\n" "<a>"`)
	event, err := api.JSONObject([]byte(sampleEvent))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, path, template string) {
		tr, err := newTransformer(map[string]string{"a": path}, template)
		if err != nil {
			return
		}
		tr.apply(event)
	})
}
