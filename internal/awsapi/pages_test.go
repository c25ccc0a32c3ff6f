package awsapi_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

func TestPages(t *testing.T) {
	tests := []struct {
		name   string
		tokens []string
		more   bool
		fault  string
	}{
		{"no token is the end", []string{""}, false, ""},
		{"a token leads on", []string{"a"}, true, ""},
		{"to the end", []string{"a", "b", ""}, false, ""},
		{"the same token again is tolerated", []string{"a", "a", "a"}, true, ""},
		{"but not for ever", []string{"a", "a", "a", "a"}, false, "repeats itself"},
		{"nor in a circle", []string{"a", "b", "a", "b", "a", "b", "a"}, false, "repeats itself"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var pages awsapi.Pages
			var more bool
			var err error
			for _, token := range tt.tokens {
				more, err = pages.More(token)
			}
			if more != tt.more || (err == nil) != (tt.fault == "") || (err != nil && !strings.Contains(err.Error(), tt.fault)) {
				t.Errorf("more %v, error %v", more, err)
			}
		})
	}
	var endless awsapi.Pages
	for i := 1; ; i++ {
		if _, err := endless.More(strconv.Itoa(i)); err != nil {
			if i != 10_000 {
				t.Errorf("after %d pages: %v", i, err)
			}
			break
		}
	}
}

func TestReadPages(t *testing.T) {
	next := map[string]*string{"": awssdk.String("a"), "a": awssdk.String("b"), "b": nil}
	var read []string
	err := awsapi.ReadPages(func(token *string) (*string, error) {
		read = append(read, awssdk.ToString(token))
		return next[awssdk.ToString(token)], nil
	})
	if err != nil || !slices.Equal(read, []string{"", "a", "b"}) {
		t.Errorf("read %q, %v", read, err)
	}
	broken := errors.New("broken")
	if err := awsapi.ReadPages(func(*string) (*string, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	endless := func(*string) (*string, error) { return awssdk.String("a"), nil }
	if err := awsapi.ReadPages(endless); err == nil || !strings.Contains(err.Error(), "repeats itself") {
		t.Errorf("got %v", err)
	}
}
