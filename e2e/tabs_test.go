package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/mototest"
)

// planted are the values a tab's store holds: a variable my_key, a connection
// my_db and a configuration value my_option.
type planted struct{ variable, connection, option string }

// tab is one tab of the guide: its class and kwargs as they stand there, with
// what leads them to a server of the test's own, and the server's side of it.
type tab struct {
	name, class string
	note        string // what the commands must say of the settings
	set         func(t *testing.T, p planted) (kwargs map[string]any, environ []string)
}

// localClass reads local files.
const localClass = "airflow.secrets.local_filesystem.LocalFilesystemBackend"

func tabs() []tab {
	return []tab{
		{"parameter store", "airflow.contrib.secrets.aws_systems_manager.SystemsManagerParameterStoreBackend", `"profile" is ignored`, parameterStore},
		{"secrets manager", "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend", "", secretsManager},
		{"secret manager", "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend", "", secretManager},
		{"key vault", "airflow.providers.microsoft.azure.secrets.azure_key_vault.AzureKeyVaultBackend", "key_vault.AzureKeyVaultBackend", keyVault},
		{"key vault without prefixes", "airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend", "", keyVaultWithoutPrefixes},
		{"local files", localClass, "", localFiles},
	}
}

func awsEnviron(s *mototest.Server) []string {
	return []string{"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK", "AWS_DEFAULT_REGION=us-east-1", "AWS_ENDPOINT_URL=" + s.URL}
}

func parameterStore(t *testing.T, p planted) (map[string]any, []string) {
	s := mototest.Start(t)
	for name, value := range map[string]string{"variables/my_key": p.variable, "connections/my_db": p.connection, "config/my_option": p.option} {
		s.MustCall(t, "AmazonSSM.PutParameter", map[string]any{"Name": "/airflow/" + name, "Value": value, "Type": "SecureString"})
	}
	return map[string]any{"connections_prefix": "/airflow/connections", "variables_prefix": "/airflow/variables", "profile": "default"}, awsEnviron(s)
}

func secretsManager(t *testing.T, p planted) (map[string]any, []string) {
	s := mototest.Start(t)
	for name, value := range map[string]string{"/airflow/variables/my_key": p.variable, "/airflow/connections/my_db": p.connection, "airflow/config/my_option": p.option} {
		s.MustCall(t, "secretsmanager.CreateSecret", map[string]any{"Name": name, "SecretString": value, "ClientRequestToken": strings.Repeat("0", 32)})
	}
	return map[string]any{"connections_prefix": "/airflow/connections", "variables_prefix": "/airflow/variables"}, awsEnviron(s)
}

func secretManager(t *testing.T, p planted) (map[string]any, []string) {
	s := gcpfake.New()
	at := gcpfake.Start(t, s)
	keyfile, _ := gcpfake.Account(t, "p", "https://localhost:1/token")
	keyfile["universe_domain"] = at.Universe
	s.Put("p", "airflow-variables-my_key", []byte(p.variable))
	s.Put("p", "airflow-connections-my_db", []byte(p.connection))
	s.Put("p", "airflow-config-my_option", []byte(p.option))
	return map[string]any{"connections_prefix": "airflow-connections", "variables_prefix": "airflow-variables", "gcp_keyfile_dict": keyfile},
		[]string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN=" + at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=" + at.CAFile}
}

func azureEnviron(s *azurefake.Server) []string {
	s.Authority = "https://login.microsoftonline.com"
	return []string{"AZURE_CLIENT_ID=client", "AZURE_TENANT_ID=tenant", "AZURE_CLIENT_SECRET=hunter2", "HTTPS_PROXY=" + s.Proxy, "REQUESTS_CA_BUNDLE=" + s.CA}
}

func keyVault(t *testing.T, p planted) (map[string]any, []string) {
	s := azurefake.Start(t)
	s.Set("airflow-variables-my-key", p.variable)
	s.Set("airflow-connections-my-db", p.connection)
	s.Set("airflow-config-my-option", p.option)
	return map[string]any{"connections_prefix": "airflow-connections", "variables_prefix": "airflow-variables", "vault_url": "https://v.vault.azure.net/"},
		azureEnviron(s)
}

func keyVaultWithoutPrefixes(t *testing.T, p planted) (map[string]any, []string) {
	s := azurefake.Start(t)
	s.Set("mykey", p.variable)
	s.Set("mydb", p.connection)
	s.Set("airflow-configmyoption", p.option)
	return map[string]any{"connections_prefix": "", "variables_prefix": "", "sep": "", "vault_url": "https://v.vault.azure.net/"}, azureEnviron(s)
}

func localFiles(t *testing.T, p planted) (map[string]any, []string) {
	dir := t.TempDir()
	kwargs := map[string]any{}
	for _, f := range []struct{ kwarg, name, key, value string }{
		{"variables_file_path", "variables.json", "my_key", p.variable},
		{"connections_file_path", "connections.yaml", "my_db", p.connection},
		{"configs_file_path", "configs.env", "my_option", p.option},
	} {
		text := fmt.Sprintf(`{%q: %q}`, f.key, f.value)
		if strings.HasSuffix(f.name, ".env") {
			text = f.key + "=" + f.value + "\n"
		}
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		kwargs[f.kwarg] = path
	}
	return kwargs, nil
}

// TestTabs: with the settings of each tab in .env, the four commands answer
// what the store holds, and serve passes it on.
func TestTabs(t *testing.T) {
	for _, tt := range tabs() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := planted{secret(t), "postgres://login:" + secret(t) + "@db:5432/s", secret(t)}
			kwargs, environ := tt.set(t, p)
			cli := project(t, tt.class, kwargs, environ)
			claim(t, cli.revealing().ok(t, "variables", "get", "my_key") == p.variable, "variables get answers what is stored")
			claim(t, cli.revealing().ok(t, "connections", "get", "my_db") == p.connection, "connections get answers what is stored")
			option := cli.with("AIRFLOW__CORE__FERNET_KEY_SECRET=my_option").revealing().ok(t, "config", "get-value", "core", "fernet_key")
			claim(t, option == p.option, "config get-value answers what is stored")
			cli.fails(t, 3, []string{"not_there"}, "variables", "get", "not_there")
			said := cli.run(t, "explain", "variable", "my_key", "-o", "json")
			claim(t, said.code == 0 && strings.Contains(said.stdout, `"winner": 0`), "explain names the backend:\n%s", said)
			claim(t, strings.Contains(said.stderr, tt.note), "the settings are remarked on with %q:\n%s", tt.note, said)

			d := serve(t, cli, "--dev")
			passesOn(t, d, "variables/my_key", "value", p.variable)
			if tt.class != localClass {
				passesOn(t, d, "connections/my_db", "conn_uri", p.connection)
			} else { // a file's connection is kept as separate fields
				passesOn(t, d, "connections/my_db", "host", "db")
			}
			status, _ := d.request(t, "GET", "/v1/secret/data/variables/not_there", d.token(t), "")
			claim(t, status == 404, "what is not there is 404, not %d", status)
		})
	}
}

// project is a folder with the settings in .env.
func project(t *testing.T, class string, kwargs map[string]any, environ []string) program {
	t.Helper()
	text, err := json.Marshal(kwargs)
	if err != nil {
		t.Fatal(err)
	}
	lines := append([]string{"AIRFLOW__SECRETS__BACKEND=\"" + class + "\"", "AIRFLOW__SECRETS__BACKEND_KWARGS='" + string(text) + "'"}, environ...)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return airlockIn(dir)
}

// passesOn checks that the Vault facade answers with a member of a value.
func passesOn(t *testing.T, d *daemon, path, member, want string) {
	t.Helper()
	status, text := d.request(t, "GET", "/v1/secret/data/"+path, d.token(t), "")
	var answer struct{ Data struct{ Data map[string]any } }
	err := json.Unmarshal([]byte(text), &answer)
	claim(t, err == nil && status == 200 && answer.Data.Data[member] == want, "serve passes %s on (status %d)", path, status)
}
