package server

import (
	"io"
	"net/http"
	"strings"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/audit"
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
	read, list := d.times()
	facade, err := vault.New(vault.Options{Gate: door, Clients: d.registry, ReadTime: read, ListTime: list})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	facade.Register(mux)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "healthy") })
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, r *http.Request) { d.readiness(door, w, r) })
	// ServeMux would answer a path with // or .. by a redirect, which the
	// clients of the facade do not expect: it gets its paths as they came.
	answers := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			facade.ServeHTTP(w, r)
			return
		}
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		mux.ServeHTTP(s, r)
		if !s.counted {
			d.count(r, s.status)
		}
	})
	s := &screen{hosts: d.c.Hosts, proxies: d.c.Proxies, loopback: hostname.Loopback(d.listener.Addr().String()), note: door.Note}
	return s.before(answers), nil
}

// count sums up a request that is no facade's, by the status it got.
func (d *daemon) count(r *http.Request, status int) {
	e := audit.Entry{Request: audit.NewRequest(), Protocol: "http", Remote: r.RemoteAddr, Action: "status", Outcome: "answered"}
	if status >= http.StatusBadRequest {
		e.Outcome = audit.Outcome(&store.Error{Code: codeOf(status)})
	}
	d.audit.Count(&e)
}

func codeOf(status int) store.Code {
	switch {
	case status == http.StatusNotFound:
		return store.NotFound
	case status == http.StatusForbidden:
		return store.Denied
	case status >= http.StatusInternalServerError:
		return store.Unavailable
	}
	return store.Invalid
}

// statusWriter notes the status of an answer, and whether it has a line.
type statusWriter struct {
	http.ResponseWriter
	status  int
	counted bool // the line of the request is written
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
