// Package accounts finds the accounts that are watched together: those of a file, or of an AWS
// Organization. It makes the settings of each, with the credentials of a role in it.
package accounts

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/yamldoc"
)

// Entry is an account with how it is reached.
type Entry struct {
	model.Account
	Role       model.ARN // zero: the account of the given credentials, which are used as they are
	ExternalID string    // empty: none
	Regions    []string  // empty: those of the parameter Regions
}

// Limits on a file of accounts.
const (
	maxFile       = 1 << 20
	maxAccounts   = 1000
	maxName       = 50   // characters, as AWS Organizations allows them
	maxExternalID = 1224 // characters (STS API reference, AssumeRole)
)

var (
	// rolePath is a role's path and its name of up to 64 characters (IAM API reference, CreateRole).
	rolePath = regexp.MustCompile(`^([\x21-\x7e]{1,500}/)?[\w+=,.@-]{1,64}$`)
	// externalPattern is what AssumeRole accepts as an external id (STS API reference).
	externalPattern = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
)

// ParseFile reads a file of accounts: YAML, which includes JSON, with the key accounts: a list of
// mappings with name, roleArn, and optionally externalId and regions. Names and accounts are
// distinct. ParseFile rejects other keys and invalid values; the error has one line for each
// fault, with line and column.
func ParseFile(name string, data []byte) (list []Entry, err error) {
	f := file{&yamldoc.Document{Name: name, What: "a file of accounts", Keys: "accounts", MaxBytes: maxFile, MaxBrackets: 4 * maxAccounts}}
	err = f.Read(data, func(root ast.Node) {
		given := f.Fields(root, "a file of accounts", map[string]func(ast.Node){"accounts": func(n ast.Node) { list = f.accounts(n) }})
		if given != nil && !given["accounts"] {
			f.Bad(root, "accounts is missing: a list of accounts, each with name and roleArn")
		}
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

type file struct{ *yamldoc.Document }

func (f file) accounts(n ast.Node) []Entry {
	nodes, ok := n.(*ast.SequenceNode)
	if !ok || len(nodes.Values) == 0 || len(nodes.Values) > maxAccounts {
		f.Bad(n, "accounts is not a list of 1 to %d accounts such as {name: shop, roleArn: %s}", maxAccounts, exampleRole)
		return nil
	}
	var list []Entry
	names, ids := map[string]bool{}, map[string]bool{}
	for _, node := range nodes.Values {
		e := f.account(node)
		if e.Name != "" && names[e.Name] {
			f.Bad(node, "two accounts have the name %q", e.Name)
		}
		if e.ID != "" && ids[e.ID] { // two monitors of one account would do everything twice
			f.Bad(node, "the account %s is in the file twice; give one entry all its regions", e.ID)
		}
		names[e.Name], ids[e.ID] = true, true
		list = append(list, e)
	}
	return list
}

const exampleRole = "arn:aws:iam::111122223333:role/PersonalizeMonitor"

func (f file) account(n ast.Node) (e Entry) {
	var regions ast.Node
	given := f.Fields(n, "an account", map[string]func(ast.Node){
		"name":       func(n ast.Node) { e.Name = f.name(n) },
		"roleArn":    func(n ast.Node) { e.Role = f.role(n) },
		"externalId": func(n ast.Node) { e.ExternalID = f.externalID(n) },
		"regions":    func(n ast.Node) { regions = n },
	})
	for _, key := range []string{"name", "roleArn"} {
		if given != nil && !given[key] {
			f.Bad(n, "%s of an account is missing", key)
		}
	}
	if e.ID = e.Role.Account(); regions != nil {
		e.Regions = f.regions(regions, e.Role.Partition())
	}
	return e
}

func (f file) name(n ast.Node) string {
	text, ok := yamldoc.Scalar(n)
	if !ok || strings.TrimSpace(text) == "" || len([]rune(text)) > maxName || strings.ContainsFunc(text, unicode.IsControl) ||
		model.OneLine(text) != text {
		f.Bad(n, "name: %s is not one line of 1 to %d characters", yamldoc.Shown(n), maxName)
		return ""
	}
	return text
}

func (f file) role(n ast.Node) model.ARN {
	text, _ := yamldoc.Scalar(n)
	arn, err := ParseRole(text)
	if err != nil {
		f.Bad(n, "roleArn: %s is not the ARN of a role such as %s", yamldoc.Shown(n), exampleRole)
	}
	return arn
}

// ParseRole accepts the ARN of an IAM role.
func ParseRole(text string) (model.ARN, error) {
	arn, err := model.ParseARN(text)
	name, isRole := strings.CutPrefix(arn.Resource(), "role/")
	inAccount := arn.Service() == "iam" && arn.Region() == "" && model.ValidAccount(arn.Account())
	if err != nil || !inAccount || !isRole || !rolePath.MatchString(name) {
		return model.ARN{}, fmt.Errorf("%q is not the ARN of a role such as %s", text, exampleRole)
	}
	return arn, nil
}

func (f file) externalID(n ast.Node) string {
	text, ok := yamldoc.Scalar(n)
	if !ok || len(text) > maxExternalID || !externalPattern.MatchString(text) {
		// It may be a secret: it is not repeated.
		f.Bad(n, "externalId is not 2 to %d letters, digits and _+=,.@:/-", maxExternalID)
		return ""
	}
	return text
}

func (f file) regions(n ast.Node, partition string) []string {
	nodes, ok := n.(*ast.SequenceNode)
	if !ok || len(nodes.Values) == 0 {
		f.Bad(n, "regions is not a list of regions such as [us-east-1, eu-west-1]")
		return nil
	}
	var list []string
	for _, node := range nodes.Values {
		region, _ := yamldoc.Scalar(node)
		of := model.PartitionOf(region)
		switch {
		case !model.ValidRegion(region):
			f.Bad(node, "regions: %s is not the name of an AWS region (such as eu-west-1)", yamldoc.Shown(node))
		case partition != "" && of != "" && of != partition:
			f.Bad(node, "regions: %s is not in the partition of the role, %s", region, partition)
		case slices.Contains(list, region):
			f.Bad(node, "regions: %s is named twice", region)
		}
		list = append(list, region)
	}
	return list
}
