package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
)

// A DAG run that exec starts finds what it was given in its environment, with
// its secrets backend switched off, and shows none of it.
func TestExecRunsAirflow(t *testing.T) {
	t.Parallel()
	v, want := newVault(t), newSeeds(t)
	v.put(t, want)
	a := newAirflow(t)
	p := airlockIn(a.home, v.settings()...).with("AIRFLOW_HOME="+a.home, "AIRFLOW__CORE__LOAD_EXAMPLES=False",
		"EXPECTED_VARIABLE_SHA256="+digest(want.variable), "EXPECTED_CONNECTION_SHA256="+digest(want.connection))
	script := filepath.Join(t.TempDir(), "run.py")
	// Python, unlike some shells, hands on variables with dashes in their names.
	const run = `
import os, sys
assert os.environ["AIRFLOW__SECRETS__BACKEND"] == "" and "AIRFLOW__SECRETS__BACKEND_KWARGS" not in os.environ
os.execv(sys.executable, [sys.executable, "-m", "airflow", "dags", "test", "example_secrets_dag"])
`
	if err := os.WriteFile(script, []byte(run), 0o600); err != nil {
		t.Fatal(err)
	}
	r := p.run(t, "exec", "--strict", "--without-backend", "--variables", variableKey, "--connections", connectionID, "--",
		baotest.Tool(t, "python"), script)
	log := r.stdout + r.stderr
	for _, line := range []string{digest(want.variable), digest(want.connection)} {
		claim(t, r.code == 0 && strings.Contains(log, line), "the DAG run did not find what it was given:\n%s", r)
	}
	claim(t, strings.Contains(log, "AIRFLOW_VAR_MY-TEST-VARIABLE is a name that shells cannot set"), "the odd name is not told:\n%s", r)
	p.fails(t, 3, []string{"no-such-variable"}, "exec", "--strict", "--variables", "no-such-variable", "--", "true")
}
