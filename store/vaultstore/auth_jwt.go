package vaultstore

import (
	"context"
	"fmt"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// JWT is auth_type jwt.
// https://openbao.org/api-docs/auth/jwt/#jwt-login
type JWT struct {
	// Role is a string. VaultBackend passes other JSON values on.
	Role any
	// Token is a string and wins over Path; nil: none.
	Token any
	// Path of a file with the token, which is read at each log-in.
	Path string
	// Mount of the method; empty: "jwt".
	Mount string
}

// Name implements Method.
func (JWT) Name() string { return "jwt" }

// Login implements Method (_VaultClient._auth_jwt).
func (j JWT) Login(ctx context.Context, env Env, session *Session) (string, error) {
	jwt, err := j.token(env)
	if err != nil {
		return "", err
	}
	return session.Login(ctx, "auth/"+mountOr(j.Mount, "jwt")+"/login", members("role", j.Role, "jwt", jwt))
}

func (j JWT) token(env Env) (string, error) {
	switch token := j.Token.(type) {
	case nil:
	case string:
		return strip(token), nil
	default:
		return "", raised("AttributeError", fmt.Sprintf("'%s' object has no attribute 'strip'", pyjson.TypeName(token)), "give jwt_token a string")
	}
	token, err := env.readTrimmed(env.path(j.Path))
	if err != nil {
		return "", fileError("jwt_token_path", err)
	}
	return token, nil
}
