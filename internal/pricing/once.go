package pricing

// Once estimates what is not billed by time: training hours (Training), interactions
// (TrainingV2), or users or items of a batch job (Batch). A quantity that is not known is nil,
// and so is the amount; that of the other products is always nil.
func (t Table) Once(region string, product Product, quantity *float64) Estimate {
	p, ok := t.Of(region, product)
	units := map[Product]string{Training: UnitTrainingHours, TrainingV2: UnitInteractions, Batch: UnitBatch}
	unit, once := units[product]
	if !ok || !once {
		return Estimate{}
	}
	price, per := p.PerThousand, 1000.0
	if product == Training {
		price, per = p.PerHour, 1
	}
	u := Use{Price: p}
	if quantity == nil {
		return Estimate{Currency: p.Currency, Assumptions: u.assumptions()}
	}
	billed := *quantity / per
	return u.estimate([]Charge{{unit, billed, price, billed * price}}, u.assumptions())
}
