package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/servertest"
)

const (
	vaultIs = "AIRFLOW__SECRETS__BACKEND=airflow.providers.hashicorp.secrets.vault.VaultBackend\n"
	ssmIs   = "AIRFLOW__SECRETS__BACKEND=airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend\n"
	smIs    = "AIRFLOW__SECRETS__BACKEND=airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend\n"
	gcpIs   = "AIRFLOW__SECRETS__BACKEND=airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend\n"
	azureIs = "AIRFLOW__SECRETS__BACKEND=airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend\n"
	kwargs  = "AIRFLOW__SECRETS__BACKEND_KWARGS="
)

// strangeFolders name the address HOST in every way there is. HOME is the
// user's home folder.
var strangeFolders = []struct {
	name  string
	files map[string]string
}{
	{"vault: url", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://HOST"}'`}},
	{"vault: url in one variable", map[string]string{".env": vaultIs + "AIRFLOW__SECRETS__BACKEND_KWARG__URL=http://HOST"}},
	{"vault: VAULT_ADDR", map[string]string{".env": vaultIs + "VAULT_ADDR=http://HOST"}},
	{"vault: a log-in of its own", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://HOST", "auth_type": "approle", "role_id": "r", "secret_id": "s"}'`}},
	{"vault: Dockerfile", map[string]string{"Dockerfile": "FROM x\nENV " + vaultIs + "ENV " + kwargs + `'{"url": "http://HOST"}'`}},
	{"vault: airflow.cfg", map[string]string{".env": "AIRFLOW_HOME=.\n", "airflow.cfg": "[secrets]\nbackend = airflow.providers.hashicorp.secrets.vault.VaultBackend\nbackend_kwargs = {\"url\": \"http://HOST\"}\n"}},
	{"vault: airlock.yaml", map[string]string{"airlock.yaml": "sources:\n  - class: airflow.providers.hashicorp.secrets.vault.VaultBackend\n    kwargs: {url: 'http://HOST'}\n"}},
	{"vault: airlock.yaml, a variable", map[string]string{"airlock.yaml": "sources:\n  - class: airflow.providers.hashicorp.secrets.vault.VaultBackend\n    kwargs: {url: 'http://HOST', token: '${GITHUB_TOKEN}'}\n"}},
	{"vault: a token of the environment", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://HOST", "token": "$GITHUB_TOKEN"}'`}},
	{"vault: a path of the environment", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://HOST", "token": "t", "variables_path": "$GITHUB_TOKEN"}'`}},
	{"vault: by way of two variables", map[string]string{".env": "X=$GITHUB_TOKEN\n" + vaultIs + kwargs + `'{"url": "http://HOST", "token": "$X"}'`}},
	{"vault: token_path", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://HOST", "token_path": "HOME/.ssh/id_rsa"}'`}},
	{"vault: token_path with dots", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://HOST", "token_path": "./../home/.ssh/id_rsa"}'`}},
	{"vault: kubernetes_jwt_path", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://HOST", "auth_type": "kubernetes", "kubernetes_role": "r", "kubernetes_jwt_path": "HOME/.ssh/id_rsa"}'`}},
	{"vault: jwt_token_path", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://HOST", "auth_type": "jwt", "jwt_role": "r", "jwt_token_path": "HOME/.ssh/id_rsa"}'`}},
	{"vault: aws_iam", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://HOST", "auth_type": "aws_iam", "role_id": "r", "region": "us-east-1"}'`}},
	{"vault: azure", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://HOST", "auth_type": "azure", "azure_tenant_id": "t", "azure_resource": "r"}'`}},
	{"vault: gcp", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://HOST", "auth_type": "gcp", "gcp_scopes": "s", "role_id": "r"}'`}},
	{"vault: proxy", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://vault.invalid"}'` + "\nhttp_proxy=http://HOST"}},
	{"vault: proxy kwarg", map[string]string{".env": vaultIs + kwargs + `'{"url": "http://vault.invalid", "proxies": {"http": "http://HOST"}}'`}},
	{"vault: verify", map[string]string{".env": vaultIs + kwargs + `'{"url": "https://HOST", "verify": false}'`}},
	{"vault: a CA of the folder", map[string]string{".env": vaultIs + kwargs + `'{"url": "https://HOST", "verify": "ca.pem"}'`, "ca.pem": "CA"}},
	{"ssm: endpoint_url", map[string]string{".env": ssmIs + kwargs + `'{"endpoint_url": "http://HOST", "region_name": "eu-west-1"}'`}},
	{"ssm: AWS_ENDPOINT_URL", map[string]string{".env": ssmIs + "AWS_DEFAULT_REGION=eu-west-1\nAWS_ENDPOINT_URL=http://HOST"}},
	{"ssm: AWS_ENDPOINT_URL_SSM", map[string]string{".env": ssmIs + "AWS_DEFAULT_REGION=eu-west-1\nAWS_ENDPOINT_URL_SSM=http://HOST"}},
	{"ssm: a profile of the folder", map[string]string{".env": ssmIs + "AWS_DEFAULT_REGION=eu-west-1\nAWS_CONFIG_FILE=aws.ini", "aws.ini": "[default]\nendpoint_url = http://HOST\n"}},
	{"ssm: a region that is a host", map[string]string{".env": ssmIs + kwargs + `'{"region_name": "x@HOST/"}'`}},
	{"secretsmanager: endpoint_url", map[string]string{".env": smIs + kwargs + `'{"endpoint_url": "http://HOST", "region_name": "eu-west-1"}'`}},
	{"secretsmanager: proxy and CA", map[string]string{".env": smIs + kwargs + `'{"region_name": "eu-west-1"}'` + "\nHTTPS_PROXY=http://HOST\nAWS_CA_BUNDLE=ca.pem", "ca.pem": "CA"}},
	{"secretsmanager: container", map[string]string{".env": smIs + kwargs + `'{"region_name": "eu-west-1", "endpoint_url": "http://HOST"}'` + "\nAWS_CONTAINER_CREDENTIALS_FULL_URI=http://HOST/c\nAWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=HOME/.ssh/id_rsa"}},
	{"secretsmanager: web identity", map[string]string{".env": smIs + kwargs + `'{"region_name": "eu-west-1", "endpoint_url": "http://HOST"}'` + "\nAWS_ENDPOINT_URL_STS=http://HOST\nAWS_ROLE_ARN=arn:aws:iam::1:role/r\nAWS_WEB_IDENTITY_TOKEN_FILE=HOME/.ssh/id_rsa"}},
	{"gcp: universe", map[string]string{".env": gcpIs + "GOOGLE_CLOUD_UNIVERSE_DOMAIN=HOST\nGRPC_DEFAULT_SSL_ROOTS_FILE_PATH=ca.pem", "ca.pem": "CA"}},
	{"gcp: credential source", map[string]string{".env": gcpIs + kwargs + `'{"project_id": "p", "gcp_credential_config_file": EXTERNAL}'`}},
	{"gcp: metadata host", map[string]string{".env": gcpIs + "GCE_METADATA_HOST=HOST\nGCE_METADATA_IP=HOST\nGOOGLE_APPLICATION_CREDENTIALS="}},
	{"azure: vault_url", map[string]string{".env": azureIs + kwargs + `'{"vault_url": "https://HOST", "connection_verify": "ca.pem", "verify_challenge_resource": false}'`, "ca.pem": "CA"}},
	{"azure: authority", map[string]string{".env": azureIs + kwargs + `'{"vault_url": "https://HOST", "connection_verify": false}'` + "\nAZURE_AUTHORITY_HOST=https://HOST/adfs\nREQUESTS_CA_BUNDLE=ca.pem", "ca.pem": "CA"}},
	{"azure: identity endpoint", map[string]string{".env": azureIs + kwargs + `'{"vault_url": "https://v.vault.azure.net"}'` + "\nIDENTITY_ENDPOINT=http://HOST\nAZURE_CLIENT_SECRET="}},
	{"azure: federated token", map[string]string{".env": azureIs + kwargs + `'{"vault_url": "https://HOST", "connection_verify": false}'` + "\nAZURE_CLIENT_ID=c\nAZURE_TENANT_ID=t\nAZURE_AUTHORITY_HOST=https://HOST/adfs\nREQUESTS_CA_BUNDLE=ca.pem\nAZURE_FEDERATED_TOKEN_FILE=HOME/.ssh/id_rsa", "ca.pem": "CA"}},
	{"metadata: password", map[string]string{".env": "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql://etl@HOST/airflow"}},
	{"metadata: key of the user", map[string]string{".env": "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql://etl:own@HOST/airflow?sslkey=HOME/.ssh/id_rsa&sslcert=HOME/.ssh/id_rsa"}},
	{"metadata: PGHOST", map[string]string{".env": "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql:///airflow\nPGHOST=127.0.0.1\nPGPORT=PORT"}},
}

const external = `{"type":"external_account","audience":"//iam.googleapis.com/x","subject_token_type":"urn:ietf:params:oauth:token-type:jwt",` +
	`"token_url":"http://HOST/token","credential_source":{"file":"HOME/.ssh/id_rsa"}}`

// strangeCommands are all that could ask a store.
var strangeCommands = [][]string{
	{"variables", "get", "k"}, {"variables", "list"}, {"variables", "set", "k", "v"}, {"variables", "delete", "k"},
	{"connections", "get", "c"}, {"connections", "list"}, {"connections", "lint", "c"}, {"connections", "convert", "c"},
	{"config", "get-value", "core", "fernet_key"}, {"config", "validate"}, {"explain", "variable", "k"},
	{"exec", "--all", "--", "HOME/not-a-program"}, {"render", "env", "--all"}, {"check"}, {"check", "--live"}, {"check", "--live", "--dry-run"},
	{"serve", "--listen", "127.0.0.1:0"}, {"__complete", "variables", "get", ""}, {"client", "list"},
}

// userHome is a home folder with the user's credentials in it.
func userHome(t *testing.T) (home string, environ []string) {
	t.Helper()
	home = filepath.Join(t.TempDir(), "home")
	google := `{"type":"authorized_user","client_id":"i","client_secret":"` + canary + `google","refresh_token":"` + canary + `google"}`
	writeProject(t, home, map[string]string{
		".vault-token": canary + "vault", ".ssh/id_rsa": canary + "ssh", ".pgpass": "*:*:*:*:" + canary + "pg", ".my.cnf": "[client]\npassword=" + canary + "my\n",
		".netrc":           "machine 127.0.0.1 login u password " + canary + "netrc\n",
		".aws/credentials": "[default]\naws_access_key_id = " + canary + "id\naws_secret_access_key = " + canary + "key\naws_session_token = " + canary + "session\n",
		"not-a-program":    "\x00",
		".aws/config":      "[default]\nregion = eu-west-1\n", ".config/gcloud/application_default_credentials.json": google,
		".azure/msal_token_cache.json": `{"x": "` + canary + `azure"}`,
	})
	if err := os.Chmod(filepath.Join(home, "not-a-program"), 0o700); err != nil {
		t.Fatal(err)
	}
	return home, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "VAULT_TOKEN=" + canary + "token", "GITHUB_TOKEN=" + canary + "github",
		"AWS_ACCESS_KEY_ID=" + canary + "id", "AWS_SECRET_ACCESS_KEY=" + canary + "key", "AWS_SESSION_TOKEN=" + canary + "session",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN=" + canary + "container", "PGPASSWORD=" + canary + "pg", "PGUSER=" + canary + "user", "MYSQL_PWD=" + canary + "my",
		"GOOGLE_APPLICATION_CREDENTIALS=" + home + "/.config/gcloud/application_default_credentials.json", "GOOGLE_CLOUD_PROJECT=mine",
		"AZURE_CLIENT_ID=mine", "AZURE_TENANT_ID=mine", "AZURE_CLIENT_SECRET=" + canary + "secret",
		"IDENTITY_HEADER=" + canary + "header", "VAULT_NAMESPACE=mine"}
}

// TestStrangeFoldersGetNothing: whatever a folder of somebody else's names as
// an address, no command sends it anything of the user's, nor shows it.
func TestStrangeFoldersGetNothing(t *testing.T) {
	authority := servertest.NewAuthority(t)
	for _, folder := range strangeFolders {
		t.Run(folder.name, func(t *testing.T) {
			t.Parallel()
			at := record(t, authority)
			home, environ := userHome(t)
			dir := filepath.Join(filepath.Dir(home), "project")
			_, port, _ := strings.Cut(at.Host, ":")
			fill := strings.NewReplacer("EXTERNAL", strings.NewReplacer("HOST", at.Host, "HOME", home).Replace(external),
				"HOST", at.Host, "=HOME", "="+home, `"HOME`, `"`+home, "PORT", port)
			files := map[string]string{}
			if strings.HasSuffix(folder.name, "url") { // reading DAGs starts Python
				files["dags/a.py"] = "from airflow.sdk import Variable\nVariable.get('k')\n"
			}
			for name, text := range folder.files {
				files[name] = fill.Replace(text)
			}
			if files["ca.pem"] != "" {
				files["ca.pem"] = string(authority.PEM())
			}
			writeProject(t, dir, files)
			for _, words := range strangeCommands {
				args := slices.Clone(words)
				for i := range args { // exec would take this process's place with a real program
					args[i] = strings.ReplaceAll(args[i], "HOME", home)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				var out bytes.Buffer
				Main(Env{Context: ctx, Args: args, Dir: dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Environ: environ})
				cancel()
				if holds(at.sent(), canary) {
					t.Errorf("%s sends something of the user's", strings.Join(args, " "))
				}
				// A path is a name, and names are shown: here the folder has made one of a token.
				if holds(out.Bytes(), canary) && folder.name != "vault: a path of the environment" {
					t.Errorf("%s shows something of the user's", strings.Join(args, " "))
				}
			}
		})
	}
}
