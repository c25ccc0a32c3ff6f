package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/audit/history"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// auditLog appends audit records to a file, one JSON object a line.
type auditLog struct {
	mu   sync.Mutex
	file *os.File
}

// openAuditLog opens the file of --audit-file before anything is done that it has to record. It
// returns nil without a name.
func openAuditLog(name string) (*auditLog, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--audit-file: %w", err)
	}
	return &auditLog{file: file}, nil
}

// close closes the file, if there is one.
func (a *auditLog) close() error {
	if a == nil {
		return nil
	}
	return a.file.Close()
}

// write appends a record in one piece, so that several processes may write to the file.
func (a *auditLog) write(record events.Audit) error {
	line, err := json.Marshal(record)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, err = a.file.Write(append(line, '\n'))
	return err
}

// record writes the audit records of a session: to the log and, if there is one, the audit file.
func (s *session) record() audit.Log {
	logged := audit.ToLogger(s.logger)
	return func(ctx context.Context, record events.Audit) {
		logged(ctx, record)
		if s.audit == nil {
			return
		}
		if err := s.audit.write(record); err != nil {
			s.logger.ErrorContext(ctx, "audit record not written", "err", err, "audit", record)
		}
	}
}

// lookBack is how far back recall reads the audit file: the longest span of a ledger, which ends
// with the last whole hour whose counts have arrived.
const lookBack = time.Duration(billing.MaxDays)*24*time.Hour + 2*time.Hour

// recall reads the latest records of the session's audit file, the oldest first, and the time of
// the first record in it. It returns none without a file. What cannot be read is logged: only
// what a page shows depends on it.
func (s *session) recall(ctx context.Context) (records []events.Audit, since time.Time) {
	if s.audit == nil {
		return nil, time.Time{}
	}
	name := s.audit.file.Name()
	if info, err := s.audit.file.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, time.Time{} // a terminal or a pipe cannot be read back
	}
	late := history.New(history.Filter{Since: s.clock.Now().Add(-lookBack)}, func(f history.Fault) {
		s.logger.WarnContext(ctx, "audit record not read", "what", f.Where, "err", f.Err)
	})
	first := history.New(history.Filter{}, func(history.Fault) {})
	err := errors.Join(readAuditFile(ctx, name, late, math.MaxInt64), readAuditFile(ctx, name, first, firstRecords))
	if err != nil {
		s.logger.WarnContext(ctx, "audit file not read; the page does not show earlier actions", "err", err)
		return nil, time.Time{}
	}
	if list := first.Records(); len(list) > 0 {
		since = list[0].Time
	}
	return late.Records(), since
}

// firstRecords is how much of a file is read to find its first records, in bytes.
const firstRecords = 1 << 20

// readAuditFile reads the beginning of a file.
func readAuditFile(ctx context.Context, name string, into *history.History, limit int64) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	return into.ReadLines(ctx, name, io.LimitReader(file, limit))
}
