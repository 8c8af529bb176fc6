package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// The layers, as explain names them, and what one of them answers.
const (
	backendLayer     = "secrets backend"
	environmentLayer = "environment"
	databaseLayer    = "metadata database"

	found   = "found"
	missing = "missing"
)

// explanation is the documented answer of `explain -o json`, as far as it is
// looked at here.
type explanation struct {
	Kind     string `json:"kind"`
	ID       string `json:"id"`
	Outcome  string `json:"outcome"`
	Winner   *int   `json:"winner"`
	Attempts []struct {
		Layer    string   `json:"layer"`
		Source   string   `json:"source"`
		Name     string   `json:"name"`
		Outcome  string   `json:"outcome"`
		Error    string   `json:"error"`
		Duration *float64 `json:"duration_ms"`
	} `json:"attempts"`
}

// winner is the name of the layer that answered, "" if none did.
func (e explanation) winner() string {
	if e.Winner == nil {
		return ""
	}
	return e.Attempts[*e.Winner].Layer
}

// outcomes is what every layer answered, in order.
func (e explanation) outcomes() []string {
	var list []string
	for _, attempt := range e.Attempts {
		list = append(list, attempt.Outcome)
	}
	return list
}

// installed is what a person has: real Airflow, airlock beside it reading the
// same settings, and the same two ids in three layers, each with other values.
type installed struct {
	airflow
	settings  []string
	vault     *vault
	backend   seeds
	process   seeds
	metadata  seeds
	processed bool // whether the environment holds its values
}

// The same id in the secrets backend, the environment and the metadata
// database, and each removed in turn: a task, the scheduler's classes and
// airlock agree every time on which layer answers.
func TestPrecedenceIsThatOfAirflow(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]func(testing.TB, *vault) []string{
		"backend is OpenBao":                     func(_ testing.TB, v *vault) []string { return v.settings() },
		"backend is airlock in front of OpenBao": func(t testing.TB, v *vault) []string { return serveInFront(t, v).printed(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVault(t)
			in := &installed{airflow: newAirflow(t), settings: settings(t, v), vault: v,
				backend: newSeeds(t), process: newSeeds(t), metadata: newSeeds(t)}
			v.put(t, in.backend)
			in.processed = true
			in.setRows(t, &in.metadata)
			in.agree(t, "all three", &in.backend, backendLayer, found, found, found)

			v.cli.ok(t, "kv", "delete", "secret/variables/"+variableKey)
			v.cli.ok(t, "kv", "metadata", "delete", "secret/connections/"+connectionID)
			in.agree(t, "without backend", &in.process, environmentLayer, missing, found, found)

			in.processed = false
			in.agree(t, "without environment", &in.metadata, databaseLayer, missing, missing, found)

			in.setRows(t, nil)
			in.agree(t, "without any", nil, "", missing, missing, missing)
		})
	}
}

// env is the environment that Airflow and airlock share.
func (in *installed) env() []string {
	env := slices.Clone(in.settings)
	if in.processed {
		env = append(env,
			"AIRFLOW_VAR_"+strings.ToUpper(variableKey)+"="+in.process.variable,
			"AIRFLOW_CONN_"+strings.ToUpper(connectionID)+"="+in.process.connection)
	}
	return env
}

// agree checks that a task, the scheduler's classes and airlock all read want
// (nil: nothing), and that explain names the layer and every layer's outcome.
func (in *installed) agree(t *testing.T, state string, want *seeds, winner string, outcomes ...string) {
	t.Helper()
	server := reading{Variable: "KeyError", Connection: "AirflowNotFoundException"}
	if want != nil {
		server = reading{Variable: digest(want.variable), Connection: digest(want.connection)}
		in.mustRunDAG(t, *want, in.env()...)
	} else if r := in.runDAG(t, in.metadata, in.env()...); r.code == 0 || !strings.Contains(r.stdout+r.stderr, "VARIABLE_NOT_FOUND") {
		t.Errorf("%s: the task should miss its variable:\n%s", state, r)
	}
	if got := in.serverContext(t, in.env()...); got != server {
		t.Errorf("%s: the scheduler's classes read %+v, want %+v", state, got, server)
	}
	for _, context := range []string{"worker", "server"} {
		in.airlockAgrees(t, state+", "+context, want, "--context="+context)
		in.explained(t, state+", "+context, winner, outcomes, "variable", variableKey, "--context="+context)
		in.explained(t, state+", "+context, winner, outcomes, "connection", connectionID, "--context="+context)
	}
}

func (in *installed) airlock(t *testing.T) program {
	t.Helper()
	return airlockIn(t.TempDir(), append(in.env(), "AIRFLOW_HOME="+in.home)...)
}

// airlockAgrees checks what airlock reads beside Airflow.
func (in *installed) airlockAgrees(t *testing.T, state string, want *seeds, flags ...string) {
	t.Helper()
	variable := append([]string{"variables", "get", variableKey}, flags...)
	connection := append([]string{"connections", "get", connectionID}, flags...)
	if want == nil {
		in.airlock(t).fails(t, 3, []string{variableKey}, variable...)
		in.airlock(t).fails(t, 3, []string{connectionID}, connection...)
		return
	}
	claim(t, in.airlock(t).revealing().ok(t, variable...) == want.variable, "%s: airlock reads another variable", state)
	claim(t, in.airlock(t).revealing().ok(t, connection...) == want.connection, "%s: airlock reads another connection", state)
}

// explained checks the winner and the outcome of every layer.
func (in *installed) explained(t *testing.T, state string, winner string, outcomes []string, kind, id, flag string) {
	t.Helper()
	r := in.airlock(t).run(t, "explain", kind, id, "-o", "json", flag)
	if want := map[bool]int{true: 0, false: 3}[winner != ""]; r.code != want {
		t.Errorf("%s: explain exits with %d, want %d:\n%s", state, r.code, want, r)
	}
	var doc explanation
	if err := json.Unmarshal([]byte(r.stdout), &doc); err != nil {
		t.Fatalf("%s: explain's answer: %v:\n%s", state, err, r)
	}
	if doc.Kind != kind || doc.ID != id || doc.winner() != winner || !slices.Equal(doc.outcomes(), outcomes) {
		t.Errorf("%s: explain says layers %v, winner %q; want %v, %q:\n%s", state, doc.outcomes(), doc.winner(), outcomes, winner, r)
	}
}
