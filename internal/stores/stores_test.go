package stores_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

// answering is a table of one class whose constructor always answers.
func answering(constructed **pyjson.Object) stores.Table {
	return stores.Table{{Class: "lab.secrets.Backend", Old: []string{"lab.contrib.Backend"},
		New: func(kwargs *pyjson.Object, _ stores.Env) (*stores.Backend, error) {
			*constructed = kwargs
			return &stores.Backend{Notes: []string{"its own note"}}, nil
		}}}
}

func TestOpen(t *testing.T) {
	var kwargs *pyjson.Object
	table := answering(&kwargs)
	b, err := table.Open("lab.secrets.Backend", nil, stores.Env{}, true)
	if err != nil || len(b.Notes) != 1 || kwargs == nil {
		t.Errorf("Open(class) = %+v, %v, kwargs %v", b, err, kwargs)
	}
	b, err = table.Open("lab.contrib.Backend", nil, stores.Env{}, false)
	if err != nil || len(b.Notes) != 2 || !strings.Contains(b.Notes[0], "write lab.secrets.Backend") {
		t.Errorf("Open(old path) = %+v, %v; want a note first that names the new path", b, err)
	}
	_, err = table.Open("lab.contrib.Backend", nil, stores.Env{}, true)
	want := `The object could not be loaded. Please check "backend" key in "secrets" section. Current value: "lab.contrib.Backend".`
	var raised *airflow.Error
	if !errors.As(err, &raised) || raised.Type != "AirflowConfigException" || raised.Message != want {
		t.Errorf("Open(old path, exact): %v, want Airflow's %s", err, want)
	}
}

// TestUnknownClass: the message is Airflow's, the hint is ours.
func TestUnknownClass(t *testing.T) {
	const vault = "airflow.providers.hashicorp.secrets.vault.VaultBackend"
	tests := []struct{ class, hint string }{
		{`"` + vault + `"`, "the quotes around it are part of the value, as Airflow reads it: write " + vault},
		{"'airflow.contrib.secrets.hashicorp_vault.VaultBackend'", "the quotes around it are part of the value, as Airflow reads it: write airflow.contrib"},
		{" " + vault, "the blanks around it are part of the value"},
		{vault + "\n", "the blanks around it are part of the value"},
		{"VaultBackend", "did you mean " + vault + "?"},
		{"airflow.providers.hashicorp.secret.vault.VaultBackend", "did you mean " + vault + "?"},
		{"airflow.provider.amazon.aws.secrets.secrets_manager.SecretManagerBackend",
			"did you mean airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend?"},
		{"mycompany.Secrets", "airlock knows: " + vault},
		{"", "airlock knows: " + vault},
		{strings.Repeat("x", 10_000), "airlock knows: " + vault},
	}
	for _, tt := range tests {
		_, err := stores.Known().Open(tt.class, nil, stores.Env{}, false)
		if store.CodeOf(err) != store.Invalid || !strings.Contains(store.Hint(err), tt.hint) {
			t.Errorf("Open(%.60q): code %q, hint %q; want the hint %q", tt.class, store.CodeOf(err), store.Hint(err), tt.hint)
		}
		var raised *airflow.Error
		if !errors.As(err, &raised) || !strings.Contains(raised.Message, `Please check "backend" key in "secrets" section.`) {
			t.Errorf("Open(%.60q): %v is not what Airflow says", tt.class, err)
		}
		if len(err.Error()) > 1000 {
			t.Errorf("Open of %d bytes makes a message of %d", len(tt.class), len(err.Error()))
		}
	}
}

func TestUnknownClassOfWorkers(t *testing.T) {
	_, err := stores.Known().Open("x.Y", nil, stores.Env{Section: "workers"}, false)
	var raised *airflow.Error
	if !errors.As(err, &raised) || !strings.Contains(raised.Message, `Please check "secrets_backend" key in "workers" section.`) {
		t.Errorf("Open: %v", err)
	}
}

// TestKnownButNotRead: a row without a constructor says so, whatever path led
// to it, and an exact look-up of an old path refuses before that.
func TestKnownButNotRead(t *testing.T) {
	table := stores.Table{{Class: "new.Backend", Old: []string{"old.Backend"}}}
	for _, tt := range []struct {
		class string
		exact bool
		code  store.Code
	}{
		{"new.Backend", false, store.Unsupported},
		{"old.Backend", false, store.Unsupported},
		{"old.Backend", true, store.Invalid},
	} {
		if _, err := table.Open(tt.class, nil, stores.Env{}, tt.exact); store.CodeOf(err) != tt.code || store.Hint(err) == "" {
			t.Errorf("Open(%s, exact %v): %v, want code %q and a hint", tt.class, tt.exact, err, tt.code)
		}
	}
}

func TestPathsAreUnique(t *testing.T) {
	seen := map[string]string{}
	for _, row := range stores.Known() {
		for _, path := range append([]string{row.Class}, row.Old...) {
			if other, twice := seen[path]; twice {
				t.Errorf("%s is a path of %s and of %s", path, other, row.Class)
			}
			seen[path] = row.Class
		}
	}
	if len(seen) < 17 {
		t.Errorf("the table has %d paths", len(seen))
	}
}
