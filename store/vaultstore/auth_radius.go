package vaultstore

import "context"

// RADIUS is auth_type radius, which is no log-in: VaultBackend writes the
// configuration of the method, with the token that hvac finds by itself, and
// goes on with that token.
// https://developer.hashicorp.com/vault/api-docs/auth/radius#configure-radius
type RADIUS struct {
	// Host and Secret are strings; Port is a number or nil, and then not
	// sent. VaultBackend passes other JSON values on.
	Host, Secret, Port any
	// Mount of the method; empty: "radius".
	Mount string
}

// Name implements Method.
func (RADIUS) Name() string { return "radius" }

// Login implements Method (_VaultClient._auth_radius).
func (r RADIUS) Login(ctx context.Context, _ Env, session *Session) (string, error) {
	body := members("host", r.Host, "secret", r.Secret).given("port", r.Port)
	if err := session.Configure(ctx, "auth/"+mountOr(r.Mount, "radius")+"/config", body); err != nil {
		return "", err
	}
	return session.Token(), nil
}
