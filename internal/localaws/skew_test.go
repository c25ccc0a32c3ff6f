package localaws

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// A service with another clock refuses what is signed by ours, and takes it once a client
// goes by the date of the answer.
func TestSkewIsMadeGoodByTheServicesDate(t *testing.T) {
	for _, skew := range []time.Duration{-20 * time.Minute, 20 * time.Minute} {
		r := newRig(t)
		r.AddFault(Fault{Kind: Skew, Skew: skew})
		_, err := r.client().ListDashboards(context.Background(), &cloudwatch.ListDashboardsInput{})
		if got := outcome(err); got != "InvalidSignatureException" {
			t.Errorf("%s: %s (%v)", skew, got, err)
		}
		patient := cloudwatch.New(cloudwatch.Options{
			Region: testRegion, BaseEndpoint: aws.String(r.url), HTTPClient: plainBodies{http.DefaultClient},
			Credentials: credentials.NewStaticCredentialsProvider(testAccount, "secret", ""),
		})
		if _, err := patient.ListDashboards(context.Background(), &cloudwatch.ListDashboardsInput{}); err != nil {
			t.Errorf("%s: tried again: %v", skew, err)
		}
		if n := r.Calls()["cloudwatch.ListDashboards"]; n != 3 {
			t.Errorf("%s: %d calls", skew, n)
		}
	}
	r := newRig(t)
	r.AddFault(Fault{Kind: Skew, Skew: 4 * time.Minute})
	if _, err := r.client().ListDashboards(context.Background(), &cloudwatch.ListDashboardsInput{}); err != nil {
		t.Errorf("within what is tolerated: %v", err)
	}
}

// Of the entries of a call the first half is refused, and the rest done.
func TestPartialEntries(t *testing.T) {
	r := newWorld(t, Estate{})
	ctx, client := context.Background(), r.eventBridge()
	entry := types.PutEventsRequestEntry{Source: aws.String("s"), DetailType: aws.String("d"), Detail: aws.String("{}")}
	r.AddFault(Fault{Operation: "PutEvents", Kind: Partial, Times: 1})
	out, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry, entry, entry}})
	if err != nil || out.FailedEntryCount != 2 || aws.ToString(out.Entries[1].ErrorCode) != "InternalFailure" || out.Entries[2].EventId == nil || len(r.Events()) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}

// A snapshot has what exists; data are found by their time.
func TestSnapshot(t *testing.T) {
	r := newRig(t)
	before := r.Snapshot()
	_, err := r.client().PutDashboard(context.Background(), &cloudwatch.PutDashboardInput{DashboardName: aws.String("d"), DashboardBody: aws.String(`{"widgets":[]}`)})
	if err != nil {
		t.Fatal(err)
	}
	after := r.Snapshot()
	if _, exists := before["dashboard d"]; exists || len(after) != len(before)+1 || !strings.HasPrefix(after["dashboard d"], `{"widgets":[]}`) {
		t.Errorf("before %q, after %q", before, after)
	}
	putValue(t, r.client(), 7, noon)
	if data := r.Data("Test", noon.Add(30*time.Second)); len(data) != 1 {
		t.Errorf("%v", data)
	}
	if data := r.Data("Test", noon.Add(time.Minute)); len(data) != 0 {
		t.Errorf("a minute later: %v", data)
	}
}
