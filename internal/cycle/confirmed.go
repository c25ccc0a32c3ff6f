package cycle

import "github.com/personalize-monitor/personalize-monitor/internal/rules"

// refuseUnconfirmed refuses to stop or delete what a person was not shown before they confirmed it. It may
// be idle only since then. A nil list means that no one was asked.
func refuseUnconfirmed(decisions []rules.Decision, mayEnd map[string]bool) {
	if mayEnd == nil {
		return
	}
	for i, d := range decisions {
		if d.Verdict.Action().Ends() && !mayEnd[d.Resource.ARN.String()] { // guard: cycle: only what was confirmed is ended; each
			decisions[i] = rules.Refuse(d, "it was not in the list that was confirmed; run it again to see it there")
		}
	}
}
