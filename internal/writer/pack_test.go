package writer

import (
	"slices"
	"testing"
)

func TestPack(t *testing.T) {
	tests := []struct {
		name     string
		sizes    []int
		maxCount int
		want     [][]int
	}{
		{"nothing makes no call", nil, 10, nil},
		{"what fits goes together", []int{30, 40, 30}, 10, [][]int{{30, 40, 30}}},
		{"one byte more begins another call", []int{30, 40, 31}, 10, [][]int{{30, 40}, {31}}},
		{"as many as allowed", []int{20, 20, 20}, 3, [][]int{{20, 20, 20}}},
		{"one more than allowed", []int{20, 20, 20, 20}, 3, [][]int{{20, 20, 20}, {20}}},
		{"one at the limit is alone", []int{20, 100, 20}, 10, [][]int{{20}, {100}, {20}}},
		{"one beyond goes alone, in its place", []int{20, 101, 21, 102}, 10, [][]int{{20}, {101}, {21}, {102}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := pack(tt.sizes, tt.maxCount, 100, func(size int) int { return size })
			if !slices.EqualFunc(got, tt.want, slices.Equal[[]int]) {
				t.Errorf("calls %v, want %v", got, tt.want)
			}
		})
	}
}
