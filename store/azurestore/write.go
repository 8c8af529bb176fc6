package azurestore

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/airlock-secrets/airlock/store"
)

// MaxValue is how many bytes Key Vault takes for a value.
const MaxValue = 25 * 1024

// Put implements store.Writer. Key Vault keeps text, and knows no condition.
// Tags and content type of the secret are handed to its new version, where the
// identity may read them.
func (s *Store) Put(ctx context.Context, name string, secret *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	const op = "put"
	client, err := s.start(ctx, op, name)
	if err == nil {
		err = s.fail(op, name, checkPut(secret, o))
	}
	if err != nil {
		return nil, err
	}
	value := string(secret.Payload)
	parameters := azsecrets.SetSecretParameters{Value: &value}
	before, err := client.GetSecret(ctx, name, "", nil)
	err = s.fail(op, name, err)
	switch {
	case err == nil:
		parameters.Tags, parameters.ContentType = before.Tags, before.ContentType
	case !store.Absent(err) && store.CodeOf(err) != store.Denied:
		return nil, err
	}
	res, err := client.SetSecret(ctx, name, parameters, nil)
	if err != nil {
		return nil, s.fail(op, name, err)
	}
	stored := secretOf(&res.Secret)
	stored.Payload, stored.Form = nil, store.Text
	return stored, nil
}

func checkPut(secret *store.Secret, o *store.PutOptions) error {
	invalid := func(code store.Code, why string) error { return &store.Error{Code: code, Err: errors.New(why)} }
	switch {
	case secret == nil:
		return invalid(store.Invalid, "there is no secret to put")
	case secret.Form != store.Text:
		return invalid(store.Invalid, "Key Vault keeps text only, this is "+secret.Form.String())
	case !utf8.Valid(secret.Payload):
		return invalid(store.Invalid, "the value is not text in UTF-8")
	case len(secret.Payload) > MaxValue:
		return invalid(store.Invalid, "Key Vault takes values of up to 25 KiB")
	case o != nil && o.IfVersion != nil:
		return invalid(store.Unsupported, "Key Vault knows no condition")
	}
	return nil
}

// Delete implements store.Writer. A vault keeps what is deleted for a while;
// the secret is purged too, so that its name is free, unless the vault is
// protected against that or the identity may not.
func (s *Store) Delete(ctx context.Context, name string) error {
	const op = "delete"
	client, err := s.start(ctx, op, name)
	if err != nil {
		return err
	}
	if _, err := client.DeleteSecret(ctx, name, nil); err != nil {
		return s.fail(op, name, err)
	}
	// The service deletes in the background: until it is done there is
	// nothing to purge.
	const tries = 30
	for try := range tries {
		_, err = client.PurgeDeletedSecret(ctx, name, nil)
		code := store.CodeOf(s.fail(op, name, err))
		if code != store.NotFound && code != store.Conflict || try == tries-1 {
			break
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return s.fail(op, name, ctx.Err())
		}
	}
	if err != nil {
		s.log.DebugContext(ctx, "the deleted secret can still be recovered", "store", s.name, "name", name)
		if ctx.Err() != nil {
			return s.fail(op, name, ctx.Err())
		}
	}
	return nil
}
