package awsapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/personalize-monitor/personalize-monitor/internal/awsapi"
)

// The offset of the host's clock is that of the middle of the three services heard last, and of two the larger. Responses that AWS did not
// make do not count, errors of AWS do.
func TestClockOffset(t *testing.T) {
	const hour = time.Hour
	type response struct {
		service string // of which one call is made
		behind  time.Duration
		form    string // of the response
		after   time.Duration
	}
	for _, tt := range []struct {
		name   string
		heard  []response
		offset time.Duration
		known  bool
	}{
		{"nothing heard", nil, 0, false},
		{"right", []response{{service: "personalize"}}, 0, true},
		{"a second behind, as dates have no fractions", []response{{service: "personalize", behind: time.Second}}, 0, true},
		{"ahead", []response{{service: "personalize", behind: hour}}, hour, true},
		{"behind", []response{{service: "personalize", behind: -hour}}, -hour, true},
		{"of an error", []response{{"personalize", hour, "error", 0}}, hour, true},
		{"of a proxy", []response{{"personalize", hour, "proxy", 0}}, 0, false},
		{"without a date", []response{{"personalize", hour, "undated", 0}}, 0, false},
		{"of two the larger", []response{{"personalize", -hour, "", 0}, {service: "cloudwatch"}}, -hour, true},
		{"of three the middle", []response{{"personalize", hour, "", 0}, {service: "cloudwatch"}, {service: "sts"}}, 0, true},
		{"two of three", []response{{"personalize", hour, "", 0}, {service: "cloudwatch"}, {"sts", hour, "", 0}}, hour, true},
		{"the latest of each", []response{{"personalize", hour, "", 0}, {service: "personalize"}}, 0, true},
		{"what the clock showed before it was set", []response{{service: "cloudwatch"}, {service: "sts"}, {"personalize", hour, "", hour}}, hour, true},
		{"or before it was set back", []response{{service: "cloudwatch"}, {service: "sts"}, {"personalize", -hour, "", -hour}}, -hour, true},
		{"but one service has another's clock", []response{{service: "sts"}, {"personalize", hour, "", hour}, {service: "cloudwatch"}}, 0, true},
		{"minutes before", []response{{service: "cloudwatch"}, {service: "sts"}, {"personalize", hour, "", 9 * time.Minute}}, 0, true},
		{"nothing new of a proxy", []response{{service: "personalize"}, {"personalize", hour, "proxy", 0}}, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clk := newClock()
			var next response
			a := newAWS(t, func(w http.ResponseWriter, operation string, _ int) {
				w.Header().Set("X-Amzn-Requestid", "r-1")
				w.Header().Set("Date", clk.Now().Add(-next.behind).Format(http.TimeFormat))
				switch next.form {
				case "error":
					refuse(w, http.StatusBadRequest, "ValidationException", "no")
					return
				case "proxy":
					w.Header().Del("X-Amzn-Requestid")
				case "undated":
					w.Header()["Date"] = nil
				}
				accept(w, operation)
			})
			clients := a.clients(t, awsapi.Options{Clock: clk})
			for _, next = range tt.heard {
				clk.advance(next.after)
				var err error
				switch next.service {
				case "cloudwatch":
					_, err = clients.CloudWatch("eu-west-1").DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
				case "personalize":
					_, err = clients.Personalize("eu-west-1").ListCampaigns(t.Context(), &personalize.ListCampaignsInput{})
				case "sts":
					_, err = clients.STS("eu-west-1").GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
				}
				if (err != nil) != (next.form == "error") {
					t.Fatal(err)
				}
			}
			if offset, known := clients.ClockOffset(); offset != tt.offset || known != tt.known {
				t.Errorf("%s, %t, want %s, %t", offset, known, tt.offset, tt.known)
			}
		})
	}
}

// The time that a response takes is no offset.
func TestASlowResponseIsNoOffset(t *testing.T) {
	clk := newClock()
	a := newAWS(t, func(w http.ResponseWriter, operation string, _ int) {
		w.Header().Set("X-Amzn-Requestid", "r-1")
		w.Header().Set("Date", clk.Now().Format(http.TimeFormat))
		accept(w, operation)
		_ = clk.Sleep(t.Context(), 5*time.Minute)
	})
	clients := a.clients(t, awsapi.Options{Clock: clk})
	if _, err := clients.Personalize("eu-west-1").ListCampaigns(t.Context(), &personalize.ListCampaignsInput{}); err != nil {
		t.Fatal(err)
	}
	if offset, known := clients.ClockOffset(); offset != 0 || !known {
		t.Errorf("%s, %t", offset, known)
	}
}
