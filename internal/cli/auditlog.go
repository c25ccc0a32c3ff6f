package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/audit"
	"github.com/personalize-monitor/personalize-monitor/internal/audit/history"
	"github.com/personalize-monitor/personalize-monitor/internal/billing"
	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/serve"
)

// auditLog appends audit records to a file, one JSON object a line.
type auditLog struct {
	mu      sync.Mutex
	file    *os.File
	regular bool // not a device or a pipe
}

// openAuditLog opens the file of --audit-file before anything is done that it has to record. It
// returns nil without a name.
func openAuditLog(name string) (*auditLog, error) {
	if name == "" {
		return nil, nil
	}
	regular, access := true, os.O_RDWR // it is read to find out whether its last line is complete
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		if err := checkAuditFile(name, info.Mode()); err != nil {
			return nil, fmt.Errorf("--audit-file: %w", err)
		}
		if regular = info.Mode().IsRegular(); !regular {
			access = os.O_WRONLY
		}
	}
	file, err := os.OpenFile(name, access|os.O_APPEND|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		file, err = os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("--audit-file: %w", err)
	}
	return &auditLog{file: file, regular: regular}, nil
}

// ownPipes begin the names of the pipes that a process was started with.
var ownPipes = []string{"/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/"}

// checkAuditFile accepts files, character devices and pipes that the process was started with. A
// named pipe blocks the program until someone reads it, and what of it is kept is unknown.
func checkAuditFile(name string, mode fs.FileMode) error {
	owned := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	if mode.IsRegular() || mode&fs.ModeCharDevice != 0 || (mode&fs.ModeNamedPipe != 0 && slices.ContainsFunc(ownPipes, owned)) {
		return nil
	}
	return fmt.Errorf("%s is neither a file nor a character device; name a file, or /dev/stdout", name)
}

func (a *auditLog) close() error {
	if a == nil {
		return nil
	}
	return a.file.Close()
}

// write appends a record in one piece, so that several processes may write to the file. It ends a
// line that was torn, as by a full disk, so that this does not swallow the record. The error says
// what to try.
func (a *auditLog) write(record events.Audit) error {
	line, err := json.Marshal(record)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if line = append(line, '\n'); a.torn() {
		line = append([]byte("\n"), line...)
	}
	_, err = a.file.Write(line)
	if err == nil && a.regular && record.Outcome == events.OutcomeBegun {
		err = a.file.Sync() // it must outlive the machine: what it describes cannot be undone without it
	}
	if err != nil {
		return fmt.Errorf("%w; make room there, or name another --audit-file", err)
	}
	return nil
}

// torn reports whether the file does not end with a whole line. In doubt it may not.
func (a *auditLog) torn() bool {
	info, err := a.file.Stat()
	switch {
	case !a.regular, err == nil && info.Size() == 0:
		return false
	case err != nil:
		return true
	}
	last := make([]byte, 1)
	_, err = a.file.ReadAt(last, info.Size()-1)
	return err != nil || last[0] != '\n'
}

// record writes the audit records of a session: to the log and, if there is one, the audit file,
// which then is what counts.
func (s *session) record() audit.Log {
	logged := audit.ToLogger(s.logger)
	if s.audit == nil {
		return logged
	}
	return func(ctx context.Context, record events.Audit) error {
		_ = logged(ctx, record)
		err := s.audit.write(record)
		if err != nil {
			s.logger.ErrorContext(ctx, "audit record not written", "err", err, "audit", record)
		}
		return err
	}
}

// lookBack is how far back recall reads the audit file: the longest span of a ledger, which ends
// with the last whole hour whose counts have arrived.
const lookBack = time.Duration(billing.MaxDays)*24*time.Hour + 2*time.Hour

// recall reads the latest records of the session's audit file, the oldest first, and the time of
// the first record in it. It returns none without a file, or if the file cannot be read.
func (s *session) recall(ctx context.Context) (records []events.Audit, since time.Time) {
	records, err := s.past(ctx, history.Filter{Since: s.clock.Now().Add(-lookBack)}, math.MaxInt64, func(f history.Fault) {
		s.logger.WarnContext(ctx, "audit record not read", "what", f.Where, "err", f.Err)
	})
	first, failed := s.past(ctx, history.Filter{}, firstRecords, func(history.Fault) {})
	if err != nil || failed != nil {
		return nil, time.Time{}
	}
	if len(first) > 0 {
		since = first[0].Time
	}
	return records, since
}

// done reads all records of actions that were done: those of the session's audit file or, without one,
// those that the daemon remembers.
func (s *session) done(ctx context.Context, memory *serve.Memory) []events.Audit {
	if s.audit == nil || !s.audit.regular {
		return memory.Audits()
	}
	// recall has logged what cannot be read
	records, _ := s.past(ctx, history.Filter{Outcomes: []string{events.OutcomeDone}}, math.MaxInt64, func(history.Fault) {})
	return records
}

// firstRecords is how much of a file is read to find its first records, in bytes.
const firstRecords = 1 << 20

// past reads records of the session's audit file, up to a number of bytes. A failure is logged too: only what
// a page shows depends on it. A terminal or a pipe cannot be read back.
func (s *session) past(ctx context.Context, filter history.Filter, bytes int64, fault func(history.Fault)) ([]events.Audit, error) {
	if s.audit == nil || !s.audit.regular {
		return nil, nil
	}
	found := history.New(filter, fault)
	file, err := os.Open(s.audit.file.Name())
	if err == nil {
		err = found.ReadLines(ctx, file.Name(), io.LimitReader(file, bytes))
		_ = file.Close() // it was only read
	}
	if err != nil {
		s.logger.WarnContext(ctx, "audit file not read; the page does not show all of what it has", "err", err)
	}
	return found.Records(), err
}
