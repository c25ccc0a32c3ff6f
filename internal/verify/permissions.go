package verify

import (
	"fmt"
	"slices"
)

// Answer is whether an action is allowed.
type Answer string

// The answers. Unknown is never taken for one of the others.
const (
	Allowed Answer = "allowed"
	Refused Answer = "refused"
	Unknown Answer = "unknown"
)

// Permission is the answer for one action in one region, on one resource.
type Permission struct {
	Action   string // such as personalize:UpdateCampaign
	Region   string // empty for an action that has no region
	Resource string // an ARN, or *
	Answer   Answer
	Called   bool    // the action itself was called, which is the best proof; else it was simulated
	Why      Failure // of an Unknown; of a Refused one what refuses it, if that is known
}

// refusal is an action that is refused, and what refuses it.
type refusal struct {
	action string
	why    Failure
}

// permissions has one finding for each action that is refused and what refuses it, one for each reason why some are not
// known, and one for all that are allowed everywhere.
func (f Facts) permissions() (list []Finding) {
	about := Finding{Check: CheckPermission}
	var refused []refusal
	var reasons, others []string
	why := map[string]Failure{}      // by its text
	unknown := map[string][]string{} // actions, by reason
	called := map[string]bool{}      // the actions that are allowed: whether one was called
	for _, p := range f.Permissions {
		switch reason := p.Why.Text; p.Answer {
		case Refused:
			refused, others = once(refused, refusal{p.Action, p.Why}), append(others, p.Action)
		case Allowed:
			called[p.Action] = called[p.Action] || p.Called
		default:
			reasons, why[reason], unknown[reason] = once(reasons, reason), p.Why, once(unknown[reason], p.Action)
		}
	}
	for _, r := range refused {
		list = append(list, f.refused(r))
	}
	for _, reason := range reasons {
		list = append(list, about.unread(names(unknown[reason]), why[reason]))
		others = append(others, unknown[reason]...)
	}
	for _, action := range others {
		delete(called, action)
	}
	byCall := 0
	for _, one := range called {
		if one {
			byCall++
		}
	}
	if n := len(called); n > 0 {
		list = append(list, about.ok(
			fmt.Sprintf("%d actions of %s are allowed: %d by calling them, %d by simulation", n, f.Use, byCall, n-byCall)))
	}
	return list
}

func once[T comparable](list []T, one T) []T {
	if slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}

// refused is the finding for one action, in all regions that refuse it for one reason.
func (f Facts) refused(r refusal) Finding {
	about, text, resource := Finding{Check: CheckPermission, Resource: r.action}, r.action+" is not allowed", ""
	var regions []string
	others := false // a region allows it, does not know, or refuses it for another reason
	for _, p := range f.Permissions {
		switch {
		case p.Action != r.action:
		case p.Answer != Refused, p.Why != r.why:
			others = true
		case !slices.Contains(regions, p.Region):
			regions, resource = append(regions, p.Region), p.Resource
		}
	}
	switch {
	case len(regions) == 1:
		about.Region = regions[0]
	case others:
		text += " in " + names(regions)
	}
	if r.why.Text != "" {
		return about.with(Fail, text+": "+r.why.Text, r.why.Remedy)
	}
	return about.with(Fail, text, "allow it on "+resource+"; "+f.Policy)
}
