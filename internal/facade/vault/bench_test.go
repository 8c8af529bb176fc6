package vault_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// readers of one cached variable, beside a handler that does nothing.
func BenchmarkRead(b *testing.B) {
	own := memstore.New("embedded")
	log, err := audit.Open(b.TempDir()+"/audit.jsonl", audit.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	g, err := gate.New(gate.Config{Own: own, OwnDialect: dialect.Native{}, Audit: log, Resolver: &airlock.Resolver{Sources: []airlock.Source{
		{Layer: airlock.LayerBackend, Class: "airlock", Store: own, Dialect: dialect.Native{}}}}})
	if err != nil {
		b.Fatal(err)
	}
	clients, err := client.Open(b.Context(), memstore.New("system"), nil)
	if err != nil {
		b.Fatal(err)
	}
	creds, err := clients.Create(b.Context(), client.Spec{Name: "reader"})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := own.Put(b.Context(), "variable//key", &store.Secret{Payload: []byte(strings.Repeat("v", 100))}, nil); err != nil {
		b.Fatal(err)
	}
	facade := newHandler(b, g, clients, nil)
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write(bytes.Repeat([]byte("v"), 332))
	})
	for _, c := range []struct {
		name string
		h    http.Handler
	}{{"bare", bare}, {"facade", facade}} {
		b.Run(c.name, func(b *testing.B) {
			server := httptest.NewServer(c.h)
			defer server.Close()
			transport := &http.Transport{MaxIdleConnsPerHost: 64}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r, _ := http.NewRequest("GET", server.URL+"/v1/secret/data/variables/key", nil)
					r.Header.Set("X-Vault-Token", creds.Token)
					res, err := transport.RoundTrip(r)
					if err != nil || res.StatusCode != 200 {
						b.Error(err)
						return
					}
					_, _ = bytes.NewBuffer(nil).ReadFrom(res.Body)
					_ = res.Body.Close()
				}
			})
		})
		b.Run(c.name+" without the network", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("GET", "/v1/secret/data/variables/key", nil)
				r.Header.Set("X-Vault-Token", creds.Token)
				c.h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
