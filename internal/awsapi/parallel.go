package awsapi

import (
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Bounds of the calls that run at the same time. Personalize is offered in about a dozen
// regions. In one region, at 20 ms a call, 8 calls are far more than the rate limits let
// through, so a few slow responses do not hold the others up.
const (
	RegionsAtOnce = 16
	CallsAtOnce   = 8 // in one region
)

// ParallelByRegion runs f for the index of each item: those of one region CallsAtOnce at a
// time, those of RegionsAtOnce regions side by side. It returns when all are done.
func ParallelByRegion[T any](items []T, region func(T) string, f func(i int)) {
	byRegion := map[string][]int{}
	for i, item := range items {
		byRegion[region(item)] = append(byRegion[region(item)], i)
	}
	lists := slices.Collect(maps.Values(byRegion))
	Parallel(len(lists), RegionsAtOnce, func(n int) {
		Parallel(len(lists[n]), CallsAtOnce, func(k int) { f(lists[n][k]) })
	})
}

// Parallel runs f for each number from 0 to n-1, at most limit at a time, and returns when
// all are done.
func Parallel(n, limit int, f func(i int)) {
	var group errgroup.Group
	group.SetLimit(limit)
	for i := range n {
		group.Go(func() error {
			f(i)
			return nil
		})
	}
	_ = group.Wait() // f returns no error
}
