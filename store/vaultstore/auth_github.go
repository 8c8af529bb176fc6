package vaultstore

import "context"

// GitHub is auth_type github.
// https://developer.hashicorp.com/vault/api-docs/auth/github#login
type GitHub struct {
	// Token is a personal access token, a string. Nil: VAULT_TOKEN, else null
	// is sent. VaultBackend accepts token_path as well, but never reads it.
	Token any
	// Mount of the method; empty: "github".
	Mount string
}

// Name implements Method.
func (GitHub) Name() string { return "github" }

// Login implements Method (_VaultClient._auth_github).
func (g GitHub) Login(ctx context.Context, env Env, session *Session) (string, error) {
	token := g.Token
	if token == nil {
		if ambient, ok := env.lookup("VAULT_TOKEN"); ok {
			token = ambient
		}
	}
	return session.Login(ctx, "auth/"+mountOr(g.Mount, "github")+"/login", members("token", token))
}
