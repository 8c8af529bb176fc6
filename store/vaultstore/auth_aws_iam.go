package vaultstore

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/store"
)

// AWSIAM is auth_type aws_iam: it shows the server a signed question to STS
// who the signer is, which the server asks in its stead.
// https://developer.hashicorp.com/vault/api-docs/auth/aws#login
type AWSIAM struct {
	// AccessKeyID and SecretAccessKey sign where both are given. Else those of
	// the role that AssumeRole names do, else those of boto3's own chain.
	AccessKeyID, SecretAccessKey string
	// AssumeRole is assume_role_kwargs, an object with the arguments of
	// boto3's assume_role; nil: none.
	AssumeRole any
	// Region is a string; nil: us-east-1 with a pair of keys, else boto3's.
	Region any
	// Role is a string; nil: it is sent as null, and the server takes the
	// role with the name of who signed.
	Role any
	// Mount of the method; empty: "aws".
	Mount string
}

func (k kwargReader) awsIAM(mount string) Method {
	a := AWSIAM{AssumeRole: k.truthy("assume_role_kwargs"), Region: k.truthy("region"), Role: k.truthy("role_id"), Mount: mount}
	if k.has("key_id") && k.has("secret_id") {
		a.AccessKeyID, a.SecretAccessKey = pyText(k.truthy("key_id")), pyText(k.truthy("secret_id"))
	}
	return a
}

// Name implements Method.
func (AWSIAM) Name() string { return "aws_iam" }

// Login implements Method (_VaultClient._auth_aws_iam and hvac's iam_login).
func (a AWSIAM) Login(ctx context.Context, env Env, session *Session) (string, error) {
	keys, err := a.keys(ctx, env)
	if err != nil {
		return "", err
	}
	if err := a.setRegion(&keys); err != nil {
		return "", err
	}
	headers, err := keys.SignCallerIdentity(ctx, time.Now())
	if err != nil {
		return "", err
	}
	signed := pyjson.NewObject()
	for _, name := range []string{"Content-Type", "Host", "Content-Length", "X-Amz-Date", "X-Amz-Security-Token", "Authorization"} {
		if v := headers.Get(name); v != "" {
			signed.Set(name, []any{v})
		}
	}
	return session.Login(ctx, "auth/"+mountOr(a.Mount, "aws")+"/login", members(
		"iam_http_request_method", "POST",
		"iam_request_url", base64.StdEncoding.EncodeToString([]byte(awsconn.CallerIdentityURL)),
		"iam_request_headers", base64.StdEncoding.EncodeToString([]byte(pyjson.Encode(signed))),
		"iam_request_body", base64.StdEncoding.EncodeToString([]byte(awsconn.CallerIdentityBody)),
		"role", a.Role,
	))
}

// keys are what signs, and the region where the kwargs name none.
func (a AWSIAM) keys(ctx context.Context, env Env) (awsconn.Keys, error) {
	if a.AccessKeyID != "" && a.SecretAccessKey != "" {
		return awsconn.Keys{AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey, Region: "us-east-1"}, nil
	}
	conn := awsconn.New(awsconn.Options{Service: "sts", Env: awsconn.Env{Getenv: env.Getenv, Home: env.Home, Dir: env.Dir, Confined: env.Confined, Words: env.Words}})
	defer conn.Close()
	if a.AssumeRole != nil {
		args, ok := a.AssumeRole.(*pyjson.Object)
		if !ok {
			return awsconn.Keys{}, raised("TypeError", "assume_role() argument after ** must be a mapping, not "+pyjson.TypeName(a.AssumeRole),
				"give assume_role_kwargs an object")
		}
		return conn.AssumeRole(ctx, args)
	}
	keys, found, err := conn.Keys(ctx)
	if err == nil && !found {
		err = raised("AttributeError", "'NoneType' object has no attribute 'access_key'",
			"no AWS credentials are found: give key_id and secret_id, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role")
	}
	return keys, err
}

// setRegion lets the kwarg win. Without any region Airflow dies where it puts
// the signature's scope together.
func (a AWSIAM) setRegion(keys *awsconn.Keys) error {
	if region, ok := a.Region.(string); ok {
		keys.Region = region
		return nil
	}
	if a.Region == nil && keys.Region != "" {
		return nil
	}
	return raised("TypeError", fmt.Sprintf("sequence item 1: expected str instance, %s found", pyjson.TypeName(a.Region)),
		"set the kwarg region or AWS_DEFAULT_REGION; AWS_REGION is not read, by Airflow neither")
}

// raised is a failure of a log-in before its request, with Python's words.
func raised(kind, message, hint string) error {
	return &store.Error{Op: "login", Code: store.Invalid, Err: &airflow.Error{Type: kind, Message: message}, Hint: hint}
}
