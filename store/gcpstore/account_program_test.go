package gcpstore

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/store"
)

// TestExecutableNeedsTheUsersWord: the permission, the command, and the file
// that holds it each have a say, and one of them that is not the user's is
// enough.
func TestExecutableNeedsTheUsersWord(t *testing.T) {
	folder, home := t.TempDir(), t.TempDir()
	mark := filepath.Join(t.TempDir(), "ran")
	config := external(map[string]any{"executable": map[string]any{"command": "touch " + mark}})
	text, err := json.Marshal(config["gcp_credential_config_file"])
	if err != nil {
		t.Fatal(err)
	}
	sdk := filepath.Join(home, ".config", "gcloud", "application_default_credentials.json")
	inFolder, outside, link := filepath.Join(folder, "key.json"), filepath.Join(home, "key.json"), filepath.Join(home, "link.json")
	if err := os.MkdirAll(filepath.Dir(sdk), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{sdk, inFolder, outside} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(inFolder, link); err != nil {
		t.Fatal(err)
	}
	named := func(path any) map[string]any {
		return map[string]any{"project_id": "p", "gcp_credential_config_file": path}
	}
	const adc = "GOOGLE_APPLICATION_CREDENTIALS"
	none := map[string]any{"project_id": "p"}
	for _, tt := range []struct {
		name     string
		kwargs   map[string]any
		env      map[string]string
		ofFolder string // names of what is the folder's: variables, "kwargs"
		runs     bool
	}{
		{"all the user's", config, nil, "", true},
		{"permitted by the folder", config, nil, allowExecutables, false},
		{"kwargs of the folder", config, nil, "kwargs", false},
		{"all the folder's", config, nil, allowExecutables + " kwargs", false},
		{"a file of the user", named(outside), nil, "", true},
		{"a file of the user that the folder names", named(outside), nil, "kwargs", false},
		{"a file in the folder", named(inFolder), nil, "", false},
		{"a file in the folder by its name there", named("key.json"), nil, "", false},
		{"a link into the folder", named(link), nil, "", false},
		{"the text in a string of the folder", named(string(text)), nil, "kwargs", false},
		{"default credentials", none, map[string]string{adc: outside}, "", true},
		{"default credentials that the folder names", none, map[string]string{adc: outside}, adc, false},
		{"default credentials in the folder", none, map[string]string{adc: inFolder}, "", false},
		{"gcloud's log-in", none, map[string]string{"HOME": home}, "kwargs", true},
		{"gcloud's folder is the folder's", none, map[string]string{"CLOUDSDK_CONFIG": filepath.Dir(sdk)}, "CLOUDSDK_CONFIG", false},
		{"the home is the folder's", none, map[string]string{"HOME": home}, "HOME", false},
	} {
		_ = os.Remove(mark)
		env := envOf(allowExecutables, "1", "HTTPS_PROXY", "http://127.0.0.1:1")
		getenv, words := env.Getenv, ofUser()
		env.Getenv = func(name string) (string, bool) {
			if v, ok := tt.env[name]; ok {
				return v, true
			}
			return getenv(name)
		}
		word := func(name string) program.Word {
			return program.Word{User: !strings.Contains(" "+tt.ofFolder+" ", " "+name+" "), Where: "place of " + name}
		}
		words.Folder, words.Kwargs, words.Variable = folder, word("kwargs"), word
		env.Dir, env.Words = folder, words
		s, _, err := FromKwargs(kwargsOf(t, tt.kwargs), env)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		_, err = s.Get(t.Context(), "x")
		_ = s.Close()
		_, statErr := os.Stat(mark)
		if ran := statErr == nil; ran != tt.runs {
			t.Errorf("%s: the program ran: %v, want %v (%v)", tt.name, ran, tt.runs, err)
		}
		if !tt.runs && (store.CodeOf(err) != store.Denied || !errors.Is(err, program.ErrNotRun) || store.Hint(err) == "" || strings.Contains(err.Error(), mark)) {
			t.Errorf("%s: %v, want a refusal that says whose setting it is", tt.name, err)
		}
	}
}

// TestCachedAnswerNeedsTheUsersWord: what a program has left in a file is its
// answer too.
func TestCachedAnswerNeedsTheUsersWord(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cached")
	text := `{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"subject5","expiration_time":4102444800}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	kwargs := external(map[string]any{"executable": map[string]any{"command": "false", "output_file": file}})
	for _, user := range []bool{true, false} {
		g := &google{answers: map[string]string{"sts.googleapis.com/v1/token": `{"access_token": "ya29.token", "token_type": "Bearer", "expires_in": 3600}`}}
		env := envOf(allowExecutables, "1")
		env.Words.Kwargs.User = user
		s, _, err := FromKwargs(kwargsOf(t, kwargs), env)
		if err != nil {
			t.Fatal(err)
		}
		s.web.transport = g
		_, err = s.credentials.account.token(t.Context(), s.web, nil)
		_ = s.Close()
		if used := slices.ContainsFunc(g.sent, func(line string) bool { return strings.Contains(line, "subject5") }); used != user || errors.Is(err, program.ErrNotRun) == user {
			t.Errorf("the user's: %v: the cached token was used: %v, %v", user, used, err)
		}
	}
}
