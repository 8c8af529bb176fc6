package gcpstore

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
)

// lookUp opens a store for a folder that is not trusted, and asks it.
func lookUp(t *testing.T, kwargs map[string]any, env Env, g *google) error {
	t.Helper()
	var object *pyjson.Object
	if kwargs != nil {
		object = kwargsOf(t, kwargs)
	}
	s, _, err := FromKwargs(object, env)
	if err != nil {
		return err
	}
	defer s.Close()
	if g != nil {
		s.web.transport = g
	}
	_, err = s.Get(t.Context(), "x")
	return err
}

// TestConfined: whatever is not the folder's own is withheld, and nobody is
// asked for it.
func TestConfined(t *testing.T) {
	f, outside := newFolder(t), newFolder(t)
	service := gcpfake.New()
	at := gcpfake.Start(t, service)
	ca, err := os.ReadFile(at.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	f.put("ca.pem", string(ca))
	key, _ := gcpfake.Account(t, "p", "")
	rsa := outside.put("id_rsa", "CANARY-key")
	if err := os.Symlink(rsa, filepath.Join(f.dir, "link")); err != nil {
		t.Fatal(err)
	}
	const impersonate = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.c:generateAccessToken"
	workload := func(source map[string]any, members ...any) map[string]any {
		kwargs := external(source)
		kwargs["gcp_credential_config_file"] = with(kwargs["gcp_credential_config_file"].(map[string]any), members...)
		return kwargs
	}
	aws := map[string]any{"environment_id": "aws1", "regional_cred_verification_url": "https://sts.{region}.amazonaws.com", "url": "http://169.254.169.254/role",
		"region_url": "http://169.254.169.254/zone"}
	program := map[string]any{"executable": map[string]any{"command": "/bin/true", "output_file": "answer"}}
	tests := []struct {
		rule      string
		kwargs    map[string]any
		variables []string
	}{
		{"a key file outside", map[string]any{"gcp_key_path": outside.put("key.json", key)}, nil},
		{"one that leads outside", map[string]any{"gcp_key_path": "../" + filepath.Base(outside.dir) + "/key.json"}, nil},
		{"a configuration outside", map[string]any{"gcp_credential_config_file": outside.put("user.json", user()), "project_id": "p"}, nil},
		{"by variable", map[string]any{"project_id": "p"}, []string{"GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(outside.dir, "key.json")}},
		{"gcloud's folder outside", map[string]any{"project_id": "p"}, []string{"CLOUDSDK_CONFIG", filepath.Dir(outside.put("application_default_credentials.json", user()))}},
		{"the machine's account", map[string]any{"project_id": "p"}, []string{"NO_GCE_CHECK", ""}},
		{"the machine's account and project", nil, []string{"NO_GCE_CHECK", ""}},
		{"with impersonation", map[string]any{"impersonation_chain": "a@b.c"}, []string{"NO_GCE_CHECK", ""}},
		{"a file outside", workload(map[string]any{"file": rsa}), nil},
		{"a link to it", workload(map[string]any{"file": "link"}), nil},
		{"a link to it, impersonating", workload(map[string]any{"file": "link"}, "service_account_impersonation_url", impersonate), nil},
		{"a file of the system", workload(map[string]any{"file": "/proc/self/environ"}), nil},
		{"a URL", workload(map[string]any{"url": "http://169.254.169.254/metadata/identity"}, "service_account_impersonation_url", impersonate), nil},
		{"a program", workload(program), []string{allowExecutables, "1"}},
		{"a machine of AWS", workload(aws, "subject_token_type", awsToken), []string{"AWS_REGION", "r"}},
		{"a machine of AWS and its region", workload(aws, "subject_token_type", awsToken, "service_account_impersonation_url", impersonate), nil},
	}
	for _, tt := range tests {
		env := envOf(append([]string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN", at.Universe, rootsVariable, "ca.pem"}, tt.variables...)...)
		env.Dir, env.Confined = f.dir, &route.Confinement{Dir: f.dir, Hint: "airlock trust HOST"}
		g := &google{}
		err := lookUp(t, tt.kwargs, env, g)
		if store.CodeOf(err) != store.Denied || !errors.Is(err, route.ErrWithheld) || store.Hint(err) != "airlock trust HOST" {
			t.Errorf("%s: %v (hint %q)", tt.rule, err, store.Hint(err))
		}
		if len(g.sent) > 0 || len(service.Calls()) > 0 {
			t.Errorf("%s: sent %q, called %q", tt.rule, g.sent, service.Calls())
		}
	}
}

// TestConfinedOwn: a folder that has its own credentials needs nothing else.
func TestConfinedOwn(t *testing.T) {
	f := newFolder(t)
	service := gcpfake.New()
	service.Put("p", "x", []byte("v"))
	at := gcpfake.Start(t, service)
	key, public := gcpfake.Account(t, "p", "")
	key["universe_domain"] = at.Universe
	service.Trust = &gcpfake.Trust{Keys: gcpfake.Keys{key["client_email"].(string): public}, Tokens: []string{"ya29.token"}}
	f.put("key.json", key)
	f.put("token", "subject")
	text, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	sts := map[string]string{"sts.googleapis.com/v1/token": `{"access_token": "ya29.token", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
		"token_type": "Bearer", "expires_in": 3600}`}
	for rule, tt := range map[string]struct {
		kwargs    map[string]any
		variables []string
	}{
		"a key":              {map[string]any{"gcp_keyfile_dict": key}, nil},
		"a key file":         {map[string]any{"gcp_key_path": "key.json"}, nil},
		"a variable":         {nil, []string{"GOOGLE_APPLICATION_CREDENTIALS", "key.json"}},
		"a key as text":      {map[string]any{"gcp_credential_config_file": string(text)}, nil},
		"a workload's token": {external(map[string]any{"file": "token"}), nil},
	} {
		env := envOf(append([]string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN", at.Universe, rootsVariable, at.CAFile}, tt.variables...)...)
		env.Dir, env.Confined = f.dir, &route.Confinement{Dir: f.dir}
		if err := lookUp(t, tt.kwargs, env, &google{answers: sts}); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// TestConfinedSigner: Vault's log-in by Google is withheld as the store is.
func TestConfinedSigner(t *testing.T) {
	outside := newFolder(t)
	key, _ := gcpfake.Account(t, "p", "")
	env := envOf("NO_GCE_CHECK", "")
	env.Confined = &route.Confinement{Dir: t.TempDir()}
	if _, err := OpenSigner(outside.put("key.json", key), nil, nil, env); store.CodeOf(err) != store.Denied {
		t.Errorf("a key file outside: %v", err)
	}
	s, err := OpenSigner(nil, nil, nil, env)
	if err != nil {
		t.Fatal(err)
	}
	_, mail := s.Email(t.Context())
	_, sign := s.SignJWT(t.Context(), "projects/p/serviceAccounts/a@b.c", "{}")
	for _, err := range []error{mail, sign, s.Close()} {
		if err != nil && !errors.Is(err, route.ErrWithheld) || err == nil && mail == nil {
			t.Errorf("the machine's account: %v", err)
		}
	}
}

// TestAuthorities: REQUESTS_CA_BUNDLE may be a folder, as requests has it.
func TestAuthorities(t *testing.T) {
	f := newFolder(t)
	at := gcpfake.StartHandler(t, nil)
	ca, err := os.ReadFile(at.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	f.put("ca/one.pem", string(ca))
	for _, file := range []string{"ca", "ca/one.pem"} {
		env := envOf("REQUESTS_CA_BUNDLE", file)
		env.Dir = f.dir
		transport, err := newTransport(env)
		if err != nil || transport.TLSClientConfig.RootCAs == nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if _, err := newTransport(envOf("CURL_CA_BUNDLE", "/nowhere")); err == nil {
		t.Error("authorities that are not there")
	}
}
