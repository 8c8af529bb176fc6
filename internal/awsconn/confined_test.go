package awsconn_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/ssmstore"
)

const canary = "CANARY-of-the-user"

// listener is the server of whoever wrote a folder: it keeps all that arrives.
type listener struct {
	mu       sync.Mutex
	requests []string
}

// ServeHTTP implements http.Handler.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var b strings.Builder
	b.WriteString(r.Method + " " + r.Host + " " + r.RequestURI + "\n")
	_ = r.Header.Write(&b)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, b.String()+string(body))
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, _ = io.WriteString(w, `{"Parameter": {"Name": "n", "Value": "v"}}`)
}

// user fills HOME and the process environment with canaries.
func user(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	keys := "aws_access_key_id = " + canary + "\naws_secret_access_key = " + canary + "\naws_session_token = " + canary + "\nregion = eu-west-3\n"
	for name, text := range map[string]string{
		".aws/credentials": "[default]\n" + keys + "[user]\n" + keys, ".aws/config": "[default]\n" + keys + "[profile user]\n" + keys,
		".aws/sso/cache/token.json": `{"accessToken": "` + canary + `"}`, "token": canary, ".ssh/id_rsa": canary,
	} {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HOME", home)
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE",
		"AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK"} {
		t.Setenv(name, canary)
	}
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", filepath.Join(home, "token"))
	return home
}

// TestConfined: to an address that a folder names goes the folder's own key,
// or nothing.
func TestConfined(t *testing.T) {
	home := user(t)
	region := env("AWS_DEFAULT_REGION", "eu-west-3")
	with := func(pairs ...string) map[string]string {
		m := env(pairs...)
		m["AWS_DEFAULT_REGION"] = "eu-west-3"
		return m
	}
	keys := map[string]string{"keys": "[default]\naws_access_key_id = FOLDER\naws_secret_access_key = y\n[profile p]\n", "token": "FOLDER"}
	config := func(text string) folder {
		return folder{env: with("AWS_CONFIG_FILE", "DIR/config"), files: map[string]string{"config": text}}
	}
	role := `"role_arn": "arn:aws:iam::1:role/r"`
	const none, denied = store.Unauthenticated, store.Denied
	tests := []struct {
		rule string
		f    folder
		code store.Code // of the look-up
	}{
		{"own variables", folder{env: with("AWS_ACCESS_KEY_ID", "FOLDER", "AWS_SECRET_ACCESS_KEY", "y")}, ""},
		{"own kwargs", folder{kwargs: `{"aws_access_key_id": "FOLDER", "aws_secret_access_key": "y"}`, env: region}, ""},
		{"own file", folder{env: with("AWS_SHARED_CREDENTIALS_FILE", "keys"), files: keys}, ""},
		{"nothing", folder{env: region}, none},
		{"a profile of the user", folder{kwargs: `{"profile_name": "user"}`, env: region}, store.Invalid},
		{"a profile of the user by variable", folder{env: with("AWS_PROFILE", "user")}, store.Invalid},
		{"HOME by its name", folder{env: with("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")}, none},
		{"HOME by its path", folder{env: with("AWS_SHARED_CREDENTIALS_FILE", "HOME/.aws/credentials")}, denied},
		{"the configuration of HOME", folder{env: with("AWS_CONFIG_FILE", "HOME/.aws/config")}, denied},
		{"a profile there", folder{kwargs: `{"profile_name": "user"}`, env: with("AWS_CONFIG_FILE", "HOME/.aws/config")}, denied},
		{"HOME by a link", folder{env: with("AWS_SHARED_CREDENTIALS_FILE", "link/.aws/credentials")}, denied},
		{"a key file as a token", folder{env: with("AWS_WEB_IDENTITY_TOKEN_FILE", "HOME/.ssh/id_rsa", "AWS_ROLE_ARN", "a")}, denied},
		{"a key file as a token of the kwargs", folder{kwargs: `{` + role + `, "assume_role_method": "assume_role_with_web_identity",
			"assume_role_with_web_identity_federation": "file", "assume_role_with_web_identity_token_file": "HOME/.ssh/id_rsa"}`, env: region}, denied},
		{"a key file as a token of a profile", config("[default]\nrole_arn = a\nweb_identity_token_file = HOME/.ssh/id_rsa\n"), denied},
		{"a key file as a CA, which is read and not sent", folder{kwargs: `{"verify": "HOME/.ssh/id_rsa"}`, env: own("AWS_DEFAULT_REGION", "eu-west-3")}, store.Invalid},
		{"a role", folder{kwargs: `{` + role + `}`, env: region}, none},
		{"a source that is the environment", config("[default]\nrole_arn = a\ncredential_source = Environment\n"), none},
		{"a source that is a container", config("[default]\nrole_arn = a\ncredential_source = EcsContainer\n"), none},
		{"a process", config("[default]\ncredential_process = cat HOME/token\n"), none},
		{"Identity Center", config("[default]\nsso_session = s\n"), store.Unsupported},
		{"a container", folder{env: with("AWS_CONTAINER_CREDENTIALS_FULL_URI", "URL", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "HOME/token")}, none},
		{"an instance", folder{env: with("AWS_EC2_METADATA_SERVICE_ENDPOINT", "URL", "AWS_EC2_METADATA_DISABLED", "false")}, none},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			l := &listener{}
			ts := httptest.NewServer(l)
			defer ts.Close()
			dir := t.TempDir()
			if err := os.Symlink(home, filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			fill := strings.NewReplacer("URL", ts.URL, "HOME/", home+"/").Replace
			tt.f.kwargs = fill(either(tt.f.kwargs, "{}"))
			variables := map[string]string{"AWS_ENDPOINT_URL": ts.URL, "HTTP_PROXY": ts.URL, "HTTPS_PROXY": ts.URL, "NO_PROXY": ""}
			for name, v := range tt.f.env {
				variables[name] = fill(v)
			}
			for name, text := range tt.f.files {
				tt.f.files[name] = fill(text)
			}
			tt.f.env = variables
			kwargs, getenv := tt.f.in(t, dir)
			s := ssmstore.FromKwargs(kwargs, awsconn.Env{Getenv: getenv, Dir: dir, Confined: &route.Confinement{Dir: dir, Hint: "airlock trust"}})
			defer s.Close()
			_, err := s.Get(t.Context(), "/x")
			if store.CodeOf(err) != tt.code || tt.code == denied && store.Hint(err) != "airlock trust" {
				t.Errorf("%v (code %q), want code %q", err, store.CodeOf(err), tt.code)
			}
			if sent := tt.code == ""; sent != (len(l.requests) == 1) {
				t.Errorf("%d requests", len(l.requests))
			}
			for _, request := range l.requests {
				if strings.Contains(request, canary) || !strings.Contains(request, "Credential=FOLDER/") {
					t.Error("a request has what is not the folder's")
				}
			}
		})
	}
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
