package pricing

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Figures is the price in words, with its currency and all its digits.
func (p Price) Figures() string {
	text := p.Currency + " "
	switch {
	case p.Fee != nil:
		text += p.Fee.figures()
	case len(p.Tiers) > 0:
		text += p.tiers()
	case p.Product == Training:
		text += digits(p.PerHour) + " per training hour"
	default:
		text += digits(p.PerThousand) + " per 1,000 " + map[Product]string{
			CampaignV2: "requests", TrainingV2: "interactions", Batch: "users or items",
		}[p.Product]
	}
	if p.Discount > 0 {
		text += ", less " + digits(p.Discount) + "%"
	}
	return text
}

func (p Price) tiers() string {
	parts := make([]string, len(p.Tiers))
	for i, tier := range p.Tiers {
		parts[i] = digits(tier.PerTPSHour)
		if i == 0 {
			parts[i] += " per TPS-hour"
		}
		switch {
		case tier.UpTo > 0 && i == 0:
			parts[i] += " up to " + thousands(tier.UpTo) + " a month"
		case tier.UpTo > 0:
			parts[i] += " up to " + thousands(tier.UpTo)
		case i > 0:
			parts[i] += " beyond"
		}
	}
	return strings.Join(parts, ", ")
}

func (f Fee) figures() string {
	text := digits(f.PerHour) + " an hour"
	if f.PerHourMore > 0 {
		text += fmt.Sprintf(" up to %[1]s users (%[2]s for each further %[1]s)", thousands(float64(f.UsersIncluded)), digits(f.PerHourMore))
	}
	return text + fmt.Sprintf(" with %s requests, %s per 1,000 beyond", thousands(f.RequestsIncluded), digits(f.PerThousand))
}

// Text is the price with all that is needed to check it.
func (p Price) Text() string {
	where := "in " + p.Region
	if p.Fallback != "" {
		where = "of " + p.Fallback + " for " + p.Region
	}
	return fmt.Sprintf("%s, %s %s, of %s (%s)", p.Figures(), p.Product, where, p.Date, p.Source)
}

// FeeText explains what a lower minimum saves under the fee of a recommender, where it is
// little; it is empty under other prices. A month's saving by it is that of MonthDifference.
func (b *Bill) FeeText(u Use) string {
	if u.Price.Fee == nil {
		return ""
	}
	text := fmt.Sprintf("its fee stays, and includes %s requests an hour whatever the minimum", thousands(u.Price.Fee.RequestsIncluded))
	if all := b.PerMonth(u).Amount; all != nil {
		text += fmt.Sprintf("; stopping it would save %s %s a month", u.Price.Currency, model.Thousands(strconv.FormatFloat(*all, 'f', 2, 64)))
	}
	return text
}

func digits(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func thousands(v float64) string { return model.Thousands(digits(v)) }
