package config

import (
	"errors"
	"fmt"
	"math"
	"net/mail"
	"net/url"
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

func optional[T any](parse func(value) (T, error)) func(value) (T, error) {
	return func(in value) (none T, err error) {
		if in.text == "" {
			return none, nil
		}
		return parse(in)
	}
}

// selection parses all, none or ARNs of the kind, each once.
func selection(kind model.Kind) func(value) (model.Selection, error) {
	return func(in value) (model.Selection, error) {
		items, err := in.items()
		if err != nil {
			return model.Selection{}, err
		}
		var arns []model.ARN
		var problems []string
		words := map[string]bool{}
		for _, item := range items {
			arn, got, err := model.ParseResourceARN(item)
			switch word := strings.ToLower(item); {
			case word == "all" || word == "none":
				words[word] = true
			case err != nil && !strings.Contains(err.Error(), strconv.Quote(item)):
				problems = append(problems, quote(item)+" is "+err.Error())
			case err != nil:
				problems = append(problems, err.Error())
			case got != kind:
				problems = append(problems, fmt.Sprintf("%q is the ARN of a %s, not of a %s", item, got, kind))
			case !slices.Contains(arns, arn):
				arns = append(arns, arn)
			}
		}
		if len(words) > 0 && len(words)+len(arns)+len(problems) > 1 {
			problems = append(problems, "all and none cannot be combined with anything else")
		}
		return model.Selection{All: words["all"], ARNs: arns}, joined(problems)
	}
}

// parseRegions parses names of regions, by shape; only AWS knows which of them exist.
func parseRegions(in value) ([]string, error) {
	items, err := in.items()
	if err != nil {
		return nil, err
	}
	var regions, problems []string
	for _, item := range items {
		switch {
		case strings.EqualFold(item, "all"):
			problems = append(problems, quote(item)+" is not supported: name the regions, or none for the current one")
		case !model.ValidRegion(item):
			problems = append(problems, quote(item)+" is not the name of a region")
		case !slices.Contains(regions, item):
			regions = append(regions, item)
		}
	}
	return regions, joined(problems)
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

// parseEndpoints parses e-mail addresses and URLs, each once. E-mail addresses that differ
// only in case are the same.
func parseEndpoints(in value) ([]Endpoint, error) {
	items, err := in.items()
	if err != nil {
		return nil, err
	}
	var endpoints []Endpoint
	var problems []string
	seen := map[Endpoint]bool{}
	for _, item := range items {
		endpoint, err := parseEndpoint(item)
		if err == nil {
			err = confirmable(endpoint)
		}
		if err != nil {
			problems = append(problems, quote(shownURL(item))+" "+err.Error())
			continue
		}
		key := endpoint
		if key.Protocol == Email {
			key.Address = strings.ToLower(key.Address)
		}
		if !seen[key] {
			seen[key] = true
			endpoints = append(endpoints, endpoint)
		}
	}
	return endpoints, joined(problems)
}

// parseEndpoint parses one endpoint. The error completes a sentence that begins with the
// item.
func parseEndpoint(item string) (Endpoint, error) {
	if strings.ContainsFunc(item, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return Endpoint{}, errors.New("contains a space")
	}
	scheme, rest, isURL := strings.Cut(item, "://")
	if !isURL {
		address, err := mail.ParseAddress(item)
		if err != nil || address.Address != item {
			return Endpoint{}, errors.New("is neither an e-mail address nor an https:// URL")
		}
		return Endpoint{Email, item}, nil
	}
	address := "https://" + rest
	parsed, err := url.Parse(address)
	switch {
	case !strings.EqualFold(scheme, "https"):
		return Endpoint{}, errors.New("is not an https:// URL")
	case err != nil:
		return Endpoint{}, errors.New("is not a well-formed URL")
	case parsed.User != nil:
		return Endpoint{}, errors.New("contains a user name")
	case parsed.Hostname() == "":
		return Endpoint{}, errors.New("has no host")
	}
	return Endpoint{HTTPS, address}, nil
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
