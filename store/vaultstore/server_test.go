package vaultstore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

// wantError checks the code and that the hint says what to do.
func wantError(t *testing.T, what string, err error, code store.Code, hint string) {
	t.Helper()
	var e *store.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: %v, want code %q", what, err, code)
		return
	}
	if !strings.Contains(e.Hint, hint) || hint == "" && e.Hint != "" {
		t.Errorf("%s: the hint of %v is %q, want %q in it", what, err, e.Hint, hint)
	}
}

// counted is a server in front of a real one that counts requests by path.
type counted struct {
	*httptest.Server
	mu   sync.Mutex
	seen map[string]int
}

func count(t *testing.T, to string) *counted {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{seen: map[string]int{}}
	proxy := httputil.NewSingleHostReverseProxy(target)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.seen[r.Method+" "+r.URL.Path]++
		c.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *counted) of(request string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[request]
}

const readPolicy = `path "secret/data/variables/*" { capabilities = ["read"] }`

func TestAppRole(t *testing.T) {
	server := baotest.Start(t)
	server.MustDo(t, "POST", "/v1/secret/data/variables/x", map[string]any{"data": map[string]string{"value": "hello"}})
	roleID, secretID := server.AppRole(t, "reader", readPolicy)
	front := count(t, server.Addr)
	const login, read = "POST /v1/auth/approle/login", "GET /v1/secret/data/variables/x"

	t.Run("many first look-ups share one log-in", func(t *testing.T) {
		s := open(t, vaultstore.Options{URL: front.URL, Mount: "secret", Auth: vaultstore.AppRole{RoleID: roleID, SecretID: secretID}})
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if got, err := s.Get(t.Context(), "variables/x"); err != nil || string(got.Payload) != `{"value":"hello"}` {
					t.Errorf("Get = %v, %v", got, err)
				}
			})
		}
		group.Wait()
		if n := front.of(login); n != 1 {
			t.Errorf("%d log-ins, want 1", n)
		}
		if n := front.of(read); n != 20 {
			t.Errorf("%d reads, want 20", n)
		}
	})
	t.Run("a revoked token is replaced once", func(t *testing.T) {
		s := open(t, vaultstore.Options{URL: front.URL, Mount: "secret", Auth: vaultstore.AppRole{RoleID: roleID, SecretID: secretID}})
		if _, err := s.Get(t.Context(), "variables/x"); err != nil {
			t.Fatal(err)
		}
		logins := front.of(login)
		server.MustDo(t, "POST", "/v1/sys/leases/revoke-prefix/auth/approle", nil)
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				if _, err := s.Get(t.Context(), "variables/x"); err != nil {
					t.Errorf("Get after revocation = %v", err)
				}
			})
		}
		group.Wait()
		if n := front.of(login) - logins; n != 1 {
			t.Errorf("%d log-ins after revocation, want 1", n)
		}
	})
	t.Run("refused", func(t *testing.T) { testAppRoleRefused(t, server, front, roleID, secretID) })
}

func testAppRoleRefused(t *testing.T, server *baotest.Server, front *counted, roleID, secretID string) {
	const login = "POST /v1/auth/approle/login"
	t.Run("what the policy forbids is denied after one more log-in", func(t *testing.T) {
		s := open(t, vaultstore.Options{URL: front.URL, Mount: "secret", Auth: vaultstore.AppRole{RoleID: roleID, SecretID: secretID}})
		before := front.of(login)
		_, err := s.Get(t.Context(), "connections/x")
		wantError(t, "Get", err, store.Denied, "MOUNT/data/PATH")
		if n := front.of(login) - before; n != 2 {
			t.Errorf("%d log-ins, want 2", n)
		}
	})
	t.Run("an expired secret id", func(t *testing.T) {
		server.MustDo(t, "POST", "/v1/auth/approle/role/reader/secret-id/destroy", map[string]any{"secret_id": secretID})
		s := open(t, vaultstore.Options{URL: front.URL, Mount: "secret", Auth: vaultstore.AppRole{RoleID: roleID, SecretID: secretID}})
		_, err := s.Get(t.Context(), "variables/x")
		wantError(t, "Get", err, store.Unauthenticated, "secret_id is wrong, used up or expired")
		if strings.Contains(fmt.Sprintf("%v %+v %#v %s", err, err, s, store.Hint(err)), secretID) {
			t.Error("the secret id is in what is printed")
		}
	})
	t.Run("a method that is not mounted there", func(t *testing.T) {
		s := open(t, vaultstore.Options{URL: front.URL, Mount: "secret", Auth: vaultstore.AppRole{RoleID: roleID, Mount: "nope"}})
		_, err := s.Get(t.Context(), "variables/x")
		wantError(t, "Get", err, store.Unauthenticated, "auth_mount_point")
	})
}

func TestTokens(t *testing.T) {
	server := baotest.Start(t)
	server.MustDo(t, "POST", "/v1/secret/data/x", map[string]any{"data": map[string]string{"value": "hello"}})
	home := t.TempDir()
	file := filepath.Join(home, "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(" " + server.Token + "\n")
	env := func(values map[string]string) vaultstore.Env {
		return vaultstore.Env{Home: home, Dir: home, Getenv: func(name string) (string, bool) { v, ok := values[name]; return v, ok }}
	}
	for name, o := range map[string]vaultstore.Options{
		"a token":              {Auth: vaultstore.Token{Token: server.Token}},
		"a file":               {Auth: vaultstore.Token{Path: file}},
		"a relative file":      {Auth: vaultstore.Token{Path: "token"}},
		"a file over a token":  {Auth: vaultstore.Token{Path: file, Token: "wrong"}},
		"VAULT_TOKEN":          {Env: env(map[string]string{"VAULT_TOKEN": server.Token})},
		"a token over the env": {Auth: vaultstore.Token{Token: server.Token}, Env: env(map[string]string{"VAULT_TOKEN": "wrong"})},
	} {
		o.URL, o.Mount = server.Addr, "secret"
		if o.Env.Getenv == nil {
			o.Env = env(nil)
		}
		if _, err := open(t, o).Get(t.Context(), "x"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Run("a bad token is denied, and the hint says so", func(t *testing.T) {
		_, err := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.Token{Token: "hvs.wrong"}}).Get(t.Context(), "x")
		wantError(t, "Get", err, store.Denied, "wrong or expired")
		if strings.Contains(fmt.Sprint(err, store.Hint(err)), "hvs.wrong") {
			t.Errorf("the token is in %v", err)
		}
	})
	t.Run("no token", func(t *testing.T) {
		_, err := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret"}).Get(t.Context(), "x")
		wantError(t, "Get", err, store.Unauthenticated, "VAULT_TOKEN")
	})
	t.Run("a file that is not there", func(t *testing.T) {
		s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.Token{Path: filepath.Join(home, "late")}})
		_, err := s.Get(t.Context(), "x")
		wantError(t, "Get", err, store.Invalid, "token_path")
		if err := os.WriteFile(filepath.Join(home, "late"), []byte(server.Token), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), "x"); err != nil {
			t.Errorf("once the file is there: %v", err)
		}
	})
}

func TestMountsAndVersions(t *testing.T) {
	server := baotest.Start(t)
	server.MustDo(t, "POST", "/v1/sys/mounts/old", map[string]any{"type": "kv", "options": map[string]string{"version": "1"}})
	server.MustDo(t, "POST", "/v1/sys/mounts/pki", map[string]any{"type": "pki"})
	server.MustDo(t, "POST", "/v1/secret/data/variables/x", map[string]any{"data": map[string]string{"value": "new"}})
	server.MustDo(t, "POST", "/v1/old/variables/x", map[string]string{"value": "old"})
	root := vaultstore.Token{Token: server.Token}
	tests := []struct {
		what    string
		mount   string
		version int
		get     store.Code // "": found
		getHint string
		check   store.Code
		hint    string
	}{
		{what: "version 2 of version 2", mount: "secret", version: 2},
		{what: "version 1 of version 1", mount: "old", version: 1},
		{what: "slashes around the mount", mount: "/secret/", version: 2},
		{what: "version 1 of version 2", mount: "secret", version: 1, get: store.NotFound, getHint: "set kv_engine_version to 2", check: store.Invalid, hint: "set kv_engine_version to 2"},
		{what: "version 2 of version 1", mount: "old", version: 2, get: store.NotFound, getHint: `if the mount "old" is KV version 1, set kv_engine_version to 1`, check: store.Invalid, hint: "set kv_engine_version to 1"},
		{what: "no such mount", mount: "nope", version: 2, get: store.NotFound, getHint: "nothing is mounted at \"nope\""},
		{what: "a mount of another kind", mount: "pki", version: 2, get: store.NotFound, check: store.Invalid, hint: "KV engine"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			s := open(t, vaultstore.Options{URL: server.Addr, Mount: tt.mount, KVVersion: tt.version, Auth: root})
			got, err := s.Get(t.Context(), "variables/x")
			if tt.get == "" {
				if err != nil || !strings.Contains(string(got.Payload), "value") {
					t.Errorf("Get = %v, %v", got, err)
				}
			} else {
				wantError(t, "Get", err, tt.get, tt.getHint)
			}
			if err := s.Check(t.Context()); tt.check == "" && tt.get == "" && err != nil {
				t.Errorf("Check = %v", err)
			} else if tt.check != "" {
				wantError(t, "Check", err, tt.check, tt.hint)
			}
		})
	}
	t.Run("an address with the version of the API", func(t *testing.T) {
		for token, want := range map[string]store.Code{server.Token: store.NotFound, "none": store.Denied} {
			s := open(t, vaultstore.Options{URL: server.Addr + "/v1/", Mount: "secret", Auth: vaultstore.Token{Token: token}})
			_, err := s.Get(t.Context(), "variables/x")
			wantError(t, "Get", err, want, `url ends in "/v1"`)
		}
	})
	t.Run("a deleted version", func(t *testing.T) {
		s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: root})
		server.MustDo(t, "POST", "/v1/secret/data/gone", map[string]any{"data": map[string]string{"value": "new"}})
		server.MustDo(t, "DELETE", "/v1/secret/data/gone", nil)
		_, err := s.Get(t.Context(), "gone")
		wantError(t, "Get", err, store.NotFound, "vault kv undelete")
		if !strings.Contains(err.Error(), "deleted in version 1") {
			t.Errorf("Get = %v", err)
		}
		server.MustDo(t, "PUT", "/v1/secret/destroy/gone", map[string]any{"versions": []int{1}})
		_, err = s.Get(t.Context(), "gone")
		wantError(t, "Get", err, store.NotFound, "write the secret again")
	})
	t.Run("the mount in the name", func(t *testing.T) { testMountInName(t, server) })
}

func testMountInName(t *testing.T, server *baotest.Server) {
	s := open(t, vaultstore.Options{URL: server.Addr, Auth: vaultstore.Token{Token: server.Token}})
	got, err := s.Get(t.Context(), "secret/variables/x")
	if err != nil || string(got.Payload) != `{"value":"new"}` {
		t.Errorf("Get = %v, %v", got, err)
	}
	if where := s.Locate("secret/variables/x"); where != "secret/data/variables/x" {
		t.Errorf("Locate = %q", where)
	}
	_, err = s.Get(t.Context(), "nomount")
	wantError(t, "Get without a mount", err, store.NotFound, "mount_point null")
	_, err = s.Put(t.Context(), "nomount", &store.Secret{Form: store.Object, Payload: []byte(`{}`)}, nil)
	wantError(t, "Put without a mount", err, store.Invalid, "mount")
	_, err = s.List(t.Context(), "")
	wantError(t, "List without a mount", err, store.Unsupported, "prefix")
	if names, err := s.List(t.Context(), "secret/"); err != nil || len(names) != 1 || names[0] != "secret/variables/x" {
		t.Errorf("List = %q, %v", names, err)
	}
}

func TestNamespace(t *testing.T) {
	server := baotest.Start(t)
	server.MustDo(t, "POST", "/v1/sys/namespaces/team", map[string]any{})
	in := func(method, path string, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.Addr+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Vault-Token", server.Token)
		req.Header.Set("X-Vault-Namespace", "team")
		res, err := http.DefaultClient.Do(req)
		if err != nil || res.StatusCode >= 300 {
			t.Fatalf("%s %s: %v, %v", method, path, res, err)
		}
		res.Body.Close()
	}
	in("POST", "/v1/sys/mounts/kv", `{"type": "kv", "options": {"version": "2"}}`)
	in("POST", "/v1/kv/data/x", `{"data": {"value": "of the team"}}`)
	o := vaultstore.Options{URL: server.Addr, Mount: "kv", Auth: vaultstore.Token{Token: server.Token}}
	_, err := open(t, o).Get(t.Context(), "x")
	wantError(t, "Get outside the namespace", err, store.NotFound, "nothing is mounted")
	o.Namespace = "nobodys"
	_, err = open(t, o).Get(t.Context(), "x")
	wantError(t, "Get in no namespace", err, store.NotFound, `there is no namespace "nobodys"`)
	o.Namespace = "team"
	if got, err := open(t, o).Get(t.Context(), "x"); err != nil || string(got.Payload) != `{"value":"of the team"}` {
		t.Errorf("Get = %v, %v", got, err)
	}
}

func TestSealed(t *testing.T) {
	server := baotest.Start(t)
	s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.Token{Token: server.Token}, NoRetries: true})
	if err := s.Check(t.Context()); err != nil {
		t.Fatalf("Check = %v", err)
	}
	server.MustDo(t, "POST", "/v1/sys/seal", nil)
	_, err := s.Get(t.Context(), "x")
	wantError(t, "Get", err, store.Unavailable, "unseal")
	wantError(t, "Check", s.Check(t.Context()), store.Unavailable, "")
	login := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.AppRole{RoleID: "r"}, NoRetries: true})
	_, err = login.Get(t.Context(), "x")
	wantError(t, "Get with a log-in", err, store.Unavailable, "unseal")
}

func TestUnreachable(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	address := strings.Replace(gone.URL, "http://", "http://user:hunter2@", 1)
	s := open(t, vaultstore.Options{URL: address, Mount: "secret", Auth: vaultstore.Token{Token: "t"}})
	_, err := s.Get(t.Context(), "x")
	wantError(t, "Get", err, store.Unavailable, "is the server up")
	if text := fmt.Sprintf("%v %+v %s %v", err, err, s.Name(), s); strings.Contains(text, "hunter2") || strings.Contains(text, "user:") {
		t.Errorf("user info is in %s", text)
	}
	for _, address := range []string{"v:8200", "ftp://v", "http://", "://", "http://v:port", "not a url"} {
		s := open(t, vaultstore.Options{URL: address, Mount: "secret", Auth: vaultstore.Token{Token: "t"}})
		_, err := s.Get(t.Context(), "x")
		wantError(t, "Get from "+address, err, store.Invalid, "https://HOST:PORT")
	}
}

// TestHanging asks a server that never answers.
func TestHanging(t *testing.T) {
	stop := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
			panic(http.ErrAbortHandler) // no answer, also not to a client that is about to leave
		case <-stop:
		}
	}))
	defer hanging.Close()
	defer close(stop)
	t.Run("the caller's deadline", func(t *testing.T) {
		for _, auth := range []vaultstore.Method{vaultstore.Token{Token: "t"}, vaultstore.AppRole{RoleID: "r"}} {
			s := open(t, vaultstore.Options{URL: hanging.URL, Mount: "secret", Auth: auth})
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			_, err := s.Get(ctx, "x")
			cancel()
			wantError(t, "Get", err, store.Unavailable, "is the server up")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Get = %v, want the deadline in it", err)
			}
		}
	})
	t.Run("the store's timeout", func(t *testing.T) {
		s := open(t, vaultstore.Options{URL: hanging.URL, Mount: "secret", Auth: vaultstore.Token{Token: "t"}, Timeout: 30 * time.Millisecond, NoRetries: true})
		_, err := s.Get(t.Context(), "x")
		wantError(t, "Get", err, store.Unavailable, "is the server up")
		if !strings.Contains(err.Error(), "no answer within 30ms") {
			t.Errorf("Get = %v", err)
		}
	})
	t.Run("closing", func(t *testing.T) {
		s := open(t, vaultstore.Options{URL: hanging.URL, Mount: "secret", Auth: vaultstore.AppRole{RoleID: "r"}})
		answer := make(chan error)
		go func() { _, err := s.Get(context.WithoutCancel(t.Context()), "x"); answer <- err }()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-answer; store.CodeOf(err) != store.Unavailable {
			t.Errorf("Get while closing = %v", err)
		}
	})
}
