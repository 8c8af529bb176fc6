package vaultstore

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// Put implements store.Writer. Only objects can be kept. KV version 1 has no
// conditions.
func (s *Store) Put(ctx context.Context, name string, secret *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	const op = "put"
	mount, path, err := s.checkPut(name, secret, o)
	if err != nil {
		return nil, err
	}
	if s.version == 1 {
		r := request{method: "POST", path: s.at(mount, "", path), body: json.RawMessage(secret.Payload)}
		err := s.run(ctx, op, name, func(ctx context.Context, token string) error {
			r.token = token
			return s.send(ctx, r, nil)
		})
		if err != nil {
			return nil, err
		}
		return &store.Secret{Form: store.Object}, nil
	}
	var condition *int64
	if o != nil {
		condition = o.IfVersion
	}
	stored, err := s.putVersioned(ctx, name, s.at(mount, "data", path), secret.Payload, condition)
	if condition == nil || *condition != 0 || !errors.Is(err, store.ErrConflict) {
		return stored, err
	}
	// To Vault a secret exists as long as its metadata does; to package store
	// no longer than one of its versions.
	record, recordErr := s.Record(ctx, name)
	if recordErr != nil || !gone(record) {
		return nil, err
	}
	return s.putVersioned(ctx, name, s.at(mount, "data", path), secret.Payload, &record.Latest)
}

func gone(r *store.Record) bool {
	for _, v := range r.Versions {
		if !v.Destroyed {
			return false
		}
	}
	return true
}

func (s *Store) putVersioned(ctx context.Context, name, path string, payload []byte, condition *int64) (*store.Secret, error) {
	const op = "put"
	write := vault.KVWrite{Data: payload}
	if condition != nil {
		write.Options = &vault.KVOptions{CAS: condition}
	}
	r := request{method: "POST", path: path, body: write}
	var res vault.Response
	err := s.run(ctx, op, name, func(ctx context.Context, token string) error {
		r.token = token
		return s.send(ctx, r, &res)
	})
	if err != nil {
		return nil, err
	}
	var v vault.KVVersion
	if json.Unmarshal(res.Data, &v) != nil || v.Version == 0 {
		return nil, s.fail(op, name, errNotJSON)
	}
	return &store.Secret{Form: store.Object, Version: v.Version, Time: timeOf(v.CreatedTime), Attributes: attributesOf(v.CustomMetadata)}, nil
}

func (s *Store) checkPut(name string, secret *store.Secret, o *store.PutOptions) (mount, path string, err error) {
	const op = "put"
	invalid := func(code store.Code, why, hint string) error {
		return s.fail(op, name, &store.Error{Code: code, Err: errors.New(why), Hint: hint})
	}
	var object map[string]json.RawMessage
	switch {
	case name == "":
		return "", "", invalid(store.Invalid, "a name must not be empty", "")
	case secret == nil:
		return "", "", invalid(store.Invalid, "there is no secret to put", "")
	case secret.Form != store.Object:
		return "", "", invalid(store.Invalid, "Vault keeps JSON objects only, this is "+secret.Form.String(), `wrap it: {"value": ...}`)
	case json.Unmarshal(secret.Payload, &object) != nil || object == nil:
		return "", "", invalid(store.Invalid, "the payload is not a JSON object", "")
	case s.version == 1 && o != nil && o.IfVersion != nil:
		return "", "", invalid(store.Unsupported, "KV version 1 knows no condition", "")
	}
	mount, path, err = s.place(op, name)
	if store.CodeOf(err) == store.NotFound {
		return "", "", invalid(store.Invalid, "the name does not begin with a mount and '/'", "with mount_point null, names begin with the mount")
	}
	return mount, path, err
}

// Delete implements store.Writer. Vault answers the same whether there was
// anything to delete, so it is asked before; where that is denied, a missing
// secret is deleted without an error.
func (s *Store) Delete(ctx context.Context, name string) error {
	const op = "delete"
	mount, path, err := s.place(op, name)
	if err != nil {
		return err
	}
	return s.run(ctx, op, name, func(ctx context.Context, token string) error {
		err := s.exists(ctx, token, mount, path)
		if forbidden(err) {
			err = nil
		}
		if err != nil {
			return err
		}
		return s.send(ctx, request{method: http.MethodDelete, path: s.at(mount, "metadata", path), token: token}, nil)
	})
}

// exists fails with a ResponseError of status 404 where there is no secret.
func (s *Store) exists(ctx context.Context, token, mount, path string) error {
	var res vault.Response
	return s.send(ctx, request{method: "GET", path: s.at(mount, "metadata", path), token: token}, &res)
}
