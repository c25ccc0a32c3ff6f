package dashboard

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// consoleHosts are the hosts of the AWS console by partition ("Service endpoints" of the
// China and GovCloud user guides). Elsewhere there are no links.
var consoleHosts = map[string]string{
	"aws":        "console.aws.amazon.com",
	"aws-cn":     "console.amazonaws.cn",
	"aws-us-gov": "console.amazonaws-us-gov.com",
}

// consoleLink is a link to a place in the console of a service, in Markdown; empty in a
// partition whose console is not known. The fragment must be escaped already.
func consoleLink(partition, region, service, fragment, text string) string {
	host, ok := consoleHosts[partition]
	if !ok {
		return ""
	}
	return fmt.Sprintf("[%s](https://%s/%s/home?region=%s#%s)", text, host, service, url.QueryEscape(region), fragment)
}

// header is the line above the graphs of a dataset group.
func (g group) header() string {
	if g.name() == "" {
		return "### Dataset group not known (" + g.region + ")"
	}
	text := "### Dataset group " + plainText(g.name()) + " (" + g.region + ")"
	// The console has a dollar where the ARN has a slash.
	arn := g.arn
	arn.Resource = g.arn.Type() + "$" + url.PathEscape(g.name())
	if link := consoleLink(g.arn.Partition, g.region, "personalize", arn.String()+"/setup", "Manage"); link != "" {
		text += " · " + link
	}
	return text
}

// plainText escapes what Markdown would take for anything but text.
func plainText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp): // line ends among them
			r = ' '
		case strings.ContainsRune("\\`*_[]<>|~&!#", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// introduction is the text at the top of each dashboard.
type introduction struct {
	name, region, partition string
	number, of              int  // which dashboard it is, of how many
	empty                   bool // there is nothing to show
}

const introText = `## Personalize Monitor

What the campaigns and recommenders of [Amazon Personalize](https://docs.aws.amazon.com/personalize/latest/dg/what-is-personalize.html) do, against the minimum that is paid for in any case. Utilization under 100 percent is capacity paid for and not used.

Kept up to date by [Personalize Monitor](https://github.com/personalize-monitor/personalize-monitor). **Changes made to this dashboard by hand are lost.**`

func (i introduction) markdown() string {
	switch {
	case i.empty:
		return introText + "\n\nNo campaign or recommender is monitored at present."
	case i.of > 1:
		return introText + "\n\n" + i.place()
	}
	return introText
}

// place says which dashboard this is, and leads to its neighbours.
func (i introduction) place() string {
	parts := []string{fmt.Sprintf("Dashboard %d of %d", i.number, i.of)}
	link := func(n int, text string) {
		if n < 1 || n > i.of {
			return
		}
		if l := consoleLink(i.partition, i.region, "cloudwatch", "dashboards:name="+NumberedName(i.name, n), text); l != "" {
			parts = append(parts, l)
		}
	}
	link(i.number-1, "previous")
	link(i.number+1, "next")
	return strings.Join(parts, " · ")
}
