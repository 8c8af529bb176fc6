package awsconn_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/ssmstore"
)

// cloud is one address at which every service of a machine in the cloud
// answers: Parameter Store, STS, a container's credentials, a machine's role.
type cloud struct {
	mu      sync.Mutex
	signers []string // key ids that Parameter Store was asked with
	regions []string
	stsBody []string
	stsKeys []string
	others  int // requests that are none of these
}

// ServeHTTP implements http.Handler.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope := strings.Split(credential+"////", "/")
	const machine = `{"Code": "Success", "AccessKeyId": "%s", "SecretAccessKey": "hunter2", "Token": "hunter2", "Expiration": "2099-01-01T00:00:00Z"}`
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		c.signers, c.regions = append(c.signers, scope[0]), append(c.regions, scope[2])
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(w, `{"Parameter": {"Name": "n", "Value": "v"}}`)
	case r.Method == http.MethodPost:
		c.stsBody, c.stsKeys = append(c.stsBody, string(body)), append(c.stsKeys, scope[0])
		action := "AssumeRole"
		if strings.Contains(string(body), "Action=AssumeRoleWithWebIdentity") {
			action = "AssumeRoleWithWebIdentity"
		}
		_, _ = fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult><Credentials><AccessKeyId>ASSUMED</AccessKeyId><SecretAccessKey>hunter2</SecretAccessKey><SessionToken>hunter2</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, action)
	case r.URL.Path == "/container" && r.Header.Get("Authorization") == "hunter2-container":
		_, _ = fmt.Fprintf(w, machine, "CONTAINER")
	case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
		_, _ = io.WriteString(w, "hunter2-imds")
	case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "hunter2-imds":
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/latest/meta-data/iam/security-credentials/":
		_, _ = io.WriteString(w, "role")
	case r.URL.Path == "/latest/meta-data/iam/security-credentials/role":
		_, _ = fmt.Fprintf(w, machine, "INSTANCE")
	default:
		c.others++
		w.WriteHeader(http.StatusNotFound)
	}
}

// place is the surroundings of one look-up.
type place struct {
	kwargs, config, credentials string
	env                         map[string]string
	mayRun                      bool
}

// look asks Parameter Store for one name from a place.
func look(t *testing.T, p place) (*cloud, *ssmstore.Store, error) {
	t.Helper()
	c := &cloud{}
	ts := httptest.NewServer(c)
	t.Cleanup(ts.Close)
	home := t.TempDir()
	fill := strings.NewReplacer("URL", ts.URL, "HOMEDIR", home).Replace
	if err := os.Mkdir(filepath.Join(home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{".aws/config": p.config, ".aws/credentials": p.credentials, "token": "hunter2-web-token"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(fill(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"AWS_ENDPOINT_URL": "URL", "AWS_EC2_METADATA_DISABLED": "true"}
	for name, value := range p.env {
		env[name] = value
	}
	if p.kwargs == "" {
		p.kwargs = `{"region_name": "us-east-1"}`
	}
	decoded, err := pyjson.Decode(fill(p.kwargs))
	if err != nil {
		t.Fatal(err)
	}
	e := awsconn.Env{Home: home, Getenv: func(name string) (string, bool) { v, ok := env[name]; return fill(v), ok }}
	e.Words = program.Words{Home: home, Folder: "/nonexistent", Environ: []string{"PATH=" + os.Getenv("PATH")},
		Variable: func(string) program.Word { return program.Word{User: p.mayRun, Where: ".env:3"} }}
	s := ssmstore.FromKwargs(decoded.(*pyjson.Object), e)
	t.Cleanup(func() { _ = s.Close() })
	_, err = s.Get(t.Context(), "/x")
	if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, "hunter2") {
		t.Errorf("the error leaks: %s", text)
	}
	return c, s, err
}

const (
	twoPairs = "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = hunter2\n[other]\naws_access_key_id = OTHER\naws_secret_access_key = hunter2\n"
	keys     = "\naws_access_key_id = CONFIG\naws_secret_access_key = hunter2\n"
)

// TestCredentialChain: who signs, by botocore's order.
func TestCredentialChain(t *testing.T) {
	pair := map[string]string{"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "hunter2"}
	with := func(env map[string]string, more ...string) map[string]string {
		out := map[string]string{}
		for k, v := range env {
			out[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	tests := []struct {
		rule   string
		place  place
		signer string
	}{
		{"kwargs before the environment", place{env: pair, kwargs: `{"region_name": "r", "aws_access_key_id": "KW", "aws_secret_access_key": "hunter2"}`}, "KW"},
		{"session_kwargs where the kwargs have no pair", place{kwargs: `{"region_name": "r", "session_kwargs": {"aws_access_key_id": "SESSION", "aws_secret_access_key": "hunter2"}}`}, "SESSION"},
		{"the environment before the files", place{env: pair, credentials: twoPairs}, "ENV"},
		{"profile_name before the environment", place{env: pair, credentials: twoPairs, kwargs: `{"region_name": "r", "profile_name": "other"}`}, "OTHER"},
		{"AWS_PROFILE after the environment", place{env: with(pair, "AWS_PROFILE", "other"), credentials: twoPairs}, "ENV"},
		{"AWS_PROFILE", place{env: map[string]string{"AWS_PROFILE": "other"}, credentials: twoPairs}, "OTHER"},
		{"AWS_DEFAULT_PROFILE before AWS_PROFILE", place{env: map[string]string{"AWS_PROFILE": "other", "AWS_DEFAULT_PROFILE": "default"}, credentials: twoPairs}, "DEFAULT"},
		{"the credentials file before the configuration", place{credentials: twoPairs, config: "[default]" + keys}, "DEFAULT"},
		{"the configuration file", place{config: "[default]" + keys}, "CONFIG"},
		{"profile sections have a prefix there", place{config: "[profile p]" + keys, env: map[string]string{"AWS_PROFILE": "p"}}, "CONFIG"},
		{"AWS_SHARED_CREDENTIALS_FILE", place{credentials: twoPairs, env: map[string]string{"AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}}, "DEFAULT"},
		{"a role of a profile", place{credentials: twoPairs, config: "[profile r]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = other\n", env: map[string]string{"AWS_PROFILE": "r"}}, "ASSUMED"},
		{"a role from the environment's pair", place{env: pair, config: "[profile r]\nrole_arn = arn:aws:iam::1:role/r\ncredential_source = Environment\n",
			kwargs: `{"region_name": "r", "profile_name": "r"}`}, "ASSUMED"},
		{"web identity", place{env: map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "HOMEDIR/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}}, "ASSUMED"},
		{"role_arn in the kwargs", place{env: pair, kwargs: `{"region_name": "r", "role_arn": "arn:aws:iam::1:role/r"}`}, "ASSUMED"},
		{"web identity in the kwargs", place{kwargs: `{"region_name": "r", "role_arn": "arn:aws:iam::1:role/r", "assume_role_method": "assume_role_with_web_identity",
			"assume_role_with_web_identity_federation": "file", "assume_role_with_web_identity_token_file": "HOMEDIR/token"}`}, "ASSUMED"},
		{"a container", place{env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "hunter2-container"}}, "CONTAINER"},
		{"a machine", place{env: map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "URL"}}, "INSTANCE"},
		{"a process", place{mayRun: true, config: "[default]\ncredential_process = printf '%s' '{\"Version\": 1, \"AccessKeyId\": \"PROCESS\", \"SecretAccessKey\": \"hunter2\"}'\n"}, "PROCESS"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			c, _, err := look(t, tt.place)
			if err != nil || len(c.signers) != 1 || c.signers[0] != tt.signer {
				t.Errorf("signed by %q, %v; want %s", c.signers, err, tt.signer)
			}
		})
	}
}

// TestNoCredentials: what botocore or airlock refuses before any request.
func TestNoCredentials(t *testing.T) {
	role := "[profile r]\nrole_arn = arn:aws:iam::1:role/r\n"
	use := map[string]string{"AWS_PROFILE": "r"}
	tests := []struct {
		rule    string
		place   place
		code    store.Code
		message string
	}{
		{"nothing anywhere", place{}, store.Unauthenticated, "Unable to locate credentials"},
		{"half a pair", place{env: map[string]string{"AWS_ACCESS_KEY_ID": "x"}}, store.Unauthenticated, "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"},
		{"half a pair in the kwargs", place{kwargs: `{"region_name": "r", "aws_access_key_id": "x"}`}, store.Unauthenticated, "missing: aws_secret_access_key"},
		{"half a pair in a file", place{credentials: "[default]\naws_access_key_id = x\n"}, store.Unauthenticated, "Partial credentials found in shared-credentials-file"},
		{"no such profile", place{env: use}, store.Invalid, "The config profile (r) could not be found"},
		{"a file that is no INI", place{config: "hello\n"}, store.Invalid, "Unable to parse config file"},
		{"the same section twice", place{config: "[default]\n[default]\n"}, store.Invalid, "Unable to parse config file"},
		{"a role without a source", place{config: role, env: use}, store.Unauthenticated, "source_profile or credential_source"},
		{"a role with two sources", place{config: role + "source_profile = x\ncredential_source = Environment\n", env: use}, store.Invalid, "contains both source_profile and credential_source"},
		{"a source that is not there", place{config: role + "source_profile = x\n", env: use}, store.Invalid, "does not exist"},
		{"a source that goes in circles", place{config: role + "source_profile = s\n[profile s]\nrole_arn = y\nsource_profile = r\n", env: use}, store.Invalid, "Infinite loop"},
		{"an unknown source", place{config: role + "credential_source = X\n", env: use}, store.Invalid, "is not valid"},
		{"a device", place{config: role + "source_profile = r\nmfa_serial = d\n", env: use}, store.Unsupported, "mfa_serial"},
		{"Identity Center", place{config: "[profile r]\nsso_start_url = https://x\n", env: use}, store.Unsupported, "sso_start_url"},
		{"a process of a project's file", place{config: "[default]\ncredential_process = touch HOMEDIR/ran\n"}, store.Denied, "credential_process of the profile \"default\": .env:3"},
		{"a process that fails", place{mayRun: true, config: "[default]\ncredential_process = false\n"}, store.Unauthenticated, "credential_process failed"},
		{"a process that says something else", place{mayRun: true, config: "[default]\ncredential_process = echo hunter2\n"}, store.Unauthenticated, "not JSON"},
		{"a container elsewhere", place{env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/"}}, store.Invalid, "Unsupported host"},
		{"web identity without a role", place{env: map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "HOMEDIR/token"}}, store.Invalid, "no role ARN"},
		{"web identity without its file", place{env: map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "HOMEDIR/none", "AWS_ROLE_ARN": "a"}}, store.Unauthenticated, "no such file"},
		{"SAML", place{kwargs: `{"region_name": "r", "role_arn": "a", "assume_role_method": "assume_role_with_saml"}`}, store.Unsupported, "assume_role_with_saml"},
		{"Google", place{kwargs: `{"region_name": "r", "role_arn": "a", "assume_role_method": "assume_role_with_web_identity", "assume_role_with_web_identity_federation": "google"}`}, store.Unsupported, "google"},
		{"no federation", place{kwargs: `{"region_name": "r", "role_arn": "a", "assume_role_method": "assume_role_with_web_identity"}`}, store.Invalid, "Unsupported federation: None."},
		{"assume_role_kwargs that STS does not know", place{kwargs: `{"region_name": "r", "role_arn": "a", "aws_access_key_id": "x", "aws_secret_access_key": "y", "assume_role_kwargs": {"Nope": 1}}`}, store.Invalid, "Parameter validation failed"},
		{"no region", place{kwargs: `{"aws_access_key_id": "x", "aws_secret_access_key": "y"}`, env: map[string]string{"AWS_REGION": "eu-west-3"}}, store.Invalid, "You must specify a region."},
		{"a region that is none", place{kwargs: `{"region_name": "a b", "aws_access_key_id": "x", "aws_secret_access_key": "y"}`}, store.Invalid, "doesn't match a supported format"},
		{"an endpoint that is none", place{kwargs: `{"region_name": "r", "endpoint_url": "localhost:1", "aws_access_key_id": "x", "aws_secret_access_key": "y"}`}, store.Invalid, "Invalid endpoint"},
		{"another version of the API", place{kwargs: `{"region_name": "r", "api_version": "2000-01-01"}`}, store.Invalid, "Unable to load data for: ssm/2000-01-01"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			c, _, err := look(t, tt.place)
			if store.CodeOf(err) != tt.code || !strings.Contains(fmt.Sprint(err), tt.message) || len(c.signers) > 0 {
				t.Errorf("%v (code %q), want code %q and %q", err, store.CodeOf(err), tt.code, tt.message)
			}
			if store.Hint(err) == "" {
				t.Errorf("no hint for %v", err)
			}
		})
	}
}

// TestRegionAndEndpoint: where a request goes.
func TestRegionAndEndpoint(t *testing.T) {
	pair := `"aws_access_key_id": "x", "aws_secret_access_key": "y"`
	tests := []struct {
		rule   string
		place  place
		region string
	}{
		{"the kwarg", place{kwargs: `{"region_name": "kw", ` + pair + `}`, env: map[string]string{"AWS_DEFAULT_REGION": "env"}}, "kw"},
		{"AWS_DEFAULT_REGION", place{kwargs: `{` + pair + `}`, env: map[string]string{"AWS_DEFAULT_REGION": "env", "AWS_REGION": "no"}, config: "[default]\nregion = file\n"}, "env"},
		{"the profile", place{kwargs: `{` + pair + `}`, config: "[default]\nregion = file\n"}, "file"},
		{"the endpoint of the service before that of all", place{kwargs: `{"region_name": "kw", ` + pair + `}`, env: map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_SSM": "URL"}}, "kw"},
		{"the kwarg endpoint_url before both", place{kwargs: `{"region_name": "kw", "endpoint_url": "URL", ` + pair + `}`, env: map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}}, "kw"},
		{"the profile's endpoint", place{kwargs: `{"region_name": "kw", ` + pair + `}`, env: map[string]string{"AWS_ENDPOINT_URL": ""}, config: "[default]\nendpoint_url = URL\n"}, "kw"},
		{"the profile's services", place{kwargs: `{"region_name": "kw", ` + pair + `}`, env: map[string]string{"AWS_ENDPOINT_URL": ""},
			config: "[default]\nservices = s\nendpoint_url = http://127.0.0.1:1\n[services s]\nssm =\n  endpoint_url = URL\n"}, "kw"},
		{"a proxy that the host does not need", place{kwargs: `{"region_name": "kw", ` + pair + `}`, env: map[string]string{"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "example.com,127.0.0.1"}}, "kw"},
		{"a proxy", place{kwargs: `{"region_name": "kw", ` + pair + `}`, env: map[string]string{"http_proxy": "URL", "AWS_ENDPOINT_URL": "http://ssm.invalid"}}, "kw"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			c, _, err := look(t, tt.place)
			if err != nil || len(c.regions) != 1 || c.regions[0] != tt.region {
				t.Errorf("asked %q, %v; want %s", c.regions, err, tt.region)
			}
		})
	}
}

// TestAssumedRole: what STS is asked with, and by whom.
func TestAssumedRole(t *testing.T) {
	c, s, err := look(t, place{kwargs: `{"region_name": "r", "aws_access_key_id": "BASE", "aws_secret_access_key": "y", "role_arn": "arn:aws:iam::1:role/r",
		"assume_role_kwargs": {"ExternalId": "e", "DurationSeconds": 900, "Tags": [{"Key": "k", "Value": "v"}]}, "service_config": {"sts": {"endpoint_url": "URL"}}}`,
		env: map[string]string{"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_SSM": "URL"}})
	if err != nil || len(c.stsBody) != 1 || c.stsKeys[0] != "BASE" {
		t.Fatalf("STS is asked %d times by %q: %v", len(c.stsBody), c.stsKeys, err)
	}
	for _, part := range []string{"RoleSessionName=airflow_systemsmanagerparameterstorebackend__connection", "ExternalId=e", "DurationSeconds=900", "Tags.member.1.Key=k"} {
		if !strings.Contains(c.stsBody[0], part) {
			t.Errorf("STS is not asked with %s", part)
		}
	}
	if _, err := s.Get(t.Context(), "/y"); err != nil || len(c.stsBody) != 1 {
		t.Errorf("the role is assumed %d times, %v", len(c.stsBody), err)
	}
}

// TestNotes: kwargs of which nothing comes are named.
func TestNotes(t *testing.T) {
	kwargs, err := pyjson.Decode(`{"connections_prefix": "x", "region_name": "r", "profile": "p", "full_url_mode": false, "verify": true}`)
	if err != nil {
		t.Fatal(err)
	}
	notes := awsconn.Notes(kwargs.(*pyjson.Object), "connections_prefix")
	if len(notes) != 2 || !strings.Contains(notes[0], `"profile" is ignored, as Airflow ignores it: it reads "profile_name"`) || !strings.Contains(notes[1], `"full_url_mode" is ignored`) {
		t.Errorf("Notes = %q", notes)
	}
}

// TestProcessNeedsTheUsersWord: a credential_process runs from the user's own
// files, whichever of their profiles is chosen by whom, and from no other.
func TestProcessNeedsTheUsersWord(t *testing.T) {
	const text = "[default]\ncredential_process = touch MARK\n[profile p]\ncredential_process = touch MARK\n"
	for _, tt := range []struct {
		name     string
		kwargs   string
		env      map[string]string
		ofFolder string // variables that the folder sets
		runs     bool
	}{
		{"below the home", `{}`, nil, "", true},
		{"a profile that the folder chooses", `{}`, map[string]string{"AWS_PROFILE": "p"}, "AWS_PROFILE", true},
		{"a profile of the kwargs", `{"profile_name": "p"}`, nil, "", true},
		{"a file that the user names", `{}`, map[string]string{"AWS_CONFIG_FILE": "HOME/other"}, "", true},
		{"a file that the folder names", `{}`, map[string]string{"AWS_CONFIG_FILE": "HOME/other"}, "AWS_CONFIG_FILE", false},
		{"the user's own file, by the folder", `{}`, map[string]string{"AWS_CONFIG_FILE": "HOME/.aws/config"}, "AWS_CONFIG_FILE", false},
		{"credentials that the folder names", `{}`, map[string]string{"AWS_SHARED_CREDENTIALS_FILE": "HOME/other", "AWS_CONFIG_FILE": "/none"}, "AWS_SHARED_CREDENTIALS_FILE", false},
		{"a file in the folder that the user names", `{}`, map[string]string{"AWS_CONFIG_FILE": "FOLDER/config"}, "", false},
		{"a file in the folder, from where one is", `{}`, map[string]string{"AWS_CONFIG_FILE": "config"}, "", false},
		{"a home of the folder", `{}`, map[string]string{"HOME": "HOME"}, "HOME", false},
	} {
		home, folder, mark := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "ran")
		if err := os.Mkdir(filepath.Join(home, ".aws"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{filepath.Join(home, ".aws/config"), filepath.Join(home, "other"), filepath.Join(folder, "config")} {
			if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "MARK", mark)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		fill := strings.NewReplacer("HOME", home, "FOLDER", folder).Replace
		decoded, err := pyjson.Decode(tt.kwargs)
		if err != nil {
			t.Fatal(err)
		}
		kwargs := decoded.(*pyjson.Object)
		kwargs.Set("region_name", "us-east-1")
		kwargs.Set("endpoint_url", "http://127.0.0.1:1")
		s := ssmstore.FromKwargs(kwargs, awsconn.Env{Home: home, Dir: folder,
			Getenv: func(name string) (string, bool) { v, ok := tt.env[name]; return fill(v), ok },
			Words: program.Words{Home: home, Folder: folder, Environ: []string{"PATH=" + os.Getenv("PATH")},
				Variable: func(name string) program.Word { return program.Word{User: name != tt.ofFolder, Where: ".env:3"} }}})
		_, err = s.Get(t.Context(), "/x")
		_ = s.Close()
		_, statErr := os.Stat(mark)
		if ran := statErr == nil; ran != tt.runs || !ran && store.CodeOf(err) != store.Denied {
			t.Errorf("%s: the program ran: %v, want %v (%v)", tt.name, ran, tt.runs, err)
		}
	}
}
