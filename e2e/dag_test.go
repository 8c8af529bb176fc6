package e2e

import (
	"strings"
	"testing"
)

// The control: what the same DAG does without airlock.
func TestDAGStraightFromOpenBao(t *testing.T) {
	t.Parallel()
	v, want := newVault(t), newSeeds(t)
	v.put(t, want)
	newAirflow(t).mustRunDAG(t, want, v.settings()...)
}

// A value that is not the expected one must fail the DAG, or the tests here
// prove nothing.
func TestDAGNoticesAnotherValue(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.put(t, newSeeds(t))
	if r := newAirflow(t).runDAG(t, newSeeds(t), v.settings()...); r.code == 0 {
		t.Fatalf("the DAG run passed with other values:\n%s", r)
	}
}

// airlock in front of OpenBao. Airflow has the guide's settings still, with
// another address, role id and secret id: those of a client of airlock.
func TestDAGThroughAirlockFromOpenBao(t *testing.T) {
	t.Parallel()
	v, want := newVault(t), newSeeds(t)
	v.put(t, want)
	d := serve(t, airlockIn(t.TempDir(), v.settings()...))
	role, secret := d.addAppRole(t, "airflow")
	settings := strings.NewReplacer(v.Addr, d.addr, v.roleID, role, v.secretID, secret).Replace(strings.Join(v.settings(), "\n"))
	newAirflow(t).mustRunDAG(t, want, strings.Split(settings, "\n")...)
}

// airlock alone: the values in its own store, set by its own commands, and in
// Airflow the two variables that it prints.
func TestDAGThroughAirlockFromEmbeddedStore(t *testing.T) {
	t.Parallel()
	d, want := serveDev(t), newSeeds(t)
	cli := airlockIn(d.dir)
	cli.ok(t, "variables", "set", variableKey, want.variable)
	cli.ok(t, "connections", "add", connectionID, "--conn-uri", want.connection)
	newAirflow(t).mustRunDAG(t, want, d.printed(t)...)
}
