package vaultstore

import (
	"context"
	"fmt"

	"github.com/airlock-secrets/airlock/store"
)

// unread is an auth_type that VaultBackend knows and this store does not.
type unread string

// Name implements Method.
func (u unread) Name() string { return string(u) }

// Login implements Method: it fails as Unsupported.
func (u unread) Login(context.Context, Env, Post) (string, error) {
	return "", &store.Error{Op: "login", Code: store.Unsupported,
		Err:  fmt.Errorf("this version of airlock does not log in with auth_type %q", string(u)),
		Hint: "log in with auth_type token or approle"}
}
