package vaultstore

import (
	"context"
	"net/http"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
)

// Session sends the requests of one log-in. With each goes the token that hvac
// finds by itself, whatever the auth_type (utils.get_token_from_env).
type Session struct {
	store *Store
	token string
}

// Token is the one that goes along: VAULT_TOKEN, else what ~/.vault-token
// holds, else "".
func (s *Session) Token() string { return s.token }

// Login posts body to a path such as "auth/approle/login", whose parts quote
// has encoded, and returns the token of the answer.
func (s *Session) Login(ctx context.Context, path string, body any) (token string, err error) {
	var res vault.Response
	if err := s.post(ctx, path, body, &res); err != nil {
		return "", err
	}
	if res.Auth == nil {
		return "", errNoAuth
	}
	return res.Auth.ClientToken, nil
}

// Configure posts body to a path such as "auth/azure/config". What the answer
// holds does not matter.
func (s *Session) Configure(ctx context.Context, path string, body any) error {
	return s.post(ctx, path, body, nil)
}

func (s *Session) post(ctx context.Context, path string, body, res any) error {
	return s.store.send(ctx, request{method: http.MethodPost, path: path, token: s.token, body: body, login: true}, res)
}
