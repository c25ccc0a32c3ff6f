package serve

import "strings"

// progressSteps are the steps that are shown, in the order of a cycle.
var progressSteps = []string{"discover", "measure", "check", "alarms"}

// progress is how far the cycle under way has come. What reads between two cycles, such as a report,
// has no progress that is shown.
type progress struct {
	running bool
	steps   map[string]Progress // of each region by name, as "alarms us-east-1"
}

// saw notes a step, and reports whether it is worth to be shown: a twentieth of the whole at least,
// or its end. An empty name ends the cycle.
func (p *progress) saw(name string, done, total int) bool {
	if name == "" {
		had := len(p.steps) > 0
		*p = progress{}
		return had
	}
	if !p.running {
		return false
	}
	before, known := p.steps[name]
	step, _, _ := strings.Cut(name, " ")
	p.steps[name] = Progress{Step: step, Done: done, Total: total}
	return !known || done >= total || total > 0 && done*20/total != before.Done*20/total
}

// list adds up the regions.
func (p progress) list() []Progress {
	var list []Progress
	for _, step := range progressSteps {
		sum := Progress{Step: step}
		for _, one := range p.steps {
			if one.Step == step {
				sum.Done, sum.Total = sum.Done+one.Done, sum.Total+one.Total
			}
		}
		if sum.Total > 0 {
			list = append(list, sum)
		}
	}
	return list
}
