// Package kms is AWS KMS, as far as it describes keys and shows their policies.
package kms

import (
	"cmp"
	"strings"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// snsAlias is the alias of the key of AWS for SNS, which exists in every region.
const snsAlias = "alias/aws/sns"

// awsPolicy is that of a key of AWS: the account uses it through the service alone.
const awsPolicy = `{"Version":"2012-10-17","Statement":[{"Sid":"Allow access through SNS","Effect":"Allow","Principal":{"AWS":"*"},` +
	`"Action":["kms:Decrypt","kms:GenerateDataKey*","kms:CreateGrant","kms:ListGrants","kms:DescribeKey"],"Resource":"*"}]}`

// Service is the keys of the estate, by home.
type Service struct{ keys map[api.Home][]estatefile.Key }

// New makes a service with the keys of an estate.
func New(estate estatefile.Estate) *Service {
	s := &Service{keys: map[api.Home][]estatefile.Key{}}
	for home, region := range estate.All() {
		s.keys[home] = region.Keys
	}
	return s
}

// API describes the service.
func (s *Service) API() *api.Service {
	return &api.Service{
		Name: "kms", Signing: "kms", Protocols: []wire.Protocol{wire.JSON}, Target: "TrentService",
		Operations: map[string]api.Operation{"DescribeKey": api.Op(s.describe), "GetKeyPolicy": api.Op(s.policy)},
		Model:      api.NewModel("ValidationException", "TagException", api.Refuse("InvalidMarkerException", "the marker is invalid"), nil),
	}
}

// find returns a key by its id, ARN, alias or the ARN of its alias, and whether AWS manages it.
func (s *Service) find(c *api.Call, id string) (key estatefile.Key, managed bool, err error) {
	name := strings.TrimPrefix(strings.TrimPrefix(id, c.ARN("kms", "key/")), c.ARN("kms", ""))
	if name == snsAlias || name == awsKeyID {
		return estatefile.Key{ID: awsKeyID, Policy: awsPolicy}, true, nil
	}
	for _, key := range s.keys[c.Home] {
		if name == key.ID || key.Alias != "" && name == key.Alias {
			return key, false, nil
		}
	}
	return key, false, api.Refuse("NotFoundException", "Key '%s' does not exist", id)
}

// awsKeyID is the id of the key of AWS for SNS.
const awsKeyID = "0aaaaaaa-1bbb-2ccc-3ddd-4eeeeeeeeeee"

type keyInput struct {
	ID string `json:"KeyId" check:"required 1..2048"`
}

func (s *Service) describe(c *api.Call, in *keyInput) (any, error) {
	key, managed, err := s.find(c, in.ID)
	if err != nil {
		return nil, err
	}
	manager, state := "CUSTOMER", cmp.Or(key.State, "Enabled")
	if managed {
		manager = "AWS"
	}
	return api.Out{"KeyMetadata": api.Out{
		"KeyId": key.ID, "Arn": c.ARN("kms", "key/"+key.ID), "AWSAccountId": c.Account, "KeyManager": manager,
		"KeyState": state, "Enabled": state == "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT",
	}}, nil
}

type policyInput struct {
	keyInput
	Name *string `json:"PolicyName" check:"default"`
}

// policy returns a key's policy. It takes no alias, as GetKeyPolicy of AWS does not (API reference,
// GetKeyPolicy: "Specify the key ID or key ARN").
func (s *Service) policy(c *api.Call, in *policyInput) (any, error) {
	if strings.Contains(in.ID, "alias/") {
		return nil, api.Refuse("NotFoundException", "Invalid keyId %s", in.ID)
	}
	key, _, err := s.find(c, in.ID)
	if err != nil {
		return nil, err
	}
	return api.Out{"Policy": key.Policy, "PolicyName": "default"}, nil
}
