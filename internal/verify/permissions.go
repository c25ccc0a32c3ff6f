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
// known, and one for all that are allowed.
func (f Facts) permissions() []Finding {
	if len(f.Permissions) == 0 {
		return nil
	}
	var list []Finding
	var refused, reasons []string
	called, simulated := map[string]bool{}, map[string]bool{}
	unknown := map[string][]string{} // actions, by reason
	remedies := map[string]string{}
	for _, p := range f.Permissions {
		switch {
		case p.Answer == Refused && !slices.Contains(refused, p.Action):
			refused = append(refused, p.Action)
		case p.Answer == Refused:
		case p.Answer == Allowed && p.Called:
			called[p.Action] = true
		case p.Answer == Allowed:
			simulated[p.Action] = true
		default:
			if _, known := unknown[p.Why.Text]; !known {
				reasons = append(reasons, p.Why.Text)
			}
			if !slices.Contains(unknown[p.Why.Text], p.Action) {
				unknown[p.Why.Text] = append(unknown[p.Why.Text], p.Action)
			}
			remedies[p.Why.Text] = p.Why.Remedy
		}
	}
	for _, action := range refused {
		list = append(list, f.refused(action))
		delete(called, action)
		delete(simulated, action)
	}
	for _, reason := range reasons {
		for _, action := range unknown[reason] {
			delete(called, action)
			delete(simulated, action)
		}
		list = append(list, Finding{
			CheckPermission, Unchecked, "", "", fmt.Sprintf("%s: %s", names(unknown[reason]), reason), remedies[reason],
		})
	}
	for action := range called {
		delete(simulated, action)
	}
	if n := len(called) + len(simulated); n > 0 {
		text := fmt.Sprintf("%d actions of %s are allowed: %d by calling them, %d by simulation", n, f.Use, len(called), len(simulated))
		list = append(list, Finding{CheckPermission, OK, "", "", text, ""})
	}
	return list
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
