package check

import (
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/project"
)

// TestWideStatement: what is too much for a reader of Secrets Manager, empty
// where a statement is right or about something else.
func TestWideStatement(t *testing.T) {
	const own, bucket = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:airflow/*", "arn:aws:s3:::dags/*"
	for _, tt := range []struct{ actions, resources, says string }{
		{"secretsmanager:GetSecretValue", own, ""},
		{"secretsmanager:GetSecretValue secretsmanager:DescribeSecret", own, ""},
		{"secretsmanager:Get*", own, ""},
		{"secretsmanager:ListSecrets", "*", ""},
		{"SecretsManager:getsecretvalue", own, ""},
		{"ssm:PutParameter", "*", ""},
		{"s3:*", "*", ""},
		{"*", bucket, ""},
		{"*", "*", "allows *"},
		{"!iam:*", "*", "all but iam:*"},
		{"secretsmanager:*", own, "allows secretsmanager:*"},
		{"secretsmanager:GetSecretValue secretsmanager:PutSecretValue", own, "allows secretsmanager:PutSecretValue"},
		{"secretsmanager:DeleteSecret", own, "allows secretsmanager:DeleteSecret"},
		{"secretsmanager:GetSecretValue", "*", "every secret"},
		{"secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:*", "every secret"},
		{"secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:111122223333:*", "every secret"},
	} {
		got := wideStatement(project.Grant{Actions: strings.Fields(tt.actions), Resources: strings.Fields(tt.resources)}, "secretsmanager:")
		if got == "" != (tt.says == "") || !strings.Contains(got, tt.says) {
			t.Errorf("%s on %s: %q, want %q", tt.actions, tt.resources, got, tt.says)
		}
	}
}

// TestGrantsIAM: whether a statement lets a reader have what begins with a
// prefix.
func TestGrantsIAM(t *testing.T) {
	for _, tt := range []struct {
		service, actions, resources string
		want                        bool
	}{
		{"secretsmanager", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:airflow/variables/*", true},
		{"secretsmanager", "secretsmanager:GetSecretValue", "arn:aws-cn:secretsmanager:*:*:secret:airflow/*", true},
		{"secretsmanager", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:/airflow/*", false},
		{"secretsmanager", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:airflow/variables/x", false},
		{"secretsmanager", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:airflow/*-??????", true},
		{"secretsmanager", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:$PREFIX/*", true},
		{"secretsmanager", "secretsmanager:GetSecretValue", "*", true},
		{"secretsmanager", "secretsmanager:Get*", "arn:aws:secretsmanager:*", true},
		{"secretsmanager", "secretsmanager:DescribeSecret", "*", false},
		{"secretsmanager", "!secretsmanager:PutSecretValue", "*", true},
		{"secretsmanager", "!secretsmanager:*", "*", false},
		{"secretsmanager", "secretsmanager:GetSecretValue", "!arn:aws:secretsmanager:*:*:secret:airflow/*", false},
		{"ssm", "ssm:GetParameter", "arn:aws:ssm:eu-west-1:111122223333:parameter/airflow/variables/*", true},
		{"ssm", "ssm:GetParameters", "arn:aws:ssm:eu-west-1:111122223333:parameter/airflow/variables/*", false},
		{"ssm", "ssm:GetParameter*", "arn:aws:ssm:eu-west-1:111122223333:parameter/airflow*", true},
		{"ssm", "ssm:GetParameter", "arn:aws:ssm:eu-west-1:111122223333:parameter//airflow/*", false},
	} {
		_, read, before := iamOf(tt.service)
		name := "airflow/variables/"
		if tt.service == "ssm" {
			name = "/" + name
		}
		s := &Subject{Project: &project.Project{Policies: []project.Policy{{Service: "aws", Rules: []project.Grant{
			{Actions: strings.Fields(tt.actions), Resources: strings.Fields(tt.resources)},
			{Deny: true, Actions: []string{"*"}, Resources: []string{"*"}},
		}}}}}
		if got := grantsIAM(s, read, before, name); got != tt.want {
			t.Errorf("%s on %s: granted %v, want %v", tt.actions, tt.resources, got, tt.want)
		}
	}
}

// TestLeastGrant: the grant of a fix is enough for the rules that ask for one,
// and not too wide for those that warn.
func TestLeastGrant(t *testing.T) {
	for service, want := range map[string]string{
		"vault":          `path "secret/data/variables/*"`,
		"ssm":            `"arn:aws:ssm:eu-west-1:*:parameter/airflow/variables/*"`,
		"secretsmanager": `"arn:aws:secretsmanager:eu-west-1:*:secret:airflow/variables/*"`,
		"gcp":            `startsWith("airflow-variables-")`,
		"azure":          "'Key Vault Secrets User'",
	} {
		n := namingFor(t, service, `{"region_name": "eu-west-1"}`)
		if got := leastGrant(n); !strings.Contains(got, want) || strings.Contains(got, "config") {
			t.Errorf("%s: the least grant is\n%s\nwant %s in it, and nothing of config", service, got, want)
		}
	}
}
