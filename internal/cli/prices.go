package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/personalize-monitor/personalize-monitor/internal/cycle"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/prices"
	"github.com/personalize-monitor/personalize-monitor/internal/pricing"
)

// priceOptions are where the prices of estimates come from: a file, the AWS Price List
// API, or the table in the program.
type priceOptions struct {
	file string
	live bool
	read pricing.Table // from the file, once checked
}

func (o *priceOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.file, "prices", "", "estimate with the prices in `FILE` (YAML or JSON)")
	cmd.Flags().BoolVar(&o.live, "live-prices", false, "estimate with prices of the AWS Price List API (needs pricing:GetProducts)")
}

// maxPrices bounds what is read of a price file, in bytes.
const maxPrices = 1 << 20

// check reads the price file, before any AWS call.
func (o *priceOptions) check() error {
	if err := reject(o.file != "" && o.live, "--prices and --live-prices exclude each other"); err != nil || o.file == "" {
		return err
	}
	data, err := readLimited(o.file, maxPrices)
	if err != nil {
		return usage(fmt.Errorf("--prices: %w", err))
	}
	o.read, err = prices.ParseFile(o.file, data, model.SystemClock{}.Now())
	return usage(err)
}

// readLimited reads the beginning of a file.
func readLimited(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(file, limit))
}

// source finds prices. The table in the program has those that a file or the Price List API lacks.
func (o *priceOptions) source(s *session) cycle.PriceSource {
	return func(ctx context.Context, regions []string) (pricing.Table, []model.Problem) {
		switch {
		case o.file != "":
			return o.read.Over(pricing.Builtin()), nil
		case o.live:
			found, problems := prices.Lookup(ctx, s.clients, regions)
			return found.Over(pricing.Builtin()), problems
		}
		return pricing.Builtin(), nil
	}
}
