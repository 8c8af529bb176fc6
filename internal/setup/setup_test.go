package setup_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/setup"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// answered are answers that suffice, for each way to log in of each service.
func answered() map[string]map[string]setup.Answers {
	return map[string]map[string]setup.Answers{
		"vault": {
			"approle":    {"url": "https://vault.example.com:8200", "role-id": "r", "secret-id": "CANARY-secret-id"},
			"kubernetes": {"url": "https://vault.example.com:8200", "auth-type": "kubernetes", "kv-engine-version": "1", "namespace": "admin"},
			"token":      {"url": "https://vault.example.com:8200", "auth-type": "token", "token": "CANARY-token"},
			"left open":  {"url": "https://vault.example.com:8200"},
		},
		"ssm": {
			"identity": {"region-name": "eu-central-1", "account": "123456789012", "principal": "role/airflow"},
			"keys":     {"region-name": "eu-central-1", "auth": "keys", "access-key-id": "AKIAIOSFODNN7EXAMPLE", "secret-access-key": "CANARY-key", "principal": "user/airflow"},
			"role":     {"region-name": "eu-central-1", "auth": "assume-role", "role-arn": "arn:aws:iam::123456789012:role/reader"},
		},
		"secretsmanager": {
			"identity": {"region-name": "cn-north-1", "kms-key": "arn:aws-cn:kms:cn-north-1:123456789012:key/0b1c"},
		},
		"gcp": {
			"identity": {"project-id": "my-project", "service-account": "airflow/worker"},
			"key file": {"project-id": "my-project", "auth": "key-file"},
		},
		"azure": {
			"client secret":     {"vault-url": "https://v.vault.azure.net/", "tenant-id": id, "client-id": id, "client-secret": "CANARY-secret"},
			"managed identity":  {"vault-url": "https://v.vault.azure.net", "auth": "managed-identity", "tenant-id": id, "client-id": id},
			"workload identity": {"vault-url": "https://v.vault.azure.net", "auth": "workload-identity"},
		},
	}
}

const id = "00000000-0000-0000-0000-000000000000"

func plan(t *testing.T, service string, answers setup.Answers) *setup.Plan {
	t.Helper()
	s, ok := setup.Find(service)
	if !ok {
		t.Fatalf("there is no service %s", service)
	}
	p, err := s.Plan(answers)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPlansConstruct: what a plan sets is what the class takes, and the names
// it reads are those that the policies and commands speak of.
func TestPlansConstruct(t *testing.T) {
	for service, ways := range answered() {
		for way, answers := range ways {
			t.Run(service+" "+way, func(t *testing.T) {
				p := plan(t, service, answers)
				if strings.Contains(way, "left open") || way == "key file" {
					if len(p.Todo) == 0 {
						t.Error("a placeholder is left and nothing says so")
					}
				}
				if way == "key file" {
					return // the class refuses a placeholder for a key
				}
				b, err := stores.Known().Open(p.Class, p.Kwargs, stores.Env{}, true)
				if err != nil {
					t.Fatal(err)
				}
				defer b.Store.Close()
				if len(b.Notes) > 0 {
					t.Errorf("the class remarks: %v", b.Notes)
				}
				name := b.Dialect.Names(airflow.Ref{Kind: airflow.KindVariable, ID: setup.TestID}).Names[0]
				if !strings.Contains(p.Script(), name) {
					t.Errorf("the script does not write %q:\n%s", name, p.Script())
				}
				for _, f := range append(p.Policies, setup.File{Text: p.Script()}) {
					if strings.Contains(f.Text, "CANARY") {
						t.Errorf("a credential is in %q, which the store's side gets", f.Path)
					}
				}
			})
		}
	}
}

// TestScriptsAreShell: sh reads what is written, without running it.
func TestScriptsAreShell(t *testing.T) {
	for service, ways := range answered() {
		for way, answers := range ways {
			path := filepath.Join(t.TempDir(), "setup.sh")
			if err := os.WriteFile(path, []byte(plan(t, service, answers).Script()), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("sh", "-n", path).CombinedOutput(); err != nil {
				t.Errorf("%s %s: %v\n%s", service, way, err, out)
			}
		}
	}
}

// TestWrongAnswers are refused with the flag's name and what to write.
func TestWrongAnswers(t *testing.T) {
	for _, tt := range []struct {
		service, want string
		answers       setup.Answers
	}{
		{"vault", "--url: it is needed: such as https://", setup.Answers{}},
		{"vault", "--url: write an address that begins with https://", setup.Answers{"url": "vault.example.com:8200"}},
		{"vault", "--url: leave user and password out of the address", setup.Answers{"url": "https://u:CANARY-p@vault"}},
		{"vault", "--mount-point: write letters, digits, _ . - and /, with no / at the ends", setup.Answers{"url": "https://v", "mount-point": "/secret"}},
		{"vault", "--auth-type: choose one of approle, kubernetes, token", setup.Answers{"url": "https://v", "auth-type": "ldap"}},
		{"vault", "--role: write letters", setup.Answers{"url": "https://v", "role": "a; rm -rf /"}},
		{"ssm", "--region-name: it is needed", setup.Answers{}},
		{"ssm", "--variables-prefix: write a path that begins with /", setup.Answers{"region-name": "eu-west-1", "variables-prefix": "airflow/variables"}},
		{"secretsmanager", "--variables-prefix: write a name without / at its ends", setup.Answers{"region-name": "eu-west-1", "variables-prefix": "/airflow/variables"}},
		{"gcp", "--project-id: write a project id", setup.Answers{"project-id": "My Project"}},
		{"azure", "--vault-url: write the vault's address", setup.Answers{"vault-url": "http://v.vault.azure.net"}},
		{"azure", "--variables-prefix: write letters, digits and -", setup.Answers{"vault-url": "https://v.vault.azure.net", "variables-prefix": "airflow_variables"}},
	} {
		s, _ := setup.Find(tt.service)
		_, err := s.Plan(tt.answers)
		var wrong *setup.QuestionError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.service, err != nil, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: the error repeats the answer", tt.service)
		}
	}
}
