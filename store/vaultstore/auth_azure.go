package vaultstore

import "context"

// Azure is auth_type azure, which is no log-in: VaultBackend writes the
// configuration of the method, with the token that hvac finds by itself, and
// goes on with that token.
// https://developer.hashicorp.com/vault/api-docs/auth/azure#configure
type Azure struct {
	// TenantID and Resource are strings, ClientID and ClientSecret too or nil,
	// and then not sent. VaultBackend passes other JSON values on.
	TenantID, Resource, ClientID, ClientSecret any
	// Mount of the method; empty: "azure".
	Mount string
}

// Name implements Method.
func (Azure) Name() string { return "azure" }

// Login implements Method (_VaultClient._auth_azure).
func (a Azure) Login(ctx context.Context, _ Env, session *Session) (string, error) {
	body := members("tenant_id", a.TenantID, "resource", a.Resource).given("client_id", a.ClientID, "client_secret", a.ClientSecret)
	if err := session.Configure(ctx, "auth/"+mountOr(a.Mount, "azure")+"/config", body); err != nil {
		return "", err
	}
	return session.Token(), nil
}
