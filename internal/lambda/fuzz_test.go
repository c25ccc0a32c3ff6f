package lambda

import (
	"strings"
	"testing"
)

// FuzzRead gives any payload to what tells the forms of event apart. What it accepts is
// of one form only, and a refusal is an error of one bearable line.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "null", "{}", "[]", `"x"`, `{"detail-type":"Scheduled Event","time":"2026-01-02T15:05:00Z"}`,
		`{"detail-type":"Scheduled Event","time":"0001-01-01T00:00:00Z"}`, `{"detail-type":"Scheduled Event","time":null}`,
		`{"detail-type":"BuildPersonalizeMonitorDashboard","detail":{"ARN":"a","Reason":null}}`, `{"detail":[],"RequestType":"Create"}`,
		`{"RequestType":"Create","ResponseURL":"https://x.example/?a=b","StackId":"s","RequestId":"r","LogicalResourceId":"l","ResourceProperties":{"ServiceToken":"t","Regions":""}}`,
		`{"RequestType":" Delete ","PhysicalResourceId":7,"ResourceProperties":[]}`, `{"IdleThresholdHours":24,"idleThresholdHours":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := read(payload)
		if err != nil {
			oneLine(t, err)
			return
		}
		isCustom, isEvent := e.has("RequestType") || e.has("ResponseURL"), e.has("detail") || e.has("detail-type")
		switch {
		case isCustom == (e.form != custom), isEvent == (e.form != scheduled && e.form != enveloped), isCustom && isEvent:
			t.Errorf("form %d of %q", e.form, payload)
		case e.form != scheduled && (!e.at.IsZero() || e.detailType == scheduledType):
			t.Errorf("a time or type of a schedule in form %d of %q", e.form, payload)
		}
		e.unknownKeys()
		if detail, err := e.buildDetail(); err != nil {
			oneLine(t, err)
			if detail.ARN != "" || detail.Reason != "" {
				t.Errorf("an error, and yet %+v", detail)
			}
		}
		checkRequest(t, e.payload)
	})
}

// checkRequest reads any payload as a request of CloudFormation: what is accepted can be
// answered, as its type is known and it has all ids.
func checkRequest(t *testing.T, payload []byte) {
	t.Helper()
	r, err := readRequest(payload)
	if err != nil {
		oneLine(t, err)
		return
	}
	if r.RequestType != "Create" && r.RequestType != "Update" && r.RequestType != "Delete" {
		t.Errorf("accepted the type %q", r.RequestType)
	}
	for _, id := range []string{r.ResponseURL, r.StackID, r.RequestID, r.LogicalResourceID} {
		if strings.TrimSpace(id) == "" {
			t.Errorf("accepted with an empty id: %+v", r)
		}
	}
	if _, there := r.properties["ServiceToken"]; there {
		t.Error("the service token is among the properties")
	}
}

func oneLine(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); strings.ContainsAny(text, "\n\r\x00") || len(text) > 1000 || text == "" {
		t.Errorf("not one bearable line: %q", text)
	}
}

// FuzzCheckURL holds that only a web address with a host is answered to.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"", "https://x.example/?a=b", "http://127.0.0.1:1/", "file:///etc/passwd", "https:///x", "//x", "https://\x00", "HTTPS://x", "ftp://x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := checkURL(text); err == nil && !strings.HasPrefix(strings.ToLower(text), "http") {
			t.Errorf("accepted %q", text)
		} else if err != nil {
			oneLine(t, err)
		}
	})
}
