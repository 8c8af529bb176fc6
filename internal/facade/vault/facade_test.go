package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/facade/facadetest"
	"github.com/airlock-secrets/airlock/internal/facade/vault"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

func TestFacts(t *testing.T) {
	handler := func(t *testing.T, g *gate.Gate, clients *client.Registry) http.Handler {
		return newHandler(t, g, clients, nil)
	}
	t.Run("KV version 2", func(t *testing.T) {
		facadetest.Run(t, facadetest.Facade{Handler: handler, Connect: func(_ *testing.T, url string, creds *client.Credentials) facadetest.Client {
			return &peer{url: url, token: creds.Token, data: "secret/data/", list: "secret/metadata/"}
		}})
	})
	t.Run("KV version 1", func(t *testing.T) {
		facadetest.Run(t, facadetest.Facade{Handler: handler, Connect: func(_ *testing.T, url string, creds *client.Credentials) facadetest.Client {
			return &peer{url: url, token: creds.Token, data: "kv/", list: "kv/"}
		}})
	})
}

func newHandler(t testing.TB, g *gate.Gate, clients *client.Registry, change func(*vault.Options)) http.Handler {
	t.Helper()
	o := vault.Options{Gate: g, Clients: clients}
	if change != nil {
		change(&o)
	}
	h, err := vault.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// peer asks the facade over HTTP as hvac does.
type peer struct{ url, token, data, list string }

func (p *peer) path(ref airflow.Ref) string {
	parts := strings.Split(dialect.DefaultVault().Names(ref).Names[0], "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return p.data + strings.Join(parts, "/")
}

func (p *peer) v2() bool { return p.data != p.list }

// call sends one request and returns the answer's data.
func (p *peer) call(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	status, answer, err := p.do(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	if status >= 400 {
		return nil, p.failure(status, answer)
	}
	var envelope struct{ Data json.RawMessage }
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &envelope); err != nil {
			return nil, err
		}
	}
	return envelope.Data, nil
}

func (p *peer) do(ctx context.Context, method, path string, body any) (int, []byte, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		content = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, p.url+"/v1/"+path, content)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("X-Vault-Token", p.token)
	r.Header.Set("X-Vault-Request", "true")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, b, err
}

// failure translates an answer as a client of Vault understands it.
func (p *peer) failure(status int, answer []byte) error {
	var e struct{ Errors []string }
	if err := json.Unmarshal(answer, &e); err != nil {
		return fmt.Errorf("status %d is not in Vault's form: %s", status, answer)
	}
	text := strings.Join(e.Errors, "; ")
	code := map[int]store.Code{400: store.Invalid, 403: store.Denied, 404: store.NotFound, 405: store.Unsupported,
		413: store.Invalid, 429: store.Throttled, 500: store.Corrupt, 502: store.Unavailable, 503: store.Unavailable, 504: store.Unavailable}[status]
	if status == 403 && text == "permission denied" {
		code = store.Unauthenticated
	}
	return &store.Error{Op: "ask", Code: code, Err: errors.New(text)}
}

func (p *peer) Get(ctx context.Context, ref airflow.Ref) (string, error) {
	data, err := p.call(ctx, "GET", p.path(ref), nil)
	if err != nil {
		return "", err
	}
	if p.v2() {
		var inner struct{ Data json.RawMessage }
		if err := json.Unmarshal(data, &inner); err != nil {
			return "", err
		}
		data = inner.Data
	}
	v, err := dialect.DefaultVault().Decode(ref, &store.Secret{Payload: data, Form: store.Object})
	return v.Text(), err
}

func (p *peer) Put(ctx context.Context, ref airflow.Ref, value string) error {
	member := "value"
	if ref.Kind == airflow.KindConnection {
		member = "conn_uri"
	}
	var body any = map[string]any{member: value}
	if p.v2() {
		body = map[string]any{"data": body}
	}
	_, err := p.call(ctx, "POST", p.path(ref), body)
	return err
}

func (p *peer) Delete(ctx context.Context, ref airflow.Ref) error {
	_, err := p.call(ctx, "DELETE", p.path(ref), nil)
	return err
}

func (p *peer) List(ctx context.Context, kind airflow.Kind) ([]string, error) {
	folder := strings.TrimSuffix(dialect.DefaultVault().Names(airflow.Ref{Kind: kind, ID: "x"}).Names[0], "x")
	data, err := p.call(ctx, "LIST", p.list+folder, nil)
	if err != nil {
		return nil, err
	}
	var list struct{ Keys []string }
	return list.Keys, json.Unmarshal(data, &list)
}

// rig is a facade over stores in memory, with a client that may do all.
type rig struct {
	peer
	own     store.Store
	clients *client.Registry
	audit   *bytes.Buffer
	log     *audit.Log
	creds   *client.Credentials
	server  *httptest.Server
}

func newRig(t testing.TB, change func(*vault.Options), above ...airlock.Source) *rig {
	t.Helper()
	return newRigOn(t, memstore.New("embedded"), change, above...)
}

func newRigOn(t testing.TB, own store.Store, change func(*vault.Options), above ...airlock.Source) *rig {
	t.Helper()
	r := &rig{own: own, audit: &bytes.Buffer{}}
	r.log = audit.New(r.audit)
	sources := append(above, airlock.Source{Layer: airlock.LayerBackend, Class: "airlock", Store: r.own, Dialect: dialect.Native{}})
	g, err := gate.New(gate.Config{Resolver: &airlock.Resolver{Sources: sources}, Own: r.own,
		OwnDialect: dialect.Native{}, Audit: r.log})
	if err != nil {
		t.Fatal(err)
	}
	if r.clients, err = client.Open(context.Background(), memstore.New("system"), nil); err != nil {
		t.Fatal(err)
	}
	r.creds, err = r.clients.Create(context.Background(), client.Spec{Name: "admin", AppRole: true,
		Rules: []acl.Rule{{Actions: acl.Actions()}}})
	if err != nil {
		t.Fatal(err)
	}
	r.server = httptest.NewServer(newHandler(t, g, r.clients, change))
	t.Cleanup(r.server.Close)
	r.peer = peer{url: r.server.URL, token: r.creds.Token, data: "secret/data/", list: "secret/metadata/"}
	return r
}

// ailing is a store that can be told to fall ill.
type ailing struct {
	store.Store
	sick atomic.Bool
}

func (a *ailing) Check(context.Context) error {
	if a.sick.Load() {
		return &store.Error{Op: "check", Code: store.Unavailable}
	}
	return nil
}
