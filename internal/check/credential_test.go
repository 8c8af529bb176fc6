package check

import "testing"

func TestCredential(t *testing.T) {
	tests := []struct {
		name, value string
		ok, open    bool
	}{
		{"AWS_SECRET_ACCESS_KEY", "CANARY-a", true, false},
		{"AWS_SECRET_ACCESS_KEY", "<your-aws-secret-key>", true, true},
		{"AWS_SECRET_ACCESS_KEY", "", false, false},
		{"AWS_DEFAULT_REGION", "eu-west-1", false, false},
		{"AZURE_CLIENT_ID", "CANARY-a", false, false},
		{"AZURE_CLIENT_SECRET", "CANARY-a", true, false},
		{"GOOGLE_APPLICATION_CREDENTIALS", "/run/secrets/key.json", false, false},
		{"VAULT_TOKEN_FILE", "CANARY-a", false, false},
		{"VAULT_TOKEN", "/run/secrets/token", false, false},
		{"API_TOKEN", "changeme", true, true},
		{"API_TOKEN", "${API_TOKEN}", true, true},
		{"POSTGRES_PASSWORD", "postgres", false, false},
		{"API_TOKEN", "my-token", false, false},
		{"COLOUR", "postgres://me:CANARY-a@h/db", true, false},
		{"COLOUR", "postgres://postgres:postgres@h/db", false, false},
		{"COLOUR", "-----BEGIN PRIVATE KEY-----\nCANARY-a", true, false},

		{"AIRFLOW__CORE__FERNET_KEY", "CANARY-a", true, false},
		{"AIRFLOW__CORE__PARALLELISM", "32", false, false},
		{"AIRFLOW__SECRETS__BACKEND", "airflow.providers.hashicorp.secrets.vault.VaultBackend", false, false},
		{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql+psycopg2://airflow:CANARY-a@db/airflow", true, false},
		{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql+psycopg2://airflow:airflow@postgres/airflow", false, false},
		{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////tmp/airflow.db", false, false},
		{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET", "sql_alchemy_conn", false, false},
		{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD", "cat /run/secrets/conn", false, false},

		{"AIRFLOW__SECRETS__BACKEND_KWARGS", `{"url": "https://vault.example.com"}`, false, false},
		{"AIRFLOW__SECRETS__BACKEND_KWARGS", `{"token": "CANARY-a"}`, true, false},
		{"AIRFLOW__SECRETS__BACKEND_KWARGS", `'{"token": "CANARY-a"}'`, true, false},
		{"AIRFLOW__SECRETS__BACKEND_KWARGS", `{"token": "<token>"}`, true, true},
		{"AIRFLOW__SECRETS__BACKEND_KWARGS", `{"gcp_keyfile_dict": <your-key-file>}`, true, true},
		{"AIRFLOW__SECRETS__BACKEND_KWARGS", `{'secret_id': 'CANARY-a'}`, true, false},
		{"AIRFLOW__SECRETS__BACKEND_KWARG__SECRET_ID", "CANARY-a", true, false},
		{"AIRFLOW__SECRETS__BACKEND_KWARG__ROLE_ID", "r", false, false},

		{"AIRFLOW_CONN_DB", "postgres://me:CANARY-a@h/db", true, false},
		{"AIRFLOW_CONN_DB", "postgres://me@h/db", false, false},
		{"AIRFLOW_CONN_DB", "postgres://<login>:<password>@<host>/db", true, true},
		{"AIRFLOW_CONN_DB", `{"conn_type": "http", "extra": {"client_secret": "CANARY-a"}}`, true, false},
		{"AIRFLOW_CONN_DB", "postgres://postgres:postgres@postgres/db", false, false},
		{"AIRFLOW_VAR_API_TOKEN", "CANARY-a", true, false},
		{"AIRFLOW_VAR_COLOUR", "green", false, false},
	}
	for i, tt := range tests {
		if _, open, ok := credential(tt.name, tt.value); ok != tt.ok || ok && open != tt.open {
			t.Errorf("case %d, %s: a credential %t, open %t; want %t, %t", i, tt.name, ok, open, tt.ok, tt.open)
		}
	}
}

// TestLoaded: what astro deployment variable --load makes of a file, line by
// line.
func TestLoaded(t *testing.T) {
	values := loaded("# a comment\nPLAIN=a\nQUOTED=\"a b\"\nJSON='{\"a\": \"b\"}'\nTWICE=1\nTWICE=2\nEMPTY=\n MANY = x \nLINES=\"one\ntwo\"\n")
	for name, want := range map[string]string{"PLAIN": "a", "QUOTED": "a b", "JSON": `{"a": "b"}`, "TWICE": "1", " MANY ": "x", "LINES": "one"} {
		if values[name] != want {
			t.Errorf("%s = %q, want %q", name, values[name], want)
		}
	}
	if _, ok := values["EMPTY"]; ok || len(values) != 6 {
		t.Errorf("%d names", len(values))
	}
}

func TestIsNear(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true, "vault": true, "vault.vault.svc": true, "vault.vault.svc.cluster.local": true,
		"10.1.2.3": true, "vault.example.com": false, "203.0.113.7": false, "2001:db8::1": false,
	} {
		if isNear(host) != want {
			t.Errorf("isNear(%s) = %t", host, !want)
		}
	}
}
