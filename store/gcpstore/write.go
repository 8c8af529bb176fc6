package gcpstore

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/airlock-secrets/airlock/store"
)

// maxPayload is Google's limit. https://cloud.google.com/secret-manager/quotas
const maxPayload = 64 << 10

// Put implements store.Writer: a new version, and a new secret replicated
// automatically where there is none. Google has no conditions on versions.
func (s *Store) Put(ctx context.Context, name string, secret *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	const op = "put"
	if err := checkPut(name, secret, o); err != nil {
		return nil, s.fail(op, name, err)
	}
	var stored *store.Secret
	err := s.run(ctx, op, name, func(ctx context.Context, parent string) error {
		added, err := s.addVersion(ctx, parent, name, secret.Payload)
		if isCode(err, codes.NotFound) {
			if err := s.create(ctx, parent, name); err != nil && !isCode(err, codes.AlreadyExists) {
				return err
			}
			added, err = s.addVersion(ctx, parent, name, secret.Payload)
		}
		stored = added
		return err
	})
	return stored, err
}

func (s *Store) addVersion(ctx context.Context, parent, name string, data []byte) (*store.Secret, error) {
	crc, resource := checksum(data), parent+"/secrets/"+name
	req := &secretmanagerpb.AddSecretVersionRequest{Parent: resource, Payload: &secretmanagerpb.SecretPayload{Data: data, DataCrc32C: &crc}}
	var res *secretmanagerpb.SecretVersion
	err := s.write(ctx, resource, func(ctx context.Context, c secretmanagerpb.SecretManagerServiceClient, o ...grpc.CallOption) (err error) {
		res, err = c.AddSecretVersion(ctx, req, o...)
		return err
	})
	if err != nil {
		return nil, err
	}
	stored := &store.Secret{Form: store.Binary}
	stored.Version, stored.VersionID = versionOf(res.GetName())
	if res.GetCreateTime().IsValid() {
		stored.Time = res.GetCreateTime().AsTime()
	}
	return stored, nil
}

func (s *Store) create(ctx context.Context, parent, name string) error {
	automatic := &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{Automatic: &secretmanagerpb.Replication_Automatic{}}}
	req := &secretmanagerpb.CreateSecretRequest{Parent: parent, SecretId: name, Secret: &secretmanagerpb.Secret{Replication: automatic}}
	return s.write(ctx, parent, func(ctx context.Context, c secretmanagerpb.SecretManagerServiceClient, o ...grpc.CallOption) error {
		_, err := c.CreateSecret(ctx, req, o...)
		return err
	})
}

func checkPut(name string, secret *store.Secret, o *store.PutOptions) error {
	invalid := func(code store.Code, why, hint string) error {
		return &store.Error{Code: code, Err: errors.New(why), Hint: hint}
	}
	switch {
	case name == "":
		return invalid(store.Invalid, "a name must not be empty", "")
	case secret == nil:
		return invalid(store.Invalid, "there is no secret to put", "")
	case secret.Form != store.Binary:
		return invalid(store.Invalid, "Google keeps bytes only, this is "+secret.Form.String(), "")
	case len(secret.Payload) > maxPayload:
		return invalid(store.Invalid, fmt.Sprintf("the payload has %d bytes", len(secret.Payload)), fmt.Sprintf("Google keeps %d at most", maxPayload))
	case o != nil && o.IfVersion != nil:
		return invalid(store.Unsupported, "Google knows no condition", "")
	}
	return nil
}

// Delete implements store.Writer.
func (s *Store) Delete(ctx context.Context, name string) error {
	return s.run(ctx, "delete", name, func(ctx context.Context, parent string) error {
		resource := parent + "/secrets/" + name
		return s.write(ctx, resource, func(ctx context.Context, c secretmanagerpb.SecretManagerServiceClient, o ...grpc.CallOption) error {
			_, err := c.DeleteSecret(ctx, &secretmanagerpb.DeleteSecretRequest{Name: resource}, o...)
			return err
		})
	})
}

func isCode(err error, code codes.Code) bool {
	var e *CallError
	return errors.As(err, &e) && e.HTTP == 0 && e.Code == code
}
