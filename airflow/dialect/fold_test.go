package dialect_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
)

// spellings are look-ups of one dialect that lead to one secret.
type spellings struct {
	name    string
	dialect dialect.Dialect
	typed   []airflow.Ref
	want    []airflow.Ref
}

func allSpellings() []spellings {
	none := ""
	azureTeams, azureBare, mounts, teams, root, names, shared := dialect.DefaultAzure(), dialect.DefaultAzure(), dialect.DefaultVault(),
		dialect.DefaultVault(), dialect.DefaultSSM(), dialect.DefaultSecretsManager(), dialect.DefaultGCP()
	azureTeams.MultiTeam, mounts.MountInID, teams.MultiTeam = true, true, true
	azureBare.Sep, azureBare.VariablesPrefix = "", &none
	root.Variables.Prefix, names.Variables.Prefix, names.Connections.Prefix = &none, &none, &none
	shared.ConnectionsPrefix = shared.VariablesPrefix
	const arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
	v := func(id string) airflow.Ref { return variable(id, "") }
	blue := func(id string) airflow.Ref { return variable(id, "blue") }
	list := func(refs ...airflow.Ref) []airflow.Ref { return refs }
	return []spellings{
		{"vault: slashes", dialect.DefaultVault(), list(v("a/b"), v("/a/b"), v("a//b"), v("a/b/")), list(v("a/b"))},
		{"vault: case counts", dialect.DefaultVault(), list(v("A")), list(v("A"))},
		{"vault: dashes count", dialect.DefaultVault(), list(v("a_b")), list(v("a_b"))},
		{"vault: mount", mounts, list(v("/variables/x"), v("variables/x")), list(v("variables/x"))},
		{"vault: teams", teams, list(blue("a/b"), variable("b", "blue/a")), list(blue("a/b"))},
		{"azure", dialect.DefaultAzure(), list(v("my_key"), v("my-key"), v("My_Key"), v("MY-KEY")), list(v("my-key"))},
		{"azure: teams", azureTeams, list(blue("My_Key"), variable("my-key", "BLUE")), list(blue("my-key"))},
		{"azure: no separator", azureBare, list(v("my_key"), v("MyKey")), list(v("mykey"))},
		{"azure: not asked", dialect.DefaultAzure(), list(v("a/b"), v("ü")), nil},
		{"environment", dialect.Env{}, list(v("Key"), v("KEY"), v("key")), list(v("key"))},
		{"environment: ß", dialect.Env{}, list(v("straße"), v("STRASSE"), v("ﬆrasse")), list(v("strasse"))},
		{"environment: a team's name", dialect.Env{}, list(v("_BLUE___X")), list(v("_blue___x"), blue("x"))},
		{"ssm", dialect.DefaultSSM(), list(v("x"), v("x:3"), v("x:label"), v("/x"), v("x/"), v("x "), v("x  :3"), v("x/ ")), list(v("x"))},
		{"ssm: no prefix", root, list(v("x"), v("x:3")), list(v("x"))},
		{"secrets manager", dialect.DefaultSecretsManager(), list(v("x:3")), list(v("x:3"))},
		{"google: one prefix", shared, list(v("x")), list(v("x"), connection("x", ""))},
		{"file: no teams", dialect.LocalFile{Variables: "v"}, list(v("x"), blue("x")), list(v("x"))},
		{"file: of two kinds", dialect.LocalFile{Variables: "d/f", Connections: "./d/f", Configs: "g"}, list(v("x")), list(v("x"), connection("x", ""))},
		{"database: a row of no team", dialect.MetaDB{}, list(blue("x")), list(blue("x"), v("x"))},
		{"own", dialect.Native{}, list(v("a//b")), list(v("a//b"))},
		{"own: teams", dialect.Native{}, list(blue("x")), list(blue("x"))},
		{"secrets manager: ARN", names, list(v(arn+"x-AbCdEf"), v(arn+"x-ZyXwVu")), nil},
	}
}

func TestStored(t *testing.T) {
	for _, c := range allSpellings() {
		for _, ref := range c.typed {
			got, known := dialect.Stored(c.dialect, ref)
			if c.name == "secrets manager: ARN" {
				if !known || got[0] != variable("x", "") || !slices.Contains(got, connection("x", "")) {
					t.Errorf("%s: Stored(%v) = %v, want x of each kind", c.name, ref, got)
				}
				continue
			}
			if !known || !slices.Equal(got, c.want) {
				t.Errorf("%s: Stored(%v) = %v, want %v", c.name, ref, got, c.want)
			}
		}
	}
	root, none := dialect.DefaultSSM(), ""
	root.Variables.Prefix = &none
	for _, id := range []string{"aws/reference/secretsmanager/x", "/aws/reference/secretsmanager/x", "AWS/reference/secretsmanager/x "} {
		if _, known := dialect.Stored(root, variable(id, "")); known {
			t.Errorf("ssm: %s, which lies below /aws/, counts as known", id)
		}
	}
}

// A spelling of a spelling must be the same, or a pattern that was spelled
// would no longer match.
func TestFoldTwiceIsFoldOnce(t *testing.T) {
	for _, c := range allSpellings() {
		fold := dialect.Fold(c.dialect)
		if fold == nil {
			continue
		}
		for _, text := range []string{"", "*", "a_*", "A?*", "straße", "x:3", "//a//", "a / ", " /", "a :1", "arn:aws:secretsmanager:r:1:secret:a-AbCdEf", "İ", "ŉ"} {
			if once := fold(text); fold(once) != once {
				t.Errorf("%s: %q becomes %q, then %q", c.name, text, once, fold(once))
			}
		}
	}
}

// What a pattern of ARNs matches must be matched by its spellings as a name.
func TestPatternsOfARNs(t *testing.T) {
	const arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
	d := dialect.DefaultSecretsManager()
	for _, pattern := range []string{"x", "x-AbCdEf", "x-??????", "x-*", "x*", "*", "x???????", "*x*", "x*f", "*-*", "x-secret-AbCdEf", "x-*-*", "?", "x-A*f", "**x**-***", "x-secret"} {
		for _, name := range []string{"x", "x-secret", "prod/x", "x-a-b", "xx"} {
			for _, typed := range []string{name, name + "-AbCdEf"} {
				if !acl.Match(arn+pattern, arn+typed) {
					continue
				}
				got := d.FoldPattern(arn + pattern)
				if !slices.ContainsFunc(got, func(p string) bool { return acl.Match(p, name) }) {
					t.Errorf("FoldPattern(%s) = %q, none of which matches %s, though the pattern matches …%s", pattern, got, name, typed)
				}
			}
		}
	}
	if got := d.FoldPattern(arn + "prod_key-??????"); slices.Contains(got, "*") || len(got) > 9 {
		t.Errorf("FoldPattern = %q", got)
	}
	if got := len(d.FoldPattern(arn + strings.Repeat("*-", 400) + "*")); got > 20 {
		t.Errorf("a pattern of many stars has %d spellings", got)
	}
	for _, as := range []string{"arn:*", "arn:aws:secretsmanager:*", "x_*", "arn:x"} {
		if got := d.FoldPattern(as); !slices.Equal(got, []string{as}) {
			t.Errorf("FoldPattern(%s) = %q", as, got)
		}
	}
}
