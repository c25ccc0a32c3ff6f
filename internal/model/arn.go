package model

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unique"
)

// ARN is an Amazon Resource Name. It is one word, comparable and shared by all that keep it, so that it can be
// a map key. The zero value names nothing.
type ARN struct{ parts unique.Handle[arnParts] }

// arnParts are the parts of an ARN: where partition, service, region, account and resource begin in its text. One
// text instead of five takes less memory.
type arnParts struct {
	text   string
	starts [5]int32
}

// The parts of an ARN.
const (
	partition = iota
	service
	region
	account
	resource
)

// maxARNLength is the longest ARN that Personalize accepts (pattern and length in its API model).
const maxARNLength = 256

// ParseARN splits the ARN of any service. It is an error if s has fewer than six parts,
// does not start with "arn" or names no partition, service or resource.
func ParseARN(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return ARN{}, fmt.Errorf("%q is not an ARN (arn:partition:service:region:account:resource)", s)
	}
	return NewARN(parts[1], parts[2], parts[3], parts[4], parts[5]), nil
}

// NewARN joins the parts of an ARN. The region is empty for a global resource, and the account for a resource
// of AWS, such as a recipe.
func NewARN(partition, service, region, account, resource string) ARN {
	parts := arnParts{text: strings.Join([]string{"arn", partition, service, region, account, resource}, ":")}
	next := len("arn:")
	for i, part := range []string{partition, service, region, account, resource} {
		parts.starts[i] = int32(next)
		next += len(part) + len(":")
	}
	return ARN{unique.Make(parts)}
}

// part is a part of the ARN, which ends before the colon of the next one.
func (a ARN) part(i int) string {
	if a == (ARN{}) {
		return ""
	}
	parts := a.parts.Value()
	if i == resource {
		return parts.text[parts.starts[i]:]
	}
	return parts.text[parts.starts[i] : parts.starts[i+1]-1]
}

// Equal reports whether both name the same resource.
func (a ARN) Equal(b ARN) bool { return a == b }

// String is the ARN as text, in one place in memory for all that keep it; the zero ARN is the empty string.
func (a ARN) String() string {
	if a == (ARN{}) {
		return ""
	}
	return a.parts.Value().text
}

// Partition is aws, aws-cn, aws-us-gov or another.
func (a ARN) Partition() string { return a.part(partition) }

// Service is personalize, cloudwatch, sns or another.
func (a ARN) Service() string { return a.part(service) }

// Region is empty for a global resource.
func (a ARN) Region() string { return a.part(region) }

// Account is empty for a resource of AWS, such as a recipe.
func (a ARN) Account() string { return a.part(account) }

// Resource is the rest of the ARN, colons included.
func (a ARN) Resource() string { return a.part(resource) }

// WithRegion is the ARN of the same resource in another region.
func (a ARN) WithRegion(region string) ARN {
	return NewARN(a.Partition(), a.Service(), region, a.Account(), a.Resource())
}

// WithResource is the ARN of another resource beside it.
func (a ARN) WithResource(resource string) ARN {
	return NewARN(a.Partition(), a.Service(), a.Region(), a.Account(), resource)
}

// Compare orders ARNs by region, type and name; the account comes last. ARNs of one
// account sort in the same order as strings.
func (a ARN) Compare(b ARN) int {
	return cmp.Or(cmp.Compare(a.Region(), b.Region()), cmp.Compare(a.Resource(), b.Resource()), cmp.Compare(a.Account(), b.Account()))
}

// Type is the resource part before the first slash: "campaign" in "campaign/home-page".
func (a ARN) Type() string {
	kind, _, _ := strings.Cut(a.Resource(), "/")
	return kind
}

// Name is the resource part after the last slash, or all of it if there is no slash.
func (a ARN) Name() string {
	return a.Resource()[strings.LastIndex(a.Resource(), "/")+1:]
}

// Kind is the kind of resource that the ARN names; ok is false if it is of neither kind.
func (a ARN) Kind() (kind Kind, ok bool) {
	kind = Kind(a.Type())
	if a.Service() != "personalize" || kind != Campaign && kind != Recommender {
		return "", false
	}
	return kind, true
}

var (
	regionPattern = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$`)
	// Names of campaigns and recommenders as the Personalize API model has them.
	namePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9\-_]{0,62}$`)
)

// ValidRegion reports whether s has the form of a region name, such as eu-west-1. Whether
// the region exists and offers Personalize, only AWS knows.
func ValidRegion(s string) bool { return regionPattern.MatchString(s) }

// PartitionOf is the partition that a region belongs to, by its name; empty if the name
// does not show it.
func PartitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.Contains(region, "-iso"), strings.HasPrefix(region, "eusc-"):
		return ""
	}
	return "aws"
}

// usualRegion matches the names of regions in the partitions aws, aws-cn and aws-us-gov, as
// the table of partitions in the SDK has them, and those of the isolated partitions.
var usualRegion = regexp.MustCompile(`^(af|ap|ca|cn|eu|il|me|mx|sa|us)-`)

// misplaced reports whether the region is known to be in another partition.
func misplaced(arn ARN) bool {
	where := PartitionOf(arn.Region())
	switch arn.Partition() {
	case "aws", "aws-cn", "aws-us-gov":
		return where != arn.Partition()
	}
	return where != "" && usualRegion.MatchString(arn.Region())
}

// ParseResourceARN accepts the ARN of a campaign or recommender and rejects any other: the
// wrong service or type, a region, account or name of the wrong form, a region of another
// partition, more than 256 characters.
func ParseResourceARN(s string) (ARN, Kind, error) {
	return parseKind(s, "a Personalize campaign or recommender", Campaign, Recommender)
}

// ParseSolutionARN accepts the ARN of a solution, by the rules of ParseResourceARN.
func ParseSolutionARN(s string) (ARN, error) {
	arn, _, err := parseKind(s, "a Personalize solution", Solution)
	return arn, err
}

func parseKind(s, what string, kinds ...Kind) (ARN, Kind, error) {
	if len(s) > maxARNLength {
		return ARN{}, "", fmt.Errorf("an ARN of %d characters (Personalize accepts at most %d)", len(s), maxARNLength)
	}
	arn, err := ParseARN(s)
	if err != nil {
		return ARN{}, "", err
	}
	kind := Kind(arn.Type())
	switch {
	case arn.Service() != "personalize" || !slices.Contains(kinds, kind):
		return ARN{}, "", fmt.Errorf("%q is not the ARN of %s", s, what)
	case !ValidRegion(arn.Region()):
		return ARN{}, "", fmt.Errorf("%q names no valid region (%q)", s, arn.Region())
	case misplaced(arn):
		return ARN{}, "", fmt.Errorf("%q names a region that is not in its partition (%q, %q)", s, arn.Region(), arn.Partition())
	case !accountPattern.MatchString(arn.Account()):
		return ARN{}, "", fmt.Errorf("%q names no 12-digit account (%q)", s, arn.Account())
	case !namePattern.MatchString(strings.TrimPrefix(arn.Resource(), string(kind)+"/")):
		return ARN{}, "", fmt.Errorf("%q does not end in %s/<name>", s, kind)
	}
	return arn, kind, nil
}
