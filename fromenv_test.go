package airlock_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

const (
	vaultClass   = "airflow.providers.hashicorp.secrets.vault.VaultBackend"
	contribVault = "airflow.contrib.secrets.hashicorp_vault.VaultBackend"
)

// guidePolicy is the policy of Astronomer's guide for Vault.
const guidePolicy = `path "secret/data/variables/*" { capabilities = ["read", "list"] }
path "secret/data/connections/*" { capabilities = ["read", "list"] }`

// guideKwargs are the guide's kwargs, with the address of a server and the
// credentials of an AppRole filled in.
func guideKwargs(addr, role, secret string) string {
	return `{"connections_path": "connections", "variables_path": "variables", "config_path": null, "url": "` + addr +
		`", "auth_type": "approle", "role_id":"` + role + `", "secret_id":"` + secret + `"}`
}

// project makes a folder of files and returns the options that read it, in
// an environment that has nothing but a home folder.
func project(t *testing.T, files map[string]string, environ ...string) *airlock.EnvironmentOptions {
	t.Helper()
	o := &airlock.EnvironmentOptions{Dir: t.TempDir()}
	home := t.TempDir()
	o.Environ = append([]string{"HOME=" + home, "AIRFLOW_HOME=" + home}, environ...)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(o.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func open(t *testing.T, o *airlock.EnvironmentOptions) *airlock.Resolver {
	t.Helper()
	r, err := airlock.FromEnvironment(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func lookup(r *airlock.Resolver, kind airflow.Kind, id string) (*airlock.Result, error) {
	return r.Lookup(context.Background(), airflow.Ref{Kind: kind, ID: id}, &airlock.LookupOptions{All: true})
}

// TestGuide sets OpenBao and a project up as Astronomer's guide has it, old
// class path and all.
func TestGuide(t *testing.T) {
	bao := baotest.Start(t)
	role, secret := bao.AppRole(t, "astro", guidePolicy)
	put := func(path string, data map[string]any) {
		bao.MustDo(t, "POST", "/v1/secret/data/"+path, map[string]any{"data": data})
	}
	put("variables/my_variable", map[string]any{"value": "hunter2"})
	put("connections/my_connection", map[string]any{"conn_uri": "postgres://login:hunter2@host:5432"})
	kwargs := guideKwargs(bao.Addr, role, secret)
	files := map[string]map[string]string{
		"AIRFLOW__SECRETS__BACKEND in .env:1": {".env": "AIRFLOW__SECRETS__BACKEND=\"" + contribVault + "\"\n" +
			"AIRFLOW__SECRETS__BACKEND_KWARGS='" + kwargs + "'\n"},
		"AIRFLOW__SECRETS__BACKEND in Dockerfile:3": {"Dockerfile": "FROM quay.io/astronomer/astro-runtime:11.3.0\n" +
			"# Make sure to replace `<your-approle-id>` and `<your-approle-secret>` with your own values.\n" +
			"ENV AIRFLOW__SECRETS__BACKEND=\"" + contribVault + "\"\n" +
			"ENV AIRFLOW__SECRETS__BACKEND_KWARGS='" + kwargs + "'\n"},
	}
	for where, project1 := range files {
		for _, reading := range []airflow.Reading{airflow.SDK, airflow.ORM} {
			t.Run(reading.String()+" "+where, func(t *testing.T) {
				o := project(t, project1)
				o.Reading = reading
				guideAnswers(t, open(t, o), where)

				o.Exact = true
				_, err := lookup(open(t, o), airflow.KindVariable, "my_variable")
				if e := airlock.AirflowError(err); e == nil || e.Type != "AirflowConfigException" || !strings.Contains(e.Message, contribVault) {
					t.Errorf("with exact: %v", err)
				}
			})
		}
	}
}

func guideAnswers(t *testing.T, r *airlock.Resolver, where string) {
	t.Helper()
	res, err := lookup(r, airflow.KindVariable, "my_variable")
	if err != nil || res.Value.Data != "hunter2" {
		t.Fatalf("variable: %v", err)
	}
	at := res.Explain(false).Attempts[0]
	if at.Source != vaultClass || at.Name != "secret/data/variables/my_variable" || at.Setting != where {
		t.Errorf("explain has source %s, name %s, setting %s", at.Source, at.Name, at.Setting)
	}
	if len(at.Notes) != 1 || !strings.Contains(at.Notes[0], contribVault+" is gone in Airflow 3") || !strings.Contains(at.Notes[0], "write "+vaultClass) {
		t.Errorf("notes %q do not say what Airflow 3 does with the old path", at.Notes)
	}
	if text := encode(t, res.Explain(false)); strings.Contains(text, "hunter2") {
		t.Errorf("explain shows the value: %s", text)
	}
	res, err = lookup(r, airflow.KindConnection, "my_connection")
	if err != nil || res.Connection.Password != "hunter2" || res.Connection.Host != "host" || res.Connection.Port != int64(5432) {
		t.Errorf("connection: %v", err)
	}
	res, err = lookup(r, airflow.KindConfig, "my_option")
	if store.CodeOf(err) != store.NotFound || res.Attempts[0].Outcome != airlock.Skipped || !strings.Contains(res.Attempts[0].Reason, "config_path") {
		t.Errorf("config: %v, %+v", err, res.Attempts[0])
	}
	// KV version 2 answers 403 for what the policy does not cover, which
	// Airflow takes for a failure and passes over.
	res, err = lookup(r, airflow.KindVariable, "../other")
	if store.CodeOf(err) != store.Denied || !res.Undefined() {
		t.Errorf("a name outside of the policy: code %q, %v", store.CodeOf(err), err)
	}
}

// TestPrecedenceEndToEnd has one id in all three layers, and takes it away
// from the top.
func TestPrecedenceEndToEnd(t *testing.T) {
	bao := baotest.Start(t)
	bao.MustDo(t, "POST", "/v1/secret/data/variables/k", map[string]any{"data": map[string]any{"value": "backend"}})
	db := metadataDB(t, json.RawMessage(`{"variables": {"k": "database"}}`))
	o := project(t, map[string]string{".env": "AIRFLOW_VAR_K=environment\n"},
		"AIRFLOW__SECRETS__BACKEND="+vaultClass,
		`AIRFLOW__SECRETS__BACKEND_KWARGS={"url": "`+bao.Addr+`", "token": "`+bao.Token+`"}`,
		"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:///"+db)
	check := func(winner int, value string, outcomes ...airlock.Outcome) {
		t.Helper()
		res, err := lookup(open(t, o), airflow.KindVariable, "k")
		if err != nil || res.Winner != winner || res.Value.Data != value {
			t.Fatalf("winner %d, value %v, %v; want %d, %s", res.Winner, res.Value.Data, err, winner, value)
		}
		for i, want := range outcomes {
			if res.Attempts[i].Outcome != want {
				t.Errorf("layer %d: %s (%v), want %s", i, res.Attempts[i].Outcome, res.Attempts[i].Err, want)
			}
		}
	}
	check(0, "backend", airlock.Found, airlock.Found, airlock.Found)
	bao.MustDo(t, "DELETE", "/v1/secret/metadata/variables/k", nil)
	check(1, "environment", airlock.Missing, airlock.Found, airlock.Found)
	if err := os.Remove(filepath.Join(o.Dir, ".env")); err != nil {
		t.Fatal(err)
	}
	check(2, "database", airlock.Missing, airlock.Missing, airlock.Found)

	// With a wrong token the backend fails, and the database still answers.
	o.Environ = append(slices.Clone(o.Environ[:3]), `AIRFLOW__SECRETS__BACKEND_KWARGS={"url": "`+bao.Addr+`", "token": "wrong"}`, o.Environ[4])
	check(2, "database", airlock.Denied, airlock.Missing, airlock.Found)
}

// TestBrokenBackends: what keeps Airflow from starting fails every look-up
// with an error that says what to write.
func TestBrokenBackends(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		reading airflow.Reading
		code    store.Code
		raises  string
		hint    string
	}{
		{"an unknown class", []string{"AIRFLOW__SECRETS__BACKEND=my.Backend"}, airflow.SDK, store.Invalid, "AirflowConfigException", "airlock knows"},
		{"quotes around the class", []string{`AIRFLOW__SECRETS__BACKEND="` + vaultClass + `"`}, airflow.ORM, store.Invalid, "AirflowConfigException", "quotes"},
		{"Vault without a token", []string{"AIRFLOW__SECRETS__BACKEND=" + vaultClass}, airflow.SDK, store.Invalid, "VaultError", ""},
		{"a path that is a number", []string{"AIRFLOW__SECRETS__BACKEND=" + vaultClass, `AIRFLOW__SECRETS__BACKEND_KWARGS={"variables_path": 5}`},
			airflow.SDK, store.Invalid, "TypeError", "backend_kwargs"},
		{"kwargs that only the backend itself has", []string{"AIRFLOW__SECRETS__BACKEND=" + vaultClass, `AIRFLOW__SECRETS__BACKEND_KWARGS_SECRET=x`},
			airflow.SDK, store.Invalid, "RecursionError", ""},
		{"a servers' backend that a worker loads too", []string{"AIRFLOW__SECRETS__BACKEND=my.Backend",
			"AIRFLOW__WORKERS__SECRETS_BACKEND=" + vaultClass, "AIRFLOW__WORKERS__SECRETS_BACKEND_KWARG__TOKEN=t"},
			airflow.SDK, store.Invalid, "AirflowConfigException", "airlock knows"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := project(t, map[string]string{".env": "AIRFLOW_VAR_K=environment\n"}, tt.environ...)
			o.Reading = tt.reading
			r, err := airlock.FromEnvironment(context.Background(), o)
			var res *airlock.Result
			if err == nil {
				res, err = lookup(r, airflow.KindVariable, "k")
			}
			if store.CodeOf(err) != tt.code || !strings.Contains(store.Hint(err), tt.hint) {
				t.Errorf("code %q, hint %q: %v", store.CodeOf(err), store.Hint(err), err)
			}
			if kind, _ := raised(err); tt.raises != "" && kind != tt.raises {
				t.Errorf("to Airflow that is %s, want %s: %v", kind, tt.raises, err)
			}
			if res != nil && (res.Winner != -1 || res.Undefined() || res.Attempts[1].Outcome != airlock.Skipped) {
				t.Errorf("the environment was asked: %+v", res.Attempts)
			}
		})
	}
}

// TestMalformedKwargs: Airflow goes on without kwargs, and airlock says so.
func TestMalformedKwargs(t *testing.T) {
	o := project(t, nil, "AIRFLOW__SECRETS__BACKEND="+vaultClass, "AIRFLOW__SECRETS__BACKEND_KWARGS='{\"url\": \"hunter2\"}'",
		"VAULT_TOKEN=t")
	r := open(t, o)
	notes := strings.Join(r.Sources[0].Notes, "\n")
	if r.Sources[0].Err != nil || !strings.Contains(notes, "Failed to parse [secrets] backend_kwargs as JSON, defaulting to no kwargs.") ||
		!strings.Contains(notes, "quotes") || strings.Contains(notes, "hunter2") {
		t.Errorf("source: %v, notes %q", r.Sources[0].Err, notes)
	}
}

func TestWorkersHaveTheirOwnBackend(t *testing.T) {
	l := newLab(t, nil, nil)
	environ := []string{"AIRFLOW__SECRETS__BACKEND=labbackend.FakeBackend", "AIRFLOW__WORKERS__SECRETS_BACKEND=labbackend.OtherBackend"}
	for _, tt := range []struct {
		reading  airflow.Reading
		inServer bool
		want     string
	}{
		{airflow.SDK, false, "labbackend.OtherBackend"},
		{airflow.SDK, true, "labbackend.FakeBackend"},
		{airflow.ORM, false, "labbackend.FakeBackend"},
	} {
		o := project(t, nil, environ...)
		o.Reading, o.InServer, o.Backends = tt.reading, tt.inServer, l.table()
		if got := open(t, o).Sources[0].Class; got != tt.want {
			t.Errorf("%s, in a server %v: %s, want %s", tt.reading, tt.inServer, got, tt.want)
		}
	}
}

func TestEmbeddedStoreIsTheBackendWhereNoneIsConfigured(t *testing.T) {
	ctx := context.Background()
	s := memstore.New("embedded")
	if _, err := s.Put(ctx, "variable//k", &store.Secret{Payload: []byte("kept"), Form: store.Text}, nil); err != nil {
		t.Fatal(err)
	}
	o := project(t, map[string]string{".env": "AIRFLOW_VAR_K=environment\n"})
	asked := 0
	o.Embedded = func(context.Context) (store.Store, error) { asked++; return s, nil }
	res, err := lookup(open(t, o), airflow.KindVariable, "k")
	if err != nil || res.Value.Data != "kept" || res.Attempts[0].Source != airlock.ClassEmbedded {
		t.Errorf("with the embedded store: %v, %v", res.Value.Data, err)
	}
	o.Environ = append(o.Environ, "AIRFLOW__SECRETS__BACKEND="+vaultClass, "VAULT_TOKEN=t")
	if open(t, o); asked != 1 {
		t.Errorf("the embedded store was opened beside a configured backend")
	}
	o = project(t, nil)
	o.Embedded = func(context.Context) (store.Store, error) { return nil, nil }
	if src := open(t, o).Sources[0]; src.Skip == "" || src.Layer != airlock.LayerBackend {
		t.Errorf("without any backend: %+v", src)
	}
	broken := errors.New("the key does not fit")
	o.Embedded = func(context.Context) (store.Store, error) { return nil, broken }
	if _, err := airlock.FromEnvironment(ctx, o); !errors.Is(err, broken) {
		t.Errorf("with a broken embedded store: %v", err)
	}
}

func TestMetadataLayer(t *testing.T) {
	tests := []struct {
		name    string
		environ string
		outcome airlock.Outcome
		reason  string
	}{
		{"nothing configured, nothing there", "", airlock.Skipped, "no metadata database is configured"},
		{"a kind that is not read", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=mssql://u:hunter2@h/airflow", airlock.Unsupported, ""},
		{"a file that is not there", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:////nowhere/airflow.db", airlock.Unavailable, ""},
		{"no URL", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=hunter2", airlock.Invalid, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := project(t, nil, "AIRFLOW_VAR_OTHER=environment")
			if tt.environ != "" {
				o.Environ = append(o.Environ, tt.environ)
			}
			r := open(t, o)
			res, err := lookup(r, airflow.KindVariable, "k")
			if got := res.Attempts[2]; got.Outcome != tt.outcome || !strings.HasPrefix(got.Reason, tt.reason) {
				t.Errorf("the database layer: %s, %q, %v", got.Outcome, got.Reason, got.Err)
			}
			if strings.Contains(err.Error()+encode(t, res.Explain(false)), "hunter2") {
				t.Errorf("the connection string leaks: %v", err)
			}
			if _, err := lookup(r, airflow.KindVariable, "other"); err != nil {
				t.Errorf("the environment does not answer: %v", err)
			}
		})
	}
}

// TestCommandOfAClonedFolder: a command in .env is not run, which fails the
// layer that needs it and no other.
func TestCommandOfAClonedFolder(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "ran")
	o := project(t, map[string]string{".env": "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD=touch " + mark + "\nAIRFLOW_VAR_K=v\n"})
	r := open(t, o)
	if res, err := lookup(r, airflow.KindVariable, "k"); err != nil || res.Attempts[2].Outcome != airlock.Unsupported {
		t.Errorf("Lookup: %v, %+v", err, res.Attempts[2])
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the command was run")
	}
}

// TestProgramOfAClonedFolder: the credentials of a Google account may be had
// from a program. It runs where the process both names and permits it.
func TestProgramOfAClonedFolder(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "ran")
	class := "AIRFLOW__SECRETS__BACKEND=airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend"
	kwargs := `AIRFLOW__SECRETS__BACKEND_KWARGS={"project_id": "p", "gcp_credential_config_file": {"type": "external_account",
 "audience": "//iam.googleapis.com/x", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
 "token_url": "https://sts.googleapis.com/v1/token", "credential_source": {"executable": {"command": "touch MARK"}}}}`
	kwargs = strings.ReplaceAll(kwargs, "\n", "")
	const permit, by = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1", "AIRFLOW__SECRETS__BACKEND_KWARG__PROJECT_ID=q"
	lines := func(list ...string) string {
		for i, pair := range list {
			name, value, _ := strings.Cut(pair, "=")
			list[i] = name + "='" + value + "'"
		}
		return strings.Join(list, "\n") + "\n"
	}
	docker := "FROM x\nENV " + strings.ReplaceAll(strings.TrimSpace(lines(class, kwargs, permit)), "\n", "\nENV ") + "\n"
	for _, tt := range []struct {
		name    string
		files   map[string]string
		environ []string
		runs    bool
	}{
		{"all in .env", map[string]string{".env": lines(class, kwargs, permit)}, nil, false},
		{"all in the Dockerfile", map[string]string{"Dockerfile": docker}, nil, false},
		{"permitted by the process", map[string]string{".env": lines(class, kwargs)}, []string{permit}, false},
		{"permitted by .env", map[string]string{".env": lines(permit)}, []string{class, kwargs}, false},
		{"a part of the kwargs in .env", map[string]string{".env": lines("AUDIENCE=x")}, []string{class, strings.Replace(kwargs, "com/x", "com/$AUDIENCE", 1), permit}, false},
		{"a single kwarg in .env", map[string]string{".env": lines(by)}, []string{class, kwargs, permit}, false},
		{"all in the process", nil, []string{class, kwargs, permit}, true},
		{"a part of the kwargs in the process", nil, []string{class, strings.Replace(kwargs, "com/x", "com/$AUDIENCE", 1), permit, "AUDIENCE=x"}, true},
		{"all in an airflow.cfg of AIRFLOW_HOME but the permission", nil, []string{permit}, true},
	} {
		_ = os.Remove(mark)
		for name, text := range tt.files {
			tt.files[name] = strings.ReplaceAll(text, "MARK", mark)
		}
		for i, pair := range tt.environ {
			tt.environ[i] = strings.ReplaceAll(pair, "MARK", mark)
		}
		o := project(t, tt.files, append(tt.environ, "PATH="+os.Getenv("PATH"), "HTTPS_PROXY=http://127.0.0.1:1", "AIRFLOW_VAR_K=elsewhere")...)
		if tt.name == "all in an airflow.cfg of AIRFLOW_HOME but the permission" {
			home, _ := strings.CutPrefix(o.Environ[1], "AIRFLOW_HOME=")
			_, json, _ := strings.Cut(strings.ReplaceAll(kwargs, "MARK", mark), "=")
			text := "[secrets]\nbackend = " + strings.TrimPrefix(class, "AIRFLOW__SECRETS__BACKEND=") + "\nbackend_kwargs = " + json + "\n"
			if err := os.WriteFile(filepath.Join(home, "airflow.cfg"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		res, err := lookup(open(t, o), airflow.KindVariable, "k")
		_, statErr := os.Stat(mark)
		if ran := statErr == nil; ran != tt.runs {
			t.Errorf("%s: the program ran: %v, want %v (%v)", tt.name, ran, tt.runs, err)
		}
		if !tt.runs && (res.Attempts[0].Outcome != airlock.Denied || store.CodeOf(err) != store.Denied) {
			t.Errorf("%s: %+v, %v, want a refusal that ends the look-up", tt.name, res.Attempts[0], err)
		}
	}
}

func TestConfigOption(t *testing.T) {
	l := newLab(t, json.RawMessage(`{"config": {"url": {"v": "sqlite:////x.db"}, "empty": {"v": ""}, "null": {"v": null}, "bad": {"raise": "RuntimeError"}}}`), nil)
	o := project(t, nil, "AIRFLOW__SECRETS__BACKEND=labbackend.FakeBackend")
	o.Backends = l.table()
	r := open(t, o)
	for _, tt := range []struct {
		name, value string
		found, ok   bool
	}{{"url", "sqlite:////x.db", true, true}, {"empty", "", true, true}, {"null", "", false, true}, {"none", "", false, true}, {"bad", "", false, false}} {
		value, found, err := r.Config(context.Background(), tt.name)
		if value != tt.value || found != tt.found || (err == nil) != tt.ok {
			t.Errorf("Config(%s) = %q, %v, %v", tt.name, value, found, err)
		}
	}
}
