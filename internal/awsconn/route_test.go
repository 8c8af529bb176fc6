package awsconn_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/route"
)

// folder is what is in a folder: files, kwargs, variables. DIR in any of them
// is the folder.
type folder struct {
	kwargs string
	env    map[string]string
	files  map[string]string
}

// in writes the files to dir.
func (f folder) in(t *testing.T, dir string) (kwargs *pyjson.Object, getenv func(string) (string, bool)) {
	t.Helper()
	fill := strings.NewReplacer("DIR", dir).Replace
	for name, text := range f.files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(fill(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := f.kwargs
	if text == "" {
		text = `{"region_name": "eu-west-3"}`
	}
	v, err := pyjson.Decode(fill(text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(*pyjson.Object), func(name string) (string, bool) { v, ok := f.env[name]; return fill(v), ok }
}

// written is a point in one line.
func written(dir string, p route.Point) string {
	words := []string{string(p.Kind), p.Host, p.By.String()}
	if p.Plain {
		words = append(words, "plain")
	}
	if p.Pin != "" {
		words = append(words, strings.SplitN(p.Pin, ":", 2)[0], p.PinBy.String())
	}
	return strings.TrimRight(strings.ReplaceAll(strings.Join(words, " "), dir, "DIR"), " ")
}

const (
	ssmHost  = "service ssm.eu-west-3.amazonaws.com:443"
	stsHost  = "login sts.eu-west-3.amazonaws.com:443"
	machine  = "login 169.254.169.254:80  plain"
	keyPair  = `"aws_access_key_id": "x", "aws_secret_access_key": "y"`
	fileKeys = "aws_access_key_id = x\naws_secret_access_key = y\n"
)

// env makes a map of names and values.
func env(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// own is a key pair in variables, and more of them.
func own(pairs ...string) map[string]string {
	return env(append([]string{"AWS_ACCESS_KEY_ID", "x", "AWS_SECRET_ACCESS_KEY", "y"}, pairs...)...)
}

// TestRoute: each address that anything is sent to, and what names it.
func TestRoute(t *testing.T) {
	config := func(text string) map[string]string { return map[string]string{"aws/config": text, "ca.pem": "x"} }
	at := "AWS_CONFIG_FILE"
	role := `"role_arn": "arn:aws:iam::1:role/r"`
	tests := []struct {
		rule string
		f    folder
		want []string
	}{
		{"nothing but a region", folder{}, []string{machine, ssmHost}},
		{"keys in the kwargs", folder{kwargs: `{"region_name": "eu-west-3", ` + keyPair + `}`}, []string{ssmHost}},
		{"no region", folder{kwargs: `{}`, env: own()}, nil},
		{"a region of China", folder{kwargs: `{"region_name": "cn-north-1"}`, env: own()}, []string{"service ssm.cn-north-1.amazonaws.com.cn:443"}},
		{"no TLS", folder{kwargs: `{"region_name": "eu-west-3", "use_ssl": false}`, env: own()}, []string{"service ssm.eu-west-3.amazonaws.com:80 use_ssl plain"}},
		{"the kwarg", folder{kwargs: `{"region_name": "eu-west-3", "endpoint_url": "https://Evil.example:8443/x"}`, env: own("AWS_ENDPOINT_URL", "http://no")},
			[]string{"service evil.example:8443 endpoint_url"}},
		{"an endpoint that is no URL", folder{kwargs: `{"region_name": "eu-west-3", "endpoint_url": "evil.example:1"}`, env: own()}, []string{"service evil.example:1 endpoint_url plain"}},
		{"the variable of the service", folder{env: own("AWS_ENDPOINT_URL_SSM", "http://a", "AWS_ENDPOINT_URL", "http://b")},
			[]string{"login b:80 AWS_ENDPOINT_URL plain", "service a:80 AWS_ENDPOINT_URL_SSM plain"}},
		{"the variable of all services", folder{env: own("AWS_ENDPOINT_URL", "http://b")},
			[]string{"login b:80 AWS_ENDPOINT_URL plain", "service b:80 AWS_ENDPOINT_URL plain"}},
		{"endpoints that are not to count", folder{env: own("AWS_ENDPOINT_URL", "http://b", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")}, []string{ssmHost}},
		{"STS, which says who asked", folder{env: own("AWS_ENDPOINT_URL_STS", "https://s")}, []string{"login s:443 AWS_ENDPOINT_URL_STS", ssmHost}},
		{"a profile's endpoint", folder{env: own(at, "DIR/aws/config"), files: config("[default]\nservices = s\n[services s]\nssm =\n  endpoint_url = https://p\n")},
			[]string{"service p:443 AWS_CONFIG_FILE", "service p:443 DIR/aws/config"}},
		{"endpoint_url of the credentials file", folder{env: own("AWS_SHARED_CREDENTIALS_FILE", "DIR/aws/config"), files: config("[default]\nendpoint_url = https://p\n")},
			[]string{"login p:443 AWS_SHARED_CREDENTIALS_FILE", "login p:443 DIR/aws/config", "service p:443 AWS_SHARED_CREDENTIALS_FILE", "service p:443 DIR/aws/config"}},
		{"a role", folder{kwargs: `{"region_name": "eu-west-3", ` + role + `}`, env: own()}, []string{stsHost, ssmHost}},
		{"a role at an address", folder{kwargs: `{"region_name": "eu-west-3", ` + role + `, "service_config": {"sts": {"endpoint_url": "http://s"}}}`, env: own()},
			[]string{"login s:80 service_config plain", ssmHost}},
		{"an address without its STS", folder{kwargs: `{"region_name": "eu-west-3", "endpoint_url": "http://b"}`, env: own("AWS_ENDPOINT_URL_STS", "https://s")},
			[]string{"service b:80 endpoint_url plain"}},
		{"web identity", folder{env: env("AWS_WEB_IDENTITY_TOKEN_FILE", "DIR/t", "AWS_ROLE_ARN", "a")}, []string{stsHost, ssmHost}},
		{"a profile's role", folder{env: env(at, "DIR/aws/config", "AWS_PROFILE", "r"), files: config("[profile r]\nrole_arn = a\nsource_profile = s\n[profile s]\n" + fileKeys)}, []string{stsHost, ssmHost}},
		{"a container", folder{env: env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://evil.example/x")},
			[]string{"login evil.example:443 AWS_CONTAINER_CREDENTIALS_FULL_URI", ssmHost}},
		{"a container's path", folder{env: env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@localhost:1/")},
			[]string{"login localhost:1 AWS_CONTAINER_CREDENTIALS_RELATIVE_URI plain", ssmHost}},
		{"an instance", folder{env: env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://evil.example")},
			[]string{"login evil.example:80 AWS_EC2_METADATA_SERVICE_ENDPOINT plain", ssmHost}},
		{"a profile's instance", folder{env: env(at, "DIR/aws/config"), files: config("[default]\nec2_metadata_service_endpoint = http://evil.example\n")},
			[]string{"login evil.example:80 AWS_CONFIG_FILE plain", "login evil.example:80 DIR/aws/config plain", ssmHost}},
		{"no instance", folder{env: env("AWS_EC2_METADATA_DISABLED", "true", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://evil.example")}, []string{ssmHost}},
		{"a proxy", folder{env: own("HTTPS_PROXY", "http://p:3128", "https_proxy", "q:1", "HTTP_PROXY", "http://no")}, []string{ssmHost, "proxy q:1 https_proxy"}},
		{"a proxy for all", folder{env: own("ALL_PROXY", "socks5://p")}, []string{ssmHost, "proxy p:1080 ALL_PROXY"}},
		{"a proxy that is passed by", folder{env: own("HTTPS_PROXY", "http://p:3128", "NO_PROXY", ".amazonaws.com")}, []string{ssmHost}},
		{"no verification", folder{kwargs: `{"region_name": "eu-west-3", "verify": false}`, env: own("https_proxy", "p:1")},
			[]string{ssmHost + "  no-verify verify", "proxy p:1 https_proxy no-verify verify"}},
		{"a CA", folder{kwargs: `{"region_name": "eu-west-3", "verify": "DIR/ca.pem"}`, env: own(), files: config("")}, []string{ssmHost + "  ca verify"}},
		{"verify does not reach STS", folder{kwargs: `{"region_name": "eu-west-3", "verify": "DIR/ca.pem", ` + role + `}`, env: own(), files: config("")},
			[]string{stsHost, ssmHost + "  ca verify"}},
		{"AWS_CA_BUNDLE", folder{env: own("AWS_CA_BUNDLE", "DIR/ca.pem", "REQUESTS_CA_BUNDLE", "no"), files: config("")}, []string{ssmHost + "  ca AWS_CA_BUNDLE"}},
		{"REQUESTS_CA_BUNDLE", folder{env: own("REQUESTS_CA_BUNDLE", "DIR/ca.pem"), files: config("")}, []string{ssmHost + "  ca REQUESTS_CA_BUNDLE"}},
		{"a profile's CA", folder{env: own(at, "DIR/aws/config"), files: config("[default]\nca_bundle = DIR/ca.pem\n")},
			[]string{ssmHost + "  ca AWS_CONFIG_FILE", ssmHost + "  ca DIR/aws/config"}},
		{"kwargs that every call fails with", folder{kwargs: `{"service_config": 1}`, env: own()}, nil},
		{"a file that is no INI", folder{env: own(at, "DIR/aws/config"), files: config("hello\n")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			dir := t.TempDir()
			kwargs, getenv := tt.f.in(t, dir)
			var got []string
			for _, p := range awsconn.Route("ssm", kwargs, awsconn.Env{Getenv: getenv, Dir: dir}) {
				got = append(got, written(dir, p))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("points\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestRouteServices: the other service, and a session without one.
func TestRouteServices(t *testing.T) {
	dir := t.TempDir()
	kwargs, getenv := folder{env: own("AWS_DEFAULT_REGION", "eu-west-3")}.in(t, dir)
	e := awsconn.Env{Getenv: getenv, Dir: dir}
	for _, tt := range []struct {
		points []route.Point
		want   string
	}{
		{awsconn.Route("secretsmanager", kwargs, e), "service secretsmanager.eu-west-3.amazonaws.com:443"},
		{awsconn.SessionRoute(e, true), stsHost},
		{awsconn.SessionRoute(awsconn.Env{Getenv: func(name string) (string, bool) { v, ok := own()[name]; return v, ok }}, true), "login sts.amazonaws.com:443"},
		{awsconn.SessionRoute(awsconn.Env{}, false), machine},
	} {
		if len(tt.points) != 1 || written(dir, tt.points[0]) != tt.want {
			t.Errorf("points %v, want %s", tt.points, tt.want)
		}
	}
	if points := awsconn.SessionRoute(e, false); points != nil {
		t.Errorf("a session with keys asks %v", points)
	}
}

// TestRegionNamesNoHost: a region that holds another host leads nowhere.
func TestRegionNamesNoHost(t *testing.T) {
	for _, region := range []string{"x.evil.example/", "evil.example#", "a@evil.example", "evil.example:1/", "x\n", "12", "-a", "a.b", strings.Repeat("a", 64), "é"} {
		text := pyjson.Encode(region)
		for _, kwargs := range []string{
			`{"region_name": ` + text + `}`, `{"region_name": ` + text + `, "role_arn": "arn:aws:iam::1:role/r"}`,
			`{"config_kwargs": {"region_name": ` + text + `}, "role_arn": "arn:aws:iam::1:role/r"}`,
		} {
			p := place{kwargs: kwargs, env: own("AWS_ENDPOINT_URL", "", "HTTPS_PROXY", "URL", "HTTP_PROXY", "URL")}
			object, getenv := folder{kwargs: kwargs, env: own()}.in(t, t.TempDir())
			if points := awsconn.Route("ssm", object, awsconn.Env{Getenv: getenv}); points != nil {
				t.Errorf("%s leads to %v", kwargs, points)
			}
			c, _, err := look(t, p)
			if err == nil || !strings.Contains(err.Error(), "doesn't match a supported format") || len(c.signers)+len(c.stsKeys)+c.others > 0 {
				t.Errorf("%s: %v, %d requests", kwargs, err, len(c.signers)+len(c.stsKeys)+c.others)
			}
		}
	}
}

// TestRouteDoesNotWait: a file that has no end, or no beginning, is not read.
// It is an address by itself: what it names is not known.
func TestRouteDoesNotWait(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, "/dev/zero"} {
		kwargs, getenv := folder{env: own("AWS_CONFIG_FILE", path, "AWS_CA_BUNDLE", path)}.in(t, dir)
		points := awsconn.Route("ssm", kwargs, awsconn.Env{Getenv: getenv, Dir: dir})
		if len(points) != 2 || points[0].Host != path || points[0].By.Variable != "AWS_CONFIG_FILE" || points[1].Pin != "ca:unreadable" {
			t.Errorf("%s: points %v", path, points)
		}
	}
	kwargs, getenv := folder{env: own("AWS_CONFIG_FILE", fifo, "AWS_SHARED_CREDENTIALS_FILE", fifo, "AWS_PROFILE", "x")}.in(t, dir)
	s := awsconn.Env{Getenv: getenv, Dir: dir, Confined: &route.Confinement{Dir: dir}}
	if got := awsconn.Lacks("ssm", kwargs, s); got != "AWS keys" {
		t.Errorf("Lacks() = %q", got)
	}
}

// TestLacks: which settings hold credentials of their own.
func TestLacks(t *testing.T) {
	outside := t.TempDir()
	for name, text := range map[string]string{"keys": "[default]\n" + fileKeys, "token": "t"} {
		if err := os.WriteFile(filepath.Join(outside, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keys := map[string]string{"keys": "[default]\n" + fileKeys + "[other]\n" + fileKeys, "token": "t"}
	config := func(text string) map[string]string { return map[string]string{"config": text} }
	at := func(pairs ...string) map[string]string { return env(append(pairs, "AWS_CONFIG_FILE", "DIR/config")...) }
	role := `"role_arn": "arn:aws:iam::1:role/r"`
	web := `{"region_name": "r", ` + role + `, "assume_role_method": "assume_role_with_web_identity", "assume_role_with_web_identity_federation": "file"`
	const none = "AWS keys"
	tests := []struct {
		rule string
		f    folder
		want string
	}{
		{"nothing", folder{}, none},
		{"the kwargs", folder{kwargs: `{"region_name": "r", ` + keyPair + `}`}, ""},
		{"session_kwargs", folder{kwargs: `{"session_kwargs": {` + keyPair + `}}`}, ""},
		{"half of them", folder{kwargs: `{"aws_access_key_id": "x"}`}, none},
		{"variables", folder{env: own()}, ""},
		{"half of them in variables", folder{env: env("AWS_ACCESS_KEY_ID", "x")}, none},
		{"a role and nothing to assume it with", folder{kwargs: `{"region_name": "r", ` + role + `}`}, none},
		{"a role", folder{kwargs: `{"region_name": "r", ` + role + `}`, env: own()}, ""},
		{"a file of the folder", folder{env: env("AWS_SHARED_CREDENTIALS_FILE", "DIR/keys"), files: keys}, ""},
		{"a relative one", folder{env: env("AWS_SHARED_CREDENTIALS_FILE", "keys"), files: keys}, ""},
		{"a profile of it", folder{kwargs: `{"region_name": "r", "profile_name": "other"}`, env: env("AWS_SHARED_CREDENTIALS_FILE", "keys"), files: keys}, ""},
		{"a profile that it has not", folder{kwargs: `{"region_name": "r", "profile_name": "user"}`, env: env("AWS_SHARED_CREDENTIALS_FILE", "keys"), files: keys}, none},
		{"a file outside", folder{env: env("AWS_SHARED_CREDENTIALS_FILE", outside+"/keys")}, none},
		{"a file outside, and variables", folder{env: own("AWS_CONFIG_FILE", outside+"/keys")}, ""},
		{"a file of HOME", folder{env: env("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")}, none},
		{"web identity", folder{env: env("AWS_WEB_IDENTITY_TOKEN_FILE", "DIR/token", "AWS_ROLE_ARN", "a", "AWS_DEFAULT_REGION", "r"), files: keys}, ""},
		{"web identity outside", folder{env: env("AWS_WEB_IDENTITY_TOKEN_FILE", outside+"/token", "AWS_ROLE_ARN", "a", "AWS_DEFAULT_REGION", "r")}, none},
		{"web identity in the kwargs", folder{kwargs: web + `, "assume_role_with_web_identity_token_file": "DIR/token"}`, files: keys}, ""},
		{"web identity in the kwargs, outside", folder{kwargs: web + `, "assume_role_with_web_identity_token_file": "` + outside + `/token"}`}, none},
		{"web identity without a file", folder{kwargs: web + `}`}, none},
		{"a container", folder{env: env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/")}, none},
		{"an instance", folder{env: env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1/")}, none},
		{"a source that is a container", folder{env: at("AWS_DEFAULT_REGION", "r"), files: config("[default]\nrole_arn = a\ncredential_source = EcsContainer\n")}, none},
		{"a process", folder{env: at(), files: config("[default]\ncredential_process = true\n")}, none},
		{"Identity Center, which airlock does not do", folder{env: at(), files: config("[default]\nsso_session = s\n")}, ""},
		{"a file that is no INI", folder{env: at(), files: config("hello\n")}, ""},
		{"kwargs that every call fails with", folder{kwargs: `{"service_config": 1}`}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			dir := t.TempDir()
			kwargs, getenv := tt.f.in(t, dir)
			e := awsconn.Env{Getenv: getenv, Dir: dir, Confined: &route.Confinement{Dir: dir}}
			if got := awsconn.Lacks("ssm", kwargs, e); got != tt.want {
				t.Errorf("Lacks() = %q, want %q", got, tt.want)
			}
			if tt.f.kwargs == "" {
				if got := awsconn.SessionLacks(e); got != tt.want {
					t.Errorf("SessionLacks() = %q, want %q", got, tt.want)
				}
			}
		})
	}
}
