package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/render"
)

func TestChildEnvironment(t *testing.T) {
	own := []string{"PATH=/bin", "LC_ALL=C", "VAULT_TOKEN=t", "AIRFLOW_HOME=/a", "AIRFLOW_VAR_X=old", "AIRFLOW__CORE__FERNET_KEY_CMD=cat key",
		"AIRFLOW__CORE__FERNET_KEY_SECRET=name", "AIRFLOW__SECRETS__BACKEND=B", "AIRFLOW__SECRETS__BACKEND_KWARGS={}",
		"AIRFLOW__SECRETS__BACKEND_KWARG__TOKEN=t", "AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS={}", "AIRFLOW__SECRETS__USE_CACHE=1"}
	items := []render.Item{{Name: "AIRFLOW_VAR_X", Value: "new"}, {Name: "AIRFLOW__CORE__FERNET_KEY", Value: "k"},
		{Name: "AIRFLOW__SECRETS__BACKEND_KWARGS", Value: "resolved"}}
	const given = "AIRFLOW_VAR_X=new AIRFLOW__CORE__FERNET_KEY=k"
	const none = "AIRFLOW__SECRETS__BACKEND= AIRFLOW__WORKERS__SECRETS_BACKEND="
	tests := []struct {
		name string
		e    childEnvironment
		want string
	}{
		{"all is passed on", childEnvironment{}, "PATH=/bin LC_ALL=C VAULT_TOKEN=t AIRFLOW_HOME=/a AIRFLOW__SECRETS__BACKEND=B " +
			"AIRFLOW__SECRETS__BACKEND_KWARG__TOKEN=t AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS={} AIRFLOW__SECRETS__USE_CACHE=1 " +
			given + " AIRFLOW__SECRETS__BACKEND_KWARGS=resolved"},
		{"without a backend", childEnvironment{withoutBackend: true}, "PATH=/bin LC_ALL=C VAULT_TOKEN=t AIRFLOW_HOME=/a " +
			"AIRFLOW__SECRETS__USE_CACHE=1 " + given + " " + none},
		{"pristine", childEnvironment{pristine: true}, "PATH=/bin LC_ALL=C AIRFLOW_HOME=/a " + given + " AIRFLOW__SECRETS__BACKEND_KWARGS=resolved"},
		{"both", childEnvironment{pristine: true, withoutBackend: true}, "PATH=/bin LC_ALL=C AIRFLOW_HOME=/a " + given + " " + none},
	}
	for _, tt := range tests {
		got, err := tt.e.with(own, items)
		if want := strings.Fields(tt.want); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v\ngot  %q\nwant %q", tt.name, err, got, want)
		}
	}
	if _, err := (&childEnvironment{}).with(nil, []render.Item{{Name: "N", Value: "CANARY-\x00"}}); err == nil || strings.Contains(err.Error(), "CANARY-") {
		t.Error("a NUL is passed on, or shown")
	}
}
