package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
)

// twoVaults is a folder whose airlock.yaml names two OpenBao servers. The
// first token may read variables and connections and nothing else.
type twoVaults struct {
	first  *vault
	second *baotest.Server
	cli    program
}

const twoSources = `sources:
  - name: corporate
    class: airflow.providers.hashicorp.secrets.vault.VaultBackend
    kwargs:
      url: ${FIRST_ADDR}
      auth_type: approle
      role_id: $ROLE_ID
      secret_id: ${SECRET_ID}
    cache_ttl: 1h
  - name: team
    class: airflow.providers.hashicorp.secrets.vault.VaultBackend
    kwargs: '{"url": "$SECOND_ADDR", "token": "$SECOND_TOKEN"}'
serve:
  data_dir: state
`

func newTwoVaults(t *testing.T, extra string) *twoVaults {
	t.Helper()
	two := &twoVaults{first: newVault(t), second: baotest.Start(t)}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "airlock.yaml"), []byte(twoSources+extra), 0o644); err != nil {
		t.Fatal(err)
	}
	two.cli = airlockIn(dir, "FIRST_ADDR="+two.first.Addr, "ROLE_ID="+two.first.roleID, "SECRET_ID="+two.first.secretID,
		"SECOND_ADDR="+two.second.Addr, "SECOND_TOKEN="+two.second.Token,
		// What Airflow itself would take is not taken.
		"AIRFLOW__SECRETS__BACKEND=no.such.Class")
	return two
}

func putIn(t *testing.T, s *baotest.Server, path, key, value string) {
	t.Helper()
	s.MustDo(t, "POST", "/v1/secret/data/"+path, map[string]any{"data": map[string]any{key: value}})
}

// Two real servers and the embedded store, in order, for commands.
func TestSourcesInOrderThroughCommands(t *testing.T) {
	t.Parallel()
	two := newTwoVaults(t, "")
	a, b, c, d := secret(t), secret(t), secret(t), secret(t)
	putIn(t, two.first.Server, "variables/both", "value", a)
	putIn(t, two.second, "variables/both", "value", b)
	putIn(t, two.second, "variables/second", "value", b)
	putIn(t, two.first.Server, "connections/half", "conn_uri", "postgres://u:"+c+"/w@h:port/x")
	putIn(t, two.second, "connections/half", "conn_uri", "postgres://u:"+c+"@h/x")
	putIn(t, two.second, "config/key", "value", "sqlite:////"+d)

	two.cli.ok(t, "config", "validate")
	get := func(args ...string) string { t.Helper(); return two.cli.revealing().ok(t, args...) }
	claim(t, get("variables", "get", "both") == a, "the first source does not win")
	claim(t, get("variables", "get", "second") == b, "the second source is not asked")
	claim(t, get("connections", "get", "half") == "postgres://u:"+c+"@h/x", "a connection that does not parse is not passed over")

	two.cli.reading(d).ok(t, "variables", "set", "--stdin", "own")
	claim(t, get("variables", "get", "own") == d, "the embedded store is not asked last")
	noSecretAtRest(t, filepath.Join(two.cli.dir, "state"))
	two.cli.fails(t, 1, []string{"corporate in airlock.yaml", "would hide"}, "variables", "set", "both", "x")

	// The first may not read options: its refusal ends the search.
	option := two.cli.with("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET=key")
	option.fails(t, 4, []string{"denied"}, "config", "get-value", "database", "sql_alchemy_conn")
}

// The same through the daemon, which an unmodified client asks.
func TestSourcesInOrderThroughServe(t *testing.T) {
	t.Parallel()
	two := newTwoVaults(t, "")
	want, own := newSeeds(t), secret(t)
	putIn(t, two.first.Server, "variables/"+variableKey, "value", want.variable)
	putIn(t, two.second, "variables/"+variableKey, "value", secret(t))
	putIn(t, two.second, "connections/"+connectionID, "conn_uri", want.connection)
	putIn(t, two.second, "variables/second", "value", secret(t))

	daemon := serve(t, two.cli, "--dev")
	token := daemon.token(t)
	read := func(name, value string) {
		t.Helper()
		status, body := daemon.request(t, "GET", "/v1/secret/data/"+name, token, "")
		claim(t, status == http.StatusOK && strings.Contains(body, value), "reading %s: status %d: %s", name, status, body)
	}
	read("variables/"+variableKey, want.variable)
	read("connections/"+connectionID, strings.SplitN(want.connection, "@", 2)[0])
	two.cli.reading(own).ok(t, "variables", "set", "--stdin", "own")
	read("variables/own", own)

	// Each source has its own cache_ttl: an hour, and none.
	later := secret(t)
	putIn(t, two.first.Server, "variables/"+variableKey, "value", secret(t))
	putIn(t, two.second, "variables/second", "value", later)
	read("variables/"+variableKey, want.variable)
	read("variables/second", later)

	air := newAirflow(t)
	got := air.serverContext(t, daemon.printed(t)...)
	if want := (reading{Variable: digest(want.variable), Connection: digest(want.connection)}); got != want {
		t.Errorf("the scheduler's classes read %+v, want %+v", got, want)
	}
}

// A write of a command goes to the source that write_to names.
func TestWriteToASource(t *testing.T) {
	t.Parallel()
	two := newTwoVaults(t, "write_to: team\n")
	value := secret(t)
	two.cli.reading(value).ok(t, "variables", "set", "--stdin", "key")
	_, answer := two.second.Do(t, "GET", "/v1/secret/data/variables/key", nil)
	outer, _ := answer["data"].(map[string]any)
	inner, _ := outer["data"].(map[string]any)
	claim(t, inner["value"] == value, "the second server does not hold what was written")
	claim(t, two.cli.revealing().ok(t, "variables", "get", "key") == value, "it is not read back")
	if _, err := os.Stat(filepath.Join(two.cli.dir, "state")); !os.IsNotExist(err) {
		t.Errorf("an embedded store was made: %v", err)
	}
}
