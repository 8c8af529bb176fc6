package vault

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/gate"
)

// protocol names this facade in audit lines, in the names of plain secrets and
// as the owner of attributes.
const protocol = "vault"

// Options say what is served.
type Options struct {
	// Gate is the door to the deployment's secrets. Required.
	Gate *gate.Gate
	// Clients are who may ask. Required.
	Clients *client.Registry
	// Dialect says which names are Airflow's; nil means dialect.DefaultVault.
	Dialect dialect.Dialect
	// Mounts are the KV engines; nil means "secret" (version 2) and "kv"
	// (version 1).
	Mounts []Mount
	// AppRoles are the names under auth/ where AppRole logins are taken; nil
	// means "approle".
	AppRoles []string
	// Log takes what callers are not told of the sources that fail; nil means
	// slog.Default.
	Log *slog.Logger
	// ReadTime and ListTime are how long a request may take that reads a
	// secret, and one that lists, from its headers on; 0 is without end. At
	// its end the answer is 504.
	ReadTime, ListTime time.Duration
	// Version is what sys/health tells; empty means APIVersion.
	Version string
}

// APIVersion is the OpenBao release whose API this is.
const APIVersion = "2.7.2+airlock"

// Mount is a KV engine: a view of the deployment's secrets.
type Mount struct {
	// Path is where it is mounted, without slashes at the ends.
	Path string
	// Version is 1 or 2.
	Version int
}

// Handler serves the API. Make it with New; it is safe for concurrent use.
type Handler struct {
	gate     *gate.Gate
	clients  *client.Registry
	dialect  dialect.Dialect
	mounts   []Mount
	appRoles []string
	version  string
	log      *slog.Logger
	cluster  string
	bases    map[airflow.Kind][]string // :: kind -> what its paths begin with
	buffers  bufferPool
	turns    turns
	times    map[operation]time.Duration // 0: without end
}

// New returns the handler, or why the options make none.
func New(o Options) (*Handler, error) {
	if o.Gate == nil || o.Clients == nil {
		return nil, fmt.Errorf("making the vault facade: a gate and clients are needed")
	}
	h := &Handler{gate: o.Gate, clients: o.Clients, dialect: o.Dialect, mounts: o.Mounts, appRoles: o.AppRoles,
		version: o.Version, log: o.Log, cluster: newUUID(), turns: newTurns(),
		times: map[operation]time.Duration{opRead: o.ReadTime, opList: o.ListTime}}
	if h.log == nil {
		h.log = slog.Default()
	}
	if h.dialect == nil {
		h.dialect = dialect.DefaultVault()
	}
	if h.mounts == nil {
		h.mounts = []Mount{{Path: "secret", Version: 2}, {Path: "kv", Version: 1}}
	}
	if h.appRoles == nil {
		h.appRoles = []string{"approle"}
	}
	if h.version == "" {
		h.version = APIVersion
	}
	h.bases = basesOf(h.dialect)
	return h, h.check()
}

// check refuses mounts that could not be told apart.
func (h *Handler) check() error {
	seen := map[string]bool{"sys/": true, "auth/": true}
	for _, m := range h.mounts {
		if m.Path == "" || strings.Trim(m.Path, "/") != m.Path || m.Version != 1 && m.Version != 2 {
			return fmt.Errorf("making the vault facade: mount %q of version %d: want a path without slashes at its ends, and version 1 or 2", m.Path, m.Version)
		}
		for other := range seen {
			if strings.HasPrefix(m.Path+"/", other) || strings.HasPrefix(other, m.Path+"/") {
				return fmt.Errorf("making the vault facade: the mounts %q and %q overlap", m.Path, other)
			}
		}
		seen[m.Path+"/"] = true
	}
	return nil
}

// Register puts the handler under /v1/ of mux.
func (h *Handler) Register(mux *http.ServeMux) { mux.Handle("/v1/", h) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := request{w: w, r: r, clients: h.clients}
	defer q.leave()
	if err := h.serve(&q); err != nil {
		h.tell(&q, err)
		q.fail(err)
	}
}

func (h *Handler) serve(q *request) error {
	if err := q.parse(); err != nil {
		return h.refuse(q, err)
	}
	defer h.bound(q)()
	if serve := h.open(q); serve != nil {
		err := h.enter(q)
		if err == nil {
			err = serve(q)
		}
		if q.caller.Audited() {
			return err
		}
		return h.gate.Note(&q.caller, "status", "answered", err)
	}
	session, err := h.clients.Authenticate(q.token)
	if err != nil {
		return h.gate.Note(&q.caller, "authenticate", "", cmp.Or(h.enter(q), err))
	}
	q.session, q.caller.Principal, q.caller.Standing = session, &session.Principal, q
	if err = h.enter(q); err == nil {
		err = h.route(q)
	}
	if err != nil && !q.caller.Audited() {
		return h.note(q, err)
	}
	return err
}

// bound gives the request the time of its operation.
func (h *Handler) bound(q *request) (release func()) {
	limit := h.times[q.op]
	if limit <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(q.r.Context(), limit)
	q.r = q.r.WithContext(ctx)
	return cancel
}

// refuse writes the line of a request that is refused whoever asks, in the
// name of who does.
func (h *Handler) refuse(q *request, err error) error {
	if session, failed := h.clients.Authenticate(q.token); failed == nil {
		q.caller.Principal = &session.Principal
	}
	return h.gate.Note(&q.caller, "request", "", err)
}

// note writes the line of a request that did not come as far as the gate, and
// returns err.
func (h *Handler) note(q *request, err error) error {
	return h.gate.Note(&q.caller, string(q.op), "answered", err)
}

// route finds who serves a caller that is known.
func (h *Handler) route(q *request) error {
	if !utf8.ValidString(q.path) {
		// No name of ours can be such: it is not there, and cannot come.
		if q.op == opRead {
			return &statusError{status: http.StatusNotFound}
		}
		return &statusError{http.StatusBadRequest, "the path is not UTF-8"}
	}
	if m, rest, ok := h.mount(q.path); ok {
		if m.Version == 1 {
			return h.kv1(q, rest)
		}
		return h.kv2(q, m, rest)
	}
	switch first, rest, _ := strings.Cut(q.path, "/"); first {
	case "sys":
		return h.sys(q, rest)
	case "auth":
		return h.auth(q, rest)
	}
	return &statusError{http.StatusNotFound, fmt.Sprintf("no handler for route %q. route entry not found.", q.path)}
}

// mount finds the engine of a path and what follows its name: "" where the
// mount itself is meant, else "/" and the rest.
func (h *Handler) mount(path string) (Mount, string, bool) {
	for _, m := range h.mounts {
		if rest, ok := strings.CutPrefix(path, m.Path); ok && (rest == "" || rest[0] == '/') {
			return m, rest, true
		}
	}
	return Mount{}, "", false
}

// name is what path, below a mount, stands for.
func (h *Handler) name(path string) gate.Name {
	clean := cleanSlashes(path)
	n := gate.Name{Refs: h.dialect.Refs(clean), Plain: dialect.PlainName(protocol, clean)}
	if clean != path {
		n.Typed = path
	}
	return n
}

// cleanSlashes drops the slashes that the dialect does not see, so that a
// plain secret has one name too.
func cleanSlashes(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return strings.Trim(path, "/")
}
