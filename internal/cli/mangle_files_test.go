package cli

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// service is a backend with the kwargs that people give it.
type service struct {
	class  string
	kwargs func(m *mangler) []string // members of a JSON object
	old    string
}

const azureClass = "airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend"

// services are Airflow's backends.
var services = []service{
	{class: vaultClass, old: "airflow.contrib.secrets.hashicorp_vault.VaultBackend", kwargs: vaultMembers},
	{class: vaultClass, kwargs: vaultMembers},
	{class: "airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend", kwargs: awsMembers},
	{class: "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend", kwargs: awsMembers},
	{class: "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend", kwargs: gcpMembers},
	{class: azureClass, kwargs: azureMembers},
	{class: "airflow.secrets.local_filesystem.LocalFilesystemBackend", kwargs: localMembers},
	{class: "my_company.secrets.OwnBackend", kwargs: vaultMembers},
}

// member is one of a JSON object.
func member(name string, value any) string {
	o := pyjson.NewObject()
	o.Set(name, value)
	return strings.TrimSuffix(strings.TrimPrefix(pyjson.Encode(o), "{"), "}")
}

func vaultMembers(m *mangler) []string {
	all := []string{member("url", one(m, "http://127.0.0.1:1", "http://u:"+m.canary()+"@127.0.0.1:1", "http://etl:"+m.canary()+"@vault:8200")),
		member("token", m.canary()), member("mount_point", "secret"), member("connections_path", "connections")}
	switch m.IntN(5) {
	case 0:
		all = append(all, member("auth_type", "approle"), member("role_id", m.canary()), member("secret_id", m.canary()))
	case 1:
		all = append(all, member("auth_type", "userpass"), member("username", "etl"), member("password", m.canary()))
	case 2:
		all = append(all, member("auth_type", "aws_iam"), member("key_id", m.canary()), member("secret_key", m.canary()), member("role_id", "r"))
	case 3:
		all = append(all, member("secret", m.canary()), `"variables_path": null`, member("namespace", "team"))
	}
	return all
}

func awsMembers(m *mangler) []string {
	all := []string{member("connections_prefix", "/airflow/connections"), member("region_name", "eu-west-1"), member("endpoint_url", "http://u:"+m.canary()+"@127.0.0.1:1"),
		member("aws_access_key_id", m.canary()), member("aws_secret_access_key", m.canary())}
	if m.IntN(2) == 0 {
		all = append(all, member("aws_session_token", m.canary()), `"full_url_mode": false`, `"use_ssl": "false"`, member("profile_nam", "etl"))
	}
	return all
}

func gcpMembers(m *mangler) []string {
	key := pyjson.NewObject()
	key.Set("type", one(m, "service_account", "authorized_user"))
	key.Set("project_id", "etl-prod")
	key.Set("client_email", "etl@etl-prod.iam.gserviceaccount.com")
	key.Set("private_key", m.pem())
	key.Set("private_key_id", m.canary())
	key.Set("client_secret", m.canary())
	key.Set("token_uri", "http://127.0.0.1:1/token")
	all := []string{member("connections_prefix", "airflow-connections"), member("project_id", "etl-prod")}
	return append(all, one(m, member("gcp_keyfile_dict", key), member("gcp_key_path", "/run/secrets/key.json"), member("gcp_keyfile_dict", pyjson.Encode(key))))
}

func azureMembers(m *mangler) []string {
	return []string{member("vault_url", one(m, "https://etl.vault.azure.net/", "https://u:"+m.canary()+"@127.0.0.1:1")), member("tenant_id", "t"), member("client_id", "c"),
		member("client_secret", m.canary()), member("connections_prefix", "airflow-connections")}
}

func localMembers(*mangler) []string {
	return []string{member("variables_file_path", "variables.json"), member("connections_file_path", "connections.json")}
}

func (m *mangler) pem() string {
	return "-----BEGIN PRIVATE KEY-----\n" + m.canary() + m.canary() + "\n" + m.canary() + "\n-----END PRIVATE KEY-----\n"
}

func (m *mangler) uri() string {
	return one(m, "postgres://etl:%s@127.0.0.1:1/db", "postgresql+psycopg2://etl:%s@db.example.com:5432/db", "http://:%s@h/?x=y", "aws://AKIA:%s@/?region_name=eu", "x://h/?extra__token=%s",
		"mysql://u:%s/x@h")
}

func (m *mangler) connection() string {
	if m.IntN(2) == 0 {
		return fmt.Sprintf(m.uri(), m.canary())
	}
	return `{"conn_type": "postgres", "host": "h", "login": "etl", "password": "` + m.canary() + `", "port": ` + one(m, "5432", `"`+m.canary()+`"`) + `, "extra": {"token": "` + m.canary() + `"}}`
}

// kwargs are the text of backend_kwargs.
func (m *mangler) kwargs(s service) string {
	members := s.kwargs(m)
	m.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ", ") + "}"
}

func quoted(m *mangler, text string) string {
	return one(m, "'"+text+"'", "'"+text+"'", text, `"`+strings.ReplaceAll(text, `"`, `\"`)+`"`)
}

// files are those of a project in which nothing is wrong yet.
func (m *mangler) files() map[string]string {
	s := one(m, services...)
	class := s.class
	if s.old != "" && m.IntN(2) == 0 {
		class = s.old
	}
	files := map[string]string{}
	shapes := []func(map[string]string, string, string){m.dotenv, m.dotenv, m.dockerfile, m.cfg, m.compose, m.own, m.helm}
	one(m, shapes...)(files, class, m.kwargs(s))
	if m.IntN(4) == 0 {
		one(m, shapes...)(files, class, m.kwargs(s))
	}
	if strings.Contains(class, "Local") || m.IntN(4) == 0 {
		m.local(files)
	}
	switch m.IntN(12) {
	case 0:
		files["dags/etl.py"] = "from airflow.models import Variable\nPASSWORD = '" + m.canary() + "'\nv = Variable.get('k', default_var='" + m.canary() + "')\nURI = 'postgres://u:" + m.canary() + "@h/x'\n"
	case 1:
		files["airflow_settings.yaml"] = "airflow:\n  connections:\n    - conn_id: db\n      conn_type: postgres\n      conn_password: " + m.canary() + "\n      conn_extra: {token: \"" + m.canary() +
			"\"}\n    - conn_id: c\n      conn_uri: " + fmt.Sprintf(m.uri(), m.canary()) + "\n  variables:\n    - variable_name: k\n      variable_value: " + m.canary() + "\n"
	case 2:
		files["scripts/setup.sh"] = "#!/bin/sh\nexport VAULT_TOKEN=" + m.canary() + "\nvault kv put secret/connections/db conn_uri=" + fmt.Sprintf(m.uri(), m.canary()) +
			"\nvault kv put secret/variables/k value=" + m.canary() + "\naws ssm put-parameter --name /airflow/variables/k --value " + m.canary() + "\ncurl -H 'X-Vault-Token: " + m.canary() + "' https://u:" + m.canary() + "@vault:8200/v1/x\n"
	case 3:
		files["README.md"] = "# Set up\n\n```sh\nexport AIRFLOW__SECRETS__BACKEND_KWARGS='" + m.kwargs(s) + "'\nvault login " + m.canary() + "\n```\n\nThe token is `" + m.canary() + "`.\n"
	}
	return files
}

func (m *mangler) dotenv(files map[string]string, class, kwargs string) {
	lines := []string{"AIRFLOW__SECRETS__BACKEND=" + class, "AIRFLOW__SECRETS__BACKEND_KWARGS=" + quoted(m, kwargs)}
	for range m.IntN(4) {
		lines = append(lines, one(m, "AIRFLOW_CONN_DB="+quoted(m, m.connection()), "AIRFLOW_VAR_KEY="+m.canary(), "AIRFLOW__CORE__FERNET_KEY="+m.canary()+"=",
			"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="+fmt.Sprintf(m.uri(), m.canary()), "VAULT_TOKEN="+m.canary(), "export AWS_SECRET_ACCESS_KEY="+m.canary(),
			"VAULT_ADDR=http://u:"+m.canary()+"@127.0.0.1:1", "HTTPS_PROXY=http://u:"+m.canary()+"@127.0.0.1:1", "AWS_ENDPOINT_URL=http://u:"+m.canary()+"@127.0.0.1:1/"+m.canary(),
			"AIRFLOW__SECRETS__BACKEND_KWARG__TOKEN="+m.canary(), "AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS="+quoted(m, kwargs), "GOOGLE_APPLICATION_CREDENTIALS="+quoted(m, `{"private_key": "`+m.canary()+`"}`),
			"AIRFLOW_VAR_PEM="+`"`+m.pem()+`"`, "AZURE_CLIENT_SECRET="+m.canary(), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD=echo "+m.canary(), "AIRFLOW__CORE__FERNET_KEY_SECRET="+m.canary()))
	}
	if m.IntN(3) == 0 {
		m.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	}
	files[".env"] = strings.Join(lines, "\n") + "\n"
}

func (m *mangler) dockerfile(files map[string]string, class, kwargs string) {
	files["Dockerfile"] = "FROM quay.io/astronomer/astro-runtime:12.1.0\nENV AIRFLOW__SECRETS__BACKEND=" + class + "\nENV AIRFLOW__SECRETS__BACKEND_KWARGS" + one(m, "=", " ") + quoted(m, kwargs) +
		"\nENV AIRFLOW_VAR_KEY=" + m.canary() + " AIRFLOW_CONN_DB=" + fmt.Sprintf(m.uri(), m.canary()) + "\nARG TOKEN=" + m.canary() +
		"\nRUN pip install --index-url https://u:" + m.canary() + "@pypi.example.com/simple x && export VAULT_TOKEN=" + m.canary() + "\n"
}

func (m *mangler) cfg(files map[string]string, class, kwargs string) {
	files[".env"] += "AIRFLOW_HOME=.\n"
	files["airflow.cfg"] = "[secrets]\nbackend = " + class + "\nbackend_kwargs = " + strings.ReplaceAll(kwargs, "%", "%%") + "\n[database]\nsql_alchemy_conn = " + fmt.Sprintf(m.uri(), m.canary()) +
		"\n[core]\nfernet_key = " + m.canary() + "=\nfernet_key_cmd = echo " + m.canary() + "\n"
}

func (m *mangler) compose(files map[string]string, class, kwargs string) {
	lines := []string{"AIRFLOW__SECRETS__BACKEND: " + class, "AIRFLOW__SECRETS__BACKEND_KWARGS: " + quoted(m, kwargs), "AIRFLOW_CONN_DB: " + quoted(m, fmt.Sprintf(m.uri(), m.canary())),
		"AIRFLOW_VAR_KEY: " + m.canary(), "VAULT_TOKEN: " + m.canary()}
	if m.IntN(2) == 0 {
		for i := range lines {
			lines[i] = "- " + strings.Replace(lines[i], ": ", "=", 1)
		}
	}
	files["docker-compose"+one(m, ".", ".override.")+"yml"] = "services:\n  scheduler:\n    environment:\n      " + strings.Join(lines, "\n      ") + "\n"
}

func (m *mangler) own(files map[string]string, class, kwargs string) {
	files["airlock.yaml"] = "sources:\n  - class: " + class + "\n    kwargs: " + one(m, kwargs, kwargs, "'"+kwargs+"'") +
		"\n  - name: " + one(m, "second", "old") + "\n    class: " + azureClass + "\n    kwargs:\n      vault_url: https://u:" + m.canary() + "@127.0.0.1:1\n      client_secret: " + m.canary() +
		"\nserve:\n  listen: 127.0.0.1:0\n  cache_ttl: 30s\n" + one(m, "", "write_to: second\n")
}

func (m *mangler) helm(files map[string]string, class, kwargs string) {
	files["values.yaml"] = "executor: CeleryExecutor\nfernetKey: " + m.canary() + "\ndata:\n  metadataConnection: {user: u, pass: " + m.canary() + "}\nenv:\n  - name: AIRFLOW__SECRETS__BACKEND\n    value: " + class +
		"\n  - name: AIRFLOW__SECRETS__BACKEND_KWARGS\n    value: " + quoted(m, kwargs) + "\n  - name: AIRFLOW_CONN_X\n    value: \"" + fmt.Sprintf(m.uri(), m.canary()) + "\"\n"
	if m.IntN(3) == 0 {
		files["secret.yaml"] = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  AIRFLOW_CONN_Z: " + base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf(m.uri(), m.canary()))) +
			"\nstringData:\n  AIRFLOW_VAR_PW: " + m.canary() + "\n"
	}
}

// local are the files of the local filesystem backend.
func (m *mangler) local(files map[string]string) {
	switch m.IntN(3) {
	case 0:
		files["variables.json"] = `{"k": "` + m.canary() + `",` + "\n" + ` "n": {"p": "` + m.canary() + `"}}`
		files["connections.json"] = `{"db": "` + fmt.Sprintf(m.uri(), m.canary()) + `",` + "\n" + ` "b": {"conn_type": "http", "pasword": "` + m.canary() + `", "extra": "` + m.canary() + `"}}`
	case 1:
		files["variables.env"] = "k=" + m.canary() + "\nn=" + m.canary() + "\n"
		files["connections.env"] = "db=" + fmt.Sprintf(m.uri(), m.canary()) + "\nb=" + fmt.Sprintf(m.uri(), m.canary()) + "\n"
	default:
		files["variables.yaml"] = "k: " + m.canary() + "\nn:\n  p: " + m.canary() + "\n"
		files["connections.yaml"] = "db: " + fmt.Sprintf(m.uri(), m.canary()) + "\nb:\n  conn_type: http\n  password: " + m.canary() + "\n  extra:\n    t: " + m.canary() + "\n"
	}
	for kind := range map[string]bool{"variables": true, "connections": true} {
		for _, form := range []string{"env", "yaml"} {
			if _, ok := files[kind+"."+form]; ok {
				for name := range files {
					files[name] = strings.ReplaceAll(files[name], kind+".json", kind+"."+form)
				}
			}
		}
	}
}
