package localaws

import (
	"encoding/json"
	"fmt"
)

// numeric matches numbers within bounds.
type numeric []bound

type bound struct {
	operator string
	limit    float64
}

// maxNumeric is the largest magnitude that numeric matching takes.
const maxNumeric = 5e9

// buildNumeric reads an operator and a number, or two of them: a lower bound, then an
// upper one.
func buildNumeric(path string, argument any) (matcher, error) {
	bad := fmt.Errorf("%s: the value of numeric is not one or two comparisons such as [\">\", 0, \"<=\", 5]", path)
	list, _ := argument.([]any)
	if len(list) != 2 && len(list) != 4 {
		return nil, bad
	}
	var m numeric
	for i := 0; i < len(list); i += 2 {
		operator, _ := list[i].(string)
		number, _ := list[i+1].(json.Number)
		limit, err := number.Float64()
		if err != nil || limit > maxNumeric || limit < -maxNumeric || !anyOf(operator, "=", "<", "<=", ">", ">=") {
			return nil, bad
		}
		m = append(m, bound{operator, limit})
	}
	if len(m) == 2 && (m[0].operator[0] != '>' || m[1].operator[0] != '<' || m[0].limit >= m[1].limit) {
		return nil, bad
	}
	return m, nil
}

func (m numeric) match(v any, present bool) bool {
	number, ok := v.(json.Number)
	if !ok || !present {
		return false
	}
	f, err := number.Float64()
	if err != nil {
		return false
	}
	for _, b := range m {
		if !b.holds(f) {
			return false
		}
	}
	return true
}

func (b bound) holds(f float64) bool {
	switch b.operator {
	case "=":
		return f == b.limit
	case "<":
		return f < b.limit
	case "<=":
		return f <= b.limit
	case ">":
		return f > b.limit
	}
	return f >= b.limit
}
