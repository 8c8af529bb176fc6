package awsconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
)

// refreshBefore is how long before they end credentials are renewed:
// botocore's mandatory refresh time-out.
const refreshBefore = 10 * time.Minute

// assumer assumes roles.
type assumer struct {
	options sts.Options
	env     Env
	source  aws.CredentialsProvider
	session string // role_session_name; empty: a generated one
}

// assumer is a client of STS: its endpoint is never the service's, and verify
// does not reach it.
func (c *Conn) assumer(s *session, region string) (*assumer, error) {
	endpoint, by, err := c.stsEndpoint(s)
	if err == nil {
		err = checkEndpoint(endpoint)
	}
	if err != nil {
		return nil, err
	}
	region = either(region, c.o.STSRegion)
	if err := checkRegion(region); err != nil {
		return nil, err
	}
	if c.seen != nil {
		c.seen(target{kind: route.Login, url: either(endpoint, usualEndpoint("sts", region)), by: by, s: s})
	}
	other := Conn{o: c.o}
	client, err := other.httpClient(s, Verify{})
	if err != nil {
		return nil, err
	}
	o := sts.Options{Region: region, HTTPClient: client, DisableClockSkewCorrection: true}
	if endpoint != "" {
		o.BaseEndpoint = aws.String(strings.TrimRight(endpoint, "/"))
	}
	attempts := s.attempts()
	if c.o.STSAttempts > 0 {
		attempts = c.o.STSAttempts
	}
	o.Retryer = &retryer{attempts: attempts, delay: c.o.Delay}
	return &assumer{options: o, env: c.o.Env}, nil
}

// stsEndpoint is where STS is if the kwargs or the settings say so, and what
// says it.
func (c *Conn) stsEndpoint(s *session) (endpoint string, by []route.Setting, err error) {
	if c.o.STSEndpoint != "" {
		return c.o.STSEndpoint, []route.Setting{{Kwarg: "service_config"}}, nil
	}
	return s.endpoint("sts")
}

func (a *assumer) client() *sts.Client {
	o := a.options
	o.Credentials = a.source
	return sts.New(o)
}

func cached(fetch func(ctx context.Context) (aws.Credentials, error)) aws.CredentialsProvider {
	return aws.NewCredentialsCache(aws.CredentialsProviderFunc(fetch), func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = refreshBefore })
}

// role is the kwargs' role, with their assume_role_kwargs.
func (a *assumer) role(r Role, sessionName string) (aws.CredentialsProvider, error) {
	in := &sts.AssumeRoleInput{RoleSessionName: &sessionName}
	if err := fill(in, r.Args); err != nil {
		return nil, err
	}
	in.RoleArn = aws.String(r.ARN)
	return a.assume(in), nil
}

// profile is the role of a profile of the files.
func (a *assumer) profile(p section) (aws.CredentialsProvider, error) {
	in := &sts.AssumeRoleInput{RoleArn: aws.String(p["role_arn"]), RoleSessionName: aws.String(either(p["role_session_name"], generatedName()))}
	if id := p["external_id"]; id != "" {
		in.ExternalId = &id
	}
	if n := seconds(p["duration_seconds"]); n != 0 {
		in.DurationSeconds = &n
	}
	return a.assume(in), nil
}

func generatedName() string { return fmt.Sprintf("botocore-session-%d", time.Now().Unix()) }

func (a *assumer) assume(in *sts.AssumeRoleInput) aws.CredentialsProvider {
	client := a.client()
	return cached(func(ctx context.Context) (aws.Credentials, error) {
		out, err := client.AssumeRole(ctx, in)
		if err != nil {
			return aws.Credentials{}, err
		}
		if out.Credentials == nil {
			return aws.Credentials{}, &store.Error{Code: store.Corrupt, Err: fmt.Errorf("the answer of STS holds no credentials")}
		}
		c := out.Credentials
		return temporary(c.AccessKeyId, c.SecretAccessKey, c.SessionToken, c.Expiration), nil
	})
}

// webIdentity exchanges the token of a file, read anew each time.
func (a *assumer) webIdentity(r Role) (aws.CredentialsProvider, error) {
	in := &sts.AssumeRoleWithWebIdentityInput{RoleSessionName: aws.String(either(a.session, generatedName()))}
	if err := fill(in, r.Args); err != nil {
		return nil, err
	}
	in.RoleArn = aws.String(r.ARN)
	file := either(r.TokenFile, a.env.get("AWS_WEB_IDENTITY_TOKEN_FILE"))
	if err := a.env.withheld(file); err != nil {
		return nil, err
	}
	client := a.client()
	return cached(func(ctx context.Context) (aws.Credentials, error) {
		token, err := a.env.read(file)
		if errors.Is(err, route.ErrWithheld) {
			return aws.Credentials{}, err
		}
		if err != nil {
			return aws.Credentials{}, &store.Error{Code: store.Unauthenticated, Err: err,
				Hint: "the file of the web identity token cannot be read: see AWS_WEB_IDENTITY_TOKEN_FILE"}
		}
		with := *in
		with.WebIdentityToken = &token
		out, err := client.AssumeRoleWithWebIdentity(ctx, &with)
		if err != nil {
			return aws.Credentials{}, err
		}
		if out.Credentials == nil {
			return aws.Credentials{}, &store.Error{Code: store.Corrupt, Err: fmt.Errorf("the answer of STS holds no credentials")}
		}
		c := out.Credentials
		return temporary(c.AccessKeyId, c.SecretAccessKey, c.SessionToken, c.Expiration), nil
	}), nil
}

func temporary(id, secret, token *string, expires *time.Time) aws.Credentials {
	c := aws.Credentials{AccessKeyID: aws.ToString(id), SecretAccessKey: aws.ToString(secret), SessionToken: aws.ToString(token), Source: "sts"}
	if expires != nil {
		c.CanExpire, c.Expires = true, *expires
	}
	return c
}

// fill sets the members of a request that assume_role_kwargs name, as boto3
// takes them.
func fill(in any, args *pyjson.Object) error {
	if args == nil || args.Len() == 0 {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(pyjson.Encode(args)))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		return failed("ParamValidationError", "Parameter validation failed: assume_role_kwargs has a member that STS does not know, or of a wrong type",
			"write assume_role_kwargs as boto3's assume_role has its arguments")
	}
	return nil
}

// slug is how SessionFactory writes the name of a class in that of a session.
func slug(class string) string { return strings.ToLower(class) }
