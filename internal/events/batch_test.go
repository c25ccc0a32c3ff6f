package events

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestSizeIsCountedAsEventBridgeDoes(t *testing.T) {
	const fixed = len("personalize.monitor") + len("PersonalizeCampaignDeleted")
	entry := Entry{DetailType: CampaignDeleted, Detail: json.RawMessage(`{"Reason":"ü"}`)}
	if got, want := entry.Size(), fixed+15; got != want {
		t.Errorf("source, type and detail in UTF-8: got %d, want %d", got, want)
	}
	entry.Resources = []string{"arn:1", "arn:22"}
	if got, want := entry.Size(), fixed+15+11; got != want {
		t.Errorf("with resources: got %d, want %d", got, want)
	}
	entry.Time = hour
	if got, want := entry.Size(), fixed+15+11+14; got != want {
		t.Errorf("with a time: got %d, want %d", got, want)
	}
}

// sized makes an entry of that many bytes.
func sized(bytes int) Entry {
	return Entry{DetailType: DetailType(strings.Repeat("t", bytes-len(Source)))}
}

func TestBatch(t *testing.T) {
	tests := []struct {
		name     string
		sizes    []int
		maxCount int
		want     [][]int
		refused  []int
	}{
		{"nothing makes no call", nil, 10, nil, nil},
		{"what fits goes together", []int{30, 40, 30}, 10, [][]int{{30, 40, 30}}, nil},
		{"one byte more begins another call", []int{30, 40, 31}, 10, [][]int{{30, 40}, {31}}, nil},
		{"as many as allowed", []int{20, 20, 20}, 3, [][]int{{20, 20, 20}}, nil},
		{"one more than allowed", []int{20, 20, 20, 20}, 3, [][]int{{20, 20, 20}, {20}}, nil},
		{"one at the limit is alone", []int{20, 100, 20}, 10, [][]int{{20}, {100}, {20}}, nil},
		{"one beyond is left out, the rest keeps its order", []int{20, 101, 21, 102}, 10, [][]int{{20, 21}}, []int{101, 102}},
		{"only too large ones make no call", []int{101}, 10, nil, []int{101}},
		{"a count of nought is one", []int{20, 20}, 0, [][]int{{20}, {20}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var entries []Entry
			for _, size := range tt.sizes {
				entries = append(entries, sized(size))
			}
			calls, refused := Batch(entries, tt.maxCount, 100)
			var got [][]int
			for _, call := range calls {
				var sizes []int
				for _, entry := range call {
					sizes = append(sizes, entry.Size())
				}
				got = append(got, sizes)
			}
			if !slices.EqualFunc(got, tt.want, slices.Equal[[]int]) {
				t.Errorf("calls %v, want %v", got, tt.want)
			}
			var left []int
			for _, r := range refused {
				left = append(left, r.Entry.Size())
			}
			if !slices.Equal(left, tt.refused) {
				t.Errorf("refused %v, want %v", left, tt.refused)
			}
		})
	}
}

func TestTooLargeErrorNamesTheEvent(t *testing.T) {
	entry := Entry{DetailType: DeleteCampaign, Resources: []string{campaign}, Detail: json.RawMessage(strings.Repeat(" ", MaxBytes))}
	_, refused := Batch([]Entry{entry}, MaxEntries, MaxBytes)
	if len(refused) != 1 {
		t.Fatalf("refused %v", refused)
	}
	var err error = refused[0]
	var tooLarge *TooLargeError
	const want = "event DeletePersonalizeCampaign about " + campaign + " has 262244 bytes, more than the 262144 that one call accepts"
	if !errors.As(err, &tooLarge) || err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	tooLarge.Entry.Resources = nil
	if !strings.HasPrefix(err.Error(), "event DeletePersonalizeCampaign has ") {
		t.Error(err)
	}
}
