package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// backendFor is a backend of a service with a text of kwargs.
func backendFor(service, kwargs string) *Backend {
	at := slices.IndexFunc(stores.Known(), func(r stores.Row) bool { return r.Service == service })
	env := &project.Environment{Settings: []*project.Setting{
		lineOf(project.DotEnv, classNames[0], stores.Known()[at].Class), lineOf(project.DotEnv, kwargsNames[0], kwargs),
	}}
	return backends(&project.Project{Environments: []*project.Environment{env}})[0]
}

// found are the findings of the rules about kwargs: rule and what they are at.
func found(b *Backend) []string {
	var list []string
	for _, r := range kwargsRules() {
		r.Find(&Subject{Project: &project.Project{}, Backends: []*Backend{b}}, func(f Finding) {
			list = append(list, r.ID+" "+f.Span.Text())
		})
	}
	return list
}

func TestKwargs(t *testing.T) {
	const approle = `"auth_type": "approle", "role_id": "r", "secret_id": "s"`
	tests := []struct {
		service, kwargs string
		want            []string
	}{
		{"vault", `{` + approle + `}`, nil},
		{"vault", `{` + approle + `, "namespace": "team", "verify": false, "timeout": 5}`, nil},
		{"vault", `{"token": "t", "kv_engine_version": 1, "mount_point": null}`, nil},
		{"vault", `{"auth_type": "kubernetes", "kubernetes_role": "r"}`, nil},
		{"vault", `{"auth_type": "aws_iam", "role_id": "r"}`, nil},
		{"vault", `{"auth_type": "kubernetes"}`, []string{`kwargs-refused "auth_type"`}},
		{"vault", `{"auth_type": "kubernets", "token": "t"}`, []string{`kwargs-refused "auth_type"`}},
		{"vault", `{"url": "https://v.example.com"}`, []string{`kwargs-refused {"url": "https://v.example.com"}`}},
		{"vault", `{"token": "t", "secret_id": "s"}`, []string{`kwarg-ignored "secret_id"`}},
		{"vault", `{"token": "t", "token_path": "p"}`, []string{`kwargs-contradict "token"`}},
		{"vault", `{"auth_type": "jwt", "jwt_role": "r", "jwt_token": "t", "jwt_token_path": "p"}`, []string{`kwargs-contradict "jwt_token_path"`}},
		{"vault", `{"auth_type": "userpass", "username": "u"}`, []string{`kwargs-contradict "auth_type"`}},
		{"vault", `{` + approle + `, "mount_pont": "x"}`, []string{`misspelt-kwarg "mount_pont"`}},
		{"vault", `{` + approle + `, "connections_prefix": "x"}`, []string{`kwarg-of-other-backend "connections_prefix"`}},
		{"vault", `{` + approle + `, "cache_seconds": 5}`, []string{`unknown-kwarg "cache_seconds"`}},
		{"vault", `{"token": "t", "kv_engine_version": 3}`, []string{`kwargs-refused "kv_engine_version"`}},
		{"ssm", `{"profile": "x"}`, []string{`misspelt-kwarg "profile"`}},
		{"ssm", `{"profile_name": "x", "region_name": "eu-west-1", "role_arn": "arn:aws:iam::123456789012:role/r", "assume_role_kwargs": {"ExternalId": "e"}}`, nil},
		{"ssm", `{"sep": "/"}`, []string{`kwarg-of-other-backend "sep"`}},
		{"secretsmanager", `{"sep": "/", "extra_conn_words": {"user": ["u"]}, "config_lookup_pattern": "x"}`, nil},
		{"secretsmanager", `{"full_url_mode": true}`, []string{`unknown-kwarg "full_url_mode"`}},
		{"secretsmanager", `{"aws_access_key_id": "a"}`, []string{`kwargs-contradict "aws_access_key_id"`}},
		{"secretsmanager", `{"aws_access_key_id": "a", "aws_secret_access_key": "s"}`, nil},
		{"gcp", `{"project_id": "p", "gcp_key_path": "/k.json", "impersonation_chain": ["a@p.iam.gserviceaccount.com"]}`, nil},
		{"gcp", `{"project": "p"}`, []string{`misspelt-kwarg "project"`}},
		{"gcp", `{"project_id": "p", "gcp_key_path": "/k.json", "gcp_credential_config_file": "/c.json"}`, []string{`kwargs-refused "gcp_key_path"`}},
		{"azure", `{"vault_url": "https://v.vault.azure.net", "retry_total": 3, "logging_enable": true}`, nil},
		{"azure", `{"vault_url": "https://v.vault.azure.net", "managed_identity_client_id": "m", "workload_identity_tenant_id": "t"}`, nil},
		{"azure", `{"vault_url": "https://v.vault.azure.net", "authority": "x"}`, []string{`unknown-kwarg "authority"`}},
		{"azure", `{"vault_url": "https://v.vault.azure.net", "client_secret": "s", "tenant_id": "t"}`, []string{`kwargs-contradict "client_secret"`}},
		{"azure", `{"vault_uri": "https://v.vault.azure.net"}`, []string{`misspelt-kwarg "vault_uri"`}},
		{"localfile", `{"variables_file_path": "v.json", "connections_file_path": "c.yaml"}`, nil},
		{"localfile", `{"variable_file_path": "v.json"}`, []string{`misspelt-kwarg "variable_file_path"`}},
	}
	for _, tt := range tests {
		if got := found(backendFor(tt.service, tt.kwargs)); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s: %q, want %q", tt.service, tt.kwargs, got, tt.want)
		}
	}
}

// TestKwargsUnseen: of kwargs that only a cluster knows nothing is said that
// they may refute.
func TestKwargsUnseen(t *testing.T) {
	secret := &project.Setting{Name: "AIRFLOW__SECRETS__BACKEND_KWARG__ROLE_ID"}
	b := backendFor("vault", `{"auth_type": "approle"}`)
	env := b.Environment
	env.Settings = append(env.Settings, secret)
	b = backends(&project.Project{Environments: []*project.Environment{env}})[0]
	if got := found(b); got != nil {
		t.Errorf("role_id comes from a Secret: %q", got)
	}
	env.Settings = []*project.Setting{env.Settings[0], {Name: kwargsNames[0]}}
	b = backends(&project.Project{Environments: []*project.Environment{env}})[0]
	if got := found(b); got != nil || !elsewhere(b) || withoutKwargs(b) {
		t.Errorf("the kwargs come from a Secret: %q", got)
	}
	env.Settings = []*project.Setting{env.Settings[0], lineOf(project.DotEnv, kwargsNames[0]+"_CMD", "cat kwargs")}
	b = backends(&project.Project{Environments: []*project.Environment{env}})[0]
	if got := found(b); got != nil || withoutKwargs(b) {
		t.Errorf("the kwargs come from a command: %q", got)
	}
}

// TestOverride: a kwarg of a variable of its own is found there.
func TestOverride(t *testing.T) {
	b := backendFor("vault", `{"token": "t"}`)
	env := b.Environment
	env.Settings = append(env.Settings, lineOf(project.DotEnv, "AIRFLOW__SECRETS__BACKEND_KWARG__TOKN", "x"))
	b = backends(&project.Project{Environments: []*project.Environment{env}})[0]
	if got := found(b); !slices.Equal(got, []string{"misspelt-kwarg AIRFLOW__SECRETS__BACKEND_KWARG__TOKN"}) {
		t.Errorf("found %q", got)
	}
}

// TestMessagesHoldNoValue: whatever is wrong with kwargs, their values stay
// out of what is said.
func TestMessagesHoldNoValue(t *testing.T) {
	const secret = "CANARY-7c1f9e22"
	choices := []string{"auth_type", "kv_engine_version", "api_version", "assume_role_method"} // Airflow's messages name what is chosen
	for _, row := range stores.Known() {
		for _, name := range append(slices.Clone(row.Kwargs), "anything") {
			for _, value := range []string{`"` + secret + `"`, `["` + secret + `"]`, `{"` + secret + `": "` + secret + `"}`} {
				b := backendFor(row.Service, `{"`+name+`": `+value+`}`)
				for _, r := range kwargsRules() {
					r.Find(&Subject{Project: &project.Project{}, Backends: []*Backend{b}}, func(f Finding) {
						if strings.Contains(f.Message+f.Airflow+f.Fix, secret) && !slices.Contains(choices, name) {
							t.Errorf("%s of %s %s repeats a value", r.ID, row.Service, name)
						}
					})
				}
			}
		}
	}
}
