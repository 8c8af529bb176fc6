package setup

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/store"
)

// applyAWS does what awsSteps says, with the credentials that the aws program
// would use here.
func applyAWS(ctx context.Context, p *Plan, admin *Admin) error {
	conn := awsconn.New(awsconn.Options{Service: "iam", Region: p.Answers["region-name"],
		Env: awsconn.Env{Getenv: admin.Env.Getenv, Home: admin.Env.Home, Dir: admin.Env.Dir, Words: admin.Env.Words,
			Secrets: admin.Env.Secrets}})
	defer conn.Close()
	config, err := conn.Config(ctx)
	if err != nil {
		return err
	}
	if err := grant(ctx, iam.NewFromConfig(config), p); err != nil {
		return iamError(p.Answers["principal"], err)
	}
	admin.Say(fmt.Sprintf("%s has the policy %s", p.Answers["principal"], awsPolicyName))
	kwargs := p.Kwargs.Clone()
	kwargs.Delete("role_arn")
	return p.plant(ctx, kwargs, admin)
}

// grant puts the policy on the role or user, unless it is there.
func grant(ctx context.Context, client *iam.Client, p *Plan) error {
	kind, name, _ := strings.Cut(p.Answers["principal"], "/")
	policy, document := aws.String(awsPolicyName), aws.String(p.Policies[0].Text)
	if kind == "user" {
		have, err := client.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: &name, PolicyName: policy})
		if err == nil && sameDocument(have.PolicyDocument, *document) {
			return nil
		}
		_, err = client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: policy, PolicyDocument: document})
		return err
	}
	have, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: policy})
	if err == nil && sameDocument(have.PolicyDocument, *document) {
		return nil
	}
	_, err = client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: policy, PolicyDocument: document})
	return err
}

// sameDocument compares with what IAM returns, which is escaped.
func sameDocument(have *string, want string) bool {
	text, err := url.QueryUnescape(aws.ToString(have))
	return err == nil && text == want
}

func iamError(principal string, err error) error {
	e := &store.Error{Op: "give the policy", Name: principal, Store: "iam", Code: store.Unavailable,
		Err: errors.New("the service does not answer"), Hint: "set up the credentials of the aws program here, or hand " + Folder + "/setup.sh to somebody who has them"}
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return e
	}
	e.Err = fmt.Errorf("%s: %s", answer.ErrorCode(), answer.ErrorMessage())
	switch answer.ErrorCode() {
	case "NoSuchEntity":
		e.Code, e.Hint = store.NotFound, "make it first, or name another with --principal"
	case "AccessDenied":
		e.Code, e.Hint = store.Denied, "it takes iam:PutRolePolicy or iam:PutUserPolicy: hand "+Folder+"/setup.sh to somebody who has it"
	default:
		e.Code = store.Invalid
	}
	return e
}
