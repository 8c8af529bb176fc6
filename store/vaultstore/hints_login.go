package vaultstore

import (
	"fmt"
	"net/http"
)

// asked names what each log-in shows the server, for a person to check.
var asked = map[string]string{
	"approle": "role_id and secret_id", "userpass": "username and password", "ldap": "username and password",
	"kubernetes": "kubernetes_role and the token in kubernetes_jwt_path", "jwt": "jwt_role and the token in jwt_token or jwt_token_path",
	"github": "token", "aws_iam": "role_id, the AWS credentials and the clock", "gcp": "role_id and the service account",
	"azure": "VAULT_TOKEN or ~/.vault-token", "radius": "VAULT_TOKEN or ~/.vault-token",
}

// noLogin says of an auth_type what Airflow really does.
func noLogin(method string) string {
	return fmt.Sprintf("VaultBackend does not log in with auth_type %s: it writes that method's configuration and goes on "+
		"with VAULT_TOKEN or ~/.vault-token; use another auth_type", method)
}

// loginHint says what to do about a log-in's refusal.
func (s *Store) loginHint(e *ResponseError) string {
	method := s.auth.Name()
	switch {
	case e.Status >= 500 && e.says("sealed"):
		return "the server is sealed: run `vault operator unseal`"
	case e.Status == http.StatusTooManyRequests:
		return "the server limits how often one may log in: try less often, or raise the quota"
	case e.says("missing password"):
		return "give username and password"
	case e.Status >= 500:
		return ""
	case method == "azure", method == "radius":
		return noLogin(method)
	case method == "approle" && (e.says("secret id") || e.says("secret_id") || e.says("role id") || e.says("role_id")):
		return "the role_id is not one of this server's, or the secret_id is wrong, used up or expired: " +
			"make a new one with `vault write -f auth/approle/role/ROLE/secret-id`"
	case e.Status == http.StatusNotFound, e.says("unsupported path"), e.says("no handler for route"):
		return fmt.Sprintf("no %s method answers there: check url and auth_mount_point (`vault auth list`)", method)
	case e.Status == http.StatusForbidden, e.Status == http.StatusBadRequest:
		return fmt.Sprintf("the server refuses the %s log-in: check %s, auth_mount_point and namespace", method, asked[method])
	}
	return ""
}

// tokenHint says what to do where a log-in gave no token.
func (s *Store) tokenHint() string {
	switch method := s.auth.Name(); method {
	case "azure", "radius":
		return noLogin(method)
	case "token":
		return "give a token, a token_path or the variable VAULT_TOKEN"
	}
	return "is it a Vault server that answers?"
}
