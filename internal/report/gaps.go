package report

import "github.com/personalize-monitor/personalize-monitor/internal/model"

// Gap is what a report lacks of a region, as it could not be listed or described. How much that is, is not known: it is in no sum.
type Gap struct {
	Kind    model.Kind
	Region  string
	Account model.Account // if the report covers several
}

// String is what is missing, such as "some recommenders in eu-west-1 of shop (111122223333)".
func (g Gap) String() string {
	return "some " + string(g.Kind) + "s in " + model.Problem{Region: g.Region, Account: g.Account}.Where()
}

// gapsOf are the gaps that problems have left in a list of endpoints. One that could not be described is in the list if
// what is known of it is not too old. The list may be long: only what could not be described is looked up in it.
func gapsOf[T any](problems []model.Problem, list []T, arn func(*T) string) (gaps []Gap) {
	kinds, listed, seen := map[string]model.Kind{}, map[string]bool{}, map[Gap]bool{}
	for _, kind := range []model.Kind{model.Campaign, model.Recommender} {
		kinds[kind.ListOperation()], kinds[kind.DescribeOperation()] = kind, kind
	}
	for _, p := range problems {
		if kinds[p.Operation] != "" && p.ARN != "" {
			listed[p.ARN] = false
		}
	}
	if len(listed) > 0 {
		for i := range list {
			if _, undescribed := listed[arn(&list[i])]; undescribed {
				listed[arn(&list[i])] = true
			}
		}
	}
	for _, p := range problems {
		g := Gap{kinds[p.Operation], p.Region, p.Account}
		if g.Kind == "" || listed[p.ARN] || seen[g] {
			continue
		}
		seen[g] = true
		gaps = append(gaps, g)
	}
	return gaps
}

// Gaps are what the result lacks.
func (r Result) Gaps() []Gap {
	return gapsOf(r.Problems, r.Resources, func(one *Resource) string { return one.ARN })
}

// gaps are what the ledger lacks, in words.
func (l Ledger) gaps() []string {
	return gapTexts(gapsOf(l.Problems, l.Resources, func(e *Entry) string { return e.ARN }))
}

func gapTexts(gaps []Gap) (list []string) {
	for _, g := range gaps {
		list = append(list, g.String())
	}
	return list
}
