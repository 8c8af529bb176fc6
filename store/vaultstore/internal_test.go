package vaultstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// transportFunc is a http.RoundTripper.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestBackoff checks the waits between attempts without waiting.
func TestBackoff(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: errors.New("refused")}
	ms := func(n ...int) (out []time.Duration) {
		for _, n := range n {
			out = append(out, time.Duration(n)*time.Millisecond)
		}
		return out
	}
	tests := []struct {
		what, method string
		status       int
		after        string
		err          error
		want         []time.Duration
	}{
		{what: "urllib3's formula", method: "GET", status: 503, want: ms(0, 200, 400)},
		{what: "no connection, read", method: "GET", err: dial, want: ms(0, 200, 400)},
		{what: "no connection, log-in", method: "POST", err: dial, want: ms(0, 200, 400)},
		{what: "broken connection, log-in", method: "POST", err: io.ErrUnexpectedEOF},
		{what: "broken connection, list", method: "LIST", err: io.ErrUnexpectedEOF},
		{what: "Retry-After of 429", method: "GET", status: 429, after: "2", want: ms(2000, 2000, 2000)},
		{what: "Retry-After of 503", method: "GET", status: 503, after: "1", want: ms(1000, 1000, 1000)},
		{what: "Retry-After of 0", method: "GET", status: 429, after: "0", want: ms(0, 200, 400)},
		{what: "Retry-After that is too long", method: "GET", status: 429, after: "3600"},
		{what: "Retry-After of a write", method: "POST", status: 429, after: "1"},
		{what: "Retry-After of 404", method: "GET", status: 404, after: "1"},
		{what: "success", method: "GET", status: 200},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			waits, bodies, err := attempts(t, tt.method, tt.status, tt.after, tt.err)
			if !errors.Is(err, tt.err) || !slices.Equal(waits, tt.want) {
				t.Errorf("waited %v (%v), want %v", waits, err, tt.want)
			}
			if len(bodies) != len(waits)+1 || slices.ContainsFunc(bodies, func(b string) bool { return b != "body" }) {
				t.Errorf("sent the bodies %q", bodies)
			}
		})
	}
}

// attempts sends one request over a connection that always fails the same way
// and returns how long was waited and what was sent.
func attempts(t *testing.T, method string, status int, after string, failure error) (waits []time.Duration, bodies []string, err error) {
	t.Helper()
	r := &retrying{retries: 3, timeout: time.Minute, next: transportFunc(func(req *http.Request) (*http.Response, error) {
		b, _ := io.ReadAll(req.Body)
		bodies = append(bodies, string(b))
		if failure != nil {
			return nil, failure
		}
		res := httpAnswer(req, status, "", "")
		if after != "" {
			res.Header.Set("Retry-After", after)
		}
		return res, nil
	}), sleep: func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://v/", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.RoundTrip(req)
	if res != nil {
		res.Body.Close()
	}
	return waits, bodies, err
}

func TestProxyFor(t *testing.T) {
	tests := []struct {
		target  string
		proxies map[string]string
		env     map[string]string
		want    string // "": none
	}{
		{target: "http://v/"},
		{target: "http://v/", env: map[string]string{"HTTP_PROXY": "http://p:1"}, want: "http://p:1"},
		{target: "https://v/", env: map[string]string{"HTTP_PROXY": "http://p:1"}},
		{target: "https://v/", env: map[string]string{"HTTPS_PROXY": "p:1"}, want: "http://p:1"},
		{target: "https://v/", env: map[string]string{"ALL_PROXY": "http://p:1"}, want: "http://p:1"},
		{target: "https://v/", env: map[string]string{"https_proxy": "", "HTTPS_PROXY": "http://p:1"}},
		{target: "https://v/", env: map[string]string{"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"}, want: "http://low:1"},
		{target: "http://v/", env: map[string]string{"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}},
		{target: "http://v/", env: map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "x, v"}},
		{target: "http://a.example.com/", env: map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": ".example.com"}},
		{target: "http://a.example.com/", env: map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "example.org"}, want: "http://p:1"},
		{target: "http://v:8200/", env: map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "v:8200"}},
		{target: "http://v:8200/", env: map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "v:8201"}, want: "http://p:1"},
		{target: "http://10.1.2.3/", env: map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}},
		{target: "http://10.1.2.3/", env: map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "2.3"}, want: "http://p:1"},
		{target: "http://v/", env: map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}},
		{target: "http://v/", proxies: map[string]string{"http": "http://kw:1"}, env: map[string]string{"HTTP_PROXY": "http://p:1", "NO_PROXY": "v"}, want: "http://kw:1"},
		{target: "http://v/", proxies: map[string]string{"http": ""}, env: map[string]string{"HTTP_PROXY": "http://p:1"}},
		{target: "http://v/", proxies: map[string]string{"all": "socks5://kw:1", "https": "http://no:1"}, want: "socks5://kw:1"},
		{target: "http://v/", proxies: map[string]string{"http://v": "http://host:1", "http": "http://kw:1"}, want: "http://host:1"},
	}
	for _, tt := range tests {
		o := Options{Proxies: tt.proxies, Env: Env{Getenv: func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }}}
		u, err := url.Parse(tt.target)
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.proxyFor(&http.Request{URL: u})
		text := ""
		if got != nil {
			text = got.String()
		}
		if err != nil || text != tt.want {
			t.Errorf("%s with %v and %v goes by %q, %v; want %q", tt.target, tt.proxies, tt.env, text, err, tt.want)
		}
	}
}

func kwargsOf(t *testing.T, text string) *pyjson.Object {
	t.Helper()
	v, err := pyjson.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return v.(*pyjson.Object)
}

// TestKwargsRefused lists what construction and the first look-up refuse
// beyond the vectors.
func TestKwargsRefused(t *testing.T) {
	const types = "It should be one of ['approle', 'aws_iam', 'azure', 'github', 'gcp', 'jwt', 'kubernetes', 'ldap', 'radius', 'token', 'userpass'], on None None"
	tests := []struct {
		kwargs, atOnce, later, hint string
	}{
		{kwargs: `{"kv_engine_version": "2", "token": "t"}`, atOnce: "VaultError: The version is not supported: 2. It should be one of [1, 2], on None None", hint: "without quotes"},
		{kwargs: `{"kv_engine_version": [1], "token": "t"}`, atOnce: "VaultError: The version is not supported: [1]. It should be one of [1, 2], on None None", hint: "without quotes"},
		{kwargs: `{"kv_engine_version": 1.0, "token": "t"}`},
		{kwargs: `{"kv_engine_version": true, "token": "t"}`},
		{kwargs: `{"auth_type": null}`, atOnce: "VaultError: The auth_type is not supported: None. " + types, hint: "backend_kwargs"},
		{kwargs: `{"auth_type": "Token", "token": "t"}`, atOnce: "VaultError: The auth_type is not supported: Token. " + types, hint: "backend_kwargs"},
		{kwargs: `{}`, atOnce: "VaultError: The 'token' authentication type requires 'token' or 'token_path', on None None", hint: "VAULT_TOKEN"},
		{kwargs: `{"token": ""}`, atOnce: "VaultError: The 'token' authentication type requires 'token' or 'token_path', on None None", hint: "VAULT_TOKEN"},
		{kwargs: `{"token": 5}`, later: "InvalidHeader: the kwarg token is not a string", hint: "backend_kwargs"},
		{kwargs: `{"token": "t", "verifiy": false}`, later: "TypeError: Adapter.__init__() got an unexpected keyword argument 'verifiy'", hint: `write "verify"`},
		{kwargs: `{"token": "t", "tokenpath": "x"}`, later: "TypeError: Adapter.__init__() got an unexpected keyword argument 'tokenpath'", hint: `write "token_path"`},
		{kwargs: `{"token": "t", "timeout": 0, "zzzzzz": 1}`, later: "TypeError: Adapter.__init__() got an unexpected keyword argument '***'", hint: "knows no such argument"},
		{kwargs: `{"token": "t", "base_uri": "x"}`, later: "TypeError: hvac.adapters.JSONAdapter() got multiple values for keyword argument 'base_uri'", hint: "backend_kwargs"},
		{kwargs: `{"token": "t", "adapter": "x"}`, later: "TypeError: 'str' object is not callable", hint: "backend_kwargs"},
		{kwargs: `{"token": "t", "timeout": "10"}`, later: "ValueError: the kwarg timeout must be a number of seconds above 0", hint: "backend_kwargs"},
		{kwargs: `{"token": "t", "proxies": "x"}`, later: "ValueError: the kwarg proxies must be an object of URLs", hint: "backend_kwargs"},
		{kwargs: `{"token": "t", "cert": ["a"]}`, later: "ValueError: the kwarg cert must be a path, or a list of two", hint: "backend_kwargs"},
		{kwargs: `{"token": "t", "verify": 1}`, later: "ValueError: the kwarg verify must be true, false or a path", hint: "backend_kwargs"},
		{kwargs: `{"token": "t", "session": {"a": 1}}`, later: "ValueError: the kwarg session must be left out: JSON cannot express one", hint: "backend_kwargs"},
		{kwargs: `{"auth_type": "jwt", "jwt_role": "r", "jwt_token": 5}`, later: "AttributeError: 'int' object has no attribute 'strip'", hint: "jwt_token a string"},
		{kwargs: `{"auth_type": "gcp", "role_id": "r", "gcp_scopes": ["s"]}`, later: "AttributeError: 'list' object has no attribute 'split'", hint: "commas"},
		{kwargs: `{"auth_type": "gcp", "role_id": "r", "gcp_scopes": "s"}`, later: "", hint: "another auth_type"},
		{kwargs: `{"auth_type": "aws_iam", "assume_role_kwargs": "arn"}`, later: "TypeError: assume_role() argument after ** must be a mapping, not str", hint: "an object"},
		{kwargs: `{"auth_type": "aws_iam", "key_id": "a", "secret_id": "b", "region": 5}`, later: "TypeError: sequence item 1: expected str instance, int found", hint: "region"},
		{kwargs: `{"auth_type": "azure", "azure_resource": "r", "azure_tenant_id": "t"}`, later: "VaultError: Vault Authentication Error!, on None None", hint: "does not log in"},
	}
	for _, tt := range tests {
		s, err := FromKwargs(kwargsOf(t, tt.kwargs), Env{})
		if tt.atOnce != "" || err != nil {
			wantRefused(t, tt.kwargs, err, tt.atOnce, tt.hint)
			continue
		}
		s.options.Transport = &scriptedServer{answers: []vectorAnswer{{Status: 200, Body: json.RawMessage(`{"data": {"data": {}}}`)}}}
		_, err = s.Get(t.Context(), "x")
		if tt.later != "" || tt.hint != "" {
			wantRefused(t, tt.kwargs, err, tt.later, tt.hint)
		} else if err != nil {
			t.Errorf("%s: %v", tt.kwargs, err)
		}
	}
	if _, err := New(Options{KVVersion: 3}); store.CodeOf(err) != store.Invalid {
		t.Errorf("KV version 3: %v", err)
	}
}

// wantRefused compares the Python error and the hint; without one, the store
// itself cannot do it.
func wantRefused(t *testing.T, kwargs string, err error, want, hint string) {
	t.Helper()
	code, got := store.Invalid, ""
	var python *airflow.Error
	if errors.As(err, &python) {
		got = python.Type + ": " + python.Message
	}
	if errors.Is(err, errNoToken) {
		code, got = store.Unauthenticated, "VaultError: Vault Authentication Error!, on None None"
	}
	if want == "" {
		code = store.Unsupported
	}
	if got != want || store.CodeOf(err) != code || !strings.Contains(store.Hint(err), hint) {
		t.Errorf("%s: %v (%s, hint %q), want %q and %q in the hint", kwargs, err, got, store.Hint(err), want, hint)
	}
}

func TestKwargsOfTheClient(t *testing.T) {
	s, err := FromKwargs(kwargsOf(t, `{"token": "t", "url": "https://user:hunter2@v/x/", "namespace": "ns", "verify": "/ca", "cert": ["/c", "/k"],
		"timeout": 1.5, "proxies": {"https": "http://p", "http": null}, "allow_redirects": false, "strict_http": true,
		"request_header": false, "ignore_exceptions": 1, "session": null, "mount_point": "/m/", "kv_engine_version": 1}`), Env{})
	if err != nil || s.broken != nil {
		t.Fatal(err, s.broken)
	}
	o := s.options
	got := fmt.Sprint(o.Namespace, o.TLS, o.Timeout, o.Proxies, o.NoRedirects, o.StrictHTTP, o.NoRequestHeader, o.IgnoreExceptions, o.NoRetries, o.Mount, o.KVVersion)
	if want := "ns{false /ca /c /k} 1.5s map[http: https:http://p] true true true true true/m/1"; got != want {
		t.Errorf("options are %s, want %s", got, want)
	}
	if s.Name() != "vault https://v" {
		t.Errorf("the store is called %q", s.Name())
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", s, s, s, o), fmt.Sprintf("%v", []any{o, o.Auth, struct{ M Method }{o.Auth}})} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("a credential is in %s", text)
		}
	}
}

// TestIgnoreExceptions takes a failure's answer for the result, as hvac does.
func TestIgnoreExceptions(t *testing.T) {
	s, err := FromKwargs(kwargsOf(t, `{"token": "t", "ignore_exceptions": true}`), Env{})
	if err != nil {
		t.Fatal(err)
	}
	s.options.Transport = &scriptedServer{answers: []vectorAnswer{{Status: 404, Body: json.RawMessage(`{"errors": []}`)}}}
	if _, err := s.Get(t.Context(), "x"); !errors.Is(err, errNotJSON) {
		t.Errorf("Get = %v", err)
	}
}
