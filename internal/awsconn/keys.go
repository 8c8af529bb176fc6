package awsconn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// Keys are AWS credentials and the region that belongs to them, for a caller
// who signs by itself.
type Keys struct {
	AccessKeyID, SecretAccessKey string
	// SessionToken is empty for the keys of a user.
	SessionToken string
	// Region; empty: the settings name none.
	Region string
}

// Format keeps credentials out of what is printed.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "AWS credentials") }

// Keys are what boto3.Session() has: get_credentials() and region_name. found
// is false where the chain ends without any. Errors are *store.Error.
func (c *Conn) Keys(ctx context.Context) (k Keys, found bool, err error) {
	s, err := open(c.o.Env, c.o.Profile)
	if err != nil {
		return Keys{}, false, err
	}
	region := either(c.o.Region, s.variable("region", "AWS_DEFAULT_REGION"))
	provider, err := (&chain{conn: c, s: s, region: region}).resolve()
	if err == nil && provider == nil {
		err = s.files.withheld
	}
	if err != nil || provider == nil {
		return Keys{}, false, err
	}
	got, err := provider.Retrieve(ctx)
	return keysOf(got, region), err == nil, Fail("finding credentials", c.Label(), "", err)
}

// globalRegion is botocore's name for STS's one endpoint of old, which it
// asks where no region is set, and no endpoint either.
const globalRegion = "aws-global"

// AssumeRole is boto3.client("sts").assume_role(**args) with the credentials
// of the chain, and the region of that client. Errors are *store.Error, that
// of STS itself around a *Refusal.
func (c *Conn) AssumeRole(ctx context.Context, args *pyjson.Object) (Keys, error) {
	s, err := open(c.o.Env, c.o.Profile)
	if err != nil {
		return Keys{}, err
	}
	region := either(c.o.Region, s.variable("region", "AWS_DEFAULT_REGION"))
	if region == "" {
		endpoint, _, err := s.endpoint("sts")
		if err != nil {
			return Keys{}, err
		}
		if endpoint != "" {
			return Keys{}, failed("NoRegionError", "You must specify a region.", "set AWS_DEFAULT_REGION; AWS_REGION is not read, by Airflow neither")
		}
		region = globalRegion
	}
	in := &sts.AssumeRoleInput{}
	if err := fill(in, args); err != nil {
		return Keys{}, err
	}
	if len(aws.ToString(in.RoleArn)) < 20 || len(aws.ToString(in.RoleSessionName)) < 2 {
		return Keys{}, failed("ParamValidationError", "Parameter validation failed: assume_role_kwargs wants RoleArn and RoleSessionName",
			"write assume_role_kwargs as boto3's assume_role has its arguments")
	}
	a, err := c.assumer(s, region)
	if err != nil {
		return Keys{}, err
	}
	if a.source, err = (&chain{conn: c, s: s, region: region}).resolve(); err != nil {
		return Keys{}, err
	}
	if a.source == nil {
		return Keys{}, noCredentials()
	}
	got, err := a.assume(in).Retrieve(ctx)
	return keysOf(got, region), Fail("assuming the role", c.Label(), "", err)
}

func keysOf(c aws.Credentials, region string) Keys {
	return Keys{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Region: region}
}

// A signed question to STS who the signer is, as hvac.aws_utils makes it:
// always for the endpoint without a region.
const (
	CallerIdentityURL  = "https://sts.amazonaws.com/"
	CallerIdentityBody = "Action=GetCallerIdentity&Version=2011-06-15"
)

// SignCallerIdentity returns the headers of such a question, signed for k's
// region as of a time. It sends nothing.
func (k Keys) SignCallerIdentity(ctx context.Context, at time.Time) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, CallerIdentityURL, strings.NewReader(CallerIdentityBody))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sum := sha256.Sum256([]byte(CallerIdentityBody))
	credentials := aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken}
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), "sts", k.Region, at.UTC()); err != nil {
		return nil, failed("ValueError", "the request to STS cannot be signed", "check the AWS credentials")
	}
	req.Header.Set("Host", req.URL.Host)
	req.Header.Set("Content-Length", fmt.Sprint(len(CallerIdentityBody)))
	return req.Header, nil
}
