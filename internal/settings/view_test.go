package settings

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// TestViews: of a backend's kwargs, what the user says without the folder, and
// what the folder says without the user.
func TestViews(t *testing.T) {
	const kwargs, one = "AIRFLOW__SECRETS__BACKEND_KWARGS", "AIRFLOW__SECRETS__BACKEND_KWARG__TOKEN"
	for _, tt := range []struct {
		name                string
		files               map[string]string
		environ             []string
		merged, own, folder string
	}{
		{"kwargs of .env", map[string]string{".env": kwargs + `='{"url": "u"}'`}, nil, `{"url": "u"}`, `{}`, `{"url": "u"}`},
		{"kwargs of the Dockerfile", map[string]string{"Dockerfile": "FROM x\nENV " + kwargs + `='{"url": "u"}'`}, nil, `{"url": "u"}`, `{}`, `{"url": "u"}`},
		{"kwargs of the process", nil, []string{kwargs + `={"url": "u"}`}, `{"url": "u"}`, `{"url": "u"}`, `{}`},
		{"both", map[string]string{".env": kwargs + `='{"url": "f"}'`}, []string{kwargs + `={"url": "u"}`}, `{"url": "u"}`, `{"url": "u"}`, `{"url": "f"}`},
		{"a variable of the process in .env", map[string]string{".env": kwargs + `='{"token": "$T"}'`}, []string{"T=t"}, `{"token": "t"}`, `{}`, `{"token": "$T"}`},
		{"the same by compose", map[string]string{".env": kwargs + `={"token": "$T"}`}, []string{"T=t"}, `{"token": "t"}`, `{}`, `{}`},
		{"by way of a second variable", map[string]string{".env": "X=$T\n" + kwargs + `='{"token": "$X"}'`}, []string{"T=t"}, `{"token": "t"}`, `{}`, `{"token": "$X"}`},
		{"a default in place of a variable", map[string]string{".env": "X=${T:-d}\n" + kwargs + `='{"token": "$X"}'`}, []string{"T=t"}, `{"token": "t"}`, `{}`, `{"token": "$X"}`},
		{"a variable of .env in the process", map[string]string{".env": "A=a"}, []string{kwargs + `={"url": "$A"}`}, `{"url": "a"}`, `{"url": "$A"}`, `{}`},
		{"one kwarg of the process", map[string]string{".env": kwargs + `='{"url": "f"}'`}, []string{one + "=t"},
			`{"url": "f", "token": "t"}`, `{"token": "t"}`, `{"url": "f"}`},
		{"a command of the process", map[string]string{".env": one + "=f"}, []string{kwargs + `_CMD=echo '{"url": "u"}'`},
			`{"url": "u", "token": "f"}`, `{"url": "u"}`, `{"token": "f"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, home := project(t, tt.files)
			environ := append([]string{"AIRFLOW__SECRETS__BACKEND=a.B"}, tt.environ...)
			s := load(t, dir, home, environ...)
			b, err := s.Backend(context.Background(), airflow.SDK)
			if err != nil || b == nil {
				t.Fatalf("Backend = %v, %v", b, err)
			}
			own, folder := s.Own().KwargsOf(context.Background(), b), s.Folder().KwargsOf(context.Background(), b)
			if got := pyjson.Encode(b.Kwargs); got != tt.merged {
				t.Errorf("merged: %s, want %s", got, tt.merged)
			}
			if got := pyjson.Encode(own); got != tt.own {
				t.Errorf("Own: %s, want %s", got, tt.own)
			}
			if got := pyjson.Encode(folder); got != tt.folder {
				t.Errorf("Folder: %s, want %s", got, tt.folder)
			}
		})
	}
}

// TestViewsOfConfigFile: an airflow.cfg is the user's where the process leads
// to it, the folder's where a file of the folder does.
func TestViewsOfConfigFile(t *testing.T) {
	const text = "[secrets]\nbackend = a.B\nbackend_kwargs = {\"url\": \"c\"}\n"
	for _, tt := range []struct {
		name        string
		files       map[string]string
		environ     []string
		own, folder string
	}{
		{"named by the process", map[string]string{"airflow.cfg": text}, []string{"AIRFLOW_HOME=DIR"}, `{"url": "c"}`, `{}`},
		{"named by .env", map[string]string{"airflow.cfg": text, ".env": "AIRFLOW_HOME=DIR"}, nil, `{}`, `{"url": "c"}`},
		{"relative to the folder", map[string]string{"airflow.cfg": text}, []string{"AIRFLOW_HOME=."}, `{}`, `{"url": "c"}`},
		{"elsewhere, named by .env", map[string]string{".env": "AIRFLOW_HOME=HOME/elsewhere"}, nil, `{}`, `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, home := project(t, nil)
			fill := strings.NewReplacer("DIR", dir, "=HOME", "="+home)
			write := func(path, text string) {
				t.Helper()
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(filepath.Join(home, "elsewhere", "airflow.cfg"), text)
			for name, content := range tt.files {
				write(filepath.Join(dir, name), fill.Replace(content))
			}
			var environ []string
			for _, e := range tt.environ {
				environ = append(environ, fill.Replace(e))
			}
			s := load(t, dir, home, environ...)
			b, err := s.Backend(context.Background(), airflow.SDK)
			if err != nil || b == nil {
				t.Fatalf("Backend = %v, %v", b, err)
			}
			if got := pyjson.Encode(s.Own().KwargsOf(context.Background(), b)); got != tt.own {
				t.Errorf("Own: %s, want %s", got, tt.own)
			}
			if got := pyjson.Encode(s.Folder().KwargsOf(context.Background(), b)); got != tt.folder {
				t.Errorf("Folder: %s, want %s", got, tt.folder)
			}
			if got := s.OfFolder(b.KwargsOrigin); got != (tt.own == `{}`) {
				t.Errorf("OfFolder(%s) = %v", b.KwargsOrigin, got)
			}
		})
	}
}

// TestProcessOnlyVariables: where the user's own files are is no matter of a
// folder.
func TestProcessOnlyVariables(t *testing.T) {
	dir, home := project(t, map[string]string{".env": "HOME=/x\nXDG_STATE_HOME=/x\nAIRLOCK_TRUST=x\nA=a\n",
		"Dockerfile": "FROM x\nENV XDG_CONFIG_HOME=/x AIRLOCK_DATA_DIR=/x\n"})
	s := load(t, dir, home)
	for _, name := range []string{"HOME", "XDG_STATE_HOME", "AIRLOCK_TRUST", "XDG_CONFIG_HOME", "AIRLOCK_DATA_DIR"} {
		if v, at, ok := s.Lookup(name); ok {
			t.Errorf("Lookup(%s) = %q from %s", name, v, at)
		}
	}
	if _, _, ok := s.Lookup("A"); !ok || s.Home() != home {
		t.Errorf("Home() = %s", s.Home())
	}
}

// TestHomeThatIsNoFolder: services run with HOME=/dev/null.
func TestHomeThatIsNoFolder(t *testing.T) {
	if _, err := Load(t.Context(), Options{Dir: t.TempDir(), Environ: []string{"HOME=/dev/null"}}); err != nil {
		t.Error(err)
	}
}

// TestFolderWithoutWhatLinksLeadTo: a file that is a link out of the folder
// says nothing in the folder's own view, and one that stays inside does.
func TestFolderWithoutWhatLinksLeadTo(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	for _, at := range []string{dir, outside} {
		if err := os.WriteFile(filepath.Join(at, "env"), []byte("X=y\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for target, want := range map[string]bool{"env": true, filepath.Join(outside, "env"): false} {
		link := filepath.Join(dir, ".env")
		_ = os.Remove(link)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		s, err := Load(t.Context(), Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if _, at, ok := s.Lookup("X"); !ok || !s.OfFolder(at) {
			t.Errorf("%s: X is not the folder's word", target)
		}
		if _, _, ok := s.Folder().Lookup("X"); ok != want {
			t.Errorf("%s: X in the folder's own view: %v", target, ok)
		}
	}
}
