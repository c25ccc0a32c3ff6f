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

// maxNamed is how many wrong items of one list a message names.
const maxNamed = 3

// wrong joins what is wrong with the items of a list; nil if nothing is.
func wrong(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	more := ""
	if n := len(problems) - maxNamed; n > 0 {
		problems, more = problems[:maxNamed], fmt.Sprintf(", and %d more", n)
	}
	return errors.New(strings.Join(problems, ", ") + more)
}

// parseSelection reads all, none or ARNs of the one kind.
func parseSelection(in value, kind model.Kind) (model.Selection, error) {
	items, err := in.items()
	if err != nil {
		return model.Selection{}, err
	}
	words := map[string]bool{}
	var others []string
	for _, item := range items {
		switch word := strings.ToLower(item); word {
		case "all", "none":
			words[word] = true
		default:
			others = append(others, item)
		}
	}
	arns, problems := parseARNs(others, kind)
	if len(words) > 1 || len(words) == 1 && len(others) > 0 {
		problems = append(problems, "all and none each stand alone")
	}
	return model.Selection{All: words["all"], ARNs: arns}, wrong(problems)
}

// parseARNs reads ARNs of the one kind, each once, and tells what is wrong with the rest.
func parseARNs(items []string, kind model.Kind) (arns []model.ARN, problems []string) {
	for _, item := range items {
		arn, got, err := model.ParseResourceARN(item)
		switch {
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
	return arns, problems
}

// parseRegions reads names of regions, by shape; which of them exist is for AWS to say.
func parseRegions(in value) ([]string, error) {
	items, err := in.items()
	if err != nil {
		return nil, err
	}
	var regions, problems []string
	for _, item := range items {
		switch {
		case strings.EqualFold(item, "all"):
			problems = append(problems, quote(item)+" is not offered: name the regions, or none for the current one")
		case !model.ValidRegion(item):
			problems = append(problems, quote(item)+" is not the name of a region")
		case !slices.Contains(regions, item):
			regions = append(regions, item)
		}
	}
	return regions, wrong(problems)
}

// parseBoolean reads yes or no in all the ways in which templates, shells and JSON say it.
func parseBoolean(in value) (bool, error) {
	text, err := in.scalar(formText, formBoolean, formNumber)
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

// parseSwitch reads a boolean, or DryRun in any spelling.
func parseSwitch(in value) (model.Switch, error) {
	if in.form == formText && dryRunSpelling.Replace(strings.ToLower(in.text)) == "dryrun" {
		return model.DryRun, nil
	}
	on, err := parseBoolean(in)
	switch {
	case err != nil && in.form == formText:
		return "", fmt.Errorf("%s is neither yes nor no nor DryRun", quote(in.text))
	case err != nil:
		return "", err
	case on:
		return model.On, nil
	}
	return model.Off, nil
}

// dryRunSpelling takes out what some write between the two words.
var dryRunSpelling = strings.NewReplacer("-", "", "_", "", " ", "")

// decimal is a number as people and JSON write it; strconv would take hexadecimal,
// infinity and NaN too.
var decimal = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$`)

// parseNumber reads a number from low to high, both included.
func parseNumber(in value, low, high float64) (float64, error) {
	text, err := in.scalar(formText, formNumber)
	if err != nil {
		return 0, err
	}
	if !decimal.MatchString(text) {
		return 0, fmt.Errorf("%s is not a number", quote(text))
	}
	// The one error left is a number beyond float64, returned as an infinity.
	number, _ := strconv.ParseFloat(text, 64)
	if number < low || number > high {
		return 0, fmt.Errorf("%s is out of range", quote(text))
	}
	return number + 0, nil // turns -0 into 0
}

// parseWhole reads a whole number from low to high, both included. 24.0 is whole.
func parseWhole(in value, low, high int) (int, error) {
	number, err := parseNumber(in, float64(low), float64(high))
	if err != nil {
		return 0, err
	}
	if number != math.Trunc(number) {
		return 0, fmt.Errorf("%s is not whole", quote(in.text))
	}
	return int(number), nil
}

// parseEndpoints reads e-mail addresses and URLs. Equal ones are kept once; upper and
// lower case make no difference in an e-mail address.
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
		if err != nil {
			problems = append(problems, quote(item)+" "+err.Error())
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
	return endpoints, wrong(problems)
}

// parseEndpoint reads one endpoint. The error completes a sentence that begins with
// the item.
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
	if !strings.EqualFold(scheme, "https") {
		return Endpoint{}, errors.New("is not an https:// URL")
	}
	address := "https://" + rest
	parsed, err := url.Parse(address)
	switch {
	case err != nil:
		return Endpoint{}, errors.New("is not a well-formed URL")
	case parsed.User != nil:
		return Endpoint{}, errors.New("carries a user name")
	case parsed.Hostname() == "":
		return Endpoint{}, errors.New("names no host")
	}
	return Endpoint{HTTPS, address}, nil
}

// parseMode reads when hourly checks are done.
func parseMode(in value) (model.Mode, error) {
	text, err := in.scalar(formText)
	if err != nil {
		return "", err
	}
	switch mode := model.Mode(strings.ToLower(text)); mode {
	case model.Auto, model.Always, model.Never:
		return mode, nil
	}
	return "", fmt.Errorf("%s is no such mode", quote(text))
}

// parseDuration reads a duration with its unit, from zero to high.
func parseDuration(in value, high time.Duration) (time.Duration, error) {
	text, err := in.scalar(formText)
	if err != nil {
		return 0, err
	}
	duration, err := time.ParseDuration(text)
	switch {
	case err != nil && decimal.MatchString(text):
		return 0, fmt.Errorf("%s lacks a unit", quote(text))
	case err != nil:
		return 0, fmt.Errorf("%s is not a duration", quote(text))
	case duration < 0 || duration > high:
		return 0, fmt.Errorf("%s is out of range", quote(text))
	}
	return duration, nil
}

// dashboardPattern and maxDashboard are CloudWatch's rule (PutDashboard in its API
// reference: up to 255 of these characters), less five characters for the number of a
// further dashboard. The length is no part of the pattern, as counting makes one slow to
// compile.
var dashboardPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

const maxDashboard = 250

func parseDashboardName(in value) (string, error) {
	text, err := in.scalar(formText)
	if err != nil {
		return "", err
	}
	if !dashboardPattern.MatchString(text) || len(text) > maxDashboard {
		return "", fmt.Errorf("%s is not the name of a dashboard", quote(text))
	}
	return text, nil
}
