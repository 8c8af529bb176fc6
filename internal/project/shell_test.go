package project

import (
	"fmt"
	"strings"
	"testing"
)

func commandLines(p *Project) []string {
	var lines []string
	for _, c := range p.Commands {
		var words []string
		for _, w := range append(append([]Word(nil), c.Assigns...), c.Words...) {
			mark := ""
			if w.Quoted {
				mark += "q"
			}
			if w.Expands {
				mark += "$"
			}
			words = append(words, "["+w.Text+"]"+mark)
		}
		line := where(c.Span) + " => " + strings.Join(words, " ")
		if c.Comment != "" {
			line += " # " + c.Comment
		}
		if c.Input != nil {
			line += fmt.Sprintf(" < %q at %s", c.Input.Text, where(c.Input.Span))
		}
		lines = append(lines, line)
	}
	return lines
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		name, path, text string
		want             []string
	}{
		{"words", "a.sh", "vault kv put 'a b'/c x=\"$Y\" z=\\$q # why\n", []string{
			`a.sh:1:1 vault kv put 'a b'/c x="$Y" z=\$q => [vault] [kv] [put] [a b/c]q [x=$Y]q$ [z=$q] # why`,
		}},
		{"continued", "a.sh", "x --a \\\n  --b=\"c\\\"d\"\n", []string{"a.sh:1:1 x --a \\\n  --b=\"c\\\"d\" => [x] [--a] [--b=c\"d]q"}},
		{"exports", "a.sh", "export A='1' B=$C D\nE=f g\n", []string{
			"a.sh:1:1 export A='1' B=$C D => [A=1]q [B=$C]$ [D] [export]", "a.sh:2:1 E=f g => [E=f] [g]",
		}},
		{"json without quotes", "a.sh", "export K={\"a\": \"b\"}\n", []string{`a.sh:1:1 export K={"a": "b"} => [K={a:]q [b}]q [export]`}},
		{"inside of others", "a.sh", "if a; then b $(c); fi\nd && { e | f; }\n", []string{
			"a.sh:1:4 a => [a]", "a.sh:1:12 b $(c) => [b] [$(c)]$", "a.sh:1:16 c => [c]",
			"a.sh:2:1 d => [d]", "a.sh:2:8 e => [e]", "a.sh:2:12 f => [f]",
		}},
		{"what is to be filled in", "a.sh", "vault kv put secret/<your-key> value=<your value>\n", []string{
			"a.sh:1:1 vault kv put secret/<your-key> value=<your value> => [vault] [kv] [put] [secret/<your-key>] [value=<your value>]",
		}},
		{"lines that are no shell", "a.sh", "a\nb ( c\n) )\nd\n", []string{"a.sh:1:1 a => [a]", "a.sh:4:1 d => [d]"}},
		{"a here-document", "a.sh", "cat - <<'E'\nx\nE\n", []string{"a.sh:1:1 cat - <<'E'\nx\nE => [cat] [-] < \"x\\n\" at a.sh:2:1 x\n"}},
		{"a pipe", "a.sh", "echo 'a b' | x -\nprintf %s \"$Y\" | x\n", []string{
			"a.sh:1:1 echo 'a b' => [echo] [a b]q", `a.sh:1:14 x - => [x] [-] < "a b\n" at a.sh:1:6 'a b'`,
			`a.sh:2:1 printf %s "$Y" => [printf] [%s] [$Y]q$`, `a.sh:2:18 x => [x] < "$Y" at a.sh:2:11 "$Y"`,
		}},
		{"a document", "a.md", "text `x`\n\n1. a\n\n   ```sh\n   $ a b\n   cat <<E\n   é\n   E\n   ```\n```python\nprint()\n```\n~~~bash\nc\n~~~\n", []string{
			"a.md:6:6 a b => [a] [b]", "a.md:7:4 cat <<E\n   é\n   E => [cat] < \"é\\n\" at a.md:8:4 é\n", "a.md:15:1 c => [c]",
		}},
		{"a session", "a.md", "```console\n$ a \\\n  b\noutput (\n```\n", []string{"a.md:2:3 a \\\n  b => [a] [b]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			compare(t, "commands", commandLines(readFolder(t, map[string]string{c.path: c.text})), c.want)
		})
	}
}

func TestScriptEnvironment(t *testing.T) {
	p := readFolder(t, map[string]string{"env.sh": "export AIRFLOW_HOME=/x\nexport A='{\"b\": 1}' C=$D\nB=1\n", "other.sh": "export A=1\n"})
	compare(t, "environments", environmentLines(p), []string{
		"[env.sh, shell script]", `C=? | env.sh:2:23 $D`, `A={"b": 1} exact@1 | env.sh:2:10 '{"b": 1}'`, "AIRFLOW_HOME=/x exact@0 | env.sh:1:21 /x",
	})
}

func TestWrites(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"vault", "vault kv put secret/variables/x value=1", `store: vault secret/variables/x = "map[value:1]" | a.sh:1:14 secret/variables/x | a.sh:1:33 value=1`},
		{"a mount", "bao kv put -mount=secret variables/x a=1 b=@f", `store: vault secret/variables/x = "map[a:1 b:]?" | a.sh:1:26 variables/x | a.sh:1:38 a=1 b=@f`},
		{"a mount behind a blank", "vault kv put -mount secret x a=$B", `store: vault secret/x = "map[a:]?" | a.sh:1:28 x | a.sh:1:30 a=$B`},
		{"version 1", "vault write secret/x value=1", `store: vault secret/x = "map[value:1]" | a.sh:1:13 secret/x | a.sh:1:22 value=1`},
		{"a role", "vault write -f auth/approle/role/x/secret-id a=b", ""},
		{"a parameter", "aws --profile p ssm put-parameter --name /a/x --type SecureString --value 'v' --overwrite",
			`store: ssm /a/x = "v" | a.sh:1:42 /a/x | a.sh:1:75 'v'`},
		{"a secret", "aws secretsmanager create-secret --name=a/x --secret-string file://x", `store: secretsmanager a/x = "?" | a.sh:1:41 a/x | a.sh:1:61 file://x`},
		{"a binary secret", "aws secretsmanager put-secret-value --secret-id x --secret-binary abc", `store: secretsmanager x = "?" | a.sh:1:49 x | a.sh:1:67 abc`},
		{"gcloud", "gcloud secrets create a-x --replication-policy=\"automatic\"", `store: gcp a-x = "?" | a.sh:1:23 a-x | a.sh:1:23 a-x`},
		{"a version", "echo -n v | gcloud secrets versions add a-x --data-file=-", `store: gcp a-x = "v" | a.sh:1:41 a-x | a.sh:1:9 v`},
		{"azure", "az keyvault secret set --vault-name k --name a-x --value v", `store: azure a-x = "v" | a.sh:1:46 a-x | a.sh:1:58 v`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := readFolder(t, map[string]string{"a.sh": c.text + "\n"})
			compare(t, "entries", entryLines(p), notEmpty(c.want))
			for _, e := range p.Entries {
				if e.Command == nil || len(e.Command.Words) == 0 {
					t.Error("the entry does not know its command")
				}
			}
		})
	}
}

func TestPolicies(t *testing.T) {
	const hcl = "# readers\npath \"secret/data/*\" {\n  capabilities = [\"read\", \"list\"]\n}\npath \"x/<name>\" { policy = \"deny\" }\n"
	const iam = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": ["a", "b"]}, {"Effect": "Deny", "Action": ["*"], "Resource": "*"}]}`
	for _, c := range []struct {
		name, path, text string
		want             []string
	}{
		{"vault", "p.hcl", hcl, []string{
			"vault [secret/data/*] [read list] false p.hcl:2:1 path \"secret/data/*\" {\n  capabilities = [\"read\", \"list\"]\n}",
			"vault [x/<name>] [deny] true p.hcl:5:1 path \"x/<name>\" { policy = \"deny\" }",
		}},
		{"vault in a document", "p.md", "  ```hcl\n  path \"a\" {\n    capabilities = [\"read\"]\n  }\n  ```\n", []string{
			"vault [a] [read] false p.md:2:3 path \"a\" {\n    capabilities = [\"read\"]\n  }",
		}},
		{"vault in a command", "p.sh", "vault policy write airflow - <<EOF\npath \"a\" { capabilities = [\"read\"] }\nEOF\n", []string{
			`vault [a] [read] false p.sh:2:1 path "a" { capabilities = ["read"] }`,
		}},
		{"terraform", "main.hcl", "resource \"a\" \"b\" {}\n", nil},
		{"iam", "policy.json", iam, []string{
			`aws [a b] [ssm:GetParameter] false policy.json:1:41 {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": ["a", "b"]}`,
			`aws [*] [*] true policy.json:1:116 {"Effect": "Deny", "Action": ["*"], "Resource": "*"}`,
		}},
		{"iam in a command", "p.sh", `aws iam put-role-policy --policy-document '{"Statement": {"Effect": "Allow", "Action": "s3:*"}}'`, []string{
			`aws [] [s3:*] false p.sh:1:58 {"Effect": "Allow", "Action": "s3:*"}`,
		}},
		{"an attached policy", "p.sh", "aws iam attach-role-policy --role-name r --policy-arn arn:aws:iam::aws:policy/SecretsManagerReadWrite", []string{
			"aws [] [arn:aws:iam::aws:policy/SecretsManagerReadWrite] false p.sh:1:55 arn:aws:iam::aws:policy/SecretsManagerReadWrite",
		}},
		{"a binding", "p.sh", "gcloud secrets add-iam-policy-binding s --member=m --role=roles/x", []string{"gcp [s] [roles/x] false p.sh:1:59 roles/x"}},
		{"an access policy", "p.sh", "az keyvault set-policy --name v --secret-permissions get list --key-permissions get --object-id o", []string{
			"azure [v] [get list keys/get] false p.sh:1:54 get list --key-permissions get",
		}},
		{"a role", "p.sh", "az role assignment create --role 'Key Vault Administrator' --assignee a --scope s", []string{
			"azure [s] [Key Vault Administrator] false p.sh:1:34 'Key Vault Administrator'",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, policy := range readFolder(t, map[string]string{c.path: c.text}).Policies {
				for _, g := range policy.Rules {
					got = append(got, fmt.Sprintf("%s %v %v %v %s", policy.Service, g.Resources, g.Actions, g.Deny, where(g.Span)))
				}
			}
			compare(t, "policies", got, c.want)
		})
	}
}
