package server

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/facade/vault"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/internal/hostname"
	"github.com/airlock-secrets/airlock/store"
)

// handler is everything on the daemon's address.
func (d *daemon) handler() (http.Handler, error) {
	door, err := gate.New(gate.Config{Deployment: Deployment, Resolver: &airlock.Resolver{Sources: d.sources},
		Own: d.embedded, OwnDialect: dialect.Native{}, Audit: d.audit})
	if err != nil {
		return nil, err
	}
	facade, err := vault.New(vault.Options{Gate: door, Clients: d.registry})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	facade.Register(mux)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "healthy") })
	mux.HandleFunc("GET /-/ready", d.readiness)
	// ServeMux would answer a path with // or .. by a redirect, which the
	// clients of the facade do not expect: it gets its paths as they came.
	answers := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			facade.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	s := &screen{hosts: d.c.Hosts, proxies: d.c.Proxies, loopback: hostname.Loopback(d.listener.Addr().String()), note: door.Note}
	return s.before(answers), nil
}

// readiness is 200 while the embedded store can be read.
func (d *daemon) readiness(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := store.Check(ctx, d.embedded); err != nil {
		plain(w, http.StatusServiceUnavailable, "the embedded store cannot be read")
		return
	}
	plain(w, http.StatusOK, "ready")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
