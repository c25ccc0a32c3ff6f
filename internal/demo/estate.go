package demo

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
)

//go:embed estate.yaml
var estateFile []byte

// Estate is the estate of the demo.
func Estate() localaws.Estate {
	estate, err := localaws.ParseEstate(estateFile, "demo/estate.yaml", func(path string) ([]byte, error) {
		if path != "launch.csv" {
			return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
		}
		return launch(), nil
	})
	if err != nil {
		panic(fmt.Sprintf("demo: the estate is invalid: %v", err)) // it is part of this package
	}
	return estate
}

// The traffic of a campaign that is launched some hours after the demo begins. It is a trace
// that repeats: its beginning is the beginning of the demo, and its end comes before that.
const (
	launchAfter = 17 * time.Hour
	launchTPS   = 6
	launchSpan  = 60 * 24 * time.Hour
)

func launch() []byte {
	var rows strings.Builder
	rows.WriteString("timestamp,value\n")
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for at := time.Duration(0); at < launchSpan; at += cycleEvery {
		calls := 0
		if at >= launchAfter && at < launchSpan-24*time.Hour {
			calls = int(launchTPS * cycleEvery.Seconds())
		}
		fmt.Fprintf(&rows, "%s,%d\n", first.Add(at).Format(time.DateTime), calls)
	}
	return []byte(rows.String())
}

// Replayed is the name of the campaign that replays a trace.
const Replayed = "replayed-traffic"

// replayedRecipe is a recipe with a price in one region of the price table.
const replayedRecipe = "aws-user-personalization"

// Replay adds a campaign to an estate with the requests of a trace, times a scale: once as its
// past and again as the demo runs. Its minimum is the highest rate of the trace, as if it was
// provisioned for its peak.
func Replay(estate *localaws.Estate, trace *localaws.Trace, scale float64) error {
	if len(estate.Regions) == 0 {
		return errors.New("the estate has no region to replay traffic in")
	}
	estate.Regions = slices.Clone(estate.Regions)
	region := &estate.Regions[0]
	minimum := math.Ceil(trace.Peak() * scale / cycleEvery.Seconds())
	if minimum > math.MaxInt32 {
		return fmt.Errorf("the trace has up to %g requests a second, more than any campaign has as its minimum", minimum)
	}
	campaign := localaws.EstateCampaign{
		EstateEndpoint: localaws.EstateEndpoint{
			Name: Replayed, Recipe: replayedRecipe, Traffic: localaws.EstateTraffic{Trace: trace, Scale: scale, Repeat: true},
		},
		MinTPS: max(1, int(minimum)),
	}
	region.DatasetGroups = append(slices.Clone(region.DatasetGroups), localaws.EstateDatasetGroup{
		Name: Replayed, Campaigns: []localaws.EstateCampaign{campaign},
	})
	return nil
}
