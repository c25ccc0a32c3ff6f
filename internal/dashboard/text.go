package dashboard

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

func (k groupKey) header() string {
	if k.name() == "" {
		return "### Dataset group unknown (" + k.region + ")"
	}
	text := "### Dataset group " + plainText(k.name()) + " (" + k.region + ")"
	// The console has a dollar where the ARN has a slash.
	arn := k.arn.WithResource(k.arn.Type() + "$" + url.PathEscape(k.name()))
	if link := consoleLink(arn.Partition(), k.region, "personalize", arn.String()+"/setup", "Manage"); link != "" {
		text += " · " + link
	}
	return text
}

// plainText escapes Markdown.
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

const introText = "## Personalize Monitor\n\n" +
	"What the campaigns and recommenders of " +
	"[Amazon Personalize](https://docs.aws.amazon.com/personalize/latest/dg/what-is-personalize.html) do, " +
	"compared with the minimum that is paid for in any case. " +
	"Utilization under 100 percent is capacity that is paid for and not used.\n\n" +
	"Kept up to date by [Personalize Monitor](https://github.com/personalize-monitor/personalize-monitor). " +
	"**Manual changes to this dashboard are lost.**"

// introduction is the text at the top of the nth of all dashboards. It links neighbours.
func introduction(in Input, groups []group, n, all int) string {
	if len(groups) == 0 {
		return introText + "\n\nNo campaign or recommender is monitored now."
	}
	if all == 1 {
		return introText
	}
	partition := groups[0].resources[0].ARN.Partition()
	text := fmt.Sprintf("%s\n\nDashboard %d of %d", introText, n, all)
	for _, to := range []struct {
		label  string
		number int
	}{{"previous", n - 1}, {"next", n + 1}} {
		if to.number < 1 || to.number > all {
			continue
		}
		name := NumberedName(in.Name, to.number)
		if link := consoleLink(partition, in.Region, "cloudwatch", "dashboards:name="+name, to.label); link != "" {
			text += " · " + link
		}
	}
	return text
}

// consoleHosts are the hosts of the AWS console by partition ("Service endpoints" of the
// China and GovCloud user guides). Other partitions get no links.
var consoleHosts = map[string]string{
	"aws":        "console.aws.amazon.com",
	"aws-cn":     "console.amazonaws.cn",
	"aws-us-gov": "console.amazonaws-us-gov.com",
}

// consoleLink returns a Markdown link to a place in the console of a service; empty in a
// partition whose console is unknown. The fragment must be escaped already.
func consoleLink(partition, region, service, fragment, text string) string {
	host, ok := consoleHosts[partition]
	if !ok {
		return ""
	}
	return fmt.Sprintf("[%s](https://%s/%s/home?region=%s#%s)", text, host, service, url.QueryEscape(region), fragment)
}
