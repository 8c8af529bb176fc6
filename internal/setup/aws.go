package setup

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ssm is AWS Systems Manager Parameter Store.
func ssm() Service {
	return Service{Name: "ssm", Title: "AWS Systems Manager Parameter Store", plan: ssmPlan, apply: applyAWS,
		Questions: awsQuestions("/airflow/", matching(`^/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`, "a path that begins with / and does not end with it"))}
}

// secretsManager is AWS Secrets Manager.
func secretsManager() Service {
	return Service{Name: "secretsmanager", Title: "AWS Secrets Manager", plan: secretsManagerPlan, apply: applyAWS,
		Questions: awsQuestions("airflow/", matching(`^[A-Za-z0-9_+=.@-]+(/[A-Za-z0-9_+=.@-]+)*$`,
			"a name without / at its ends: the class adds none in front, and a secret's name rarely begins with one"))}
}

func awsQuestions(base string, prefix func(string) error) []Question {
	return []Question{
		{Name: "region-name", Title: "AWS region", Help: "such as eu-central-1", Check: matching(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`, "a region such as eu-central-1")},
		{Name: "variables-prefix", Title: "Prefix of variables", Help: "without / at its end", Default: base + "variables", Check: prefix},
		{Name: "connections-prefix", Title: "Prefix of connections", Help: "without / at its end", Default: base + "connections", Check: prefix},
		{Name: "config-prefix", Title: "Prefix of configuration options", Help: "what _SECRET options name", Default: base + "config", Check: prefix},
		{Name: "account", Title: "Account number", Help: "for the policy; * is the account it is used in", Default: "*", Check: matching(`^(\*|[0-9]{12})$`, "12 digits, or *")},
		{Name: "kms-key", Title: "KMS key that the secrets are encrypted with", Help: "its ARN, where it is not the one AWS keeps", Optional: true,
			Check: matching(`^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`, "the key's ARN")},
		{Name: "auth", Title: "How Airflow logs in", Help: "an identity of the place it runs in, a role to assume, or keys of a user", Default: "identity",
			Choices: []string{"identity", "assume-role", "keys"}},
		{Name: "role-arn", Title: "Role to assume", Help: "its ARN", When: is("auth", "assume-role"),
			Check: matching(`^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$`, "the role's ARN")},
		{Name: "principal", Title: "Role or user that gets the policy", Help: "role/NAME or user/NAME", Default: "role/airflow",
			Check: matching(`^(role|user)/[A-Za-z0-9+=,.@_-]+$`, "role/NAME or user/NAME")},
		{Name: "access-key-id", Title: "Access key id", Help: "aws iam create-access-key makes one", Optional: true, When: is("auth", "keys"),
			Check: matching(`^[A-Z0-9]{16,128}$`, "an access key id")},
		{Name: "secret-access-key", Title: "Secret access key", Help: "aws iam create-access-key makes one", Secret: true, Env: "AIRLOCK_INIT_SECRET_ACCESS_KEY", When: is("auth", "keys")},
	}
}

func ssmPlan(a Answers) (*Plan, error) {
	p := awsPlan(a, "ssm:GetParameter", "ssm", "parameter")
	put := func(prefix, value string) string {
		return fmt.Sprintf("aws ssm put-parameter --region %s --overwrite --type SecureString --name %s/%s --value %s", a["region-name"], prefix, TestID, value)
	}
	p.Steps = append(p.Steps, Step{"write a variable and a connection to test with", []string{
		put(a["variables-prefix"], TestValue), put(a["connections-prefix"], TestURI)}})
	return p, nil
}

func secretsManagerPlan(a Answers) (*Plan, error) {
	p := awsPlan(a, "secretsmanager:GetSecretValue", "secretsmanager", "secret:")
	put := func(prefix, value string) string {
		name := prefix + "/" + TestID
		return fmt.Sprintf("aws secretsmanager create-secret --region %s --name %s --secret-string %s || aws secretsmanager put-secret-value --region %s --secret-id %s --secret-string %s",
			a["region-name"], name, value, a["region-name"], name, value)
	}
	p.Steps = append(p.Steps, Step{"write a variable and a connection to test with", []string{
		put(a["variables-prefix"], TestValue), put(a["connections-prefix"], TestURI)}})
	return p, nil
}

// awsPlan is what both services share: action reads one resource of service.
func awsPlan(a Answers, action, service, resource string) *Plan {
	p := &Plan{Kwargs: object("variables_prefix", a["variables-prefix"], "connections_prefix", a["connections-prefix"], "config_prefix", a["config-prefix"],
		"region_name", a["region-name"], "role_arn", a["role-arn"])}
	if a["auth"] == "keys" {
		p.Other = []Variable{
			{"AWS_ACCESS_KEY_ID", p.orPlaceholder(a["access-key-id"], "<access-key-id>", "aws iam create-access-key --user-name NAME"), true},
			{"AWS_SECRET_ACCESS_KEY", p.orPlaceholder(a["secret-access-key"], "<secret-access-key>", "the same command prints it"), true},
		}
	}
	if kind, name, _ := strings.Cut(a["principal"], "/"); kind == "role" && a["account"] != "*" && a["auth"] == "identity" {
		p.ServiceAccount = []Variable{{Name: "eks.amazonaws.com/role-arn", Value: "arn:" + partition(a["region-name"]) + ":iam::" + a["account"] + ":role/" + name}}
	}
	p.Policies = []File{{Path: Folder + "/iam-policy.json", Text: awsPolicy(a, action, service, resource)}}
	p.Steps = awsSteps(a)
	return p
}

// partition is the part of AWS that a region belongs to.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// statement is one of an IAM policy.
type statement struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Action    string                       `json:"Action"`
	Resource  []string                     `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// awsPolicy grants reading below the prefixes, and decrypting with the key
// where it is one of the account's own: AWS's own key needs no grant.
func awsPolicy(a Answers, action, service, resource string) string {
	read := statement{Sid: "AirflowReadsItsSecrets", Effect: "Allow", Action: action}
	for _, kind := range []string{"variables-prefix", "connections-prefix", "config-prefix"} {
		read.Resource = append(read.Resource, fmt.Sprintf("arn:%s:%s:%s:%s:%s%s/*", partition(a["region-name"]), service, a["region-name"], a["account"], resource, a[kind]))
	}
	statements := []statement{read}
	if key := a["kms-key"]; key != "" {
		statements = append(statements, statement{Sid: "AndDecryptsThem", Effect: "Allow", Action: "kms:Decrypt", Resource: []string{key},
			Condition: map[string]map[string]string{"StringEquals": {"kms:ViaService": service + "." + a["region-name"] + ".amazonaws.com"}}})
	}
	text, err := json.MarshalIndent(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", statements}, "", "  ")
	if err != nil { // a struct of strings always encodes
		return ""
	}
	return string(text) + "\n"
}

func awsSteps(a Answers) []Step {
	kind, name, _ := strings.Cut(a["principal"], "/")
	return []Step{{"give Airflow's " + kind + " the policy: reading only", []string{
		fmt.Sprintf("aws iam put-%s-policy --%s-name %s --policy-name %s --policy-document file://%s/iam-policy.json", kind, kind, name, awsPolicyName, Folder)}}}
}

// awsPolicyName is what the policy is called on the role or user.
const awsPolicyName = "airflow-secrets-backend"
