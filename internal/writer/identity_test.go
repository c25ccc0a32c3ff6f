package writer_test

import (
	"strings"
	"testing"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

func TestTheIdentityIsReadOnceUnlessKnown(t *testing.T) {
	w := newWorld(t)
	wr, _ := w.Writer()
	owner := writer.NewOwner(wr, writer.Identity{})
	id := writer.Identity{Account: awsbed.Account, Partition: "aws"}
	w.Server.AddFault(localaws.Fault{Service: "sts", Code: "AccessDenied", Message: "no", Times: 1})
	if got, err := owner.Identity(ctxAll); err == nil || !strings.Contains(err.Error(), "ask STS who owns the credentials: GetCallerIdentity in eu-west-1: AccessDenied: no") {
		t.Errorf("got %v, %v", got, err)
	}
	w.Writes()
	for range 2 {
		if got, err := owner.Identity(ctxAll); err != nil || got != id {
			t.Errorf("got %v, %v", got, err)
		}
	}
	if err := owner.Check(ctxAll, model.NewARN("", "", "", awsbed.Account, "")); err != nil {
		t.Error(err)
	}
	if err := owner.Check(ctxAll, model.NewARN("", "", "", "210987654321", "")); err == nil || !strings.Contains(err.Error(), "it belongs to the account 210987654321") {
		t.Errorf("got %v", err)
	}
	if n := w.Server.Calls()["sts.GetCallerIdentity"]; n != 1 {
		t.Errorf("%d calls", n)
	}
	if got, err := writer.NewOwner(wr, id).Identity(ctxAll); err != nil || got != id {
		t.Errorf("got %v, %v", got, err)
	}
	if n := w.Server.Calls()["sts.GetCallerIdentity"]; n != 1 {
		t.Errorf("%d calls", n)
	}
}
