package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// setting is a line of a .env file with the value as it stands.
func lineOf(kind project.Kind, name, value string) *project.Setting {
	f := &project.File{Path: ".env", Kind: kind, Text: name + "=" + value + "\n"}
	at := len(name) + 1
	return &project.Setting{Name: name, Value: value, Known: true, Exact: true, Start: at, Key: project.Span{File: f, End: len(name)},
		Text: project.Span{File: f, Start: at, End: at + len(value)}, Whole: project.Span{File: f, End: at + len(value)}}
}

// withKwargs is a backend of Vault with a text of kwargs.
func withKwargs(text string) *Backend {
	env := &project.Environment{Settings: []*project.Setting{
		lineOf(project.DotEnv, classNames[0], "airflow.providers.hashicorp.secrets.vault.VaultBackend"),
		lineOf(project.DotEnv, kwargsNames[0], text),
	}}
	return backends(&project.Project{Environments: []*project.Environment{env}})[0]
}

// TestMistake: one text breaks one rule, and the place is where it does.
func TestMistake(t *testing.T) {
	const key = `{"gcp_keyfile_dict": `
	tests := []struct {
		text, rule string
		at         int // from where the text stops being JSON; -1 for the whole
	}{
		{`{"token": "t"}`, "", -1},
		{`{}`, "", -1},
		{``, "", -1},
		{`'{"token": "t"}'`, quotedValue, 0},
		{`"{"token": "t"}"`, quotedValue, 3},
		{`"{\"token\": \"t\"}"`, quotedValue, -1},
		{` '{"token": "t"}' `, quotedValue, 1},
		{`{"token": None}`, pythonLiteral, 10},
		{`{"verify": True, "token": "t"}`, pythonLiteral, 11},
		{`{"token": "t",}`, pythonLiteral, 14},
		{`{'token': 't'}`, pythonLiteral, 1},
		{`{"token": "None" "x"}`, notJSON, 17},
		{`["token"]`, notObject, -1},
		{`5`, notObject, -1},
		{`"token"`, notObject, -1},
		{`{token: t}`, unquotedJSON, 1},
		{`{connections_prefix:`, unquotedJSON, 1},
		{`{"url": $VAULT_URL, "token": "t"}`, unfilled, 8},
		{`{"url": ${VAULT_URL}}`, unfilled, 8},
		{`{"url": <your-url>}`, placeholder, 8},
		{`{"token": "t"} # ours`, commentOnLine, 15},
		{key + `"{"type": "service_account"}"}`, keyfileInJSON, 24},
		{key + "{\"private_key\": \"-----BEGIN PRIVATE KEY-----\nx\"}}", keyfileInJSON, 65},
		{`{"token": "t"`, notJSON, 13},
		{`token`, notJSON, 0},
	}
	for _, tt := range tests {
		b := withKwargs(tt.text)
		if got := mistake(b); got != tt.rule {
			t.Errorf("%s breaks %q, want %q", tt.text, got, tt.rule)
			continue
		}
		if tt.rule == "" || b.Warning.Byte == len(tt.text) {
			continue
		}
		at := -1
		if span := where(b); span != b.Kwargs.Text {
			at = span.Start - b.Kwargs.Start
		}
		if at != tt.at && tt.rule != commentOnLine {
			t.Errorf("%s breaks at %d, want %d", tt.text, at, tt.at)
		}
	}
}

// TestFilledIn: Airflow fills in what its environment has before it reads
// JSON, and so do the rules.
func TestFilledIn(t *testing.T) {
	b := withKwargs(`{"token": "$TEAM_TOKEN", "url": "$TEAM_URL"}`)
	env := b.Environment
	env.Settings = append(env.Settings, lineOf(project.DotEnv, "TEAM_TOKEN", `a", "mount_point": "airflow`))
	b = backends(&project.Project{Environments: []*project.Environment{env}})[0]
	if mount, _ := b.Text("mount_point"); mount != "airflow" {
		t.Error("a variable in the kwargs is not filled in before they are decoded")
	}
	if url, _ := b.Text("url"); url != "$TEAM_URL" {
		t.Errorf("a variable that is not set became %q, and stays as it is in Airflow", url)
	}
}

func TestRepaired(t *testing.T) {
	tests := []struct{ text, want string }{
		{`{"a": None, "b": "None, True,}", "c": True}`, `{"a": null, "b": "None, True,}", "c": true}`},
		{`{"a": [1, 2,], "b": {"c": False,},}`, `{"a": [1, 2], "b": {"c": false}}`},
		{`{'a': 'b', 'c': None,}`, `{"a": "b", "c": null}`},
		{`{'a': "it's"}`, ""},
		{`{'a': 'b' 'c'}`, ""},
		{`{"a": None`, ""},
		{`{"a": Nothing}`, ""},
		{`{"a": 1}`, ""},
	}
	for _, tt := range tests {
		got := ""
		if changes := repaired(tt.text); changes != nil {
			got = apply(tt.text, changes)
		}
		if got != tt.want {
			t.Errorf("%s becomes %s, want %q", tt.text, got, tt.want)
		}
	}
}

func TestMeantVariable(t *testing.T) {
	s := &Subject{Backends: []*Backend{withKwargs("{}")}}
	v := newVocabulary(s)
	tests := []struct{ name, want string }{
		{"AIRFLOW__SECRETS__BACKEND", ""},
		{"AIRFLOW__SECRETS__BACKEND_KWARGS", ""},
		{"AIRFLOW__SECRETS__BACKEND_KWARGS_CMD", ""},
		{"AIRFLOW__SECRETS__BACKEND_KWARG__ROLE_ID", ""},
		{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET", ""},
		{"AIRFLOW__CORE__SQL_ALCHEMY_CONN", ""},
		{"AIRFLOW__WEBSERVER__BASE_URL", ""},
		{"AIRFLOW__MY_PLUGIN__LEVEL", ""},
		{"AIRFLOW_VAR_X", ""}, {"AIRFLOW_CONN_X", ""}, {"AIRFLOW_VAR__TEAM___X", ""},
		{"AIRFLOW_HOME", ""}, {"AIRFLOW_CONFIG", ""}, {"AIRFLOW_UID", ""}, {"AIRFLOW_CTX_DAG_ID", ""}, {"AIRFLOW_IMAGE_NAME", ""},
		{"AIRFLOW_SECRETS_BACKEND", "AIRFLOW__SECRETS__BACKEND"},
		{"AIRFLOW_SECRETS_BACKEND_KWARGS", "AIRFLOW__SECRETS__BACKEND_KWARGS"},
		{"AIRFLOW__SECRETS_BACKEND_KWARGS", "AIRFLOW__SECRETS__BACKEND_KWARGS"},
		{"AIRFLOW_SECRETS_BACKEND_KWARGS_CMD", "AIRFLOW__SECRETS__BACKEND_KWARGS_CMD"},
		{"AIRFLOW__SECRET__BACKEND", "AIRFLOW__SECRETS__BACKEND"},
		{"AIRFLOW__SECRETS__BACKENDS", "AIRFLOW__SECRETS__BACKEND"},
		{"AIRFLOW__SECRETS__BACKEND_KWARG", "AIRFLOW__SECRETS__BACKEND_KWARGS"},
		{"AIRFLOW_SECRETS_BACKEND_KWARG_ROLE_ID", "AIRFLOW__SECRETS__BACKEND_KWARG__ROLE_ID"},
		{"airflow__secrets__backend", "AIRFLOW__SECRETS__BACKEND"},
		{"AIRFLOW__CORE_FERNET_KEY", "AIRFLOW__CORE__FERNET_KEY"},
		{"AIRFLOW_VARIABLE_REGION", "AIRFLOW_VAR_REGION"},
		{"AIRFLOW__CONN__DB", "AIRFLOW_CONN_DB"},
		{"AIRFLOW_CONN_my_db", "AIRFLOW_CONN_MY_DB"}, {"AIRFLOW_VAR_a__b", "AIRFLOW_VAR_A__B"},
		{"VAULT_TOKN", "VAULT_TOKEN"}, {"VAULT_ADDR", ""}, {"VAULT_TOKEN", ""},
		{"AWS_ACCES_KEY_ID", ""}, // no backend of AWS here
		{"HOME", ""}, {"", ""}, {"_", ""},
	}
	for _, tt := range tests {
		if got := v.meant(tt.name); got != tt.want {
			t.Errorf("%s is meant to be %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestDifference: what docker run --env-file makes of a statement that docker
// compose reads as value.
func TestDifference(t *testing.T) {
	tests := []struct{ text, value, want string }{
		{`A=b`, "b", ""},
		{`A={"a": "b"}`, `{"a": "b"}`, ""},
		{`  A=b`, "b", ""},
		{`A="b"`, "b", "keeps the quotes"},
		{`A='b'`, "b", "keeps the quotes"},
		{`export A=b`, "b", "refuses"},
		{`A=b # c`, "b", "comment"},
		{`A=$B`, "c", "fills in no"},
		{"A='b\nc'", "b\nc", "ends the value"},
		{`A= b`, "b", "keeps the blanks"},
		{`A`, "b", ""},
	}
	for _, tt := range tests {
		f := &project.File{Kind: project.DotEnv, Text: tt.text}
		got := difference(&project.Setting{Value: tt.value, Whole: project.Span{File: f, End: len(tt.text)}})
		if got != tt.want && (tt.want == "" || !strings.Contains(got, tt.want)) {
			t.Errorf("%q as %q: %q, want %q", tt.text, tt.value, got, tt.want)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	tests := []struct {
		value string
		want  []string
	}{
		{`{"role_id": "<your-approle-id>", "secret_id":"<your-approle-secret>"}`, []string{"<your-approle-id>", "<your-approle-secret>"}},
		{`{"token": "changeme", "url": "https://your-vault.example.com"}`, []string{"changeme"}},
		{"your-client-id", []string{"your-client-id"}},
		{"<vault url>", []string{"<vault url>"}},
		{"a<b$c#d", nil}, {"1 < 2 > 1", nil}, {"<>", nil}, {"<!-- -->", nil}, {"https://vault.example.com", nil},
	}
	for _, tt := range tests {
		var got []string
		for _, at := range placeholders(tt.value) {
			got = append(got, tt.value[at[0]:at[1]])
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("placeholders of %s are %q, want %q", tt.value, got, tt.want)
		}
	}
}

// TestFixesAreMasked: the text of a fix can be pasted and holds no credential.
func TestFixesAreMasked(t *testing.T) {
	const secret = "CANARY-7c1f9e22"
	for _, kind := range []project.Kind{project.DotEnv, project.Dockerfile, project.AirflowConfig, project.Process, project.HelmValues, project.Script} {
		s := lineOf(kind, kwargsNames[0], "x")
		got := statement(s, `{"url": "https://vault.example.com", "token": "`+secret+`"}`)
		if strings.Contains(got, secret) || !strings.Contains(got, `"token": "***"`) {
			t.Errorf("the fix of %s shows a secret, or not enough", kind)
		}
	}
	if got := statement(lineOf(project.DotEnv, "AWS_SECRET_ACCESS_KEY", "x"), secret); strings.Contains(got, secret) {
		t.Error("the fix of a credential shows it")
	}
	if b := withKwargs(`'{"token": "` + secret + `"}'`); strings.Contains(quotedFinding(b.Kwargs, "", "").Fix, secret) {
		t.Error("the fix of kwargs in quotes shows a secret")
	}
}

func TestOptionOf(t *testing.T) {
	for _, name := range slices.Concat(classNames, kwargsNames) {
		section, key, ok := optionOf(name)
		if !ok || airflow.OptionEnv(section, key) != name || !isOfBackend(name) {
			t.Errorf("%s is the option %q of %q, %v", name, key, section, ok)
		}
	}
	for _, name := range []string{"AIRFLOW__CORE", "AIRFLOW_VAR_X", "", "AIRFLOW__CORE__"} {
		if _, _, ok := optionOf(name); ok {
			t.Errorf("%q is taken for an option", name)
		}
	}
}

// FuzzText: whatever stands in a value, the rules find an end, point into the
// file, and make edits that fit.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`{"token": "t"}`, `'{"a": 1}'`, `$TEAM_TEXT`, `{"url": $TEAM_TEXT}`, `{'a': None,}`, `"x" # y`, "{\"gcp_keyfile_dict\": \"{\"}", `<a>`, ` `, `"`, `'`, "{a:", "\xff$\x00"} {
		f.Add(seed, `'{"a": 1}' # b`)
	}
	class := stores.Known()[0].Class
	rules := slices.Concat(textRules(), classRules(), kwargsRules())
	f.Fuzz(func(t *testing.T, text, variable string) {
		for _, name := range []string{kwargsNames[0], classNames[0], "AWS_SECRET_ACCESS_KEY"} {
			one := lineOf(project.DotEnv, name, text)
			env := &project.Environment{Settings: []*project.Setting{
				one, lineOf(project.DotEnv, classNames[0], class), lineOf(project.DotEnv, "TEAM_TEXT", variable),
			}}
			p := &project.Project{Environments: []*project.Environment{env}}
			s := &Subject{Project: p, Backends: backends(p)}
			for _, r := range rules {
				r.Find(s, func(f Finding) {
					for _, span := range append(spansOf(f.Edits), f.Span) {
						if span.Start < 0 || span.Start > span.End || span.File != nil && span.End > len(span.File.Text) {
							t.Errorf("%s points at %d to %d", r.ID, span.Start, span.End)
						}
					}
				})
			}
		}
	})
}

func spansOf(edits []Edit) []project.Span {
	var spans []project.Span
	for _, e := range edits {
		spans = append(spans, e.Span)
	}
	return spans
}
