package redact

import (
	"slices"
	"strings"
)

// shown are kwargs, and members of JSON, whose values airlock shows on
// purpose: where a store is, how its names are made, how it is logged in to.
// Whatever is not here is a credential, so that a kwarg nobody has thought
// about is removed.
var shown = []string{
	"url", "vault_url", "endpoint_url", "auth_type", "auth_mount_point", "mount_point", "kv_engine_version", "namespace",
	"region", "region_name", "project_id", "quota_project_id", "tenant_id", "azure_tenant_id", "azure_resource", "client_id",
	"managed_identity_client_id", "workload_identity_tenant_id", "kubernetes_role", "jwt_role", "radius_host", "radius_port",
	"sep", "scopes", "gcp_scopes", "profile_name", "service_name", "role_arn", "role_session_name", "impersonation_chain",
	"target_principal", "location", "verify", "timeout", "full_url_mode", "extra_conn_words", "aws_conn_id", "api_version",
	"authority", "use_ssl",
	// members of proxies
	"http", "https",
	// parameters of URLs of databases
	"sslmode", "sslrootcert", "sslcert", "sslkey", "passfile", "connect_timeout", "application_name", "host", "hostaddr", "port", "dbname",
	"target_session_attrs", "charset", "ssl_ca", "ssl_cert", "ssl_key", "unix_socket", "service", "servicefile",
	// members of keys of Google's, and of connections
	"type", "client_email", "token_uri", "auth_uri", "auth_provider_x509_cert_url", "client_x509_cert_url", "universe_domain",
	"token_url", "audience", "subject_token_type", "service_account_impersonation_url", "conn_type", "description",
	// what requests ask for, by the services' names
	"Name", "SecretId", "VersionStage", "role", "resource", "scope", "grant_type", "client_assertion_type", "requested_token_type",
	"Action", "Version", "paths", "path", "permissions", "name", "RoleArn", "RoleSessionName", "DurationSeconds", "Filters", "ParameterFilters",
}

// shownEndings are how names of such kwargs end: files and names of secrets.
var shownEndings = []string{"_path", "_prefix", "_lookup_pattern", "_file"}

// Shown reports whether airlock shows the value of the kwarg name on purpose.
func Shown(name string) bool {
	return slices.Contains(shown, name) || slices.ContainsFunc(shownEndings, func(end string) bool { return strings.HasSuffix(name, end) })
}

// credentialWords are what the names of variables have that hold a credential.
var credentialWords = []string{"TOKEN", "SECRET", "PASSW", "PASSPHRASE", "PWD", "KEY", "CREDENTIAL", "AUTHORIZATION", connWord}

// connWord is in the name of the setting of a database's URL: of such a URL the
// login, the password and the query are secret, and where it leads is not.
const connWord = "SQL_ALCHEMY_CONN"

// otherEndings are how names end that only point to one, and notCredentials
// are such names in full.
var (
	otherEndings   = []string{"_FILE", "_PATH", "_URL", "_URI", "_ARN", "_NAME", "_TTL", "_KEY_FILE"}
	notCredentials = []string{"PWD", "OLDPWD", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_TOKEN_CREDENTIALS", "VAULT_CLIENT_KEY", "PGSSLKEY",
		"PGPASSFILE"}
)

// CredentialName reports whether a variable of this name holds a credential,
// as far as a name can say.
func CredentialName(name string) bool {
	name = strings.ToUpper(name)
	if strings.HasPrefix(name, "AIRFLOW__") && (strings.HasSuffix(name, "_SECRET") || strings.HasSuffix(name, "_CMD")) {
		return false // what a secret is called, or a command
	}
	for _, foreign := range []string{"AIRFLOW__SECRETS__", "AIRFLOW__WORKERS__", "AIRFLOW_VAR_", "AIRFLOW_CONN_"} {
		if strings.HasPrefix(name, foreign) {
			return false // settings of airlock's, and values: they are known by other ways
		}
	}
	ends := func(end string) bool { return strings.HasSuffix(name, end) }
	return !slices.Contains(notCredentials, name) && !slices.ContainsFunc(otherEndings, ends) &&
		slices.ContainsFunc(credentialWords, func(word string) bool { return strings.Contains(name, word) })
}

// Variable adds what a variable holds: all of it where the name is one of a
// credential, else the user information of a URL.
func (s *Set) Variable(name, value string) {
	database := strings.HasSuffix(strings.ToUpper(name), connWord) && strings.Contains(value, "://")
	if CredentialName(name) && !database {
		s.Credential(value)
		return
	}
	names(Shown).userinfo(value, s.Credential)
}

// Kwarg adds what a kwarg holds, a text or what JSON decodes to ([]any,
// map[string]any): all of it, but for a kwarg of [Shown] only the user
// information of a URL.
func (s *Set) Kwarg(name string, value any) {
	names(Shown).leaves(map[string]any{name: value}, s.Credential)
}
