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
		tokens []string // of the pages; the last one is read again and again
		reads  int
		fault  string
	}{
		{"no token is the end", []string{""}, 1, ""},
		{"a token leads on, to the end", []string{"a", "b", ""}, 3, ""},
		{"the same token again is tolerated", []string{"a", "a", "a", ""}, 4, ""},
		{"but not for ever", []string{"a"}, 4, "repeats itself"},
		{"nor in a circle", []string{"a", "b", "a", "b", "a", "b", "a"}, 7, "repeats itself"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reads := 0
			err := awsapi.ReadPages(func(*string) (*string, error) {
				reads++
				return &tt.tokens[min(reads, len(tt.tokens))-1], nil
			})
			if reads != tt.reads || (err == nil) != (tt.fault == "") || (err != nil && !strings.Contains(err.Error(), tt.fault)) {
				t.Errorf("%d reads, error %v", reads, err)
			}
		})
	}
	reads := 0
	err := awsapi.ReadPages(func(*string) (*string, error) {
		reads++
		return awssdk.String(strconv.Itoa(reads)), nil
	})
	if err == nil || reads != 10_000 {
		t.Errorf("after %d pages: %v", reads, err)
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
