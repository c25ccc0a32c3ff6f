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
	Why      Failure // of an Unknown, and what AWS answered to a Refused call
}

// permissions has one finding for each action that is refused, one for each reason why some are not
// known, and one for all that are allowed everywhere.
func (f Facts) permissions() []Finding {
	var list []Finding
	var refused, reasons []string
	why := map[string]Failure{}      // by its text
	unknown := map[string][]string{} // actions, by reason
	called := map[string]bool{}      // the actions that are allowed: whether one was called
	for _, p := range f.Permissions {
		switch p.Answer {
		case Refused:
			refused = once(refused, p.Action)
		case Allowed:
			called[p.Action] = called[p.Action] || p.Called
		default:
			reasons, why[p.Why.Text] = once(reasons, p.Why.Text), p.Why
			unknown[p.Why.Text] = once(unknown[p.Why.Text], p.Action)
		}
	}
	for _, action := range refused {
		list = append(list, f.refused(action))
		delete(called, action)
	}
	for _, reason := range reasons {
		for _, action := range unknown[reason] {
			delete(called, action)
		}
		list = append(list, why[reason].unchecked(CheckPermission, "", names(unknown[reason])))
	}
	if len(called) > 0 {
		list = append(list, f.allowed(called))
	}
	return list
}

// once appends a text that is not in the list yet.
func once(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// allowed is the finding for all actions that are allowed, by whether one was called.
func (f Facts) allowed(called map[string]bool) Finding {
	n := 0
	for _, yes := range called {
		if yes {
			n++
		}
	}
	text := fmt.Sprintf("%d actions of %s are allowed: %d by calling them, %d by simulation", len(called), f.Use, n, len(called)-n)
	return Finding{CheckPermission, OK, "", "", text, ""}
}

// refused is the finding for one action, in all regions that refuse it.
func (f Facts) refused(action string) Finding {
	finding := Finding{Check: CheckPermission, Status: Fail, Resource: action, Text: action + " is not allowed"}
	var regions []string
	others := false // a region allows it, or does not know
	resource := ""
	for _, p := range f.Permissions {
		switch {
		case p.Action != action:
		case p.Answer != Refused:
			others = true
		case !slices.Contains(regions, p.Region):
			regions = append(regions, p.Region)
			resource = p.Resource
		}
	}
	switch {
	case len(regions) == 1:
		finding.Region = regions[0]
	case others:
		finding.Text += " in " + names(regions)
	}
	finding.Remedy = "allow it on " + resource + "; personalize-monitor permissions " + f.Use + " prints the whole policy"
	return finding
}
