package check_test

import (
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/project"
)

func TestMasked(t *testing.T) {
	tests := []struct {
		kind       project.Kind
		line, want string
	}{
		{project.DotEnv, `AIRFLOW__SECRETS__BACKEND='airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend'`,
			`AIRFLOW__SECRETS__BACKEND='airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend'`},
		{project.DotEnv, `AIRFLOW__SECRETS__BACKEND_KWARGS='{"url": "http://h:8200", "role_id": "CANARY-1", "secret_id":"CANARY-2", "config_path": null}'`,
			`AIRFLOW__SECRETS__BACKEND_KWARGS='{"url": "http://h:8200", "role_id": "***", "secret_id":"***", "config_path": null}'`},
		{project.DotEnv, `export AIRFLOW__SECRETS__BACKEND_KWARGS={'token': 'CANARY-1', 'mount_point': 'x',}`,
			`export AIRFLOW__SECRETS__BACKEND_KWARGS={'token': '***', 'mount_point': 'x',}`},
		{project.DotEnv, `AIRFLOW__SECRETS__BACKEND_KWARGS={token: CANARY-1, url: "https://me:CANARY-2@h"}`,
			`AIRFLOW__SECRETS__BACKEND_KWARGS={token: ***, url: "***"}`},
		{project.DotEnv, `AIRFLOW__SECRETS__BACKEND_KWARGS="{\"token\": \"CANARY-1\"}"`, `AIRFLOW__SECRETS__BACKEND_KWARGS="{\"token\": \"***\"}"`},
		{project.DotEnv, `AWS_SECRET_ACCESS_KEY="CANARY-1"`, `AWS_SECRET_ACCESS_KEY="***"`},
		{project.DotEnv, `AIRFLOW_CONN_DB=postgres://me:CANARY-1@db:5432/x`, `AIRFLOW_CONN_DB=***`},
		{project.DotEnv, `AIRFLOW_CONN_DB='{"conn_type": "postgres", "password": "CANARY-1"}'`, `AIRFLOW_CONN_DB='***'`},
		{project.DotEnv, `AWS_DEFAULT_REGION=eu-west-1`, `AWS_DEFAULT_REGION=eu-west-1`},
		{project.Dockerfile, `ENV AZURE_CLIENT_SECRET="CANARY-1" # Found on the page`, `ENV AZURE_CLIENT_SECRET="***" # ***`},
		{project.Dockerfile, `ENV AIRFLOW__SECRETS__BACKEND_KWARGS '{"token": "CANARY-1"}'`, `ENV AIRFLOW__SECRETS__BACKEND_KWARGS '{"token": "***"}'`},
		{project.Dockerfile, `RUN pip install apache-airflow-providers-microsoft-azure`, `RUN pip install apache-airflow-providers-microsoft-azure`},
		{project.HelmValues, `      value: 'CANARY-1'`, `      value: '***'`},
		{project.HelmValues, `      value: '{"token": "CANARY-1"}'`, `      value: '{"token": "***"}'`},
		{project.HelmValues, `    - name: AIRFLOW__SECRETS__BACKEND`, `    - name: AIRFLOW__SECRETS__BACKEND`},
		{project.AstroSettings, `    conn_password: CANARY-1`, `    conn_password: ***`},
		{project.AirflowConfig, `sql_alchemy_conn = postgresql://me:CANARY-1@h/db`, `sql_alchemy_conn = ***`},
		{project.Script, `vault kv put secret/variables/x value=CANARY-1`, `vault kv put secret/variables/x value=***`},
		{project.Script, `curl https://me:pw@host/path`, `curl https:***`},
		{project.DotEnv, `MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj`, `***`},
		{project.DotEnv, `AIRFLOW__SECRETS__BACKEND_KWARGS='{"token": "x", "secCANARY-1", "mount_point": "secret"}'`,
			`AIRFLOW__SECRETS__BACKEND_KWARGS='{"token": "***", "***", "mount_point": "secret"}'`},
		{project.DotEnv, `AIRFLOW__SECRETS__BACKEND_KWARGS='{"url": "https://u:CANARY-1vault:8200"}'`, `AIRFLOW__SECRETS__BACKEND_KWARGS='{"url": "***"}'`},
		{project.RequirementList, `apache-airflow-providers-amazon>=9.39.0`, `apache-airflow-providers-amazon>=9.39.0`},
		{project.Ignore, `.env`, `.env`},
	}
	for _, tt := range tests {
		got := check.Masked(tt.kind, tt.line)
		if strings.Contains(got, canary) {
			t.Errorf("the secret of %s is shown", strings.ReplaceAll(tt.line, canary, ""))
		} else if got != tt.want {
			t.Errorf("Masked(%s) = %s, want %s", strings.ReplaceAll(tt.line, canary, ""), got, tt.want)
		}
	}
}

// place finds what stands once in a file.
func place(f *project.File, text string) project.Span {
	at := strings.Index(f.Text, text)
	return project.Span{File: f, Start: at, End: at + len(text)}
}

func TestChanges(t *testing.T) {
	env := &project.File{Path: ".env", Kind: project.DotEnv, Text: "A=one\nB=two\nSECRET='CANARY-1'\n"}
	reqs := &project.File{Path: "requirements.txt", Kind: project.RequirementList, Text: ""}
	found := []check.Finding{
		{Rule: "first", Edits: []check.Edit{{Span: place(env, "one"), New: "1"}}},
		{Rule: "shares the edit", Edits: []check.Edit{{Span: place(env, "one"), New: "1"}, {Span: place(reqs, ""), New: "airflow\n"}}},
		{Rule: "touches another's", Edits: []check.Edit{{Span: place(env, "A=one"), New: ""}, {Span: place(env, "two"), New: "2"}}},
		{Rule: "touches itself", Edits: []check.Edit{{Span: place(env, "B"), New: "C"}, {Span: place(env, "B="), New: "D="}}},
		{Rule: "out of the file", Edits: []check.Edit{{Span: project.Span{File: env, Start: 9, End: 900}}}},
		{Rule: "of the process", Edits: []check.Edit{{Span: project.Span{File: &project.File{Kind: project.Process}}}}},
		{Rule: "nothing to edit"},
		{Rule: "quotes", Edits: []check.Edit{{Span: place(env, "'CANARY-1'"), New: "CANARY-1"}}},
	}
	changes := check.Changes(found)
	if len(changes) != 2 {
		t.Fatalf("Changes: %d files, want 2", len(changes))
	}
	if want := "A=1\nB=two\nSECRET=CANARY-1\n"; changes[0].New != want {
		t.Error("the new .env is not what the fixes make of it")
	}
	if changes[1].New != "airflow\n" || changes[1].File != reqs {
		t.Errorf("requirements.txt = %q", changes[1].New)
	}
	var rules []string
	for _, f := range changes[0].Findings {
		rules = append(rules, f.Rule)
	}
	if got := strings.Join(rules, ", "); got != "first, shares the edit, quotes" {
		t.Errorf("fixed are %s", got)
	}
	diff, err := changes[0].Diff()
	if err != nil {
		t.Fatal(err)
	}
	want := "--- a/.env\n+++ b/.env\n@@ -1 +1 @@\n-A=***\n+A=***\n@@ -3 +3 @@\n-SECRET='***'\n+SECRET=***\n"
	if diff != want {
		t.Errorf("the diff is not the one expected:\n%s", strings.ReplaceAll(diff, canary, ""))
	}
}
