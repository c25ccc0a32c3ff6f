package web_test

import (
	"fmt"
	"html"
	"net/http"

	"github.com/personalize-monitor/personalize-monitor/test/webstory"
)

// foreignForm is the page of another site, with a form that would change a minimum.
func foreignForm(target, token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<form method="post" action="%s/action"><input name="arn" value="%s"><input name="action" value="update-tps">
<input name="min" value="1"><input name="token" value="%s"><button>Win a prize</button></form>`, target, webstory.SimilarItems, html.EscapeString(token))
	})
}
