package vaultstore_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/storetest"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

type answers = map[string]func(*testing.T) (store.Store, string)

// at opens the store of a mount once more, with what is different.
func (m *mounts) at(t *testing.T, mount string, version int, change func(*vaultstore.Options)) store.Store {
	t.Helper()
	o := vaultstore.Options{URL: m.server.Addr, Mount: mount, KVVersion: version, Auth: vaultstore.Token{Token: m.server.Token}}
	change(&o)
	return open(t, o)
}

// front is a proxy before the server that answers requests below a path by
// itself, with status 404.
func (m *mounts) front(t *testing.T, path, contentType, body string) string {
	t.Helper()
	to, err := url.Parse(m.server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", httputil.NewSingleHostReverseProxy(to))
	mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, body)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// misses1 are the answers that both versions of the engine can give.
func misses1(m *mounts, mount string, version int) answers {
	return answers{
		"404 with `errors: []` and no warning": func(*testing.T) (store.Store, string) { return nil, "never" },
		"404 `no handler for route`: the mount is gone": func(t *testing.T) (store.Store, string) {
			return m.at(t, "gone-"+mount, version, func(*vaultstore.Options) {}), "x"
		},
		storetest.Ingress: func(t *testing.T) (store.Store, string) {
			url := m.front(t, "/v1/"+mount+"/", "text/html", "<html><body>default backend - 404</body></html>")
			return m.at(t, mount, version, func(o *vaultstore.Options) { o.URL = url }), "x"
		},
	}
}

// misses2 are those of version 2.
func misses2(m *mounts, mount string) answers {
	all := misses1(m, mount, 2)
	write := func(t *testing.T, name string) {
		m.server.MustDo(t, "POST", "/v1/"+mount+"/data/"+name, map[string]any{"data": map[string]string{"a": "b"}})
	}
	all["404 with the time at which the version was deleted"] = func(t *testing.T) (store.Store, string) {
		write(t, "deleted")
		m.server.MustDo(t, "DELETE", "/v1/"+mount+"/data/deleted", nil)
		return nil, "deleted"
	}
	all["404 with a version that was destroyed"] = func(t *testing.T) (store.Store, string) {
		write(t, "destroyed")
		m.server.MustDo(t, "POST", "/v1/"+mount+"/destroy/destroyed", map[string]any{"versions": []int{1}})
		return nil, "destroyed"
	}
	all["404 `namespace not found`"] = func(t *testing.T) (store.Store, string) {
		return m.at(t, mount, 2, func(o *vaultstore.Options) { o.Namespace = "nowhere" }), "x"
	}
	all["404 with a warning: the path is of another KV version"] = func(t *testing.T) (store.Store, string) {
		return m.at(t, mount, 1, func(*vaultstore.Options) {}), "x"
	}
	all[storetest.Foreign] = func(t *testing.T) (store.Store, string) {
		url := m.front(t, "/v1/"+mount+"/", "application/json", `{"message": "no Route matched with those values"}`)
		return m.at(t, mount, 2, func(o *vaultstore.Options) { o.URL = url }), "x"
	}
	all["404 to the log-in"] = func(t *testing.T) (store.Store, string) {
		return m.at(t, mount, 2, func(o *vaultstore.Options) {
			o.URL = m.front(t, "/v1/auth/", "application/json", `{"errors": []}`)
			o.Auth = vaultstore.AppRole{RoleID: "r", SecretID: "s"}
		}), "x"
	}
	all["403"] = func(t *testing.T) (store.Store, string) {
		return m.at(t, mount, 2, func(o *vaultstore.Options) { o.Auth = vaultstore.Token{Token: "wrong"} }), "x"
	}
	return all
}

// What is not asked for is not proven.
func TestANameWithoutAMountProvesNothing(t *testing.T) {
	s := open(t, vaultstore.Options{URL: "http://127.0.0.1:1", Auth: vaultstore.Token{Token: "t"}})
	if _, err := s.Get(t.Context(), "x"); store.CodeOf(err) != store.NotFound || store.Absent(err) {
		t.Errorf("Get = %v, proven %v; want a miss without proof", err, store.Absent(err))
	}
}

// A folder that something else answers 404 for is not empty, and a secret that
// it answers 404 for is not overwritten.
func TestA404OfSomethingElseIsNoEmptyFolder(t *testing.T) {
	m := &mounts{server: baotest.Start(t)}
	mount := m.mount(t, 2)
	url := m.front(t, "/v1/"+mount+"/metadata/", "text/html", "<html>")
	s := open(t, vaultstore.Options{URL: url, Mount: mount, Auth: vaultstore.Token{Token: m.server.Token}})
	if names, err := s.List(t.Context(), ""); store.CodeOf(err) != store.NotFound || store.Absent(err) {
		t.Errorf("List = %q, %v; want the answer as an error", names, err)
	}
	url = m.front(t, "GET /v1/"+mount+"/data/", "text/html", "<html>")
	s = open(t, vaultstore.Options{URL: url, Mount: mount, Auth: vaultstore.Token{Token: m.server.Token}})
	m.server.MustDo(t, "POST", "/v1/"+mount+"/data/x", map[string]any{"data": map[string]string{"other": "member"}})
	one := &store.Secret{Form: store.Object, Payload: []byte(`{"value": "v"}`)}
	if _, err := s.Merge(t.Context(), "x", one); store.CodeOf(err) != store.NotFound {
		t.Errorf("Merge = %v, want that nothing is written", err)
	}
	if _, answer := m.server.Do(t, "GET", "/v1/"+mount+"/data/x", nil); answer["data"].(map[string]any)["data"].(map[string]any)["other"] != "member" {
		t.Error("the other member is gone")
	}
}
