package secretsmanagerstore

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/airlock-secrets/airlock/store"
)

// Put implements store.Writer: PutSecretValue, or CreateSecret where there is
// none. What is marked for deletion is restored first. Of conditions the
// service knows "only where there is none yet" alone.
func (s *Store) Put(ctx context.Context, name string, secret *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	const op = "put"
	if err := s.checkPut(op, name, secret, o); err != nil {
		return nil, err
	}
	in := &secretsmanager.PutSecretValueInput{SecretId: &name}
	if secret.Form == store.Text {
		in.SecretString = aws.String(string(secret.Payload))
	} else {
		in.SecretBinary = secret.Payload
	}
	stored := &store.Secret{Form: secret.Form}
	err := s.client.Run(ctx, op, name, func(ctx context.Context, c *secretsmanager.Client) (err error) {
		var version *string
		if o != nil && o.IfVersion != nil {
			version, err = create(ctx, c, in)
		} else {
			version, err = put(ctx, c, in)
		}
		stored.VersionID = aws.ToString(version)
		return err
	})
	if err != nil {
		return nil, err
	}
	return stored, nil
}

// put writes a version, creating or restoring the secret where need be.
func put(ctx context.Context, c *secretsmanager.Client, in *secretsmanager.PutSecretValueInput) (*string, error) {
	if isDeleted(ctx, c, in.SecretId) {
		return restore(ctx, c, in)
	}
	out, err := c.PutSecretValue(ctx, in)
	var missing *types.ResourceNotFoundException
	switch {
	case err == nil:
		return out.VersionId, nil
	case errors.As(err, &missing):
		return create(ctx, c, in)
	}
	return nil, err
}

// create makes the secret; one that is marked for deletion comes back.
func create(ctx context.Context, c *secretsmanager.Client, in *secretsmanager.PutSecretValueInput) (*string, error) {
	if isDeleted(ctx, c, in.SecretId) {
		return restore(ctx, c, in)
	}
	out, err := c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: in.SecretId, SecretString: in.SecretString, SecretBinary: in.SecretBinary})
	if err != nil {
		return nil, err
	}
	return out.VersionId, nil
}

// restore brings back what is marked for deletion, with a new value.
func restore(ctx context.Context, c *secretsmanager.Client, in *secretsmanager.PutSecretValueInput) (*string, error) {
	if _, err := c.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: in.SecretId}); err != nil {
		return nil, err
	}
	out, err := c.PutSecretValue(ctx, in)
	if err != nil {
		return nil, err
	}
	return out.VersionId, nil
}

// isDeleted says whether a secret is marked for deletion.
func isDeleted(ctx context.Context, c *secretsmanager.Client, name *string) bool {
	out, err := c.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: name})
	return err == nil && out.DeletedDate != nil
}

func (s *Store) checkPut(op, name string, secret *store.Secret, o *store.PutOptions) error {
	if err := s.client.CheckName(op, name); err != nil {
		return err
	}
	refuse := func(code store.Code, why, hint string) error {
		return s.client.Fail(op, name, &store.Error{Code: code, Err: errors.New(why), Hint: hint})
	}
	switch {
	case o != nil && o.IfVersion != nil && *o.IfVersion != 0:
		return refuse(store.Unsupported, "Secrets Manager cannot write on the condition of a version", "write without one")
	case secret == nil:
		return refuse(store.Invalid, "there is no secret to put", "")
	case secret.Form == store.Object:
		return refuse(store.Invalid, "Secrets Manager keeps text and bytes, this is "+secret.Form.String(), "put its JSON as text")
	case len(secret.Payload) == 0:
		return refuse(store.Invalid, "Secrets Manager keeps no empty value", "")
	case secret.Form == store.Text && !utf8.Valid(secret.Payload):
		return refuse(store.Invalid, "the value is not UTF-8", "put it as binary")
	}
	return nil
}

// Delete implements store.Writer. The service keeps what is deleted for its
// recovery window of 30 days, in which a Put or its own restore-secret brings
// the name back.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := s.client.CheckName("delete", name); err != nil {
		return err
	}
	return s.client.Run(ctx, "delete", name, func(ctx context.Context, c *secretsmanager.Client) error {
		if isDeleted(ctx, c, &name) {
			return &store.Error{Code: store.NotFound, Absent: true, Err: errors.New("the secret is marked for deletion already")}
		}
		_, err := c.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: &name})
		return deleted(err)
	})
}
