package sns

import "testing"

func TestGlob(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "abc", true},
		{"a*c", "abbc", true},
		{"a*c", "abb", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"*b*", "abc", true},
		{"a**", "a", true},
		{"*a*a", "aba", true},
		{"*ab", "aab", true},
	}
	for _, tt := range tests {
		if got := glob(tt.pattern, tt.text); got != tt.want {
			t.Errorf("glob(%q, %q) = %t", tt.pattern, tt.text, got)
		}
	}
}

func FuzzParsePolicy(f *testing.F) {
	const topic = "arn:aws:sns:eu-west-1:123456789012:alerts"
	f.Add(defaultPolicy(topic, "123456789012"))
	f.Add(`{"Version":"2008-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"Service":["events.amazonaws.com"]},"Action":"sns:Publish","Resource":"*"}]}`)
	f.Fuzz(func(_ *testing.T, text string) {
		p, err := parsePolicy(text)
		if err != nil {
			return
		}
		p.allows(PrincipalEvents, nil, topic)
		p.allows(PrincipalAlarms, map[string]string{"aws:sourcearn": "arn:x"}, topic)
	})
}
