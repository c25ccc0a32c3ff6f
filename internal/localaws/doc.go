// Package localaws is an AWS endpoint in one http.Handler, for tests, demonstrations and a
// first try without an account. It speaks the wire protocols of the SDK clients and the aws
// command for Personalize, CloudWatch, CloudWatch Logs, EventBridge, SNS, STS, Organizations and
// the Price List, serves all regions and accounts at one address (the signature's scope identifies them)
// and follows a clock that can be moved.
//
// It is a witness, independent of the program: it imports none of its packages and not the AWS
// SDK. It is strict: what AWS refuses, it refuses with the same error code, and an operation
// or a member of an input that it does not know is an error.
//
// This package is the front: the Server, its options, faults and snapshots. Each service is a
// package of its own, wire reads and writes the protocols, api is what the services share, and
// estatefile describes the resources at the start.
//
// # What it is not
//
// State lives in memory and ends with the Server. Signatures are parsed, not verified, and
// there is no IAM: every caller may do everything in their account, except where the policy of a
// topic decides about services.
//
// Everything belongs to an account and a region. The caller's account follows from the access key:
// the temporary credentials that AssumeRole returned are those of the role's account until they
// expire, a key of 12 digits is that of the account with this number, and any other key is that of
// the estate's own account. The methods of Server mean the estate's own account where they do not
// name one; Events, Outbox, Dropped, ConfirmAll, Calls, Snapshot, Data and Tick are about all of them.
// Of IAM roles there are only those that the accounts of the estate have, and they trust the
// estate's own account. There are no session policies, tags, and chains of roles.
//
// CloudWatch is simplified in these points:
//   - Data are found at once; AWS may take minutes. Values are kept by the minute;
//     periods below a minute, statistic sets and lists of values are refused.
//   - Metrics that AWS publishes are computed on request, from a Source, one datapoint for 5
//     minutes, which counts as one sample and appears when the 5 minutes have ended. A limit of
//     datapoints per second is not applied.
//   - An estate that was monitored has the metrics of a monitor from before the start, under
//     PersonalizeMonitor, computed in the same way; a client's data replace them step by step.
//   - Periods begin at multiples of their length since the epoch, and a datapoint belongs
//     to a query if its period begins within it.
//   - GetMetricData and GetMetricStatistics know plain metrics only: no metric math, SEARCH,
//     Metrics Insights, percentiles or other accounts.
//   - Alarms watch one metric with a plain statistic and a fixed threshold; their actions
//     are SNS topics of their region. Mute rules, warm-up, composite, log and anomaly alarms
//     are refused. They are evaluated on Tick and by the operations that show or change
//     alarms, at most once a minute, at the clock's now, and not for the times between. The
//     evaluation range is EvaluationPeriods + 2.
//   - Dashboard bodies are checked for structure, sizes and required properties, not for
//     every property of every widget.
//   - Quotas on the number of metrics, alarms and dashboards are not applied.
//
// EventBridge has the default buses; patterns have exact values and prefixes, input
// transformers quoted strings. Schedules are stored and never fire.
//
// CloudWatch Logs keeps events for the life of the Server. Filter patterns are
// conditions with = and != on JSON properties, joined by && and ||; a condition on a property
// that a message does not have does not hold. A page of FilterLogEvents searches 10,000 events.
package localaws
