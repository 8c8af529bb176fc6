package settings

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// project makes a folder of the given files and returns it with an empty home
// beside it.
func project(t *testing.T, files map[string]string) (dir, home string) {
	t.Helper()
	dir, home = t.TempDir(), t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, home
}

func load(t *testing.T, dir, home string, environ ...string) *Settings {
	t.Helper()
	environ = append([]string{"PATH=" + os.Getenv("PATH")}, environ...)
	s, err := Load(context.Background(), Options{Dir: dir, Home: home, Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOrder(t *testing.T) {
	dir, home := project(t, map[string]string{
		".env":       "A=dotenv\nB=dotenv\nB=again\nAIRFLOW__CORE__EXECUTOR=dotenv\n",
		"Dockerfile": "FROM x\nENV A=docker B=docker C=docker\nENV D=$C\n",
	})
	if err := os.MkdirAll(filepath.Join(home, "airflow"), 0o700); err != nil {
		t.Fatal(err)
	}
	cfgPath := filepath.Join(home, "airflow", "airflow.cfg")
	if err := os.WriteFile(cfgPath, []byte("[core]\nexecutor = file\nparallelism = 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := load(t, dir, home, "A=process", "EMPTY=")
	for _, c := range []struct{ name, value, origin string }{
		{"A", "process", "process environment"},
		{"EMPTY", "", "process environment"},
		{"B", "again", ".env:3"},
		{"C", "docker", "Dockerfile:2"},
		{"D", "docker", "Dockerfile:3"},
	} {
		value, origin, ok := s.Lookup(c.name)
		if value != c.value || origin.String() != c.origin || !ok {
			t.Errorf("Lookup(%s) = %q from %s, %v; want %q from %s", c.name, value, origin, ok, c.value, c.origin)
		}
	}
	if _, _, ok := s.Lookup("NOT_THERE"); ok {
		t.Error("Lookup(NOT_THERE) found something")
	}
	want := "A=process AIRFLOW__CORE__EXECUTOR=dotenv B=again C=docker D=docker EMPTY="
	if got := strings.Join(s.Environ(), " "); !strings.HasPrefix(got, want) {
		t.Errorf("Environ = %q, want %q", got, want)
	}
	for _, c := range []struct{ section, key, value, origin string }{
		{"core", "executor", "dotenv", ".env:4"},
		{"core", "parallelism", "7", cfgPath + ":3"},
		{"core", "dags_folder", home + "/airflow/dags", "default"},
	} {
		o, err := s.Option(context.Background(), c.section, c.key)
		if err != nil || o.Value != c.value || o.Origin.String() != c.origin {
			t.Errorf("Option(%s, %s) = %q from %s, %v; want %q from %s", c.section, c.key, o.Value, o.Origin, err, c.value, c.origin)
		}
	}
}

// TestFoldersExecuteNothing puts a command into every place a cloned folder
// has, each of which would leave a file behind.
func TestFoldersExecuteNothing(t *testing.T) {
	const option = "AIRFLOW__CORE__FERNET_KEY_CMD"
	cfgText := "[core]\nfernet_key_cmd = touch ran\n"
	for _, c := range []struct {
		name    string
		files   map[string]string
		environ []string
		origin  string
	}{
		{".env", map[string]string{".env": "\n" + option + "='touch ran'\n"}, nil, ".env:2"},
		{"Dockerfile", map[string]string{"Dockerfile": "FROM x\nENV " + option + "='touch ran'\n"}, nil, "Dockerfile:2"},
		{"home named by .env", map[string]string{".env": "AIRFLOW_HOME=$PWD/h\n", "h/airflow.cfg": cfgText}, []string{"PWD=DIR"}, "airflow.cfg:2"},
		{"file named by .env", map[string]string{".env": "AIRFLOW_CONFIG=DIR/x.cfg\n", "x.cfg": cfgText}, nil, "x.cfg:2"},
		{"home through a variable of .env", map[string]string{".env": "H=h\n", "h/airflow.cfg": cfgText}, []string{"AIRFLOW_HOME=DIR/$H"}, "airflow.cfg:2"},
		{"home that depends on the folder", map[string]string{"h/airflow.cfg": cfgText}, []string{"AIRFLOW_HOME=h"}, "airflow.cfg:2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, home := project(t, c.files)
			if text, ok := c.files[".env"]; ok {
				text = strings.ReplaceAll(text, "DIR", dir)
				if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var environ []string
			for _, e := range c.environ {
				environ = append(environ, strings.ReplaceAll(e, "DIR", dir))
			}
			_, err := load(t, dir, home, environ...).Option(context.Background(), "core", "fernet_key")
			if !errors.Is(err, ErrNotRun) || !strings.Contains(err.Error(), c.origin) || store.Hint(err) == "" {
				t.Errorf("Option = %v, want ErrNotRun from %s", err, c.origin)
			}
			if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
				t.Error("the command ran")
			}
		})
	}
}

// TestCommandsGetNothingOfTheFolder runs a trusted command beside a hostile
// .env.
func TestCommandsGetNothingOfTheFolder(t *testing.T) {
	dir, home := project(t, map[string]string{
		".env":     "LD_PRELOAD=/nowhere.so\nFROM_DOTENV=1\n",
		"printenv": "#!/bin/sh\necho taken over\n",
	})
	if err := os.Chmod(filepath.Join(dir, "printenv"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Load(context.Background(), Options{Dir: dir, Home: home, Environ: []string{
		"PATH=.:" + os.Getenv("PATH"), "X=1", "AIRFLOW__CORE__FERNET_KEY_CMD=printenv",
	}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Option(context.Background(), "core", "fernet_key")
	if err != nil || strings.Contains(o.Value, "nowhere") || strings.Contains(o.Value, "FROM_DOTENV") || !strings.Contains(o.Value, "X=1\n") {
		t.Errorf("the command saw %q, %v", o.Value, err)
	}
	if o.Origin.String() != "command in process environment" {
		t.Errorf("origin = %s", o.Origin)
	}
}

func TestCommandLimits(t *testing.T) {
	dir, home := project(t, nil)
	s := load(t, dir, home, "AIRFLOW__CORE__FERNET_KEY_CMD=head -c 3000000 /dev/zero", "AIRFLOW__API__SECRET_KEY_CMD=sleep 600",
		"AIRFLOW__SENTRY__SENTRY_DSN_CMD=sh -c 'echo s3cret; echo s3cret >&2; exit 2'", "AIRFLOW__API_AUTH__JWT_SECRET_CMD= ")
	ctx := context.Background()
	if _, err := s.Option(ctx, "core", "fernet_key"); store.CodeOf(err) != store.Invalid || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a command that prints too much: %v", err)
	}
	if _, err := s.Option(ctx, "api_auth", "jwt_secret"); store.CodeOf(err) != store.Invalid {
		t.Errorf("an empty command: %v", err)
	}
	if _, err := s.Option(ctx, "sentry", "sentry_dsn"); store.CodeOf(err) != store.Invalid || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a command that fails: %v", err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Option(stopped, "api", "secret_key"); store.CodeOf(err) != store.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("a command whose context ends: %v", err)
	}
}

func TestSecretOptions(t *testing.T) {
	dir, home := project(t, map[string]string{".env": "AIRFLOW__CORE__FERNET_KEY_SECRET=$name\n"})
	s := load(t, dir, home, "AIRFLOW__CORE__PARALLELISM_SECRET=x", "name=fk")
	ctx := context.Background()
	if o, err := s.Option(ctx, "core", "fernet_key"); err != nil || o.Value != "" || o.Origin.Place != Default {
		t.Errorf("without a backend: %v, %v", o, err)
	}
	asked := ""
	s = s.WithSecret(func(_ context.Context, name string) (string, bool, error) { asked = name; return "$name", true, nil })
	o, err := s.Option(ctx, "core", "fernet_key")
	if err != nil || o.Value != "$name" || asked != "fk" || o.Origin.String() != "secrets backend, as named in .env:1" {
		t.Errorf("Option = %q, %v, %v; the backend was asked for %q", o.Value, o, err, asked)
	}
	down := &store.Error{Op: "get", Store: "vault", Code: store.Unavailable, Hint: "start it"}
	s = s.WithSecret(func(context.Context, string) (string, bool, error) { return "", false, down })
	_, err = s.Option(ctx, "core", "fernet_key")
	if store.CodeOf(err) != store.Unavailable || store.Hint(err) != "start it" || !errors.Is(err, down) || pythonType(err) != configException {
		t.Errorf("a backend that is down: %v", err)
	}
	if !strings.Contains(err.Error(), "Cannot retrieve config from alternative secrets backend. Make sure it is configured properly and that the Backend is accessible.\nget in vault") {
		t.Errorf("the text is not Airflow's: %v", err)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	huge := strings.Repeat("#", mostBytes) + "\n"
	for _, c := range []struct{ name, file, text, says string }{
		{"a large .env", ".env", huge, "larger than"},
		{"a large Dockerfile", "Dockerfile", huge, "larger than"},
		{"a large airflow.cfg", "airflow/airflow.cfg", huge, "larger than"},
		{"a NUL", ".env", "A=1\nB=\x00\n", `.env:2": invalid: the file holds a NUL byte`},
		{"a folder called .env", ".env/x", "", "not a regular file"},
		{"a folder called airflow.cfg", "airflow/airflow.cfg/x", "", "not a regular file"},
		{"a bad airflow.cfg", "airflow/airflow.cfg", "[core]\ns3cret\n", "airflow.cfg:2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, _ := project(t, map[string]string{c.file: c.text})
			_, err := Load(context.Background(), Options{Dir: dir, Home: dir})
			if store.CodeOf(err) != store.Invalid || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), dir) {
				t.Errorf("Load = %v, want an error that names the file and says %q", err, c.says)
			}
		})
	}
}

func TestByteOrderMark(t *testing.T) {
	dir, home := project(t, map[string]string{".env": "\ufeffA=1\n", "Dockerfile": "\ufeffFROM x\nENV B=2\n"})
	s := load(t, dir, home)
	for name, want := range map[string]string{"A": "1", "B": "2"} {
		if got, _, _ := s.Lookup(name); got != want {
			t.Errorf("Lookup(%s) = %q", name, got)
		}
	}
}

func TestBackend(t *testing.T) {
	const own, workers = "AIRFLOW__SECRETS__BACKEND", "AIRFLOW__WORKERS__SECRETS_BACKEND"
	for _, c := range []struct {
		name    string
		environ []string
		reading airflow.Reading
		want    string // section class kwargs
	}{
		{"none", nil, airflow.SDK, "none"},
		{"empty", []string{own + "=", own + `_KWARGS={"a": 1}`}, airflow.ORM, "none"},
		{"not trimmed", []string{own + "= a.B "}, airflow.ORM, "secrets| a.B |{}"},
		{"kwargs", []string{own + "=a.B", own + `_KWARGS={"a": "$X", "b": "~"}`, "X=x"}, airflow.ORM, `secrets|a.B|{"a": "x", "b": "~"}`},
		{"per key", []string{own + "=a.B", own + `_KWARGS={"a": 1}`, own + "_KWARG__A=$X", own + "_KWARG__B=null", own + "_KWARG__="},
			airflow.ORM, `secrets|a.B|{"a": "$X", "b": "null"}`},
		{"workers fall back on class and kwargs", []string{own + "=a.B", own + `_KWARGS={"a": 1}`, workers + `_KWARGS={"w": 1}`}, airflow.SDK, `secrets|a.B|{"a": 1}`},
		{"workers' own", []string{own + "=a.B", own + `_KWARGS={"a": 1}`, own + "_KWARG__C=c", workers + "=w.B", workers + "_KWARG__D=d"},
			airflow.SDK, `workers|w.B|{"d": "d"}`},
		{"the server ignores workers", []string{workers + "=w.B"}, airflow.ORM, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, home := project(t, nil)
			b, err := load(t, dir, home, c.environ...).Backend(context.Background(), c.reading)
			if err != nil {
				t.Fatal(err)
			}
			got := "none"
			if b != nil {
				got = b.Section + "|" + b.Class + "|" + pyjson.Encode(b.Kwargs)
			}
			if got != c.want {
				t.Errorf("Backend = %s, want %s", got, c.want)
			}
		})
	}
}

// TestBackendOfTheSeed pastes the guide's lines into .env and into a
// Dockerfile.
func TestBackendOfTheSeed(t *testing.T) {
	const class = `AIRFLOW__SECRETS__BACKEND="airflow.contrib.secrets.hashicorp_vault.VaultBackend"`
	const kwargs = `AIRFLOW__SECRETS__BACKEND_KWARGS='{"connections_path": "connections", "variables_path": "variables", "config_path": null, ` +
		`"url": "http://host.docker.internal:8200", "auth_type": "approle", "role_id":"r", "secret_id":"s3cret"}'`
	unquoted := strings.ReplaceAll(class, `"`, "") + "\n" + strings.ReplaceAll(kwargs, "'", "") + "\n"
	for _, c := range []struct{ name, file, text, origin string }{
		{".env", ".env", "# secrets\n" + class + "\n" + kwargs + "\n", ".env:3"},
		{".env without quotes", ".env", unquoted, ".env:2"},
		{"Dockerfile", "Dockerfile", "FROM x\nENV " + class + "\nENV " + kwargs + "\n", "Dockerfile:3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, home := project(t, map[string]string{c.file: c.text})
			b, err := load(t, dir, home, "AIRFLOW__SECRETS__BACKEND_KWARG__URL=http://127.0.0.1").Backend(context.Background(), airflow.SDK)
			if err != nil || b == nil || b.Warning != nil {
				t.Fatalf("Backend = %v, %v", b, err)
			}
			want := `{"connections_path": "connections", "variables_path": "variables", "config_path": null, "url": "http://127.0.0.1", ` +
				`"auth_type": "approle", "role_id": "r", "secret_id": "s3cret"}`
			if got := pyjson.Encode(b.Kwargs); got != want || b.Class != "airflow.contrib.secrets.hashicorp_vault.VaultBackend" {
				t.Errorf("class %q, kwargs %s", b.Class, got)
			}
			if b.KwargsOrigin.String() != c.origin || len(b.Overrides) != 1 || b.Overrides[0].Place != Process {
				t.Errorf("kwargs from %s, overrides %v", b.KwargsOrigin, b.Overrides)
			}
		})
	}
}

func TestBackendAsksItself(t *testing.T) {
	dir, home := project(t, nil)
	_, err := load(t, dir, home, "AIRFLOW__SECRETS__BACKEND=a.B", "AIRFLOW__SECRETS__BACKEND_KWARGS_SECRET=x").
		Backend(context.Background(), airflow.SDK)
	if pythonType(err) != recursionError || store.Hint(err) == "" {
		t.Errorf("Backend = %v", err)
	}
}

// TestNothingPrintsValues formats everything that holds a secret with every
// verb.
func TestNothingPrintsValues(t *testing.T) {
	dir, home := project(t, map[string]string{".env": "A=s3cret\n"})
	s := load(t, dir, home, "AIRFLOW__CORE__FERNET_KEY=s3cret", "AIRFLOW__SECRETS__BACKEND=a.B", "AIRFLOW__SECRETS__BACKEND_KWARG__TOKEN=s3cret")
	o, err := s.Option(context.Background(), "core", "fernet_key")
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Backend(context.Background(), airflow.SDK)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{s, *s, o, &o, b, *b, o.LogValue(), b.LogValue(), s.Notes()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, "s3cret") || strings.Contains(out, "733363726574") {
				t.Errorf("%s of %T prints %s", verb, v, out)
			}
		}
	}
}

func TestBoolErrors(t *testing.T) {
	dir, home := project(t, nil)
	s := load(t, dir, home, "AIRFLOW__CORE__LOAD_EXAMPLES=yes-s3cret")
	_, origin, err := s.Bool(context.Background(), "core", "load_examples")
	if store.CodeOf(err) != store.Invalid || strings.Contains(err.Error(), "s3cret") || origin.Place != Process {
		t.Errorf("Bool = %v from %v", err, origin)
	}
	if _, _, err := s.Bool(context.Background(), "core", "no_such"); store.CodeOf(err) != store.NotFound {
		t.Errorf("Bool of an unknown option = %v", err)
	}
}
