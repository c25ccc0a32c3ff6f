package writer

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestAnIdentityMustBeComplete(t *testing.T) {
	arn := aws.String("arn:aws-cn:iam::123456789012:user/x")
	for _, c := range []sts.GetCallerIdentityOutput{{}, {Account: aws.String("123456789012")}, {Arn: arn}, {Account: aws.String("123456789012"), Arn: aws.String("x")}} {
		if id, err := identityOf(&c); err == nil {
			t.Errorf("got %v", id)
		}
	}
	if id, err := identityOf(&sts.GetCallerIdentityOutput{Account: aws.String("123456789012"), Arn: arn}); err != nil || id != (Identity{"123456789012", "aws-cn"}) {
		t.Errorf("got %v, %v", id, err)
	}
}
