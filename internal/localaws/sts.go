package localaws

func (s *Server) stsOperations() map[string]operation {
	return map[string]operation{"GetCallerIdentity": s.getCallerIdentity}
}

type callerIdentity struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

// getCallerIdentity answers for any caller: all are the same user of their account.
func (s *Server) getCallerIdentity(c *call) (any, error) {
	if err := c.decode(&struct{}{}); err != nil {
		return nil, err
	}
	return callerIdentity{
		ARN:     "arn:" + partitionOf(c.region) + ":iam::" + c.account + ":user/localaws",
		UserID:  "AIDALOCALAWSEXAMPLE0",
		Account: c.account,
	}, nil
}
