package faultmatrix

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A call is found by its input, under whatever name the service is imported, and tests
// and what was left out aside.
func TestOperations(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.go": `package a
import (
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	bus "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"example.com/other"
)
type api interface { PutDashboard(*cloudwatch.PutDashboardInput) }
var _ = bus.PutEventsInput{}
var _ = other.NothingInput{}
var _ types.Tag
`,
		"a_test.go":  "package a\nimport \"github.com/aws/aws-sdk-go-v2/service/sns\"\nvar _ sns.PublishInput\n",
		"note.txt":   "sns.SubscribeInput",
		"owner/o.go": "package owner\nimport \"github.com/aws/aws-sdk-go-v2/service/sns\"\nvar _ sns.PublishInput\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Operations(dir, "owner")
	if want := []Operation{{"cloudwatch", "PutDashboard"}, {"events", "PutEvents"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.go"), []byte("package"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Operations(dir); err == nil {
		t.Error("a file that cannot be read is passed over")
	}
}
