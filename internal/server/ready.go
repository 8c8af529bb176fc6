package server

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
)

// readiness is 200 while the embedded store can be read and the audit log can
// be written. How the backends are stands in the lines after that, and decides
// nothing: what the embedded store has is served without them.
func (d *daemon) readiness(door *gate.Gate, w http.ResponseWriter, r *http.Request) {
	c := gate.Caller{Protocol: "http", Remote: r.RemoteAddr, Request: audit.NewRequest()}
	err := door.Ready(r.Context(), &c)
	if s, ok := w.(*statusWriter); ok {
		s.counted = c.Audited()
	}
	status, text := http.StatusOK, "ready"
	if err != nil {
		status, text = http.StatusServiceUnavailable, unready(err)+": the log of airlock serve says why"
	}
	if err != nil && c.Audited() { // the others get the same answer
		slog.WarnContext(r.Context(), "airlock is not ready", "request", c.Request, "error", err.Error(), "hint", store.Hint(err))
	}
	plain(w, status, strings.Join(append([]string{text}, d.states()...), "\n"))
}

// unready is what a stranger is told.
func unready(err error) string {
	if audit.Unwritten(err) {
		return "the audit log cannot be written"
	}
	return "the embedded store cannot be read"
}
