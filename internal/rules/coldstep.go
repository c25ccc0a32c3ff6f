package rules

// coldFactor is how far demand exceeds the highest of the three steps before it when it comes
// faster than capacity is added.
const coldFactor = 1.5

// ColdReach is how many 5-minute steps before one decide, beside the minimum, whether it is cold.
const ColdReach = riseSteps

// Cold reports whether a 5-minute step is cold: its demand is above the minimum, and above 1.5
// times the highest of the three steps before it, so that no warm capacity is sure to serve it. All
// three are in the same unit. What Personalize serves until it has scaled is not documented, so
// cold steps measure exposure, not loss.
func Cold(demand, minimum, highestBefore float64) bool {
	return demand > minimum && demand > coldFactor*highestBefore
}
