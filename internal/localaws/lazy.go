package localaws

import (
	"regexp"
	"sync"
)

// lazy is a regular expression that is compiled when it is first asked for. The program
// holds many for the embedded AWS, and starts without one most of the time.
func lazy(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
