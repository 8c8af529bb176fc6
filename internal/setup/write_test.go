package setup_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/setup"
)

// write makes the plan's changes in dir and returns what was done to each.
func write(t *testing.T, p *setup.Plan, dir string) map[string]string {
	t.Helper()
	changes, err := p.Changes(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := setup.Write(dir, changes); err != nil {
		t.Fatal(err)
	}
	done := map[string]string{}
	for _, c := range changes {
		done[c.Path] = c.Done
	}
	return done
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func put(t *testing.T, dir, path, text string) {
	t.Helper()
	full := filepath.Join(dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestASecondRunChangesNothing: for every way, with the same answers and with
// none of the credentials given again.
func TestASecondRunChangesNothing(t *testing.T) {
	for service, ways := range answered() {
		for way, answers := range ways {
			t.Run(service+" "+way, func(t *testing.T) {
				dir := t.TempDir()
				write(t, plan(t, service, answers), dir)
				before := files(t, dir)
				again := setup.Answers{}
				for name, value := range answers {
					if !strings.HasPrefix(value, "CANARY-") {
						again[name] = value
					}
				}
				p := plan(t, service, again)
				if _, err := p.Adopt(t.Context(), dir); err != nil {
					t.Fatal(err)
				}
				for path, done := range write(t, p, dir) {
					if done != setup.Keep {
						t.Errorf("the second run: %s %s", done, path)
					}
				}
				for path, text := range files(t, dir) {
					if before[path] != text {
						t.Errorf("%s is another one after the second run", path)
					}
				}
			})
		}
	}
}

// TestWhatAirflowGets: .env reads back as the plan's settings.
func TestWhatAirflowGets(t *testing.T) {
	for service, ways := range answered() {
		for way, answers := range ways {
			dir, p := t.TempDir(), plan(t, service, answers)
			write(t, p, dir)
			read, err := project.Read(t.Context(), project.Options{Path: dir})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range p.Settings() {
				if set := read.Environments[0].Lookup(v.Name); set == nil || set.Value != v.Value {
					t.Errorf("%s %s: %s does not read back", service, way, v.Name)
				}
			}
		}
	}
}

// TestWhatIsThereIsKept: settings, requirements and files that a person wrote.
func TestWhatIsThereIsKept(t *testing.T) {
	dir := t.TempDir()
	for path, text := range map[string]string{
		".env":                     "# mine\nOTHER=1\nAIRFLOW__SECRETS__BACKEND=my.own.Backend",
		"requirements.txt":         "pandas\nApache_Airflow.providers-hashicorp[x]==4.0 # pinned\n",
		".gitignore":               "/.env\n",
		"Dockerfile":               "FROM scratch\n",
		"dags/airlock_test.py":     "# mine\n",
		"secrets-backend/setup.sh": "# mine\n",
	} {
		put(t, dir, path, text)
	}
	done := write(t, plan(t, "vault", answered()["vault"]["approle"]), dir)
	now := files(t, dir)
	if !strings.HasPrefix(now[".env"], "# mine\nOTHER=1\nAIRFLOW__SECRETS__BACKEND=my.own.Backend\nAIRFLOW__SECRETS__BACKEND_KWARGS=") {
		t.Error(".env did not keep what was there, or has no kwargs")
	}
	for path, want := range map[string]string{
		"requirements.txt": setup.Keep, "dags/airlock_test.py": setup.Keep, "secrets-backend/setup.sh": setup.Keep,
		".gitignore": setup.Add, ".dockerignore": setup.Make, "secrets-backend/vault-policy.hcl": setup.Make,
	} {
		if done[path] != want {
			t.Errorf("%s: %s, want %s", path, done[path], want)
		}
	}
	if now[".gitignore"] != "/.env\nsecrets-backend/places/\n" {
		t.Errorf(".gitignore is %q", now[".gitignore"])
	}
}

// TestPlaceholdersAreFilledIn where a later run knows more.
func TestPlaceholdersAreFilledIn(t *testing.T) {
	dir := t.TempDir()
	write(t, plan(t, "vault", answered()["vault"]["left open"]), dir)
	p := plan(t, "vault", answered()["vault"]["approle"])
	if done := write(t, p, dir); done[".env"] != setup.Add {
		t.Errorf(".env: %s", done[".env"])
	}
	env := files(t, dir)[".env"]
	if strings.Contains(env, "<") || strings.Count(env, "BACKEND_KWARGS") != 1 || !strings.Contains(env, `"role_id": "r"`) {
		t.Error("the placeholders are still there, or the line is there twice")
	}
}

// TestPrivateFiles: what holds a credential is the owner's alone.
func TestPrivateFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, plan(t, "vault", answered()["vault"]["approle"]), dir)
	for path, text := range files(t, dir) {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		private := path == ".env" || strings.HasPrefix(path, setup.Places)
		if strings.Contains(text, "CANARY-") && !private {
			t.Errorf("%s holds a credential", path)
		}
		if private && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
	}
	if text := files(t, dir)[setup.Places+"/for-dockerfile.txt"]; strings.Contains(text, "CANARY-") {
		t.Error("the lines for the Dockerfile hold a credential")
	}
	if text := files(t, dir)[setup.Places+"/values.yaml"]; strings.Contains(text, "CANARY-") {
		t.Error("the Helm values hold a credential")
	}
}

func TestLinksAreNotFollowed(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "elsewhere")
	put(t, filepath.Dir(out), "elsewhere", "A=1\n")
	if err := os.Symlink(out, filepath.Join(dir, ".env")); err != nil {
		t.Fatal(err)
	}
	if _, err := plan(t, "ssm", answered()["ssm"]["identity"]).Changes(t.Context(), dir); err == nil {
		t.Error("a link in place of .env was taken")
	}
}

// TestFoldersThatAreLinks: a repository that was cloned leads nothing that is
// written to another place.
func TestFoldersThatAreLinks(t *testing.T) {
	for _, link := range []string{"secrets-backend", "secrets-backend/places", "dags"} {
		dir, outside := t.TempDir(), t.TempDir()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, link)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
		changes, err := plan(t, "vault", answered()["vault"]["approle"]).Changes(t.Context(), dir)
		if err == nil {
			err = setup.Write(dir, changes)
		}
		if err == nil {
			t.Errorf("%s: a link out of the folder was taken", link)
		}
		if left := files(t, outside); len(left) > 0 {
			t.Errorf("%s: %d files are written elsewhere", link, len(left))
		}
	}
}

// TestModesThatAreTooWide: credentials are not written into files that others
// can read, such as git makes them.
func TestModesThatAreTooWide(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{".env", "secrets-backend/places/shell.sh", "secrets-backend/places/AIRFLOW__SECRETS__BACKEND_KWARGS"} {
		put(t, dir, path, "# there already\n")
	}
	write(t, plan(t, "vault", answered()["vault"]["approle"]), dir)
	for path, text := range files(t, dir) {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil || strings.Contains(text, "CANARY-") && info.Mode().Perm() != 0o600 {
			t.Errorf("%s holds a credential and has mode %o, %v", path, info.Mode().Perm(), err)
		}
	}
}

// TestKeyFile: the key goes into the kwargs as an object, on one line.
func TestKeyFile(t *testing.T) {
	account, _ := gcpfake.Account(t, "my-project", "https://localhost:1/token")
	text, err := json.MarshalIndent(account, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.json")
	put(t, filepath.Dir(path), "key.json", string(text))
	s, _ := setup.Find("gcp")
	p, err := s.Plan(setup.Answers{"project-id": "my-project", "auth": "key-file", "key-file": path})
	if err != nil {
		t.Fatal(err)
	}
	if text := p.KwargsText(); strings.ContainsRune(text, '\n') || !strings.Contains(text, `"gcp_keyfile_dict": {"`) || len(p.Todo) > 0 {
		t.Error("the kwargs do not hold the key as an object on one line")
	}
	put(t, filepath.Dir(path), "other.json", `{"type": "service_account"}`)
	if _, err := s.Plan(setup.Answers{"project-id": "my-project", "auth": "key-file", "key-file": filepath.Join(filepath.Dir(path), "other.json")}); err == nil {
		t.Error("a file without a private key was taken")
	}
}
