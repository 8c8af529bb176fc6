package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/mototest"
	"github.com/airlock-secrets/airlock/internal/settings"
	"github.com/airlock-secrets/airlock/internal/setup"
)

// initiated is a way to set a backend up: what airlock init is told, and what
// leads it, and Airflow after it, to a server of the test's own.
type initiated struct {
	name string
	// prepare starts the server and, where airlock does not set it up, does
	// the store's side. secrets must not turn up in any log.
	prepare func(t *testing.T) (args, admin, airflow, secrets []string)
}

func initiations() []initiated {
	return []initiated{
		{"vault", initVault},
		{"ssm", initAWS},
		{"secretsmanager", initAWS},
		{"gcp", initGCP},
		{"azure", initAzure},
	}
}

func initVault(t *testing.T) (args, admin, airflow, secrets []string) {
	bao := baotest.Start(t)
	return []string{"--url", bao.Addr, "--mount-point", "airflow", "--apply"}, []string{"VAULT_TOKEN=" + bao.Token}, nil, nil
}

func initAWS(t *testing.T) (args, admin, airflow, secrets []string) {
	moto, key := mototest.Start(t), secret(t)
	moto.IAM(t, "CreateUser&UserName=airflow")
	args = []string{"--region-name", "eu-central-1", "--auth", "keys", "--access-key-id", "AKIAIOSFODNN7EXAMPLE", "--principal", "user/airflow", "--apply"}
	admin = []string{"AIRLOCK_INIT_SECRET_ACCESS_KEY=" + key, "AWS_ENDPOINT_URL=" + moto.URL, "AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK"}
	return args, admin, []string{"AWS_ENDPOINT_URL=" + moto.URL}, []string{key}
}

func initGCP(t *testing.T) (args, admin, airflow, secrets []string) {
	s := gcpfake.New()
	at := gcpfake.Start(t, s)
	keyfile, _ := gcpfake.Account(t, "my-project", "https://localhost:1/token")
	keyfile["universe_domain"] = at.Universe
	path := filepath.Join(t.TempDir(), "key.json")
	text, err := json.Marshal(keyfile)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Put("my-project", "airflow-variables-airlock_test", []byte(setup.TestValue))
	s.Put("my-project", "airflow-connections-airlock_test", []byte(setup.TestURI))
	private := strings.Split(keyfile["private_key"].(string), "\n")[1]
	return []string{"--project-id", "my-project", "--auth", "key-file", "--key-file", path}, nil,
		[]string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN=" + at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=" + at.CAFile}, []string{private}
}

func initAzure(t *testing.T) (args, admin, airflow, secrets []string) {
	s := azurefake.Start(t)
	s.Authority = "https://login.microsoftonline.com"
	s.Tenant, s.ClientID = azureID, azureID
	s.Set("airflow-variables-airlock-test", setup.TestValue)
	s.Set("airflow-connections-airlock-test", setup.TestURI)
	return []string{"--vault-url", "https://v.vault.azure.net/", "--tenant-id", azureID, "--client-id", azureID},
		[]string{"AIRLOCK_INIT_CLIENT_SECRET=hunter2"}, []string{"HTTPS_PROXY=" + s.Proxy, "REQUESTS_CA_BUNDLE=" + s.CA}, []string{"hunter2"}
}

const azureID = "00000000-0000-0000-0000-000000000000"

// TestInit: what `airlock init` writes makes a real Airflow run the DAG that
// it writes, and no credential is in a log.
func TestInit(t *testing.T) {
	for _, tt := range initiations() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			args, admin, airflow, secrets := tt.prepare(t)
			dir := t.TempDir()
			said := airlockIn(dir).with(admin...).revealing().run(t, append([]string{"init", tt.name}, args...)...)
			claim(t, said.code == 0, "init works:\n%s", said)
			for _, args := range [][]string{{"check"}, {"check", "--live"}} {
				found := airlockIn(dir).with(airflow...).run(t, args...)
				claim(t, found.code == 0 && !strings.Contains(found.stdout, " error"), "airlock %v has no error:\n%s", args, found)
			}
			a := newAirflow(t)
			if err := os.CopyFS(filepath.Join(a.home, "dags"), os.DirFS(filepath.Join(dir, "dags"))); err != nil {
				t.Fatal(err)
			}
			environ, given := dotenv(t, dir)
			r := a.program(t, "airflow").with(environ...).with(airflow...).revealing().run(t, "dags", "test", "airlock_test")
			claim(t, r.code == 0, "the DAG runs green:\n%s", r)
			log := r.stdout + r.stderr
			for _, line := range []string{"variable airlock_test: found", "connection airlock_test: found"} {
				claim(t, strings.Contains(log, line), "the task says %q", line)
			}
			claim(t, !strings.Contains(log, setup.TestValue), "the DAG does not print the variable")
			for _, value := range append(secrets, given...) {
				claim(t, !strings.Contains(log, value) && !strings.Contains(said.stdout+said.stderr, value), "no secret is in a log")
			}
		})
	}
}

// dotenv is what the .env of dir sets, as docker compose reads it, and the
// secret id in it, if there is one.
func dotenv(t *testing.T, dir string) (environ, secrets []string) {
	t.Helper()
	const home = "AIRFLOW_HOME="
	s, err := settings.Load(t.Context(), settings.Options{Dir: dir, Environ: []string{home + t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	kwargs, _, _ := s.Lookup("AIRFLOW__SECRETS__BACKEND_KWARGS")
	var login struct {
		SecretID string `json:"secret_id"`
	}
	if err := json.Unmarshal([]byte(kwargs), &login); err != nil {
		t.Fatal("the kwargs in .env are no JSON object")
	}
	if login.SecretID != "" {
		secrets = append(secrets, login.SecretID)
	}
	return slices.DeleteFunc(s.Environ(), func(pair string) bool { return strings.HasPrefix(pair, home) }), secrets
}
