package vaultstore

import (
	"fmt"
	"slices"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// uses are the kwargs that the log-in of an auth_type reads.
var uses = map[string][]string{
	"token":      {"token", "token_path"},
	"approle":    {"role_id", "secret_id"},
	"userpass":   {"username", "password"},
	"ldap":       {"username", "password"},
	"kubernetes": {"kubernetes_role", "kubernetes_jwt_path"},
	"jwt":        {"jwt_role", "jwt_token", "jwt_token_path"},
	"github":     {"token"},
	"aws_iam":    {"key_id", "secret_id", "role_id", "region", "assume_role_kwargs"},
	"gcp":        {"role_id", "gcp_key_path", "gcp_keyfile_dict", "gcp_scopes"},
	"azure":      {"azure_tenant_id", "azure_resource", "key_id", "secret_id"},
	"radius":     {"radius_host", "radius_secret", "radius_port"},
}

// instead are kwargs that win over others of the same log-in.
var instead = map[string][][2]string{
	"token": {{"token_path", "token"}},
	"jwt":   {{"jwt_token", "jwt_token_path"}},
}

// Notes says which kwargs of the log-in nothing comes of, and where Airflow
// does not log in at all, for the person who wrote them. It repeats no value.
func Notes(kwargs *pyjson.Object) []string {
	k := kwargReader{kwargs: kwargs}
	authType, _ := k.authType().(string)
	used, known := uses[authType]
	if !known {
		return nil
	}
	var notes []string
	if authType == "azure" || authType == "radius" {
		notes = append(notes, noLogin(authType))
	}
	if authType == "github" && k.has("token_path") {
		notes = append(notes, `the kwarg "token_path" is never read with auth_type github, by Airflow neither: it sends token, else VAULT_TOKEN, else null`)
	}
	for _, name := range kwargs.Keys() {
		if k.has(name) && credential(name) && !slices.Contains(used, name) && !(authType == "github" && name == "token_path") {
			notes = append(notes, fmt.Sprintf("the kwarg %q is ignored with auth_type %s, as Airflow ignores it", name, authType))
		}
	}
	return append(notes, k.outdone(authType)...)
}

// credential reports whether a kwarg is one of some log-in.
func credential(name string) bool {
	for _, used := range uses {
		if slices.Contains(used, name) {
			return true
		}
	}
	return false
}

// outdone are the kwargs over which others win.
func (k kwargReader) outdone(authType string) []string {
	var notes []string
	for _, pair := range instead[authType] {
		if k.has(pair[0]) && k.has(pair[1]) {
			notes = append(notes, fmt.Sprintf("the kwarg %q wins over %q", pair[0], pair[1]))
		}
	}
	if authType != "aws_iam" {
		return notes
	}
	pair := k.has("key_id") && k.has("secret_id")
	switch {
	case pair && k.has("assume_role_kwargs"):
		notes = append(notes, `the kwargs "key_id" and "secret_id" win over "assume_role_kwargs"`)
	case !pair && (k.has("key_id") || k.has("secret_id")):
		notes = append(notes, `"key_id" and "secret_id" count only where both are given: boto3's own credentials are used`)
	}
	return notes
}
