package setup_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/mototest"
	"github.com/airlock-secrets/airlock/internal/setup"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

func admin(t *testing.T, environ map[string]string) *setup.Admin {
	t.Helper()
	return &setup.Admin{Say: func(string) {}, Env: stores.Env{Dir: t.TempDir(), Home: t.TempDir(),
		Getenv: func(name string) (string, bool) { v, ok := environ[name]; return v, ok }}}
}

// reads checks that Airflow, with the plan's own settings, gets both values
// and nothing beside them.
func reads(t *testing.T, p *setup.Plan, env stores.Env) *stores.Backend {
	t.Helper()
	b, err := stores.Known().Open(p.Class, p.Kwargs, env, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Store.Close() })
	for kind, want := range map[airflow.Kind]string{airflow.KindVariable: setup.TestValue, airflow.KindConnection: setup.TestURI} {
		ref := airflow.Ref{Kind: kind, ID: setup.TestID}
		s, err := b.Store.Get(t.Context(), b.Dialect.Names(ref).Names[0])
		if err != nil {
			t.Fatal(err)
		}
		if v, err := b.Dialect.Decode(ref, s); err != nil || v.Text() != want {
			t.Errorf("%s is not what was written (%v)", ref, err)
		}
	}
	return b
}

func TestApplyVault(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers setup.Answers
	}{
		{"AppRole, version 2", setup.Answers{"mount-point": "airflow/kv"}},
		{"AppRole, the mount that is there", setup.Answers{}},
		{"AppRole, version 1", setup.Answers{"mount-point": "old", "kv-engine-version": "1", "role": "reader"}},
		{"token", setup.Answers{"auth-type": "token", "role": "tokens"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bao := baotest.Start(t)
			tt.answers["url"] = bao.Addr
			a := admin(t, map[string]string{"VAULT_TOKEN": bao.Token})
			p := plan(t, "vault", tt.answers)
			if err := p.Apply(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			if len(p.Todo) > 0 {
				t.Errorf("left to do: %v", p.Todo)
			}
			b := reads(t, p, stores.Env{})
			if _, err := b.Store.Get(t.Context(), "elsewhere/x"); store.CodeOf(err) != store.Denied {
				t.Errorf("reading beside the paths: %v, want denied", err)
			}
			if _, err := store.Put(t.Context(), b.Store, "variables/x", &store.Secret{Form: store.Object, Payload: []byte(`{"value":"x"}`)}, nil); store.CodeOf(err) != store.Denied {
				t.Errorf("writing: %v, want denied", err)
			}

			// Again, with the log-in that is there: nothing new is given out.
			before := p.KwargsText()
			a.Keep = true
			if err := p.Apply(t.Context(), a); err != nil || p.KwargsText() != before {
				t.Errorf("the second time: %v, the same kwargs: %v", err, p.KwargsText() == before)
			}
		})
	}
}

// TestApplyVaultRefuses what would change somebody else's.
func TestApplyVaultRefuses(t *testing.T) {
	bao := baotest.Start(t)
	for _, tt := range []struct {
		name, hint string
		answers    setup.Answers
		environ    map[string]string
		code       store.Code
	}{
		{"no token", "set it to a token that may write policies", setup.Answers{}, nil, store.Unauthenticated},
		{"wrong token", "use a token in VAULT_TOKEN that may do this", setup.Answers{}, map[string]string{"VAULT_TOKEN": "CANARY-none"}, store.Denied},
		{"wrong version", "answer --kv-engine-version 2", setup.Answers{"kv-engine-version": "1"}, map[string]string{"VAULT_TOKEN": bao.Token}, store.Conflict},
		{"another policy", "answer another --role", setup.Answers{"role": "default"}, map[string]string{"VAULT_TOKEN": bao.Token}, store.Conflict},
		{"no server", "set VAULT_ADDR", setup.Answers{}, map[string]string{"VAULT_TOKEN": "CANARY-t", "VAULT_ADDR": "http://127.0.0.1:1"}, store.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.answers["url"] = bao.Addr
			err := plan(t, "vault", tt.answers).Apply(t.Context(), admin(t, tt.environ))
			if store.CodeOf(err) != tt.code || !strings.Contains(store.Hint(err), tt.hint) {
				t.Errorf("%v, hint %q; want code %s, hint %q", err, store.Hint(err), tt.code, tt.hint)
			}
			if err != nil && strings.Contains(err.Error()+store.Hint(err), "CANARY") {
				t.Error("the token is in the error")
			}
		})
	}
}

// TestApplyVaultStaysWithTheServer: the administrator's token goes to no server
// that another one names.
func TestApplyVaultStaysWithTheServer(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another server is asked") }))
	defer other.Close()
	for _, status := range []int{301, 302, 307, 308} {
		first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, status)
		}))
		err := plan(t, "vault", setup.Answers{"url": first.URL}).Apply(t.Context(), admin(t, map[string]string{"VAULT_TOKEN": "hunter2"}))
		first.Close()
		if store.CodeOf(err) != store.Invalid || !strings.Contains(err.Error(), "sends the request on to another one, "+strings.TrimPrefix(other.URL, "http://")) {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

func TestApplyAWS(t *testing.T) {
	for _, tt := range []struct{ service, principal, iam string }{
		{"ssm", "role/airflow", "CreateRole&RoleName=airflow&AssumeRolePolicyDocument=%7B%7D"},
		{"secretsmanager", "user/airflow", "CreateUser&UserName=airflow"},
	} {
		t.Run(tt.service, func(t *testing.T) {
			t.Parallel()
			moto := mototest.Start(t)
			environ := map[string]string{"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "CANARY-SK", "AWS_ENDPOINT_URL": moto.URL}
			a := admin(t, environ)
			p := plan(t, tt.service, setup.Answers{"region-name": "eu-central-1", "principal": tt.principal})
			err := p.Apply(t.Context(), a)
			if store.CodeOf(err) != store.NotFound || !strings.Contains(store.Hint(err), "--principal") {
				t.Fatalf("without the role: %v", err)
			}
			moto.IAM(t, tt.iam)
			for range 2 {
				if err := p.Apply(t.Context(), a); err != nil {
					t.Fatal(err)
				}
			}
			reads(t, p, a.Env)
		})
	}
}

// TestApplyIsNotForAll: the others say what to run.
func TestApplyIsNotForAll(t *testing.T) {
	p := plan(t, "gcp", answered()["gcp"]["identity"])
	if err := p.Apply(t.Context(), admin(t, nil)); err == nil || !strings.Contains(err.Error(), "setup.sh") {
		t.Errorf("%v", err)
	}
}

// TestScriptsRun: what setup.sh says, done by OpenBao's own program, is what
// --apply does.
func TestScriptsRun(t *testing.T) {
	bao := baotest.Start(t)
	dir, bin := t.TempDir(), t.TempDir()
	if err := os.Symlink(baotest.Tool(t, "bao"), filepath.Join(bin, "vault")); err != nil {
		t.Fatal(err)
	}
	p := plan(t, "vault", setup.Answers{"url": bao.Addr, "mount-point": "kv", "role": "airflow"})
	write(t, p, dir)
	for range 2 {
		runScript(t, dir, "PATH="+bin+":"+os.Getenv("PATH"), "VAULT_ADDR="+bao.Addr, "BAO_ADDR="+bao.Addr, "VAULT_TOKEN="+bao.Token, "BAO_TOKEN="+bao.Token)
	}
	if err := p.Apply(t.Context(), admin(t, map[string]string{"VAULT_TOKEN": bao.Token})); err != nil {
		t.Fatalf("what the script made is not what airlock makes: %v", err)
	}
	reads(t, p, stores.Env{})
}

// runScript runs setup.sh with sh, in the project's folder.
func runScript(t *testing.T, dir string, environ ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", setup.Folder+"/setup.sh")
	cmd.Dir, cmd.Env = dir, environ
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("setup.sh: %v, after %d bytes of output", err, len(out))
	}
}
