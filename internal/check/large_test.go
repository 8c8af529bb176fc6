//go:build !race

// One goroutine checks all of this: the race detector would find nothing, and
// take minutes for it.

package check_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/dagscan"
	"github.com/airlock-secrets/airlock/internal/project"
)

// large is a project of a size that nobody has by chance. What takes time with
// the square of it does not end within the time that a test has.
type large struct {
	name  string
	files map[string]string
	// ids are how many variables DAGs ask for.
	ids int
	// rule is one that finds something in each of so many places; "" for none.
	rule  string
	found int
}

const (
	vaultClass  = "airflow.providers.hashicorp.secrets.vault.VaultBackend"
	vaultKwargs = `{"url": "https://vault.example.com:8200", "auth_type": "approle", "role_id": "<role-id>", "secret_id": "<secret-id>", "mount_point": "kv"}`
	vaultEnv    = "AIRFLOW__SECRETS__BACKEND=" + vaultClass + "\nAIRFLOW__SECRETS__BACKEND_KWARGS='" + vaultKwargs + "'\n"
	ssmEnv      = "AIRFLOW__SECRETS__BACKEND=airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend\n" +
		`AIRFLOW__SECRETS__BACKEND_KWARGS='{"connections_prefix": "/airflow/connections", "variables_prefix": "/airflow/variables"}'` + "\n"
)

// lines are so many lines of a format with the number in it, twice at most.
func lines(count int, format string) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, strings.ReplaceAll(format, "NR", "%[1]d"), i)
	}
	return b.String()
}

func largeProjects() []large {
	return append(largeLists(), largeTexts()...)
}

// largeLists have much of one thing.
func largeLists() []large {
	return []large{
		{name: "lines of .env and commands", files: map[string]string{
			".env":     vaultEnv + lines(20_000, "NAME_NR=value-NR\n"),
			"setup.sh": lines(4_000, "vault kv put kv/variables/key-NR value=plain-NR\n"),
			"again.sh": lines(4_000, "vault kv put kv/connections/key-NR conn_uri=a://NR\n"),
		}},
		{name: "options from secrets", files: map[string]string{".env": vaultEnv + strings.Repeat("AIRFLOW__CORE__FERNET_KEY_SECRET=core\n", 20_000)}},
		{name: "a variable set again and again", files: map[string]string{".env": strings.Repeat("AIRFLOW_VAR_A=b\n", 20_000)}, rule: "duplicate-variable", found: 19_999},
		{name: "variables in kwargs", files: map[string]string{
			".env": lines(20_000, "NAME_NR=value\n") + "AIRFLOW__SECRETS__BACKEND=" + vaultClass + "\nAIRFLOW__SECRETS__BACKEND_KWARGS='{\"url\": \"" + strings.Repeat("$NAME_1", 20_000) + "\"}'\n",
		}},
		{name: "connections", files: map[string]string{
			".env":                  vaultEnv + lines(5_000, "AIRFLOW_CONN_C_NR=postgres://me:<password>@db-NR.example.com:5432/x\n"),
			"airflow_settings.yaml": "airflow:\n  connections:\n" + lines(3_000, "    - conn_id: c_NR\n      conn_type: postgres\n      conn_host: db-NR.example.com\n      conn_port: 5432\n"),
			"setup.sh":              lines(3_000, "vault kv put kv/connections/c-NR conn_uri=postgres://me@db-NR.example.com/x\n"),
		}},
		{name: "findings", files: map[string]string{".env": lines(10_000, "AIRFLOW_CONN_C_NR=my_type://me@db-NR/x\n")}, rule: "uri-scheme-underscore", found: 10_000},
		{name: "ignored findings", files: map[string]string{".env": lines(10_000, "# airlock:ignore uri-scheme-underscore\nAIRFLOW_CONN_C_NR=my_type://me@db-NR/x\n")}},
		{name: "ids of DAGs", ids: 20_000, files: map[string]string{
			".env":     ssmEnv + lines(10_000, "AIRFLOW_VAR_OTHER_NR=x\n"),
			"setup.sh": lines(3_000, "aws ssm put-parameter --name /airflow/connections/id_NR --value x\n"),
		}, rule: "secret-of-other-kind", found: 3_000},
		{name: "containers with backends", files: map[string]string{
			"pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n" + lines(2_000,
				"  - name: c-NR\n    env:\n    - {name: AIRFLOW__SECRETS__BACKEND, value: "+vaultClass+"}\n    - {name: AIRFLOW__SECRETS__BACKEND_KWARGS, value: '{\"url\": \"https://v-NR.example.com\", \"token\": \"<t>\"}'}\n"),
			"setup.sh": lines(2_000, "vault kv put other/variables/key-NR value=plain\n"),
			"a.md":     lines(2_000, "Put variable NR at `other/variables/<key>` in Vault.\n"),
		}, ids: 2_000},
		{name: "rules of policies", files: map[string]string{
			".env":        vaultEnv,
			"airflow.hcl": lines(4_000, "path \"kv/data/variables/NR/*\" {\n  capabilities = [\"read\"]\n}\n"),
			"iam.json":    `{"Statement": [` + lines(4_000, `{"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "arn:aws:ssm:eu-west-1:1:parameter/airflow/NR/*"},`) + `{}]}`,
		}},
		{name: "lines that docker refuses", files: map[string]string{".env": strings.Repeat("A B\n", 100_000)}},
	}
}

// largeTexts have one long or deep text.
func largeTexts() []large {
	long := strings.Repeat("a", 200_000)
	deep := strings.Repeat(`{"a":`, 900) + "1" + strings.Repeat("}", 900)
	deeper := strings.Repeat(`{"a":`, 40_000) + "1" + strings.Repeat("}", 40_000)
	kwargs := func(text string) string {
		return "AIRFLOW__SECRETS__BACKEND=" + vaultClass + "\nAIRFLOW__SECRETS__BACKEND_KWARGS='" + text + "'\n"
	}
	return []large{
		{name: "long values", files: map[string]string{".env": "AIRFLOW_VAR_A=" + long + "\nAIRFLOW_CONN_B=postgres://" + long + "\nAIRFLOW_CONN_C=postgres://a:b@" + strings.Repeat("/", 200_000) +
			"\nAIRFLOW_CONN_D={" + strings.Repeat(`"a": `, 40_000) + "\n"}},
		{name: "connections on one line", files: map[string]string{"connections.json": "{" + lines(20_000, `"c-NR": "my_type://me@db/x", `) + `"b": "a://b"}`}, rule: "uri-scheme-underscore", found: 20_000},
		{name: "a long line of a document", files: map[string]string{".env": vaultEnv, "a.md": strings.Repeat("a `kv/x/<b>` b ", 20_000)}},
		{name: "sentences", files: map[string]string{".env": vaultEnv, "a.md": lines(10_000, "The secret NR is at `other/variables/<key>` in Vault, as kv. ")}},
		{name: "kwargs nested", files: map[string]string{".env": kwargs(deep)}},
		{name: "kwargs nested too deeply", files: map[string]string{".env": kwargs(deeper)}},
		{name: "kwargs with many names", files: map[string]string{".env": kwargs("{" + lines(10_000, `"name_NR": 1, `) + `"url": ""}`)}, rule: "unknown-kwarg", found: 10_000},
		{name: "kwargs in Python", files: map[string]string{".env": "AIRFLOW__SECRETS__BACKEND=" + vaultClass + "\nAIRFLOW__SECRETS__BACKEND_KWARGS={" + strings.Repeat("'a': None, ", 40_000) + "}\n"}},
		{name: "kwargs with placeholders", files: map[string]string{".env": kwargs(`{"url": "` + strings.Repeat("<a>", 40_000) + `"}`)}},
		{name: "kwargs that break off", files: map[string]string{".env": kwargs(strings.Repeat(`{"gcp_keyfile_dict": "`, 20_000))}},
	}
}

// write puts the files into a folder of their own.
func (l large) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range l.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// dags are DAGs that ask for as many variables as l says, some of them twice.
func (l large) dags() *dagscan.Result {
	r := &dagscan.Result{Python: "3.12"}
	for i := range l.ids {
		file := fmt.Sprintf("dags/dag_%d.py", i)
		for column := range 1 + i%2 {
			r.Uses = append(r.Uses, dagscan.Use{Kind: airflow.KindVariable, ID: fmt.Sprintf("id_%d", i), Via: "Variable.get", Import: true,
				Place: dagscan.Place{File: file, Line: 1, Column: 1 + column}})
		}
	}
	return r
}

func (l large) check(t testing.TB, dir string) []check.Finding {
	t.Helper()
	p, err := project.Read(context.Background(), project.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for name, text := range l.files {
		if strings.HasSuffix(name, ".sh") {
			commands += strings.Count(text, "\n")
		}
	}
	if len(p.Commands) != commands {
		t.Fatalf("%d commands are read of %d", len(p.Commands), commands)
	}
	return check.Run(context.Background(), p, l.dags())
}

// A project of any size within the bounds is checked to its end.
func TestLargeProjects(t *testing.T) {
	for _, l := range largeProjects() {
		t.Run(l.name, func(t *testing.T) {
			n := 0
			for _, f := range l.check(t, l.write(t)) {
				if f.Rule == l.rule {
					n++
				}
			}
			if n != l.found {
				t.Errorf("%d findings of %q, want %d", n, l.rule, l.found)
			}
		})
	}
}

func BenchmarkLargeProjects(b *testing.B) {
	for _, l := range largeProjects() {
		b.Run(l.name, func(b *testing.B) {
			dir := l.write(b)
			for b.Loop() {
				l.check(b, dir)
			}
		})
	}
}
