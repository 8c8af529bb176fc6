package vaultstore

import "context"

// LDAP is auth_type ldap.
// https://openbao.org/api-docs/auth/ldap/#login-with-ldap-user
type LDAP struct {
	// Username is a part of the path.
	Username string
	// Password is a string. VaultBackend passes other JSON values on, null
	// included.
	Password any
	// Mount of the method; empty: "ldap".
	Mount string
}

// Name implements Method.
func (LDAP) Name() string { return "ldap" }

// Login implements Method (_VaultClient._auth_ldap).
func (l LDAP) Login(ctx context.Context, _ Env, session *Session) (string, error) {
	return session.Login(ctx, "auth/"+mountOr(l.Mount, "ldap")+"/login/"+quote(l.Username), members("password", l.Password))
}
