package awsapi_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

func TestPersonalizeRegions(t *testing.T) {
	for partition, want := range map[string]int{"aws": 11, "aws-cn": 1, "aws-us-gov": 0, "": 0} {
		regions := awsapi.PersonalizeRegions(partition)
		if len(regions) != want || !slices.IsSorted(regions) || len(slices.Compact(slices.Clone(regions))) != want {
			t.Errorf("%s: %v", partition, regions)
		}
		for _, region := range regions {
			if !model.ValidRegion(region) {
				t.Errorf("%s is no region", region)
			}
		}
	}
	awsapi.PersonalizeRegions("aws-cn")[0] = "changed"
	if awsapi.PersonalizeRegions("aws-cn")[0] != "cn-north-1" {
		t.Error("the table can be changed from outside")
	}
}

func TestWhichErrorsCloseARegion(t *testing.T) {
	api := func(code string) error {
		return fmt.Errorf("list: %w", &smithy.OperationError{Err: &smithy.GenericAPIError{Code: code}})
	}
	send := func(err error) error { return &smithyhttp.RequestSendError{Err: err} }
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"nothing", nil, false},
		{"denied", api("AccessDenied"), true},
		{"denied by a JSON service", api("AccessDeniedException"), true},
		{"denied by SNS", api("AuthorizationError"), true},
		{"not opted in", api("OptInRequired"), true},
		{"credentials unknown there", api("InvalidClientTokenId"), true},
		{"credentials unknown to a JSON service", api("UnrecognizedClientException"), true},
		{"credentials expired", api("ExpiredTokenException"), false},
		{"throttled", api("Throttling"), false},
		{"no such host", send(&net.DNSError{IsNotFound: true}), true},
		{"no name server", send(&net.DNSError{IsTemporary: true}), false},
		{"no connection", send(errors.New("connection refused")), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := awsapi.RegionClosed(tt.err); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
