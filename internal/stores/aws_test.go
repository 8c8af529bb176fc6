package stores_test

import (
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// TestAWS: both classes, by every path that they have had, with the kwargs of
// the guide, whose "profile" nobody reads.
func TestAWS(t *testing.T) {
	const kwargs = `{"connections_prefix": "/airflow/connections", "variables_prefix": "/airflow/variables", "profile": "default"}`
	tests := []struct{ class, name string }{
		{"airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend", "ssm"},
		{"airflow.contrib.secrets.aws_systems_manager.SystemsManagerParameterStoreBackend", "ssm"},
		{"airflow.contrib.secrets.aws_ssm.AwsSsmSecretsBackend", "ssm"},
		{"airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend", "secretsmanager"},
		{"airflow.contrib.secrets.aws_secrets_manager.SecretsManagerBackend", "secretsmanager"},
	}
	for _, tt := range tests {
		v, err := pyjson.Decode(kwargs)
		if err != nil {
			t.Fatal(err)
		}
		b, err := stores.Known().Open(tt.class, v.(*pyjson.Object), stores.Env{}, false)
		if err != nil {
			t.Errorf("Open(%s): %v", tt.class, err)
			continue
		}
		if got := b.Store.(interface{ Name() string }).Name(); got != tt.name {
			t.Errorf("Open(%s) is the store %q, want %q", tt.class, got, tt.name)
		}
		if names := b.Dialect.Names(airflow.Ref{Kind: airflow.KindVariable, ID: "x"}).Names; len(names) != 1 || names[0] != "/airflow/variables/x" {
			t.Errorf("Open(%s) asks for %q", tt.class, names)
		}
		if !strings.Contains(strings.Join(b.Notes, "\n"), `it reads "profile_name"`) {
			t.Errorf("Open(%s) notes %q", tt.class, b.Notes)
		}
		if err := b.Store.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
}
