package vaultstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
)

// Token is auth_type token: a token that exists already. No request is sent.
type Token struct {
	// Path of a file that holds the token; it is read at each log-in and wins
	// over Token.
	Path string
	// Token; empty: VAULT_TOKEN.
	Token string
}

// Name implements Method.
func (Token) Name() string { return "token" }

// Login implements Method (_VaultClient._set_token).
func (t Token) Login(_ context.Context, env Env, _ *Session) (string, error) {
	if t.Path != "" {
		token, err := env.readTrimmed(env.path(t.Path))
		if err != nil {
			return "", fileError("token_path", err)
		}
		return token, nil
	}
	if t.Token != "" {
		return t.Token, nil
	}
	return env.get("VAULT_TOKEN"), nil
}

// fileError says that the file a kwarg names cannot be read.
func fileError(kwarg string, err error) error {
	if errors.Is(err, route.ErrWithheld) {
		return err
	}
	hint := fmt.Sprintf("%s must name a file that airlock may read", kwarg)
	if errors.Is(err, fs.ErrNotExist) {
		hint = fmt.Sprintf("write the file, or correct %s", kwarg)
	}
	return &store.Error{Op: "login", Code: store.Invalid, Hint: hint, Err: err}
}
