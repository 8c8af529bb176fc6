package airlock_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
)

// TestExplainJSON pins the documented form.
func TestExplainJSON(t *testing.T) {
	r, _ := layers(airflow.KindVariable, failing, "hunter2", "old")
	r.Now = ticking()
	r.Sources[0].Setting = "AIRFLOW__SECRETS__BACKEND in .env"
	r.Sources[0].Notes = []string{"write the new class"}
	res, err := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindVariable, ID: "x", Team: ""}, &airlock.LookupOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "kind": "variable",
 "id": "x",
 "outcome": "found",
 "winner": 1,
 "attempts": [
  {
   "layer": "secrets backend",
   "source": "labbackend.FakeBackend",
   "name": "script:variables/x",
   "outcome": "throttled",
   "error": "get in script: throttled",
   "duration_ms": 3,
   "requests": [
    {
     "name": "script:variables/x",
     "duration_ms": 1
    }
   ],
   "hint": "ask less often",
   "setting": "AIRFLOW__SECRETS__BACKEND in .env",
   "notes": [
    "write the new class"
   ]
  },
  {
   "layer": "environment",
   "source": "airflow.secrets.environment_variables.EnvironmentVariablesBackend",
   "name": "script:variables/x",
   "outcome": "found",
   "error": "",
   "duration_ms": 3,
   "requests": [
    {
     "name": "script:variables/x",
     "duration_ms": 1
    }
   ],
   "value": "********"
  },
  {
   "layer": "metadata database",
   "source": "airflow.secrets.metastore.MetastoreBackend",
   "name": "script:variables/x",
   "outcome": "found",
   "error": "",
   "duration_ms": 3,
   "requests": [
    {
     "name": "script:variables/x",
     "duration_ms": 1
    }
   ],
   "hidden": true,
   "value": "********"
  }
 ]
}`
	if got := encode(t, res.Explain(false)); got != want {
		t.Errorf("Explain(false) = %s\nwant %s", got, want)
	}
	if got := encode(t, res.Explain(true)); !strings.Contains(got, `"value": "hunter2"`) || !strings.Contains(got, `"value": "old"`) {
		t.Errorf("Explain(true) = %s", got)
	}
}

func TestExplainNothingFound(t *testing.T) {
	r, _ := layers(airflow.KindConnection, "", none)
	res, _ := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindConnection, ID: "x", Team: "a"}, nil)
	got := encode(t, res.Explain(true))
	for _, want := range []string{`"winner": null`, `"team": "a"`, `"type": "AirflowNotFoundException"`, `"outcome": "missing"`} {
		if !strings.Contains(got, want) {
			t.Errorf("Explain lacks %s: %s", want, got)
		}
	}
	if strings.Contains(got, `"value"`) {
		t.Errorf("Explain shows a value: %s", got)
	}
}

// TestExplainNeverLeaks: a connection that cannot be parsed holds a password
// that must reach neither the error nor the masked document.
func TestExplainNeverLeaks(t *testing.T) {
	for _, text := range []string{"t://u:hunter2@h:hunter2", `{"hunter2": 1}`, "t://hunter2://x://hunter2", "t://[hunter2", `{"port": "hunter2"}`} {
		for _, reading := range []airflow.Reading{airflow.SDK, airflow.ORM} {
			r, _ := layers(airflow.KindConnection, text)
			r.Reading = reading
			res, err := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindConnection, ID: "x"}, nil)
			if err == nil {
				t.Errorf("%s reads %q", reading, text)
				continue
			}
			if doc := encode(t, res.Explain(false)); strings.Contains(err.Error()+doc, "hunter2") {
				t.Errorf("%s: the value leaks: %v\n%s", reading, err, doc)
			}
		}
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
