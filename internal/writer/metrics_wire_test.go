package writer_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws"
	"github.com/personalize-monitor/personalize-monitor/internal/model"
	"github.com/personalize-monitor/personalize-monitor/internal/writer"
	"github.com/personalize-monitor/personalize-monitor/test/awsbed"
)

// published reads a value back; ok is false if there is none.
func (w *world) published(d model.Datum) (value float64, ok bool) {
	w.T.Helper()
	out, err := w.Raw.CloudWatch(d.Region).GetMetricData(ctxAll, &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(d.Time), EndTime: aws.Time(d.Time.Add(5 * time.Minute)),
		MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("q"), MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String(d.Metric.Namespace), MetricName: aws.String(d.Metric.Name), Dimensions: writer.Dimensions(d.Metric)},
			Period: aws.Int32(300), Stat: aws.String("Average"), Unit: types.StandardUnit(d.Unit),
		}}},
	})
	w.Must(err)
	if len(out.MetricDataResults) == 0 || len(out.MetricDataResults[0].Values) == 0 {
		return 0, false
	}
	return out.MetricDataResults[0].Values[0], true
}

func TestPublishWritesToEachRegionInOneCall(t *testing.T) {
	w := newWorld(t)
	a, _ := w.Writer()
	data := []model.Datum{
		datum(home, "averageTPS", "arn:a", 2.5), datum(other, "averageTPS", "arn:b", 3.5),
		datum(home, "monitoredResourceCount", "", 2), datum(home, "minProvisionedTPS", "arn:a", math.NaN()),
	}
	n, problems := a.Publish(ctxAll, data)
	if n != 3 || len(problems) != 1 || problems[0].ARN != "arn:a" {
		t.Errorf("published %d, problems %v", n, problems)
	}
	w.WantWrites(map[string]int{"cloudwatch.PutMetricData": 2})
	for _, d := range data[:3] {
		if v, ok := w.published(d); !ok || v != d.Value {
			t.Errorf("%s: %v, %v", d.Metric.Name, v, ok)
		}
	}
	if n, problems := a.Publish(ctxAll, nil); n != 0 || problems != nil {
		t.Errorf("nothing: %d, %v", n, problems)
	}
}

func TestAFailedCallCostsItsOwnDataOnly(t *testing.T) {
	w := newWorld(t)
	a, _ := w.Writer()
	w.Server.AddFault(localaws.Fault{Service: "cloudwatch", Operation: "PutMetricData", Region: home, Code: "AccessDenied", Message: "no"})
	data := []model.Datum{datum(home, "averageTPS", "arn:a", 1), datum(other, "averageTPS", "arn:b", 1), datum(home, "minProvisionedTPS", "arn:a", 1)}
	n, problems := a.Publish(ctxAll, data)
	if n != 1 || len(problems) != 1 {
		t.Fatalf("published %d, problems %v", n, problems)
	}
	if p := problems[0]; p.Region != home || p.ARN != "arn:a" || !strings.HasPrefix(p.Err.Error(), "2 metric values were not published: AccessDenied: no") {
		t.Errorf("problem %v", p)
	}
	data[2].Metric.DimensionValue = "arn:c"
	if _, problems := a.Publish(ctxAll, data); len(problems) != 1 || problems[0].ARN != "" {
		t.Errorf("a call about several resources: %v", problems)
	}
}

func TestPublishSendsAThousandAtATime(t *testing.T) {
	w := newWorld(t)
	a, _ := w.Writer()
	var data []model.Datum
	for i := range 2_001 {
		data = append(data, datum(home, "averageTPS", "arn:aws:personalize:eu-west-1:123456789012:campaign/c"+strings.Repeat("x", i%30), float64(i)))
	}
	n, problems := a.Publish(ctxAll, data)
	w.NoProblems(problems)
	if n != 2_001 {
		t.Errorf("published %d", n)
	}
	w.WantWrites(map[string]int{"cloudwatch.PutMetricData": 3})
}

func TestADryRunPublishesNothing(t *testing.T) {
	w := newWorld(t)
	a, log := w.Writer(awsbed.DryRun)
	n, problems := a.Publish(ctxAll, []model.Datum{datum(home, "averageTPS", "arn:a", 1)})
	w.NoProblems(problems)
	w.WantWrites(map[string]int{})
	if n != 1 || log.Count("dry run, would write", "publish 1 metric values to PersonalizeMonitor") != 1 {
		t.Errorf("published %d, log:\n%s", n, log.String())
	}
}
