// Package localaws is an AWS endpoint in one http.Handler, for tests, demonstrations and a
// first try without an account. It speaks the wire protocols of the SDK clients and the aws
// command for Personalize, CloudWatch, CloudWatch Logs, EventBridge, SNS and STS, serves all regions and accounts at one
// address (the signature's scope tells them apart) and follows a clock that can be moved.
//
// It is a witness, independent of the program it testifies for: it imports none of its
// packages and not the AWS SDK. It is strict: what AWS refuses, it refuses with the same
// error code, and what it does not know, operations and members of inputs alike, is an
// error and never silently passed over.
//
// # What it is not
//
// State lives in memory and ends with the Server. Signatures are parsed, not verified, and
// there is no IAM: every caller may do everything, except where a topic's policy is asked
// about its services. An access key of 12 digits is taken for the number of the caller's
// account; any other key belongs to the owner of the estate.
//
// CloudWatch is simplified in these points:
//   - Data are found at once; AWS may take minutes. Values are kept by the minute:
//     StorageResolution 1 is accepted, periods below a minute are refused.
//   - Metrics that AWS publishes are computed when they are asked for, from a Source, one
//     datapoint for 5 minutes, which counts as one sample and appears when the 5 minutes
//     have ended. A limit of datapoints per second is not applied.
//   - Periods begin at multiples of their length since the epoch, and a datapoint belongs
//     to a query if its period begins within it.
//   - GetMetricData takes plain metrics only: no metric math, SEARCH, Metrics Insights,
//     percentiles or other accounts.
//   - Alarms watch one metric with a plain statistic and a fixed threshold; their actions
//     are SNS topics of their region. Mute rules, warm-up, composite, log and anomaly alarms
//     are refused. They are evaluated on Tick and by the operations that show or change
//     alarms, at most once a minute, at the clock's now; what AWS would have seen between
//     two such times is not made up for. The evaluation range is EvaluationPeriods + 2.
//   - Dashboard bodies are checked for structure, sizes and required properties, not for
//     every property of every widget.
//   - Quotas on the number of metrics, alarms and dashboards are not applied.
//
// CloudWatch Logs keeps events for as long as the Server lives. Filter patterns are terms,
// phrases and conditions on JSON properties, without regular expressions and columns; a
// condition on a property that a message does not have does not hold, but for NOT EXISTS.
// A page of FilterLogEvents looks through 10,000 events.
package localaws
