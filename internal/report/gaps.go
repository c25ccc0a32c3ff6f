package report

import (
	"slices"
	"sync"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Listing is a kind of endpoint in a region.
type Listing struct {
	Kind   model.Kind
	Region string
}

// Gap is what a report lacks, as it could not be listed or described. How much that is, is not known: it is in no sum.
type Gap struct {
	Listing
	Account model.Account // if the report covers several
}

// String is what is missing, such as "some recommenders in eu-west-1 of shop (111122223333)".
func (g Gap) String() string {
	return "some " + string(g.Kind) + "s in " + model.Problem{Region: g.Region, Account: g.Account}.Where()
}

// gapsOf are the gaps that problems have left in a list of endpoints. One that could not be described is in the list if
// what is known of it is not too old.
func gapsOf[T any](problems []model.Problem, list []T, subject func(T) Subject) (gaps []Gap) {
	found := sync.OnceValue(func() map[string]bool { // the list may be long, and few problems need it
		arns := make(map[string]bool, len(list))
		for _, one := range list {
			arns[subject(one).ARN] = true
		}
		return arns
	})
	for _, p := range problems {
		for _, kind := range []model.Kind{model.Campaign, model.Recommender} {
			missing := p.Operation == kind.ListOperation() || p.Operation == kind.DescribeOperation() && !found()[p.ARN]
			if g := (Gap{Listing{kind, p.Region}, p.Account}); missing && !slices.Contains(gaps, g) {
				gaps = append(gaps, g)
			}
		}
	}
	return gaps
}

// Gaps are what the result lacks.
func (r Result) Gaps() []Gap {
	return gapsOf(r.Problems, r.Resources, func(one Resource) Subject { return one.Subject })
}

// gaps are what the ledger lacks, in words.
func (l Ledger) gaps() []string {
	return gapTexts(gapsOf(l.Problems, l.Resources, func(e Entry) Subject { return e.Subject }))
}

func gapTexts(gaps []Gap) (list []string) {
	for _, g := range gaps {
		list = append(list, g.String())
	}
	return list
}
