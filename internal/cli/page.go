package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/actions"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/report"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
)

// pageSource shows a daemon's memory on the page, and what was paid for beside it. A new ledger
// is shown with the next change of the memory, or when a page is loaded.
type pageSource struct {
	*serve.Memory
	dashboard string
	logger    *slog.Logger

	mu        sync.Mutex
	ledger    *report.Ledger
	ledgerErr string
	ledgers   uint64 // made so far
	built     bool
	snapshot  web.Snapshot // the last one, once it is built
}

func newPageSource(memory *serve.Memory, dashboard string, logger *slog.Logger) *pageSource {
	return &pageSource{Memory: memory, dashboard: dashboard, logger: logger}
}

// Snapshot implements web.Source. It is built once for each version.
func (p *pageSource) Snapshot() web.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.built || p.snapshot.Version != p.Version()+p.ledgers {
		p.snapshot = web.Snapshot{Snapshot: p.Memory.Snapshot(), DashboardName: p.dashboard, Ledger: p.ledger, LedgerErr: p.ledgerErr}
		p.snapshot.Version += p.ledgers
		addOutcomes(p.snapshot.Checks, p.snapshot.Audits)
		p.built = true
	}
	return p.snapshot
}

// addOutcomes adds the outcomes of decisions that were sent as events, which a check does not
// have: that of the newest record since then of the same action. Records have the newest first.
func addOutcomes(checks map[string]serve.Check, records []events.Audit) {
	done := map[string]bool{}
	for _, a := range records {
		check, ok := checks[a.ARN]
		if !ok || done[a.ARN] || !a.Automatic || a.Outcome == events.OutcomeAsked || a.Outcome == events.OutcomeBegun || a.Time.Before(check.Time) {
			continue
		}
		if action := check.Decision.Action(); action == "" || a.Action != action {
			continue
		}
		check.Outcome = a.Outcome
		if a.Outcome == events.OutcomeRefused || a.Outcome == events.OutcomeFailed {
			check.Outcome += ": " + a.Reason
		}
		checks[a.ARN], done[a.ARN] = check, true
	}
}

// pageOptions are where a page is served, to whom, and what it may do.
type pageOptions struct {
	listen       string
	tokenFile    string
	allowedHosts []string
	allowActions bool
	guard        *guard.Guard // once check has made it
}

func (o *pageOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8090", "`ADDRESS` to listen on; port 0 uses a free one")
	flags.StringVar(&o.tokenFile, "token-file", "", "`FILE` with the token that requests need (or env "+envToken+")")
	flags.StringSliceVar(&o.allowedHosts, "allowed-hosts", nil, "host `NAMES` that requests may have, beside localhost and IP addresses")
	flags.BoolVar(&o.allowActions, "allow-actions", false,
		"show buttons on the page that change, stop, start, delete and restore; without it the page only shows")
}

// check reads the token, and rejects invalid settings.
func (o *pageOptions) check(streams Streams) error {
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return fmt.Errorf("--listen %q is not an address such as 127.0.0.1:8090", o.listen)
	}
	token, err := o.readToken(streams)
	if err != nil {
		return err
	}
	o.guard, err = guard.New(o.listen, token, o.allowedHosts)
	return err
}

// readToken reads the token. It is empty without a file and a variable.
func (o *pageOptions) readToken(streams Streams) (string, error) {
	fromEnv, _ := streams.Env(envToken)
	if o.tokenFile == "" {
		return strings.TrimSpace(fromEnv), nil
	}
	raw, err := os.ReadFile(o.tokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	// Kubernetes mounts secrets readable for all, so that this is no error.
	if info, err := os.Stat(o.tokenFile); err == nil && info.Mode().Perm()&0o004 != 0 && runtime.GOOS != "windows" {
		fmt.Fprintf(streams.Err, "warning: every user of this machine can read the token in %s; chmod 600 keeps it private\n", o.tokenFile)
	}
	token := strings.TrimSpace(string(raw))
	if token == "" {
		return "", fmt.Errorf("--token-file: %s is empty", o.tokenFile)
	}
	return token, nil
}

// pageActions executes what a person requests on the page.
type pageActions struct{ actions *actions.Actions }

// Do implements web.Actions.
func (a pageActions) Do(ctx context.Context, action model.Action, req events.Request) (string, error) {
	return answerText(a.actions.Do(ctx, action, req))
}

// Restore implements web.Actions.
func (a pageActions) Restore(ctx context.Context, record events.Audit) (string, error) {
	return answerText(a.actions.Restore(ctx, record, actions.RestoreOptions{NoWait: true}))
}

// answerText is an answer with what failed after it was accepted.
func answerText(answer actions.Answer, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if len(answer.Problems) > 0 {
		return fmt.Sprintf("%s But: %v", answer.Sentence, answer.Err()), nil
	}
	return answer.Sentence, nil
}
