package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/personalize-monitor/personalize-monitor/internal/act"
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

// trail takes the audit records of a session: into the log and, if there is one, the
// audit file.
func (s *session) trail() act.Trail {
	logged := act.LogTrail(s.logger)
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
