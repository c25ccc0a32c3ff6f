package cycle

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/events"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/pack"
	"github.com/personalize-monitor/personalize-monitor/internal/training"
)

// TrainingReader reads how solutions of regions are trained, in the order of the regions.
type TrainingReader interface {
	Read(ctx context.Context, regions []string) ([]training.Facts, []model.Problem)
}

// trainingTTL is how long facts about training are used again: models are trained once a day at
// most, as a rule.
const trainingTTL = 24 * time.Hour

// DailyTraining reads training once a day at most, if all of it could be read.
type DailyTraining struct {
	reader TrainingReader
	clock  model.Clock

	mu      sync.Mutex
	at      time.Time // of the last reading; zero if something is to be read again
	regions string
	packed  []byte // the facts: those of 5,000 solutions take 3 MB, and are wanted a few times a day
}

// NewDailyTraining makes a DailyTraining.
func NewDailyTraining(reader TrainingReader, clock model.Clock) *DailyTraining {
	return &DailyTraining{reader: reader, clock: clock}
}

// Read implements TrainingReader. One call waits for another.
func (d *DailyTraining) Read(ctx context.Context, regions []string) ([]training.Facts, []model.Problem) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, names := d.clock.Now(), strings.Join(regions, " ")
	if !d.at.IsZero() && now.Sub(d.at) < trainingTTL && names == d.regions {
		if facts, err := pack.Unpack[[]training.Facts](d.packed); err == nil {
			return facts, nil
		}
	}
	facts, problems := d.reader.Read(ctx, regions)
	if len(problems) == 0 && ctx.Err() == nil {
		if packed, err := pack.Pack(facts); err == nil { // else they are read again
			d.at, d.regions, d.packed = now, names, packed
		}
	}
	return facts, problems
}

// readTraining reads the training of the regions of a snapshot; nil if it is not read.
func (r *ledgerRun) readTraining(ctx context.Context, snapshot model.Snapshot) []training.Facts {
	if r.Training == nil || len(snapshot.Listings) == 0 {
		return nil
	}
	var regions []string
	for _, l := range snapshot.Listings {
		regions = append(regions, l.Region)
	}
	read, problems := r.Training.Read(ctx, regions)
	r.problems.add(problems...)
	facts := make([]training.Facts, len(read))
	for i, f := range read {
		facts[i] = f.With(snapshot, deletions(r.in.Records))
	}
	return facts
}

// analyze makes the report of training; nil if it was not read.
func (r *ledgerRun) analyze(facts []training.Facts) *training.Report {
	if facts == nil {
		return nil
	}
	made := training.Analyze(facts, r.prices, r.Clock.Now())
	return &made
}

// deletions are the campaigns that records report as deleted, with their solutions.
func deletions(records []events.Audit) []training.Deletion {
	var list []training.Deletion
	for _, a := range records {
		arn, err := model.ParseARN(a.ARN)
		if err == nil && a.Action == model.ActionDelete && a.Outcome == events.OutcomeDone && a.Before != nil {
			list = append(list, training.Deletion{Campaign: arn.Name(), Solution: training.SolutionOf(a.Before.SolutionVersion), Time: a.Time})
		}
	}
	return list
}
