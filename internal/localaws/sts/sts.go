// Package sts is AWS STS: who the caller is, and the roles of other accounts.
package sts

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/localaws/api"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/estatefile"
	"github.com/personalize-monitor/personalize-monitor/internal/localaws/wire"
)

// Service is the roles and the sessions of those who assumed them. It is safe for concurrent
// use.
type Service struct {
	owner    string // that roles trust
	accounts []estatefile.Account
	start    time.Time

	mu       sync.Mutex
	sessions map[string]session // by access key
}

// session is a pair of temporary credentials.
type session struct {
	caller  api.Caller
	account string
	token   string
	expires time.Time
}

// New makes a service with the roles of an estate, for an endpoint that starts at a time.
func New(estate estatefile.Estate, start time.Time) *Service {
	return &Service{owner: estate.Owner(), accounts: estate.Accounts, start: start, sessions: map[string]session{}}
}

// API describes the service.
func (s *Service) API() *api.Service {
	pattern := func(expression, characters string) api.Pattern {
		return api.Pattern{Expression: api.Lazy(expression), Rule: "satisfy regular expression pattern: " + characters}
	}
	return &api.Service{
		Name: "sts", Signing: "sts", Protocols: []wire.Protocol{wire.Query}, Target: "2011-06-15",
		XMLNS:      "https://sts.amazonaws.com/doc/2011-06-15/",
		Operations: map[string]api.Operation{"GetCallerIdentity": api.Op(getCallerIdentity), "AssumeRole": api.Op(s.assumeRole)},
		Model: api.NewModel(codeInvalid, codeInvalid, nil, map[string]api.Pattern{
			"arn":      pattern(`^arn:[a-z-]+:iam::[0-9]{12}:role/[\x21-\x7e]+$`, `arn:aws:iam::[0-9]{12}:role/.+`),
			"session":  pattern(`^[\w+=,.@-]*$`, `[\w+=,.@-]*`),
			"external": pattern(`^[\w+=,.@:/-]*$`, `[\w+=,.@:\/-]*`),
		}),
	}
}

const codeInvalid = "ValidationError"

type identity struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

func getCallerIdentity(c *api.Call, _ *struct{}) (any, error) {
	return identity{ARN: c.Caller.ARN, UserID: c.Caller.UserID, Account: c.Account}, nil
}

// keyPrefix begins the access keys of sessions. AWS begins those of temporary credentials with
// ASIA, so the rest marks those that this endpoint made.
const keyPrefix = "ASIALOCALAWS"

// Identify returns the account of an access key and who uses it: the one who assumed a role, or
// else the same user for everyone in an account. A key of 12 digits is that account's; any other
// one is the owner's. The errors are those of a key and token that were not made here, or have
// expired.
func (s *Service) Identify(accessKey, token, region string, now time.Time) (account string, caller api.Caller, err error) {
	if strings.HasPrefix(accessKey, keyPrefix) {
		s.mu.Lock()
		defer s.mu.Unlock()
		known, ok := s.sessions[accessKey]
		switch {
		case !ok || subtle.ConstantTimeCompare([]byte(known.token), []byte(token)) != 1:
			return "", caller, InvalidToken()
		case !now.Before(known.expires):
			return "", caller, &wire.Error{
				Code: "ExpiredTokenException", Query: "ExpiredToken", Status: http.StatusForbidden,
				Message: "The security token included in the request is expired",
			}
		}
		return known.account, known.caller, nil
	}
	account = s.owner
	if api.AccountPattern().MatchString(accessKey) {
		account = accessKey
	}
	caller = api.Caller{ARN: "arn:" + api.Partition(region) + ":iam::" + account + ":user/localaws", UserID: "AIDALOCALAWSEXAMPLE0"}
	return account, caller, nil
}

// InvalidToken is the error of credentials that are not known.
func InvalidToken() error {
	return &wire.Error{
		Code: "UnrecognizedClientException", Query: "InvalidClientTokenId", Status: http.StatusForbidden,
		Message: "The security token included in the request is invalid.",
	}
}

// The lifetime of a session in seconds: the default, and the MaxSessionDuration of every role
// here, which is the default of AWS and its limit for a role that was assumed by another.
const sessionSeconds = 3600

type assumeRoleInput struct {
	RoleArn         string  `json:"RoleArn" check:"required 20..2048 arn"`
	RoleSessionName string  `json:"RoleSessionName" check:"required 2..64 session"`
	ExternalID      *string `json:"ExternalId" check:"2..1224 external"`
	DurationSeconds *int32  `json:"DurationSeconds,string" check:"900..43200"`
}

type assumeRoleOutput struct {
	Credentials struct {
		AccessKeyID     string    `xml:"AccessKeyId"`
		SecretAccessKey string    `xml:"SecretAccessKey"`
		SessionToken    string    `xml:"SessionToken"`
		Expiration      time.Time `xml:"Expiration"`
	} `xml:"Credentials"`
	User struct {
		ID  string `xml:"AssumedRoleId"`
		ARN string `xml:"Arn"`
	} `xml:"AssumedRoleUser"`
}

// assumeRole makes a session. What a role refuses, and a role that does not exist, have the same
// error, as AWS does not show which roles exist.
func (s *Service) assumeRole(c *api.Call, in *assumeRoleInput) (any, error) {
	i := slices.IndexFunc(s.accounts, func(a estatefile.Account) bool { return a.RoleARN(c.Region) == in.RoleArn })
	if i < 0 || !s.trusts(&s.accounts[i], c, api.Value(in.ExternalID)) {
		return nil, api.RefuseWith(http.StatusForbidden, "AccessDenied", "%s", c.Unauthorized("sts:AssumeRole on resource: "+in.RoleArn))
	}
	seconds := int32(sessionSeconds)
	if in.DurationSeconds != nil {
		seconds = *in.DurationSeconds
	}
	if seconds > sessionSeconds {
		return nil, api.Refuse(codeInvalid, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	account := s.accounts[i].ID
	path := strings.Split(in.RoleArn, "/")
	made := session{
		account: account, token: rand.Text() + rand.Text(), expires: c.Now.Truncate(time.Second).Add(time.Duration(seconds) * time.Second),
		caller: api.Caller{
			ARN:    "arn:" + api.Partition(c.Region) + ":sts::" + account + ":assumed-role/" + path[len(path)-1] + "/" + in.RoleSessionName,
			UserID: "AROALOCAL" + account + ":" + in.RoleSessionName,
		},
	}
	key := keyPrefix + rand.Text()[:8]
	s.remember(key, made, c.Now)
	var out assumeRoleOutput
	out.Credentials.AccessKeyID, out.Credentials.SecretAccessKey = key, rand.Text()+rand.Text()[:14]
	out.Credentials.SessionToken, out.Credentials.Expiration = made.token, made.expires
	out.User.ID, out.User.ARN = made.caller.UserID, made.caller.ARN
	return out, nil
}

// trusts reports whether the trust policy of an account's role lets the caller assume it.
func (s *Service) trusts(a *estatefile.Account, c *api.Call, externalID string) bool {
	return c.Account == s.owner && (a.ExternalID == "" || a.ExternalID == externalID) && !a.Refuses(s.start, c.Now)
}

// remember stores a session, and forgets those that expired a day ago.
func (s *Service) remember(key string, made session, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, old := range s.sessions {
		if old.expires.Before(now.AddDate(0, 0, -1)) {
			delete(s.sessions, key)
		}
	}
	s.sessions[key] = made
}

// Exists reports whether there is a user or role: the user that everyone in an account is, or a role
// that can be assumed.
func (s *Service) Exists(principal, region string) bool {
	return strings.HasSuffix(principal, ":user/localaws") ||
		slices.ContainsFunc(s.accounts, func(a estatefile.Account) bool { return a.RoleARN(region) == principal })
}
