package awsconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// LoginCalls are the requests that come before the first one of the service.
func (c *Conn) LoginCalls() []store.Call {
	var calls []store.Call
	if c.o.AccessKeyID == "" && c.o.Env.get("AWS_ACCESS_KEY_ID") == "" {
		calls = append(calls, store.Call{Method: "GET", Name: "credentials of the container or the instance", When: "no file of ~/.aws has any"})
	}
	if c.o.Role.ARN != "" {
		calls = append(calls, store.Call{Method: map[bool]string{true: "AssumeRoleWithWebIdentity", false: "AssumeRole"}[c.o.Role.Method == "assume_role_with_web_identity"],
			Name: c.o.Role.ARN})
	}
	return calls
}

// IdentityCalls are the requests of Grant.
func (c *Conn) IdentityCalls() []store.Call {
	if !c.mayAskSTS() {
		return nil
	}
	return []store.Call{{Method: "GetCallerIdentity", Name: "sts", When: "a read is refused and the refusal does not name the account"}}
}

// mayAskSTS is false where the service is not AWS itself and nothing says
// where its STS is: then AWS is not asked behind the back of who configured it.
func (c *Conn) mayAskSTS() bool { return c.o.Endpoint == "" || c.o.STSEndpoint != "" }

// Grant is the smallest grant that would let the caller do what was refused.
type Grant struct {
	// Action is "ssm:GetParameter", Resource its ARN; parts of it that nobody
	// knows are words in capitals.
	Action, Resource string
	// Caller is the ARN of who asked; "" where it is not known.
	Caller string
	// Denied is set where a policy forbids it, so that no grant helps.
	Denied bool
}

// Of AWS's message: who may not do what to which resource, and why.
var (
	callerARN   = regexp.MustCompile(`arn:(aws[a-z-]*):(?:iam|sts)::([0-9]{12}):[^\s,"]+`)
	actionName  = regexp.MustCompile(`perform: ([a-z0-9-]+:[A-Za-z]+)`)
	resourceARN = regexp.MustCompile(`on resource: (arn:aws[a-z-]*:[^\s,"]+)`)
)

// Grant reads a refusal of a read: action and arn, which builds the resource
// from partition, region and account, stand for what it does not say. It is
// nil for any other error.
func (c *Conn) Grant(ctx context.Context, err error, action string, arn func(partition, region, account string) string) *Grant {
	var refusal *Refusal
	if !errors.As(err, &refusal) || store.CodeOf(err) != store.Denied {
		return nil
	}
	g := &Grant{Action: action, Denied: strings.Contains(refusal.Message, "explicit deny")}
	if m := actionName.FindStringSubmatch(refusal.Message); m != nil {
		g.Action = m[1]
	}
	g.Caller = callerARN.FindString(refusal.Message)
	if g.Caller == "" && c.mayAskSTS() {
		g.Caller = c.identity(ctx)
	}
	partition, account := "aws", "ACCOUNT"
	if m := callerARN.FindStringSubmatch(g.Caller); m != nil {
		partition, account = m[1], m[2]
	}
	region := c.region()
	keys := strings.HasPrefix(g.Action, "kms:") || strings.Contains(refusal.Message, "KMS") || refusal.Code == "DecryptionFailure"
	switch m := resourceARN.FindStringSubmatch(refusal.Message); {
	case keys && m != nil && strings.Contains(m[1], ":kms:"):
		g.Action, g.Resource = "kms:Decrypt", m[1]
	case keys:
		g.Action, g.Resource = "kms:Decrypt", fmt.Sprintf("arn:%s:kms:%s:%s:key/KEY", partition, region, account)
	default:
		g.Resource = arn(partition, region, account)
	}
	return g
}

// region is the one in use, REGION before it is known.
func (c *Conn) region() string {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
		if c.config != nil {
			return c.config.Region
		}
	default:
	}
	return either(c.o.Region, "REGION")
}

// identity is the ARN of the caller, "" where STS does not tell it: it needs
// no permission, but a way to STS.
func (c *Conn) identity(ctx context.Context) string {
	config, err := c.Config(ctx)
	if err != nil {
		return ""
	}
	s, err := open(c.o.Env, c.o.Profile)
	if err != nil {
		return ""
	}
	a, err := c.assumer(s, config.Region)
	if err != nil {
		return ""
	}
	a.source = config.Credentials
	out, err := a.client().GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return ""
	}
	return aws.ToString(out.Arn)
}

// Symptom is the grant as a finding about name.
func (g *Grant) Symptom(name string) *store.Symptom {
	who := "the caller"
	if g.Caller != "" {
		who = excerpt.Name(g.Caller)
	}
	s := &store.Symptom{Topic: store.TopicPermission, Name: name, Text: fmt.Sprintf("%s may not do %s on %s", who, g.Action, excerpt.Name(g.Resource)), Fix: g.Statement()}
	if g.Denied {
		s.Text += ": a policy denies it explicitly, so that no grant helps"
		s.Fix = fmt.Sprintf("take %s on this resource out of the statements with \"Effect\": \"Deny\"", g.Action)
	}
	return s
}

// Statement is the grant as a statement of an IAM policy.
func (g *Grant) Statement() string {
	b, err := json.MarshalIndent(struct{ Effect, Action, Resource string }{"Allow", g.Action, g.Resource}, "", "  ")
	if err != nil {
		return ""
	}
	return string(b)
}
