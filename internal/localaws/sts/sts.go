// Package sts is AWS STS, as far as it reports who the caller is.
package sts

import (
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// API describes the service.
func API() *api.Service {
	return &api.Service{
		Name: "sts", Signing: "sts", Protocols: []wire.Protocol{wire.Query}, Target: "2011-06-15",
		XMLNS:      "https://sts.amazonaws.com/doc/2011-06-15/",
		Operations: map[string]api.Operation{"GetCallerIdentity": api.Op(getCallerIdentity)},
	}
}

type identity struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

// getCallerIdentity returns the same user for all callers of an account.
func getCallerIdentity(c *api.Call, _ *struct{}) (any, error) {
	return identity{
		ARN:     "arn:" + api.Partition(c.Region) + ":iam::" + c.Account + ":user/localaws",
		UserID:  "AIDALOCALAWSEXAMPLE0",
		Account: c.Account,
	}, nil
}
