package report

// For the tests of the HTML page, which package page writes.
var (
	LedgerOf = ledgerOf
	Golden   = golden
)

const MaxCharts = maxCharts
