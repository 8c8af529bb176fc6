package vaultstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// GoogleAccount is a service account of Google's, in whose name IAM signs what
// auth_type gcp shows the server. Errors are *store.Error.
type GoogleAccount interface {
	// Email of the account; "" where the credentials are no service account's.
	Email(ctx context.Context) (string, error)
	// Project of the account, as Airflow writes it into a name.
	Project(ctx context.Context) (string, error)
	// SignJWT signs the claims, a JSON text, for the account of a name such
	// as "projects/PROJECT/serviceAccounts/EMAIL".
	SignJWT(ctx context.Context, name, claims string) (jwt string, err error)
	// Close ends its connections.
	Close() error
}

// OpenGoogle opens an account: get_credentials_and_project_id of Airflow's
// Google provider, with the kwargs gcp_key_path and gcp_keyfile_dict as they
// are. It asks nothing of the network.
type OpenGoogle func(keyPath, keyfile any, scopes []string) (GoogleAccount, error)

// googleTimeout bounds all that is asked of Google for one log-in
// (googleapiclient.http.DEFAULT_HTTP_TIMEOUT_SEC).
const googleTimeout = 60 * time.Second

// claimsLife is how long the signed claims last; IAM signs for no longer.
const claimsLife = 900 * time.Second

// GCP is auth_type gcp: it shows the server a token that Google's IAM has
// signed in the name of a service account.
// https://developer.hashicorp.com/vault/api-docs/auth/gcp#login
type GCP struct {
	// KeyPath and Keyfile are the kwargs gcp_key_path and gcp_keyfile_dict;
	// nil both: the environment's credentials.
	KeyPath, Keyfile any
	// Scopes is a string with commas between the scopes.
	Scopes any
	// Role is a string. VaultBackend passes other JSON values on.
	Role any
	// Mount of the method; empty: "gcp".
	Mount string
}

func (k kwargReader) gcp(mount string) Method {
	return GCP{KeyPath: k.truthy("gcp_key_path"), Keyfile: k.truthy("gcp_keyfile_dict"), Scopes: k.value("gcp_scopes"),
		Role: k.value("role_id"), Mount: mount}
}

// Name implements Method.
func (GCP) Name() string { return "gcp" }

// Login implements Method (_VaultClient._auth_gcp).
func (g GCP) Login(ctx context.Context, env Env, session *Session) (string, error) {
	jwt, err := g.signed(ctx, env)
	if err != nil {
		return "", err
	}
	return session.Login(ctx, "auth/"+mountOr(g.Mount, "gcp")+"/login", members("role", g.Role, "jwt", jwt))
}

// signed is the token to show.
func (g GCP) signed(ctx context.Context, env Env) (string, error) {
	scopes, ok := g.Scopes.(string)
	if !ok {
		return "", raised("AttributeError", fmt.Sprintf("'%s' object has no attribute 'split'", pyjson.TypeName(g.Scopes)),
			"give gcp_scopes a string, with commas between the scopes")
	}
	if env.Google == nil {
		return "", &store.Error{Op: "login", Code: store.Unsupported, Err: errors.New("nobody gives this store accounts of Google's"),
			Hint: "use another auth_type"}
	}
	list := strings.Split(scopes, ",")
	for i := range list {
		list[i] = strip(list[i])
	}
	account, err := env.Google(g.KeyPath, g.Keyfile, list)
	if err != nil {
		return "", err
	}
	defer account.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, googleTimeout, timeoutError(googleTimeout))
	defer cancel()
	name, claims, err := g.claims(ctx, account)
	if err != nil {
		return "", err
	}
	return account.SignJWT(ctx, name, claims)
}

// claims are what is to be signed, and the account's full name.
func (g GCP) claims(ctx context.Context, account GoogleAccount) (name, claims string, err error) {
	email, err := account.Email(ctx)
	if err != nil {
		return "", "", err
	}
	if email == "" {
		return "", "", &store.Error{Op: "login", Code: store.Invalid, Hint: "use the key of a service account",
			Err: vaultError("Could not determine service account email from credentials. Expected string, got NoneType")}
	}
	project, err := account.Project(ctx)
	if err != nil {
		return "", "", err
	}
	name = "projects/" + project + "/serviceAccounts/" + email
	if project == "" || strings.Contains(project+email, "/") {
		return "", "", raised("TypeError", fmt.Sprintf("Parameter \"name\" value \"%s\" does not match the pattern \"^projects/[^/]+/serviceAccounts/[^/]+$\"",
			"projects/"+excerpt.Name(project)+"/serviceAccounts/"+excerpt.Account(email)), "set GOOGLE_CLOUD_PROJECT, or give the key of a service account")
	}
	now := time.Now()
	o := members("iat", now.Unix(), "exp", now.Add(claimsLife).Unix(), "sub", email, "aud", "vault/"+pyjson.Str(g.Role))
	return name, pyjson.Encode(o.object), nil
}
