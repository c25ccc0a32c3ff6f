package localaws

import (
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/personalize"
)

type tracing struct {
	t *testing.T
	c *awshttp.BuildableClient
}

func (tr tracing) Do(req *http.Request) (*http.Response, error) {
	begin := time.Now()
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) { tr.t.Logf("%v got conn reused=%v %T %v", time.Since(begin), i.Reused, i.Conn, i.Conn.LocalAddr()) },
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			tr.t.Logf("%v wrote request: %v", time.Since(begin), i.Err)
		},
		GotFirstResponseByte: func() { tr.t.Logf("%v first byte", time.Since(begin)) },
		PutIdleConn: func(err error) {
			tr.t.Logf("%v put idle: %v", time.Since(begin), err)
		},
	})
	resp, err := tr.c.Do(req.WithContext(ctx))
	tr.t.Logf("%v do returned", time.Since(begin))
	return resp, err
}

func TestZZ(t *testing.T) {
	e := shopEstate()
	e.Regions[0].DatasetGroups[0].Campaigns = []EstateCampaign{{EstateEndpoint: EstateEndpoint{Name: "c", Recipe: "aws-sims", Copies: 250}}}
	r := newWorld(t, e)
	cfg := r.config(testRegion)
	cfg.HTTPClient = tracing{t, awshttp.NewBuildableClient()}
	pz := personalize.NewFromConfig(cfg)
	for range 40 {
		for p := personalize.NewListCampaignsPaginator(pz, &personalize.ListCampaignsInput{}); p.HasMorePages(); {
			if _, err := p.NextPage(background); err != nil {
				t.Fatal(err)
			}
		}
	}
}
func TestYY(t *testing.T) {
	e := shopEstate()
	e.Regions[0].DatasetGroups[0].Campaigns = []EstateCampaign{{EstateEndpoint: EstateEndpoint{Name: "c", Recipe: "aws-sims", Copies: 250}}}
	r := newWorld(t, e)
	pz := r.personalize()
	for range 40 {
		for p := personalize.NewListCampaignsPaginator(pz, &personalize.ListCampaignsInput{}); p.HasMorePages(); {
			if _, err := p.NextPage(background); err != nil {
				t.Fatal(err)
			}
		}
	}
}
func TestXX(t *testing.T) {
	e := shopEstate()
	e.Regions[0].DatasetGroups[0].Campaigns = []EstateCampaign{{EstateEndpoint: EstateEndpoint{Name: "c", Recipe: "aws-sims", Copies: 250}}}
	r := newWorld(t, e)
	cfg := r.config(testRegion)
	cfg.HTTPClient = http.DefaultClient
	pz := personalize.NewFromConfig(cfg)
	for range 40 {
		for p := personalize.NewListCampaignsPaginator(pz, &personalize.ListCampaignsInput{}); p.HasMorePages(); {
			if _, err := p.NextPage(background); err != nil {
				t.Fatal(err)
			}
		}
	}
}
