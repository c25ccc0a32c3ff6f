package localaws

import (
	"strings"
	"testing"
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
		{"a suffix", `{"detail-type":[{"suffix":"Deleted"}]}`, true},
		{"any case", `{"source":[{"equals-ignore-case":"PERSONALIZE.monitor"}]}`, true},
		{"anything but a value", `{"source":[{"anything-but":"aws.ec2"}]}`, true},
		{"anything but this value", `{"source":[{"anything-but":["x","personalize.monitor"]}]}`, false},
		{"anything but a prefix", `{"source":[{"anything-but":{"prefix":"personalize"}}]}`, false},
		{"anything but, of a missing field", `{"detail":{"None":[{"anything-but":"x"}]}}`, false},
		{"a field that exists", `{"detail":{"ARN":[{"exists":true}]}}`, true},
		{"a field that does not", `{"detail":{"None":[{"exists":true}]}}`, false},
		{"a missing field", `{"detail":{"None":[{"exists":false}]}}`, true},
		{"a field of a missing object", `{"detail":{"None":{"x":[{"exists":false}]}}}`, true},
		{"an object is not a leaf that exists", `{"detail":{"Audit":[{"exists":true}]}}`, false},
		{"an empty array does not exist", `{"detail":{"empty":[{"exists":true}]}}`, false},
		{"within bounds", `{"detail":{"NewMinTPS":[{"numeric":[">",14,"<=",15]}]}}`, true},
		{"out of bounds", `{"detail":{"NewMinTPS":[{"numeric":[">",15]}]}}`, false},
		{"equal as numbers", `{"detail":{"NewMinTPS":[{"numeric":["=",15.0]}]}}`, true},
		{"a text is out of all bounds", `{"detail":{"ARN":[{"numeric":[">",0]}]}}`, false},
		{"one of a mixed choice", `{"source":["x",{"prefix":"personalize"}]}`, true},
	}
	event, err := decodeObject([]byte(sampleEvent))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := parsePattern(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.match(event); got != tt.want {
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
		{"exists with a text", `{"source":[{"exists":"true"}]}`},
		{"anything but null", `{"source":[{"anything-but":null}]}`},
		{"anything but a suffix and a prefix", `{"source":[{"anything-but":{"prefix":"a","suffix":"b"}}]}`},
		{"an operator without number", `{"a":[{"numeric":[">"]}]}`},
		{"an unknown operator", `{"a":[{"numeric":["!=",1]}]}`},
		{"an upper bound first", `{"a":[{"numeric":["<",1,">",0]}]}`},
		{"bounds with nothing between", `{"a":[{"numeric":[">",1,"<",1]}]}`},
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
	f.Add(`{"source":["personalize.monitor",{"prefix":"a"}],"detail":{"x":[{"exists":false}]}}`)
	f.Add(`{"a":[{"numeric":[">",0,"<=",5]}],"b":[{"anything-but":{"suffix":"x"}}]}`)
	f.Add(`{"a":{"b":[null,true,1e3]}}`)
	event, err := decodeObject([]byte(sampleEvent))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePattern(text)
		if err != nil {
			return
		}
		if first := p.match(event); first != p.match(event) {
			t.Error("matches sometimes")
		}
		p.match(nil)
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
		{"the rule", `"<aws.events.rule-name> <aws.events.rule-arn>"`, `"my-rule arn:rule"`},
		{"when it came in", `"<aws.events.event.ingestion-time>"`, `"2026-03-02T12:00:00Z"`},
		{"a JSON document", `{"a": <arn>, "n": <tps>, "s": "x <type>", "o": <audit>}`, `{"a": "arn:a", "n": 15, "s": "x PersonalizeCampaignDeleted", "o": {"by":"us"}}`},
		{"a missing value in a document", `{"a": <none>}`, `{"a": ""}`},
		{"an escaped placeholder is text", `"\u003carn\u003e"`, `"<arn>"`},
		{"text without quotes", `<arn> has`, ""},
		{"text after a string", `"<arn>" has`, ""},
		{"a string without end", `"<arn>`, ""},
		{"an invalid escape", `"\x"`, ""},
		{"an undefined placeholder", `"<arm>"`, ""},
		{"the event inside a string", `"<aws.events.event.json>"`, ""},
		{"invalid JSON", `{"a": <arn>`, ""},
		{"a placeholder as a key", `{"<arn>" : 1}`, ""},
		{"nothing", ``, ""},
	}
	event, err := decodeObject([]byte(sampleEvent))
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
			if got := tr.apply(&rule{name: "my-rule", arn: "arn:rule"}, &Event{Received: noon}, event); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	whole, err := newTransformer(nil, `{"e": <aws.events.event.json>, "f": <aws.events.event>}`)
	if err != nil {
		t.Fatal(err)
	}
	got := whole.apply(&rule{}, &Event{}, event)
	if strings.Count(got, `"detail":`) != 1 || strings.Count(got, `"detail-type":`) != 2 {
		t.Errorf("the whole event: %s", got)
	}
}

func TestInputPathsThatAreRefused(t *testing.T) {
	for _, path := range []string{"", "detail.ARN", "$detail", "$.detail['ARN']", "$..ARN", "$.a[*]", "$.a b", "$.a[-1]"} {
		if _, err := newTransformer(map[string]string{"a": path}, `"<a>"`); err == nil {
			t.Errorf("path %q is accepted", path)
		}
	}
	for _, key := range []string{"", "a b", "AWS.x", "aws.events.rule-name"} {
		if _, err := newTransformer(map[string]string{key: "$.a"}, `"x"`); err == nil {
			t.Errorf("key %q is accepted", key)
		}
	}
}

func FuzzInputTransformer(f *testing.F) {
	f.Add("$.detail.ARN", `"<a> \" x"`)
	f.Add("$.list[0]", `{"x": <a>, "y": "<a>"}`)
	event, err := decodeObject([]byte(sampleEvent))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, path, template string) {
		tr, err := newTransformer(map[string]string{"a": path}, template)
		if err != nil {
			return
		}
		tr.apply(&rule{}, &Event{}, event)
	})
}
