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
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
)

// auditFile appends audit records to a file, one JSON object a line.
type auditFile struct {
	mu   sync.Mutex
	file *os.File
}

// openAudit opens the file that --audit-file names, if it does, before anything is done
// that would have to be recorded in it.
func (g *global) openAudit(s *session) error {
	if g.auditFile == "" {
		return nil
	}
	file, err := os.OpenFile(g.auditFile, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return usage(fmt.Errorf("--audit-file: %w", err))
	}
	s.audit = &auditFile{file: file}
	stop := s.close
	s.close = func() {
		stop()
		if err := file.Close(); err != nil {
			s.logger.Error("audit file not closed", "err", err)
		}
	}
	return nil
}

// recalled is how far back records are read from the audit file: what the page reckons with.
const recalled = time.Duration(billing.MaxDays) * 24 * time.Hour

// recall reads the latest records from the audit file of a session, the oldest first, and
// since when there are any in it. There are none without a file. What cannot be read is
// told in the log, as nothing depends on it but what a page shows.
func (s *session) recall(ctx context.Context) (records []events.Audit, since time.Time) {
	if s.audit == nil {
		return nil, time.Time{}
	}
	name, now := s.audit.file.Name(), s.clock.Now()
	if about, err := s.audit.file.Stat(); err == nil && !about.Mode().IsRegular() {
		return nil, time.Time{} // a terminal or a pipe gives nothing back
	}
	// The ledger's span ends with the last whole hour whose counts have arrived.
	late := audit.New(audit.Filter{Since: now.Add(-recalled - 2*time.Hour)}, func(f audit.Fault) {
		s.logger.WarnContext(ctx, "audit record not read", "what", f.Where, "err", f.Err)
	})
	first := audit.New(audit.Filter{}, func(audit.Fault) {})
	err := errors.Join(readTrail(ctx, name, late, math.MaxInt64), readTrail(ctx, name, first, firstRecords))
	if err != nil {
		s.logger.WarnContext(ctx, "audit file not read; what was done before the start is not shown", "err", err)
		return nil, time.Time{}
	}
	if list := first.Records(); len(list) > 0 {
		since = list[0].Time
	}
	return late.Records(), since
}

// firstRecords is how much of a file is read to find its first records, in bytes.
const firstRecords = 1 << 20

// readTrail reads the beginning of a file.
func readTrail(ctx context.Context, name string, into *audit.History, limit int64) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	return into.ReadLines(ctx, name, io.LimitReader(file, limit))
}

// trail takes the audit records of a session: into the log and, if there is one, the
// audit file.
func (s *session) trail() audit.Log {
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

// write appends a record in one piece, so that several processes may write to the file.
func (f *auditFile) write(record events.Audit) error {
	line, err := json.Marshal(record)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err = f.file.Write(append(line, '\n'))
	return err
}
