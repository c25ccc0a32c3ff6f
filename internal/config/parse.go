package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// maxListed is how many invalid items of one list a message names.
const maxListed = 3

// joined makes one error of the problems with the items of a list; nil if there are none.
func joined(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	more := ""
	if n := len(problems) - maxListed; n > 0 {
		problems, more = problems[:maxListed], fmt.Sprintf(", and %d more", n)
	}
	return errors.New(strings.Join(problems, ", ") + more)
}

// parseItems parses the items of a list, each once. The error of one is a sentence that names it.
func parseItems[T any](items []string, same func(a, b T) bool, parse func(item string) (T, error)) (list []T, problems []string) {
	for _, item := range items {
		one, err := parse(item)
		if err != nil {
			problems = append(problems, err.Error())
		} else if !slices.ContainsFunc(list, func(other T) bool { return same(one, other) }) {
			list = append(list, one)
		}
	}
	return list, problems
}

func equal[T comparable](a, b T) bool { return a == b }

// selection parses all, none or ARNs of the kind, each once.
func selection(kind model.Kind) func(value) (model.Selection, error) {
	return func(in value) (model.Selection, error) {
		items, err := in.items()
		if err != nil {
			return model.Selection{}, err
		}
		words := map[string]bool{}
		named := slices.DeleteFunc(items, func(item string) bool {
			word := strings.ToLower(item)
			if word == "all" || word == "none" {
				words[word] = true
			}
			return words[word]
		})
		arns, problems := parseItems(named, equal, func(item string) (model.ARN, error) {
			arn, got, err := model.ParseResourceARN(item)
			switch {
			case err != nil && !strings.Contains(err.Error(), strconv.Quote(item)):
				err = fmt.Errorf("%s is %w", quote(item), err)
			case err == nil && got != kind:
				err = fmt.Errorf("%q is the ARN of a %s, not of a %s", item, got, kind)
			}
			return arn, err
		})
		if len(words) > 0 && len(words)+len(arns)+len(problems) > 1 {
			problems = append(problems, "all and none cannot be combined with anything else")
		}
		return model.Selection{All: words["all"], ARNs: arns}, joined(problems)
	}
}

// listOf parses a list, each item once.
func listOf[T any](parse func(item string) (T, error), same func(a, b T) bool) func(value) ([]T, error) {
	return func(in value) ([]T, error) {
		items, err := in.items()
		if err != nil {
			return nil, err
		}
		list, problems := parseItems(items, same, parse)
		return list, joined(problems)
	}
}

// parseRegion parses the name of a region, by shape; only AWS knows which of them exist.
func parseRegion(item string) (string, error) {
	switch {
	case strings.EqualFold(item, "all"):
		return "", fmt.Errorf("%s is not supported: name the regions, or none for the current one", quote(item))
	case !model.ValidRegion(item):
		return "", fmt.Errorf("%s is not the name of a region", quote(item))
	}
	return item, nil
}

func parseBoolean(in value) (bool, error) {
	text, err := in.scalar(boolean, numeric)
	if err != nil {
		return false, err
	}
	switch strings.ToLower(text) {
	case "yes", "true", "1":
		return true, nil
	case "no", "false", "0":
		return false, nil
	}
	return false, fmt.Errorf("%s is neither yes nor no", quote(text))
}

var dryRunSpelling = strings.NewReplacer("-", "", "_", "", " ", "")

// parseSwitch parses a boolean, or DryRun in any spelling.
func parseSwitch(in value) (model.Switch, error) {
	if in.json == "" && dryRunSpelling.Replace(strings.ToLower(in.text)) == "dryrun" {
		return model.DryRun, nil
	}
	on, err := parseBoolean(in)
	switch {
	case err != nil && in.json == "":
		return "", fmt.Errorf("%w nor DryRun", err)
	case err != nil:
		return "", err
	case on:
		return model.On, nil
	}
	return model.Off, nil
}

// decimal is a number as people and JSON write it; strconv also accepts hexadecimal,
// infinity and NaN.
var decimal = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$`)

// number parses a number from low to high, both included.
func number(low, high float64) func(value) (float64, error) {
	return func(in value) (float64, error) {
		text, err := in.scalar(numeric)
		if err != nil {
			return 0, err
		}
		if !decimal.MatchString(text) {
			return 0, fmt.Errorf("%s is not a number", quote(text))
		}
		// The only remaining error is a number beyond float64, returned as an infinity.
		parsed, _ := strconv.ParseFloat(text, 64)
		if parsed < low || parsed > high {
			return 0, fmt.Errorf("%s is out of range", quote(text))
		}
		return parsed + 0, nil // turns -0 into 0
	}
}

// whole parses a whole number from low to high, both included. 24.0 is whole.
func whole(low, high int) func(value) (int, error) {
	parse := number(float64(low), float64(high))
	return func(in value) (int, error) {
		parsed, err := parse(in)
		if err == nil && parsed != math.Trunc(parsed) {
			err = fmt.Errorf("%s is not a whole number", quote(in.text))
		}
		return int(parsed), err
	}
}

// kmsKeyPattern is the ARN of a key, of one region or of several (AWS KMS developer guide, "Key
// identifiers").
var kmsKeyPattern = regexp.MustCompile(`^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)

func parseKMSKey(in value) (model.ARN, error) {
	text, err := in.scalar()
	switch {
	case err != nil:
		return model.ARN{}, err
	case !kmsKeyPattern.MatchString(text):
		return model.ARN{}, fmt.Errorf("%s is not the ARN of a key", quote(text))
	}
	return model.ParseARN(text)
}

func parseMode(in value) (model.Mode, error) {
	text, err := in.scalar()
	if err == nil && !slices.Contains(modes, strings.ToLower(text)) {
		err = fmt.Errorf("%s is not a mode", quote(text))
	}
	return model.Mode(strings.ToLower(text)), err
}

const maxMetricDelay = 15 * time.Minute

func parseMetricDelay(in value) (time.Duration, error) {
	text, err := in.scalar()
	if err != nil {
		return 0, err
	}
	duration, err := time.ParseDuration(text)
	switch {
	case err != nil && decimal.MatchString(text):
		return 0, fmt.Errorf("%s has no unit", quote(text))
	case err != nil:
		return 0, fmt.Errorf("%s is not a duration", quote(text))
	case duration < 0 || duration > maxMetricDelay:
		return 0, fmt.Errorf("%s is out of range", quote(text))
	}
	return duration, nil
}

// dashboardPattern and maxDashboardName are CloudWatch's rule (PutDashboard in its API
// reference: up to 255 of these characters), less five characters for the number of a
// further dashboard. The length is not in the pattern, because a counted repetition
// compiles slowly.
var dashboardPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

const maxDashboardName = 250

func parseDashboardName(in value) (string, error) {
	text, err := in.scalar()
	if err == nil && (!dashboardPattern.MatchString(text) || len(text) > maxDashboardName) {
		err = fmt.Errorf("%s is not the name of a dashboard", quote(text))
	}
	return text, err
}

// value is a parameter as a source gave it, before validation. Flags and variables are
// text; events have other JSON values as well.
type value struct {
	json string   // the kind of a JSON value that is not a string; empty for text
	text string   // of a text without surrounding space; else the JSON. Empty: not given
	list []string // of a JSON list
}

// The kinds of JSON values.
const (
	boolean = "boolean"
	numeric = "number"
	list    = "list"
	object  = "object"
)

func textValue(s string) value { return value{text: strings.TrimSpace(s)} }

// jsonValue makes the value of an event; its text is empty if the event does not give it.
func jsonValue(raw json.RawMessage) (value, error) {
	if len(raw) == 0 {
		return value{}, nil
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return value{}, fmt.Errorf("%s is not valid JSON", quote(string(raw)))
	}
	v := value{text: compact.String()}
	switch v.text[0] {
	case 'n':
		return value{}, nil
	case '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return textValue(text), err
	case 't', 'f':
		v.json = boolean
	case '{':
		v.json = object
	case '[':
		v.json = list
		var items []*string
		if json.Unmarshal(raw, &items) != nil || slices.Contains(items, nil) {
			return v, fmt.Errorf("the JSON list %s is not accepted: not all its items are strings", quote(v.text))
		}
		for _, item := range items {
			v.list = append(v.list, *item)
		}
	default:
		v.json = numeric
	}
	return v, nil
}

// scalar returns the text of a text value or of one of the given JSON kinds.
func (v value) scalar(kinds ...string) (string, error) {
	if v.json == "" || slices.Contains(kinds, v.json) {
		return v.text, nil
	}
	return "", fmt.Errorf("the JSON %s %s is not accepted", v.json, quote(v.text))
}

// items returns the items of a JSON list, or of a text, separated by commas. It drops
// spaces and empty items; a list without items is an error.
func (v value) items() ([]string, error) {
	parts := v.list
	if v.json != list {
		text, err := v.scalar()
		if err != nil {
			return nil, err
		}
		parts = strings.Split(text, ",")
	}
	var items []string
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			items = append(items, part)
		}
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%s is empty", quote(v.text))
	}
	return items, nil
}

const maxQuoted = 300

// quote repeats an invalid value in a message: on one line, shortened, and without the
// user name and password that a URL may contain.
func quote(s string) string {
	if scheme, rest, isURL := strings.Cut(s, "://"); isURL {
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			s = scheme + "://***" + rest[at:]
		}
	}
	runes := []rune(strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
	if len(runes) > maxQuoted {
		return fmt.Sprintf("%q", string(runes[:maxQuoted])+"…")
	}
	return fmt.Sprintf("%q", string(runes))
}
