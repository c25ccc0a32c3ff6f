package awsapi

import "golang.org/x/sync/errgroup"

// Bounds of the calls that run at the same time. Personalize is offered in about a dozen
// regions. In one region, at 20 ms a call, 8 calls are far more than the rate limits let
// through, so a few slow responses do not hold the others up.
const (
	RegionsAtOnce = 16
	CallsAtOnce   = 8 // in one region
)

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
