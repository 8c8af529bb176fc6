package e2e

import (
	"encoding/base64"
	"fmt"
	"strings"
)

func kwargClaims(l *lab) []claimed {
	azure := l.azure()
	azure.Set("airflow-variables-one", "found")
	toFake := []string{"HTTPS_PROXY=" + azure.Proxy, "REQUESTS_CA_BUNDLE=" + azure.CA}
	azureKwargs := fmt.Sprintf(`"vault_url": "https://v.vault.azure.net/", "tenant_id": %q, "client_id": %q, "client_secret": %q`, azure.Tenant, azure.ClientID, azure.ClientSecret)
	typeError := "raised: TypeError: Adapter.__init__() got an unexpected keyword argument "
	return []claimed{
		{rule: "unknown-kwarg", name: "ssm", env: ofMachine, code: parameter(`{"endpoint_url": "URL", "my_own": "x"}`), want: []string{`{"Name": "/airflow/variables/one"`, "answer: None"}, not: []string{"my_own", "WARN"}},
		{rule: "unknown-kwarg", name: "secretsmanager", env: ofMachine,
			code: strings.NewReplacer(ssmClass, secretsManagerClass, "ParameterNotFound", "ResourceNotFoundException").Replace(parameter(`{"endpoint_url": "URL", "my_own": "x"}`)),
			want: []string{`{"SecretId": "airflow/variables/one"`, "answer: None"}, not: []string{"my_own", "WARN"}},
		{rule: "unknown-kwarg", name: "azure", env: append(configured(azureClass, `{`+azureKwargs+`, "my_own": "x"}`), toFake...), code: `attempt(backend().get_variable, "one")`, want: []string{"answer: 'found'"}, not: []string{"my_own", "WARN"}},
		{rule: "unknown-kwarg", name: "vault", code: against(`{"url": "URL", "token": "x", "my_own": "x"}`), want: []string{typeError + "'my_own'\n" + typeError + "'my_own'\n"}, not: []string{"asked:"}},
		{rule: "unknown-kwarg", name: "gcp", env: configured(googleClass, `{"my_own": "x"}`), code: "starts()", want: []string{"TypeError: LoggingMixin.__init__() got an unexpected keyword argument 'my_own'"}, not: []string{started}},
		{rule: "unknown-kwarg", name: "local file", env: configured(localClass, `{"my_own": "x"}`), code: "starts()",
			want: []string{"TypeError: LocalFilesystemBackend.__init__() got an unexpected keyword argument 'my_own'"}, not: []string{started}},
		{rule: "misspelt-kwarg", name: "ssm", env: ofMachine, code: parameter(`{"endpoint_url": "URL", "variable_prefix": "/mine"}`), want: []string{`{"Name": "/airflow/variables/one"`}, not: []string{"variable_prefix", "mine"}},
		{rule: "misspelt-kwarg", name: "azure", env: append(configured(azureClass, `{`+azureKwargs+`, "variable_prefix": "mine"}`), toFake...), code: `attempt(backend().get_variable, "one")`, want: []string{"answer: 'found'"}, not: []string{"mine"}},
		{rule: "misspelt-kwarg", name: "vault", code: against(`{"url": "URL", "token": "x", "variable_path": "x"}`), want: []string{typeError + "'variable_path'"}, not: []string{"asked:"}},
		{rule: "misspelt-kwarg", name: "gcp", env: configured(googleClass, `{"gcp_keyfile": "x"}`), code: "starts()", want: []string{"TypeError"}, not: []string{started}},
		{rule: "kwarg-of-other-backend", name: "secretsmanager", env: ofMachine,
			code: strings.NewReplacer(ssmClass, secretsManagerClass, "ParameterNotFound", "ResourceNotFoundException").Replace(parameter(`{"endpoint_url": "URL", "variables_path": "mine", "vault_url": "x"}`)),
			want: []string{`{"SecretId": "airflow/variables/one"`, "answer: None"}, not: []string{"mine"}},
		{rule: "kwarg-of-other-backend", name: "vault", code: against(`{"url": "URL", "token": "x", "variables_prefix": "mine"}`), want: []string{typeError + "'variables_prefix'"}, not: []string{"asked:"}},
		{rule: "kwarg-of-other-backend", name: "local file", env: configured(localClass, `{"variables_path": "x"}`), code: "starts()", want: []string{"TypeError"}, not: []string{started}},
	}
}

// signedBy is a part of what a log-in with AWS's credentials sends to Vault,
// where the key id begins with the given eight letters.
func signedBy(id string) string {
	return base64.StdEncoding.EncodeToString([]byte("6 Credential=" + id))
}

// signedIn is a server of Vault that lets everybody in and has every secret.
const signedIn = `listen(200, '{"auth": {"client_token": "CANARY-1"}, "data": {"data": {"value": "found"}, "metadata": {}}}')`

// within is against for such a server.
func within(kwargs string) string { return strings.Replace(against(kwargs), "listen()", signedIn, 1) }

func refusedClaims() []claimed {
	return []claimed{
		{rule: "kwargs-refused", name: "at the start", env: configured(vaultClass, `{"url": "x", "auth_type": "aprole"}`), code: "starts()", want: []string{"VaultError: The auth_type is not supported: aprole"}, not: []string{started}},
		{rule: "kwargs-refused", name: "of a worker", env: []string{"AIRFLOW__WORKERS__SECRETS_BACKEND=" + vaultClass, `AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS={"auth_type": "approle"}`}, code: "starts()\nbackend(True)",
			want: []string{started, "VaultError: The 'approle' authentication type requires 'role_id'"}},
		{rule: "kwargs-refused", name: "at each look-up", env: configured(azureClass, `{"vault_url": ""}`), code: "starts()\nfor i in range(2): attempt(backend().get_variable, 'x')",
			want: []string{started, strings.Repeat("raised: ValueError: vault_url must be the URL of an Azure Key Vault", 1)}},
	}
}

func ignoredClaims() []claimed {
	return []claimed{
		{rule: "kwarg-ignored", name: "token", code: within(`{"url": "URL", "token": "CANARY-0", "role_id": "role-0", "secret_id": "secret-0", "username": "user-0"}`),
			want: []string{"X-Vault-Token: CANARY-0", "answer: 'found'"}, not: []string{"role-0", "secret-0", "user-0", "/auth/", "WARN"}},
		{rule: "kwarg-ignored", name: "approle", code: within(`{"url": "URL", "auth_type": "approle", "role_id": "role-0", "secret_id": "secret-0", "token": "CANARY-0", "jwt_token": "jwt-0"}`),
			want: []string{"POST /v1/auth/approle/login", "role-0", "secret-0", "X-Vault-Token: CANARY-1"}, not: []string{"CANARY-0", "jwt-0", "WARN"}},
	}
}

// contradictionClaims are about two kwargs of which one counts.
func contradictionClaims() []claimed {
	return []claimed{
		{rule: "kwargs-contradict", name: "token_path", code: `
import tempfile
file = tempfile.NamedTemporaryFile("w", suffix=".token", delete=False)
file.write("CANARY-2")
file.close()` + strings.Replace(within(`{"url": "URL", "token": "CANARY-0", "token_path": "FILE", "radius_port": 1812}`), `.replace("URL"`, `.replace("FILE", file.name).replace("URL"`, 1),
			want: []string{"X-Vault-Token: CANARY-2"}, not: []string{"CANARY-0", "1812", "WARN"}},
		{rule: "kwargs-contradict", name: "jwt_token_path", code: within(`{"url": "URL", "auth_type": "jwt", "jwt_role": "r", "jwt_token": "CANARY-0", "jwt_token_path": "/nowhere"}`),
			want: []string{`"jwt": "CANARY-0"`}, not: []string{"/nowhere", "WARN"}},
		{rule: "kwargs-contradict", name: "aws_iam", env: ofMachine, code: within(`{"url": "URL", "auth_type": "aws_iam", "role_id": "r", "key_id": "OFKWARGS", "secret_id": "x", "assume_role_kwargs": {"RoleArn": "arn:aws:iam::1:role/r", "RoleSessionName": "s"}}`) +
			within(`{"url": "URL", "auth_type": "aws_iam", "role_id": "r", "key_id": "HALFOFKWARGS"}`) + within(`{"url": "URL", "auth_type": "aws_iam", "role_id": "r", "secret_id": "CANARY-0"}`),
			want: []string{signedBy("OFKWARGS"), signedBy("OFMACHIN")}, not: []string{signedBy("HALFOFKW"), "raised:", "WARN"}},
	}
}

// halfClaims are about a kwarg that is of no use without another.
func halfClaims(l *lab) []claimed {
	roleID, _ := l.bao().AppRole(l.t, "claims-text", `path "secret/*" { capabilities = ["read"] }`)
	l.bao().MustDo(l.t, "POST", "/v1/sys/auth/userpass", map[string]any{"type": "userpass"})
	credential := func(kwargs string) string {
		return fmt.Sprintf(`
b = construct(%q, %q)
import airflow.providers.microsoft.azure.secrets.key_vault as kv
kv.SecretClient = lambda **kwargs: print("credential:", type(kwargs["credential"]).__name__)
b.client`, azureClass, kwargs)
	}
	return []claimed{
		{rule: "kwargs-contradict", name: "azure", code: credential(`{"vault_url": "https://v.vault.azure.net/", "client_secret": "CANARY-0", "client_id": "c"}`) +
			credential(`{"vault_url": "https://v.vault.azure.net/", "client_id": "c"}`), want: []string{"credential: DefaultAzureCredential"}, not: []string{"credential: ClientSecretCredential", "WARN"}},
		{rule: "kwargs-contradict", name: "key id alone", env: ofMachine, code: parameter(`{"endpoint_url": "URL", "aws_access_key_id": "OFKWARGS"}`), want: []string{"Credential=OFKWARGS/"}, not: []string{"OFMACHINE", "WARN"}},
		{rule: "kwargs-contradict", name: "key alone", env: ofMachine, code: parameter(`{"endpoint_url": "URL", "aws_secret_access_key": "CANARY-0"}`),
			want: []string{"raised: TypeError: sequence item 0: expected str instance, NoneType found"}, not: []string{"asked:"}},
		{rule: "kwargs-contradict", name: "no role", env: ofMachine, code: parameter(`{"endpoint_url": "URL", "assume_role_method": "assume_role_with_saml", "assume_role_kwargs": {"ExternalId": "x"}}`),
			want: []string{"Credential=OFMACHINE/", "AmazonSSM.GetParameter"}, not: []string{"AssumeRole", "WARN"}},
		{rule: "kwargs-contradict", name: "approle", env: configured(vaultClass, fmt.Sprintf(`{"url": %q, "auth_type": "approle", "role_id": %q}`, l.bao().Addr, roleID)), code: "for i in range(2): attempt(backend().get_variable, 'x')",
			want: []string{"raised: InvalidRequest"}, not: []string{"WARN"}},
		{rule: "kwargs-contradict", name: "userpass", env: configured(vaultClass, fmt.Sprintf(`{"url": %q, "auth_type": "userpass", "username": "u"}`, l.bao().Addr)), code: "for i in range(2): attempt(backend().get_variable, 'x')",
			want: []string{"missing password, on post"}, not: []string{"WARN"}},
	}
}
