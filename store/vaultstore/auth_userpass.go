package vaultstore

import "context"

// Userpass is auth_type userpass.
// https://openbao.org/api-docs/auth/userpass/#login
type Userpass struct {
	// Username is a part of the path. hvac does not encode it: "/", "?" and
	// ".." in it act as they do in a URL.
	Username string
	// Password is a string. VaultBackend passes other JSON values on, null
	// included.
	Password any
	// Mount of the method, as little encoded as Username; empty: "userpass".
	Mount string
}

// Name implements Method.
func (Userpass) Name() string { return "userpass" }

// Login implements Method (_VaultClient._auth_userpass).
func (u Userpass) Login(ctx context.Context, _ Env, session *Session) (string, error) {
	mount := u.Mount
	if mount == "" {
		mount = "userpass"
	}
	return session.Login(ctx, "auth/"+mount+"/login/"+u.Username, members("password", u.Password))
}
