package ssmstore

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/airlock-secrets/airlock/store"
)

// Put implements store.Writer: PutParameter of a SecureString. Of conditions
// the service knows "only where there is none yet" alone; above 4 KiB it
// chooses the advanced tier by itself.
func (s *Store) Put(ctx context.Context, name string, secret *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	const op = "put"
	in, err := s.putInput(op, name, secret, o)
	if err != nil {
		return nil, err
	}
	var out *ssm.PutParameterOutput
	err = s.client.Run(ctx, op, name, func(ctx context.Context, c *ssm.Client) (err error) {
		out, err = c.PutParameter(ctx, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &store.Secret{Form: store.Text, Version: out.Version}, nil
}

func (s *Store) putInput(op, name string, secret *store.Secret, o *store.PutOptions) (*ssm.PutParameterInput, error) {
	if err := s.client.CheckName(op, name); err != nil {
		return nil, err
	}
	refuse := func(code store.Code, why, hint string) (*ssm.PutParameterInput, error) {
		return nil, s.client.Fail(op, name, &store.Error{Code: code, Err: errors.New(why), Hint: hint})
	}
	in := &ssm.PutParameterInput{Name: &name, Type: types.ParameterTypeSecureString, Overwrite: aws.Bool(true), Tier: types.ParameterTierIntelligentTiering}
	if o != nil && o.IfVersion != nil {
		if *o.IfVersion != 0 {
			return refuse(store.Unsupported, "Parameter Store cannot write on the condition of a version", "write without one")
		}
		in.Overwrite = aws.Bool(false)
	}
	switch {
	case secret == nil:
		return refuse(store.Invalid, "there is no secret to put", "")
	case secret.Form != store.Text:
		return refuse(store.Invalid, "Parameter Store keeps text only, this is "+secret.Form.String(), "")
	case len(secret.Payload) == 0:
		return refuse(store.Invalid, "Parameter Store keeps no empty value", "")
	case !utf8.Valid(secret.Payload):
		return refuse(store.Invalid, "the value is not UTF-8", "")
	}
	in.Value = aws.String(string(secret.Payload))
	return in, nil
}

// Delete implements store.Writer.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := s.client.CheckName("delete", name); err != nil {
		return err
	}
	return s.client.Run(ctx, "delete", name, func(ctx context.Context, c *ssm.Client) error {
		_, err := c.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: &name})
		return err
	})
}
