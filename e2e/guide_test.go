package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// contribClass is the class path that the guide gives. Airflow 3 has none
// such.
const contribClass = "airflow.contrib.secrets.hashicorp_vault.VaultBackend"

// guideFiles are the ways in which the guide has a project say the same two
// settings; %s stands for the JSON text of the second.
var guideFiles = []struct{ name, file, text string }{
	{"Dockerfile", "Dockerfile", `FROM quay.io/astronomer/astro-runtime:11.3.0

# Make sure to replace ` + "`<your-approle-id>` and `<your-approle-secret>`" + ` with your own values.
ENV AIRFLOW__SECRETS__BACKEND="` + contribClass + `"
ENV AIRFLOW__SECRETS__BACKEND_KWARGS='%s'
`},
	{".env with the quotation marks of the guide", ".env", `AIRFLOW__SECRETS__BACKEND="` + contribClass + `"
AIRFLOW__SECRETS__BACKEND_KWARGS='%s'
`},
	{".env without them", ".env", `AIRFLOW__SECRETS__BACKEND=` + contribClass + `
AIRFLOW__SECRETS__BACKEND_KWARGS=%s
`},
}

// A project that follows the guide to the letter works with all four commands,
// and is told what Airflow 3 would say to it.
func TestGuideProject(t *testing.T) {
	t.Parallel()
	v, want := newVault(t), newSeeds(t)
	v.put(t, want)
	for _, f := range guideFiles {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			project := t.TempDir()
			text := strings.Replace(f.text, "%s", v.kwargs(), 1)
			if err := os.WriteFile(filepath.Join(project, f.file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			fourCommands(t, airlockIn(project), want, f.file, v.kwargs())
		})
	}
}

func fourCommands(t *testing.T, p program, want seeds, file, kwargs string) {
	t.Helper()
	r := p.revealing().run(t, "variables", "get", variableKey)
	claim(t, r.code == 0 && r.stdout == want.variable+"\n", "variables get:\n%s", r)
	claim(t, strings.Contains(r.stderr, contribClass) && strings.Contains(r.stderr, "airflow.providers.hashicorp.secrets.vault.VaultBackend"),
		"variables get does not say which class path to write instead:\n%s", r)
	claim(t, p.revealing().ok(t, "connections", "get", connectionID) == want.connection, "connections get prints another connection")

	// As Airflow has it, quotation marks of the file taken off.
	claim(t, p.ok(t, "config", "get-value", "secrets", "backend") == contribClass, "config get-value prints another class")
	claim(t, p.revealing().ok(t, "config", "get-value", "secrets", "backend_kwargs") == kwargs, "config get-value prints other kwargs")
	// config_path is null: a _SECRET option is asked nowhere, and the
	// default stays.
	r = p.with("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET=sql_alchemy_conn").run(t, "config", "get-value", "database", "sql_alchemy_conn")
	claim(t, r.code == 0 && strings.HasPrefix(r.stdout, "sqlite:///"), "config get-value of a _SECRET option:\n%s", r)

	r = p.run(t, "explain", "variable", variableKey)
	for _, text := range []string{"secret/data/variables/" + variableKey, "VaultBackend", found, contribClass, file} {
		claim(t, r.code == 0 && strings.Contains(r.stdout+r.stderr, text), "explain does not say %q:\n%s", text, r)
	}
	r = p.revealing().run(t, "explain", "connection", connectionID, "--reveal")
	claim(t, r.code == 0 && strings.Contains(r.stdout, want.connection), "explain --reveal does not show the connection:\n%s", r)

	p.fails(t, 1, []string{contribClass, "The object could not be loaded"}, "variables", "get", variableKey, "--airflow-exact")
	p.fails(t, 3, []string{"no-such-variable"}, "variables", "get", "no-such-variable")
}
