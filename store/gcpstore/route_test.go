package gcpstore

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
)

// folder is one that a test writes files into.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) folder {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return folder{t, dir}
}

// put writes a file; what is no text is written as JSON.
func (f folder) put(name string, v any) string {
	f.t.Helper()
	text, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		if err != nil {
			f.t.Fatal(err)
		}
		text = string(b)
	}
	path := filepath.Join(f.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// shown are points as a table has them.
func shown(points []route.Point) []string {
	list := make([]string, 0, len(points))
	for _, p := range points {
		text := string(p.Kind) + " " + p.Host
		if p.Plain {
			text += " plain"
		}
		if p.By != (route.Setting{}) {
			text += " by " + filepath.Base(p.By.String())
		}
		if p.Pin != "" {
			text += " pinned by " + p.PinBy.String()
		}
		list = append(list, text)
	}
	return list
}

// with is a copy of a JSON object with other members; nil takes one out.
func with(object map[string]any, members ...any) map[string]any {
	object = maps.Clone(object)
	for i := 0; i < len(members); i += 2 {
		if object[members[i].(string)] = members[i+1]; members[i+1] == nil {
			delete(object, members[i].(string))
		}
	}
	return object
}

const (
	google443  = "service secretmanager.googleapis.com:443"
	tokens443  = "login oauth2.googleapis.com:443"
	sts443     = "login sts.googleapis.com:443"
	iam443     = "login iamcredentials.googleapis.com:443"
	metadata80 = "login metadata.google.internal:80 plain"
	detect80   = "login 169.254.169.254:80 plain"
)

// TestRoute: each address that something goes to, and what names it.
func TestRoute(t *testing.T) {
	f := newFolder(t)
	key, _ := gcpfake.Account(t, "p", "")
	foreign := with(key, "token_uri", "https://evil.example/token")
	config := external(map[string]any{"file": "token"})["gcp_credential_config_file"].(map[string]any)
	aws := with(config, "subject_token_type", awsToken, "credential_source", map[string]any{"environment_id": "aws1",
		"regional_cred_verification_url": "https://sts.{region}.amazonaws.com", "url": "http://169.254.169.254/role", "region_url": "http://evil.example/zone",
		"imdsv2_session_token_url": "http://evil.example:81/session"})
	pipe := filepath.Join(f.dir, "pipe.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	chain := "a@p.iam.gserviceaccount.com"
	impersonating := map[string]any{"type": "impersonated_service_account", "source_credentials": with(foreign, "type", "service_account"),
		"service_account_impersonation_url": "https://evil.example/v1/projects/-/serviceAccounts/a@b:generateAccessToken"}
	kwarg := func(name string, v any) map[string]any { return map[string]any{name: v} }
	tests := []struct {
		rule      string
		kwargs    map[string]any
		variables []string
		want      []string
	}{
		{"a key signs for itself", kwarg("gcp_keyfile_dict", foreign), nil, []string{google443}},
		{"a key with impersonation", with(kwarg("gcp_keyfile_dict", key), "impersonation_chain", chain), nil, []string{google443, tokens443, iam443}},
		{"a foreign token_uri", with(kwarg("gcp_keyfile_dict", foreign), "impersonation_chain", chain), nil,
			[]string{google443, "login evil.example:443 by gcp_keyfile_dict", iam443}},
		{"one in a key file", with(kwarg("gcp_key_path", f.put("key.json", foreign)), "impersonation_chain", chain), nil,
			[]string{google443, "login evil.example:443 by gcp_key_path", "login evil.example:443 by key.json", iam443}},
		{"Google's own host, another path", with(kwarg("gcp_keyfile_dict", with(key, "token_uri", "https://oauth2.googleapis.com/token?")), "impersonation_chain", chain), nil,
			[]string{google443, tokens443 + " by gcp_keyfile_dict", iam443}},
		{"Google's own host, not encrypted", with(kwarg("gcp_keyfile_dict", with(key, "token_uri", "http://oauth2.googleapis.com:443/token")), "impersonation_chain", chain), nil,
			[]string{google443, "login oauth2.googleapis.com:443 plain by gcp_keyfile_dict", iam443}},
		{"a key of another universe", with(kwarg("gcp_keyfile_dict", with(key, "universe_domain", "evil.example")), "impersonation_chain", chain), nil,
			[]string{google443, "login iamcredentials.evil.example:443 by gcp_keyfile_dict"}},
		{"the universe", kwarg("gcp_keyfile_dict", key), []string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN", "evil.example:8443"},
			[]string{"service secretmanager.evil.example:8443 by GOOGLE_CLOUD_UNIVERSE_DOMAIN"}},
		{"the universe that is Google's", kwarg("gcp_keyfile_dict", key), []string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN", "googleapis.com"}, []string{google443}},
		{"a universe that is refused", kwarg("gcp_keyfile_dict", key), []string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN", " "}, []string{}},
		{"one that reads two ways", kwarg("gcp_keyfile_dict", key), []string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN", "evil%2eexample"}, []string{}},
		{"gcloud's log-in", kwarg("gcp_credential_config_file", user()), nil, []string{google443, tokens443}},
		{"a workforce's log-in", kwarg("gcp_credential_config_file", with(user(), "type", "external_account_authorized_user", "audience", "a", "token_url", "https://evil.example/t")), nil,
			[]string{google443, "login evil.example:443 by gcp_credential_config_file"}},
		{"a workload", kwarg("gcp_credential_config_file", with(config, "service_account_impersonation_url",
			"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.c:generateAccessToken")), nil, []string{google443, sts443, iam443}},
		{"a workload's endpoints", kwarg("gcp_credential_config_file", with(config, "token_url", "https://evil.example/sts", "service_account_impersonation_url", "https://evil.example:1/x",
			"token_info_url", "https://nobody.asks.this")), nil,
			[]string{google443, "login evil.example:443 by gcp_credential_config_file", "login evil.example:1 by gcp_credential_config_file"}},
		{"a workload of another universe", kwarg("gcp_credential_config_file", with(config, "token_url", "", "universe_domain", "evil.example")), nil,
			[]string{google443, "login sts.evil.example:443 by gcp_credential_config_file"}},
		{"a credential source of a URL", kwarg("gcp_credential_config_file", with(config, "credential_source", map[string]any{"url": "http://evil.example/t"})), nil,
			[]string{google443, sts443, "login evil.example:80 plain by gcp_credential_config_file"}},
		{"a credential source of AWS", kwarg("gcp_credential_config_file", aws), nil, []string{google443, sts443, "login 169.254.169.254:80 plain by gcp_credential_config_file",
			"login evil.example:80 plain by gcp_credential_config_file", "login evil.example:81 plain by gcp_credential_config_file"}},
		{"AWS keys of the environment", kwarg("gcp_credential_config_file", aws), []string{"AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "s", "AWS_REGION", "r"}, []string{google443, sts443}},
		{"an impersonated source", kwarg("gcp_credential_config_file", f.put("imp.json", impersonating)), nil,
			[]string{google443, "login evil.example:443 by gcp_credential_config_file", "login evil.example:443 by imp.json", iam443}},
		{"a file by its variable", nil, []string{"GOOGLE_APPLICATION_CREDENTIALS", f.put("ext.json", with(config, "token_url", "https://evil.example"))},
			[]string{google443, "login evil.example:443 by GOOGLE_APPLICATION_CREDENTIALS", "login evil.example:443 by ext.json"}},
		{"gcloud's folder by its variable", nil, []string{"CLOUDSDK_CONFIG", filepath.Dir(f.put("sdk/application_default_credentials.json", with(config, "token_url", "https://evil.example")))},
			[]string{google443, "login evil.example:443 by CLOUDSDK_CONFIG", "login evil.example:443 by application_default_credentials.json"}},
		{"a file that is a pipe", kwarg("gcp_key_path", pipe), nil, []string{google443, "login " + pipe + " by gcp_key_path"}},
		{"the metadata server", nil, []string{"NO_GCE_CHECK", ""}, []string{google443, detect80, metadata80}},
		{"another metadata server", nil, []string{"NO_GCE_CHECK", "", "GCE_METADATA_HOST", "evil.example:8080", "GCE_METADATA_IP", "evil.example"},
			[]string{google443, "login evil.example:80 plain by GCE_METADATA_IP", "login evil.example:8080 plain by GCE_METADATA_HOST"}},
		{"its older name", nil, []string{"NO_GCE_CHECK", "", "GCE_METADATA_ROOT", "evil.example"}, []string{google443, detect80, "login evil.example:80 plain by GCE_METADATA_ROOT"}},
		{"no credentials", nil, nil, []string{google443}},
		{"no use of them", kwarg("gcp_keyfile_dict", "text"), nil, []string{google443}},
		{"proxies", kwarg("gcp_credential_config_file", user()), []string{"https_proxy", "http://evil.example:3128", "HTTPS_PROXY", "http://other"},
			[]string{google443, "proxy evil.example:3128 by https_proxy", tokens443}},
		{"proxies by case", kwarg("gcp_credential_config_file", user()), []string{"HTTPS_PROXY", "evil.example", "grpc_proxy", "http://evil.example:1"},
			[]string{google443, "proxy evil.example:1 by grpc_proxy", tokens443, "proxy evil.example:80 by HTTPS_PROXY"}},
		{"a proxy for what is not encrypted", nil, []string{"NO_GCE_CHECK", "", "HTTP_PROXY", "evil.example", "no_proxy", "169.254.169.254"},
			[]string{google443, detect80, metadata80, "proxy evil.example:80 by HTTP_PROXY"}},
		{"authorities", kwarg("gcp_credential_config_file", user()), []string{"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", f.put("ca", "x"), "CURL_CA_BUNDLE", f.dir},
			[]string{google443 + " pinned by GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", tokens443 + " pinned by CURL_CA_BUNDLE"}},
		{"authorities for what is not encrypted", nil, []string{"NO_GCE_CHECK", "", "REQUESTS_CA_BUNDLE", pipe}, []string{google443, detect80, metadata80}},
	}
	for _, tt := range tests {
		env := envOf(tt.variables...)
		env.Dir = f.dir
		var kwargs *pyjson.Object
		if tt.kwargs != nil {
			kwargs = kwargsOf(t, tt.kwargs)
		}
		if got := shown(Route(kwargs, env)); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n%s\nwant\n%s", tt.rule, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
}

// TestSignerRoute: a signer asks IAM, and a key's token_uri.
func TestSignerRoute(t *testing.T) {
	key, _ := gcpfake.Account(t, "p", "https://evil.example/token")
	f := newFolder(t)
	dict := kwargsOf(t, key)
	for _, tt := range []struct {
		path, dict any
		variables  []string
		want       []string
	}{
		{nil, dict, nil, []string{"login iam.googleapis.com:443", "login evil.example:443 by gcp_keyfile_dict"}},
		{f.put("key.json", key), nil, nil, []string{"login iam.googleapis.com:443", "login evil.example:443 by gcp_key_path", "login evil.example:443 by key.json"}},
		{nil, nil, []string{"NO_GCE_CHECK", "", "GOOGLE_CLOUD_UNIVERSE_DOMAIN", "evil.example"},
			[]string{"login iam.evil.example:443 by GOOGLE_CLOUD_UNIVERSE_DOMAIN", detect80, metadata80}},
		{nil, dict, []string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN", ""}, []string{}},
	} {
		if got := shown(SignerRoute(tt.path, tt.dict, envOf(tt.variables...))); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.variables, got, tt.want)
		}
	}
}

// TestLacks: which credentials are the folder's own.
func TestLacks(t *testing.T) {
	f, outside := newFolder(t), newFolder(t)
	key, _ := gcpfake.Account(t, "p", "https://evil.example/token")
	config := func(source map[string]any) map[string]any { return external(source) }
	token := f.put("token", "own")
	if err := os.Symlink(outside.put("id_rsa", "key"), filepath.Join(f.dir, "link")); err != nil {
		t.Fatal(err)
	}
	impersonating := func(source map[string]any) map[string]any {
		return map[string]any{"gcp_credential_config_file": map[string]any{"type": "impersonated_service_account", "source_credentials": source,
			"service_account_impersonation_url": "https://x/serviceAccounts/a@b:generateAccessToken"}}
	}
	aws := with(config(nil)["gcp_credential_config_file"].(map[string]any), "subject_token_type", awsToken, "credential_source",
		map[string]any{"environment_id": "aws1", "regional_cred_verification_url": "https://sts.{region}.amazonaws.com", "url": "http://169.254.169.254/role"})
	tests := []struct {
		rule      string
		kwargs    map[string]any
		variables []string
		own       bool
	}{
		{"a key", map[string]any{"gcp_keyfile_dict": key}, nil, true},
		{"a key file of the folder", map[string]any{"gcp_key_path": f.put("key.json", key)}, nil, true},
		{"by a relative path", map[string]any{"gcp_key_path": "key.json"}, nil, true},
		{"one outside", map[string]any{"gcp_key_path": outside.put("key.json", key)}, nil, false},
		{"one that leads outside", map[string]any{"gcp_key_path": "../" + filepath.Base(outside.dir) + "/key.json"}, nil, false},
		{"one that is not there", map[string]any{"gcp_key_path": "none.json"}, nil, true},
		{"a configuration outside", map[string]any{"gcp_credential_config_file": outside.put("user.json", user())}, nil, false},
		{"gcloud's log-in", map[string]any{"gcp_credential_config_file": user()}, nil, true},
		{"gcloud's log-in as text, too long for a path", map[string]any{"gcp_credential_config_file": `{"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "` +
			strings.Repeat("r", 300) + `"}`}, nil, true},
		{"a variable of the folder", nil, []string{"GOOGLE_APPLICATION_CREDENTIALS", "key.json"}, true},
		{"a variable that leads outside", nil, []string{"GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(outside.dir, "key.json")}, false},
		{"gcloud's folder outside", nil, []string{"CLOUDSDK_CONFIG", filepath.Dir(outside.put("application_default_credentials.json", user()))}, false},
		{"nothing", nil, nil, false},
		{"the metadata server", nil, []string{"NO_GCE_CHECK", ""}, false},
		{"a token of the folder", config(map[string]any{"file": token}), nil, true},
		{"a token outside", config(map[string]any{"file": filepath.Join(outside.dir, "id_rsa")}), nil, false},
		{"a link to it", config(map[string]any{"file": "link"}), nil, false},
		{"of the system", config(map[string]any{"file": "/proc/self/environ"}), nil, false},
		{"a URL", config(map[string]any{"url": "https://evil.example"}), nil, false},
		{"a program", config(map[string]any{"executable": map[string]any{"command": "x", "output_file": token}}), nil, false},
		{"a machine of AWS", map[string]any{"gcp_credential_config_file": aws}, nil, false},
		{"AWS keys", map[string]any{"gcp_credential_config_file": aws}, []string{"AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "s", "AWS_REGION", "r"}, true},
		{"AWS keys without a region", map[string]any{"gcp_credential_config_file": aws}, []string{"AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "s"}, false},
		{"a key that impersonates", impersonating(key), nil, true},
		{"a key with a chain", map[string]any{"gcp_keyfile_dict": key, "impersonation_chain": "a@b.c"}, nil, true},
		{"the machine with a chain", map[string]any{"impersonation_chain": "a@b.c"}, []string{"NO_GCE_CHECK", ""}, false},
		{"no use of a key", map[string]any{"gcp_keyfile_dict": "text"}, nil, true},
	}
	for _, tt := range tests {
		env := envOf(tt.variables...)
		env.Dir, env.Confined = f.dir, &route.Confinement{Dir: f.dir}
		var kwargs *pyjson.Object
		if tt.kwargs != nil {
			kwargs = kwargsOf(t, tt.kwargs)
		}
		if got := Lacks(kwargs, env); (got == "") != tt.own || got != "" && got != "a Google login" {
			t.Errorf("%s: %q", tt.rule, got)
		}
	}
	env := envOf()
	env.Confined = &route.Confinement{Dir: f.dir}
	if SignerLacks(nil, kwargsOf(t, key), env) != "" || SignerLacks(filepath.Join(f.dir, "key.json"), nil, env) != "" ||
		SignerLacks(filepath.Join(outside.dir, "key.json"), nil, env) == "" || SignerLacks(nil, nil, env) == "" {
		t.Error("a signer lacks the wrong thing")
	}
}

// TestLargeKey: a key that would take minutes to check is refused by its size.
func TestLargeKey(t *testing.T) {
	key, _ := gcpfake.Account(t, "p", "")
	block := &pem.Block{Type: "ANYTHING", Bytes: make([]byte, 11<<10)}
	_, _, err := FromKwargs(kwargsOf(t, map[string]any{"gcp_keyfile_dict": with(key, "private_key", string(pem.EncodeToMemory(block)))}), envOf())
	wantError(t, err, store.Invalid, "longer than an RSA key of 16384 bits")
	large, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := FromKwargs(kwargsOf(t, map[string]any{"gcp_keyfile_dict": gcpfake.KeyFile(t, large, "p", "")}), envOf()); err != nil {
		t.Errorf("a key of 3072 bits: %v", err)
	}
}
