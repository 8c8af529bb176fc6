package gate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// service is a store that takes several spellings for one secret, as the
// service of a dialect does.
type service struct {
	*memstore.Store
	resolve func(name string) []string // what name may be called inside
	asked   []string
}

// Get reads the first that is there.
func (s *service) Get(ctx context.Context, name string) (*store.Secret, error) {
	s.asked = append(s.asked, name)
	for _, inside := range s.resolve(name) {
		if secret, err := s.Store.Get(ctx, inside); err == nil {
			return secret, nil
		}
	}
	return nil, &store.Error{Op: "get", Name: name, Code: store.NotFound, Absent: true}
}

func exactly(name string) []string { return []string{name} }

// vaultPath is what is left of a path once a client and a server have cleaned it.
func vaultPath(name string) []string { return []string{strings.Trim(path.Clean("/"+name), "/")} }

func caseBlind(name string) []string {
	if !dialect.AzureHolds(name) {
		return nil
	}
	return []string{strings.ToLower(name)}
}

func parameter(name string) []string {
	if rest, ok := strings.CutPrefix(name, "/aws/reference/secretsmanager/"); ok {
		return []string{"/" + rest}
	}
	name, _, _ = strings.Cut(strings.Trim(name, " "), ":")
	if name = strings.TrimRight(name, " "); !parameterName.MatchString(name) {
		return nil
	}
	return []string{name}
}

// parameterName is what Parameter Store takes for the name of a parameter.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
var parameterName = regexp.MustCompile(`^[A-Za-z0-9_./-]*[A-Za-z0-9_.-]$`)

// arn is Secrets Manager: it takes a name, and the ARN of one with or without
// the dash and six characters at its end.
func arn(name string) []string {
	parts := strings.SplitN(name, ":", 7)
	if len(parts) < 7 || parts[0] != "arn" || parts[2] != "secretsmanager" || parts[5] != "secret" {
		return []string{name}
	}
	whole := parts[6]
	if dash := len(whole) - len("-AbCdEf"); dash > 0 && whole[dash] == '-' {
		return []string{whole, whole[:dash]}
	}
	return []string{whole}
}

// row is a row of the team's or of no team.
func row(name string) []string {
	table, id, _ := strings.Cut(name, "/")
	table, _, _ = strings.Cut(table, "@")
	return []string{name, table + "/" + id}
}

// upstream is one dialect and what its service makes of names.
type upstream struct {
	name    string
	dialect dialect.Dialect
	resolve func(name string) []string
}

func upstreams() []upstream {
	none, azure, azureTeams, bare := "", dialect.DefaultAzure(), dialect.DefaultAzure(), dialect.DefaultAzure()
	azureTeams.MultiTeam = true
	bare.Sep, bare.ConnectionsPrefix, bare.VariablesPrefix = "", &none, &none
	mounts, teams := dialect.DefaultVault(), dialect.DefaultVault()
	mounts.MountInID, teams.MultiTeam = true, true
	gcpTeams, root, names := dialect.DefaultGCP(), dialect.DefaultSSM(), dialect.DefaultSecretsManager()
	gcpTeams.MultiTeam = true
	root.Variables.Prefix = &none
	names.Variables.Prefix, names.Connections.Prefix = &none, &none
	return []upstream{
		{"vault", dialect.DefaultVault(), vaultPath}, {"vault with mounts in ids", mounts, vaultPath},
		{"vault with teams", teams, vaultPath},
		{"azure", azure, caseBlind}, {"azure with teams", azureTeams, caseBlind}, {"azure without prefix", bare, caseBlind},
		{"gcp", dialect.DefaultGCP(), exactly}, {"gcp with teams", gcpTeams, exactly},
		{"ssm", dialect.DefaultSSM(), parameter}, {"ssm without prefix", root, parameter},
		{"secrets manager", dialect.DefaultSecretsManager(), arn}, {"secrets manager without prefix", names, arn},
		{"environment", dialect.Env{}, exactly}, {"environment with teams", dialect.Env{MultiTeam: true}, exactly},
		{"file", dialect.LocalFile{Variables: "v", Connections: "c"}, exactly}, {"database", dialect.MetaDB{}, row}, {"own", dialect.Native{}, exactly},
	}
}

// A dialect that is not among the upstreams is not fuzzed.
func TestEveryDialectIsAmongTheUpstreams(t *testing.T) {
	var known []string
	for _, u := range upstreams() {
		_, name, _ := strings.Cut(fmt.Sprintf("%T", u.dialect), ".")
		known = append(known, name)
	}
	files, err := filepath.Glob("../../airflow/dialect/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("the dialects are not found: %v", err)
	}
	namer := regexp.MustCompile(`(?m)^func \((?:\w+ )?\*?(\w+)\) Names\(`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range namer.FindAllSubmatch(text, -1) {
			if name := string(found[1]); !slices.Contains(known, name) {
				t.Errorf("dialect.%s of %s is not among the upstreams of this test", name, file)
			}
		}
	}
}

const canaryURI = "http://CANARY-of-what-is-denied"

// behind is a gate with the secret of denied in one upstream's service.
func behind(t *testing.T, u upstream, denied airflow.Ref) (*house, *service) {
	t.Helper()
	s := &service{Store: memstore.New("upstream"), resolve: u.resolve}
	h := build(t, func(c *gate.Config) {
		c.Resolver.Sources[0] = airlock.Source{Layer: airlock.LayerBackend, Class: "up", Store: s, Dialect: u.dialect}
	})
	for _, name := range dialect.Exact(u.dialect, denied) {
		secret, err := u.dialect.Encode(denied, dialect.Value{Data: canaryURI})
		inside := u.resolve(name)
		if err != nil || len(inside) == 0 || inside[0] == "" {
			continue
		}
		if _, err := s.Put(t.Context(), inside[0], secret, nil); err != nil {
			t.Fatal(err)
		}
	}
	return h, s
}

// line is the last line of the log.
func (h *house) line(t *testing.T) (l struct{ Kind, Team, Name, Typed, Outcome, Source string }) {
	t.Helper()
	lines := bytes.Split(bytes.TrimSpace(h.log.Bytes()), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSpellingsOfADeniedSecret(t *testing.T) {
	const arns = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
	prod := variable("prod_key")
	for up, typed := range map[string][]airflow.Ref{
		"vault":                          {variable("./prod_key"), variable("prod_key/."), variable("x/../prod_key"), variable("prod_key/"), variable("//prod_key")},
		"vault with mounts in ids":       {variable("/variables/prod_key"), variable("./prod_key")},
		"azure":                          {variable("prod-key"), variable("PROD_KEY"), variable("Prod-Key")},
		"azure with teams":               {variable("Prod-key"), {Kind: airflow.KindVariable, ID: "PROD-KEY", Team: "blue"}},
		"azure without prefix":           {variable("prodkey"), variable("ProdKey"), {Kind: airflow.KindConnection, ID: "PRODKEY"}},
		"ssm":                            {variable("prod_key:1"), variable("prod_key:label"), variable("prod_key "), variable("prod_key  "), variable("prod_key :1")},
		"ssm without prefix":             {variable("prod_key:1"), variable("aws/reference/secretsmanager/prod_key")},
		"secrets manager without prefix": {variable(arns + "prod_key"), variable(arns + "prod_key-AbCdEf"), {Kind: airflow.KindConnection, ID: "prod_key"}},
		"environment":                    {variable("PROD_KEY"), variable("Prod_Key")},
		"database":                       {{Kind: airflow.KindVariable, ID: "prod_key", Team: "blue"}},
		"file":                           {{Kind: airflow.KindVariable, ID: "prod_key", Team: "blue"}},
	} {
		i := slices.IndexFunc(upstreams(), func(u upstream) bool { return u.name == up })
		u := upstreams()[i]
		denied := prod
		if up == "vault with mounts in ids" {
			denied = variable("variables/prod_key")
		}
		for _, ref := range typed {
			h, s := behind(t, u, denied)
			limited := caller(acl.Rule{}, acl.Rule{Deny: true, Kinds: []acl.Kind{acl.Variable}, IDs: []string{denied.ID[:len(denied.ID)-3] + "*"}})
			_, err := h.Read(t.Context(), limited, name(ref), 0)
			if c := store.CodeOf(err); c != store.Denied && c != store.Invalid {
				t.Errorf("%s: Read(%v) = %v, want it refused", up, ref, err)
			}
			if len(s.asked) > 0 {
				t.Errorf("%s: Read(%v) asked for %q", up, ref, s.asked)
			}
			if _, err := h.Describe(t.Context(), limited, name(ref)); err == nil {
				t.Errorf("%s: Describe(%v) is not refused", up, ref)
			}
			for _, c := range changes() {
				if c.method == "Write" {
					_, err := h.Write(t.Context(), limited, name(ref), set("x"))
					if err == nil {
						t.Errorf("%s: Write(%v) is not refused", up, ref)
					}
				}
			}
			if h.Allows(limited, acl.Read, name(ref)) {
				t.Errorf("%s: Allows(%v) says yes", up, ref)
			}
		}
	}
}

func TestAListHidesWhatIsDeniedInAnotherSpelling(t *testing.T) {
	for _, u := range upstreams() {
		h, _ := behind(t, u, variable("prod_key"))
		for _, rules := range [][]acl.Rule{{{}}, {{}, {Deny: true, IDs: []string{"PROD_*", "prod_*"}}}} {
			items, err := h.List(t.Context(), caller(rules...), gate.Listing{Kinds: airflow.Kinds()})
			if err != nil || len(rules) > 1 && len(items) > 0 {
				t.Errorf("%s: List by %d rules = %v, %v", u.name, len(rules), items, err)
			}
		}
	}
}

func TestTheLineHasTheNameOfTheStore(t *testing.T) {
	azure := upstreams()[3]
	h, _ := behind(t, azure, variable("Open_Key"))
	read := func(rules ...acl.Rule) {
		_, _ = h.Read(t.Context(), caller(rules...), name(variable("Open_Key")), 0)
	}
	for _, c := range []struct {
		rules []acl.Rule
		want  string
	}{
		{nil, "found"}, {[]acl.Rule{{}}, "found"}, {[]acl.Rule{{IDs: []string{"Open_*"}}}, "found"},
		{[]acl.Rule{{IDs: []string{"open-*"}}}, "refused"}, {[]acl.Rule{{}, {Deny: true, IDs: []string{"OPEN_KE?"}}}, "refused"},
	} {
		read(c.rules...)
		if l := h.line(t); l.Name != "open-key" || l.Typed != "Open_Key" || l.Outcome != c.want {
			t.Errorf("by %v the line is %+v, want open-key, typed Open_Key, %s", c.rules, l, c.want)
		}
	}
	put(t, h.own, "variable//my_key", "v")
	if _, err := h.Read(t.Context(), everything(), gate.Name{Refs: []airflow.Ref{variable("my_key")}, Typed: "variables//my_key"}, 0); err != nil {
		t.Fatal(err)
	}
	if l := h.line(t); l.Name != "my_key" || l.Typed != "variables//my_key" {
		t.Errorf("the line is %+v, want my_key, typed variables//my_key", l)
	}
}

func TestAnAllowHoldsForTheSpellingOfEverySource(t *testing.T) {
	azure := upstreams()[3]
	h, _ := behind(t, azure, variable("etl_key"))
	for pattern, want := range map[string]store.Code{"etl_*": "", "etl_key": "", "*": "", "etl-*": store.Denied, "other": store.Denied} {
		_, err := h.Read(t.Context(), caller(acl.Rule{IDs: []string{pattern}}), name(variable("etl_key")), 0)
		if store.CodeOf(err) != want {
			t.Errorf("by %s: %v, want %q", pattern, err, want)
		}
	}
}

// FuzzSpelling asks for typed where denied is denied: whatever spelling the
// store takes for it, its value must not come back, and the line must have a
// name that leads to what was asked.
func FuzzSpelling(f *testing.F) {
	for _, typed := range []string{"prod_key", "prod-key", "PROD_KEY", "./prod_key", "a/../prod_key", "/prod_key", "prod_key/", "prod_key:2", "prod_key ",
		"arn:aws:secretsmanager:r:1:secret:prod_key-AbCdEf", "arn:aws:secretsmanager:r:1:secret:prod_key", "aws/reference/secretsmanager/prod_key",
		"blue--prod_key", "_BLUE___prod_key", "blue/prod_key", "variables/prod_key", "open_key", "ſtraße"} {
		f.Add(typed, "prod_key", "", true)
		f.Add(typed, "prod_key", "blue", false)
	}
	f.Add("strasse", "straße", "", true)
	f.Add("variables/variables/x", "/variables/x", "", true)
	f.Add("::::::prod_key", "p", "0", true)
	f.Add("/", "/", "0", true)
	f.Add("\x10", "\x10", "", true)
	f.Add("::::::prod_key", "p", "0", true) // as many colons as an ARN has
	f.Fuzz(func(t *testing.T, typed, denied, team string, isVariable bool) {
		if typed == "" || denied == "" || strings.ContainsAny(denied, "*?") || gate.Relative(denied) {
			return
		}
		if !utf8.ValidString(typed+denied+team) || len(typed)+len(team) > 200 {
			return // the line writes these in another way
		}
		asked := airflow.Ref{Kind: airflow.KindConnection, ID: typed, Team: team}
		if isVariable {
			asked.Kind = airflow.KindVariable
		}
		for _, u := range upstreams() {
			spell(t, u, asked, variable(denied))
		}
	})
}

// spell is one case of FuzzSpelling.
func spell(t *testing.T, u upstream, asked, denied airflow.Ref) {
	h, _ := behind(t, u, denied)
	limited := caller(acl.Rule{}, acl.Rule{Deny: true, Kinds: []acl.Kind{acl.Variable}, IDs: []string{denied.ID}})
	a, err := h.Read(t.Context(), limited, name(asked), 0)
	if err == nil && bytes.Contains(a.Secret.Payload, []byte("CANARY")) {
		t.Errorf("%s: %v gave away %v", u.name, asked, denied)
	}
	if a, err := h.Describe(t.Context(), limited, name(asked)); err == nil {
		t.Errorf("%s: %v described %v as %+v", u.name, asked, denied, a)
	}
	h, s := behind(t, u, denied)
	a, err = h.Read(t.Context(), caller(), name(asked), 0)
	if err != nil || a.Own {
		return
	}
	l := h.line(t)
	named := airflow.Ref{Kind: airflow.Kind(l.Kind), ID: l.Name, Team: l.Team}
	stored, known := dialect.Stored(u.dialect, asked)
	if !known {
		return // only who is denied nothing may ask for it
	}
	if len(stored) > 0 && stored[0].ID == "" {
		stored[0] = asked // no spelling of the store names it
	}
	if len(stored) == 0 || named != stored[0] || (l.Typed != "") != (named != asked) {
		t.Errorf("%s: the line of %v is %+v, want %v", u.name, asked, l, stored)
	}
	inside := u.resolve(s.asked[len(s.asked)-1])
	for _, name := range dialect.Exact(u.dialect, named) {
		if slices.ContainsFunc(u.resolve(name), func(n string) bool { return slices.Contains(inside, n) }) {
			return
		}
	}
	t.Errorf("%s: the line of %v names %v, which is not where %q leads", u.name, asked, named, s.asked)
}

// A deny in one spelling holds for the secret in every other.
func TestSpellingsOfADenyingPattern(t *testing.T) {
	const arns = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
	for up, patterns := range map[string][]string{
		"vault":                {"prod_key", "/prod_*", "prod_k?y/", "//prod_key"},
		"azure":                {"prod-key", "PROD_*", "Prod?Key"},
		"azure without prefix": {"prodkey", "PROD_KEY", "prod?key"},
		"ssm":                  {"prod_key:3", "/prod_*", "prod_key:*"},
		"environment":          {"PROD_*", "Prod?Key"},
		"secrets manager without prefix": {arns + "prod_key", arns + "prod_key-AbCdEf", arns + "prod_key-??????", arns + "prod_key-*", arns + "prod_*",
			arns + "prod_*-AbCdEf", arns + "prod_key???????", "arn:*:secret:prod_key-*", "arn:*prod_key-*", "arn:aws:secretsmanager:*:secret:prod*ey-??????"},
	} {
		u := upstreams()[slices.IndexFunc(upstreams(), func(u upstream) bool { return u.name == up })]
		for _, pattern := range patterns {
			h, s := behind(t, u, variable("prod_key"))
			limited := caller(acl.Rule{}, acl.Rule{Deny: true, IDs: []string{pattern}})
			if _, err := h.Read(t.Context(), limited, name(variable("prod_key")), 0); store.CodeOf(err) != store.Denied || len(s.asked) > 0 {
				t.Errorf("%s: with a deny of %q prod_key reads %v and asks for %q", up, pattern, err, s.asked)
			}
			if _, err := h.Read(t.Context(), limited, name(variable("open_key")), 0); store.CodeOf(err) != store.NotFound {
				t.Errorf("%s: with a deny of %q open_key reads %v", up, pattern, err)
			}
		}
	}
}
