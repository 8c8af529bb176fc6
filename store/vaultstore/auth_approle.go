package vaultstore

import (
	"context"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
)

// AppRole is auth_type approle.
// https://openbao.org/api-docs/auth/approle/#login-with-approle
type AppRole struct {
	// RoleID and SecretID are strings. SecretID may be nil and is then sent
	// as null; VaultBackend passes other JSON values on as well.
	RoleID, SecretID any
	// Mount of the method; empty: "approle".
	Mount string
}

// Name implements Method.
func (AppRole) Name() string { return "approle" }

// Login implements Method (_VaultClient._auth_approle).
func (a AppRole) Login(ctx context.Context, _ Env, session *Session) (string, error) {
	path := "auth/" + mountOr(a.Mount, "approle") + "/login"
	return session.Login(ctx, path, vault.AppRoleLogin{RoleID: a.RoleID, SecretID: a.SecretID})
}
