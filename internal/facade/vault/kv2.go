package vault

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
)

// kv2 serves a mount of KV version 2; rest is "" or begins with a slash.
// https://openbao.org/api-docs/secret/kv/kv-v2/
func (h *Handler) kv2(q *request, m Mount, rest string) error {
	verb, path, under := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	switch verb {
	case "config":
		if !under {
			return h.config(q)
		}
	case "metadata":
		if q.op == opList {
			return h.list(q, path)
		}
		fallthrough
	case "data", "subkeys", "delete", "undelete", "destroy":
		return h.versioned(q, verb, path, under)
	}
	return h.badPath(q, m)
}

// versioned serves one secret.
func (h *Handler) versioned(q *request, verb, path string, under bool) error {
	if strings.Trim(path, "/") == "" && q.op != opList {
		if under {
			return &statusError{status: http.StatusNotFound}
		}
		return h.warn(q, "Non-listing operations on the root of a K/V v2 mount are not supported.")
	}
	if q.op == opWrite && strings.HasSuffix(path, "/") {
		return &statusError{http.StatusBadRequest, "cannot write to a path ending in '/'"}
	}
	n := h.name(path)
	switch {
	case verb == "data" && q.op != opList:
		return h.data(q, n)
	case verb == "metadata":
		return h.metadata(q, n)
	case verb == "subkeys" && q.op == opRead:
		return h.subkeys(q, n)
	case q.op == opWrite && verb != "subkeys" && verb != "data":
		return h.changeVersions(q, verb, n)
	}
	return unsupported()
}

func (h *Handler) data(q *request, n gate.Name) error {
	switch q.op {
	case opRead:
		return h.readData(q, n)
	case opWrite:
		return h.writeData(q, n)
	case opPatch:
		return h.patchData(q, n)
	}
	err := h.gate.Hide(q.r.Context(), &q.caller, n)
	return q.gone(err)
}

// gone answers 204 also for what was not there, as Vault's deletions do.
func (q *request) gone(err error) error {
	if err != nil && store.CodeOf(err) != store.NotFound {
		return err
	}
	return q.done()
}

// badPath is the answer to a version 1 path on a version 2 mount. Clients
// tell the two apart by it.
func (h *Handler) badPath(q *request, _ Mount) error {
	command := map[operation]string{opRead: "get", opList: "list", opWrite: "put", opPatch: "patch", opDelete: "delete"}[q.op]
	return h.warn(q, "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. "+
		"If using the OpenBao CLI, use 'bao kv "+command+"' for this operation.")
}

// config shows the settings of the mount, which are fixed: they are kept with
// each secret.
func (h *Handler) config(q *request) error {
	if q.op != opRead {
		return unsupported()
	}
	if err := h.note(q, nil); err != nil {
		return err
	}
	return q.data(http.StatusOK, mountConfig{DeleteVersionAfter: "0s"})
}

type mountConfig struct {
	CASRequired         bool   `json:"cas_required"`
	DeleteVersionAfter  string `json:"delete_version_after"`
	MaxVersions         int64  `json:"max_versions"`
	MetadataCASRequired bool   `json:"metadata_cas_required"`
}

// version is the version asked for; 0 is the latest, and so is a negative one.
func (q *request) version() (int64, error) {
	text := q.query.Get("version")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &statusError{http.StatusBadRequest, `Field validation failed: error converting input for field "version": ` +
			"'' cannot parse value as 'int': strconv.ParseInt: invalid syntax"}
	}
	return max(n, 0), nil
}

func (h *Handler) readData(q *request, n gate.Name) error {
	version, err := q.version()
	if err != nil {
		return err
	}
	a, info, err := h.read(q, n, version)
	if err != nil || a == nil {
		return q.deleted(info, err)
	}
	buf := h.buffers.get()
	defer h.buffers.put(buf)
	b := append(q.envelopeStart(*buf, 0), `{"data":`...)
	*buf = b
	if b, err = h.payload(b, a); err != nil {
		return err
	}
	b = append(b, `,"metadata":`...)
	b = info.append(b)
	b = append(b, '}')
	*buf = envelopeEnd(b)
	q.write(http.StatusOK, *buf)
	return nil
}

// read finds a version and describes it. Without an answer and an error the
// version is there but cannot be read.
func (h *Handler) read(q *request, n gate.Name, version int64) (*gate.Answer, *versionInfo, error) {
	a, err := h.gate.Read(q.r.Context(), &q.caller, n, version)
	var hidden *gate.HiddenError
	switch {
	case errors.As(err, &hidden):
		return nil, hiddenInfo(hidden), nil
	case err != nil:
		return nil, nil, err
	}
	q.stale(a.Secret)
	info := answerInfo(a)
	if info.over() {
		return nil, info, nil
	}
	return a, info, nil
}

// deleted answers for a version that cannot be read: 404, with the metadata
// that says since when.
func (q *request) deleted(info *versionInfo, err error) error {
	if err != nil {
		return err
	}
	b := append(q.envelopeStart(nil, 0), `{"data":null,"metadata":`...)
	b = append(info.append(b), '}')
	q.write(http.StatusNotFound, envelopeEnd(b))
	return nil
}

func (h *Handler) subkeys(q *request, n gate.Name) error {
	version, err := q.version()
	if err != nil {
		return err
	}
	depth := 0
	if text := q.query.Get("depth"); text != "" {
		if depth, err = strconv.Atoi(text); err != nil {
			return &statusError{http.StatusBadRequest, `Field validation failed: error converting input for field "depth": ` +
				"'' cannot parse value as 'int': strconv.ParseInt: invalid syntax"}
		}
	}
	a, info, err := h.read(q, n, version)
	if err != nil {
		return err
	}
	answer := subkeysData{Metadata: info.append(nil)}
	if a == nil {
		return q.data(http.StatusNotFound, answer)
	}
	raw, err := h.payload(nil, a)
	if err != nil {
		return err
	}
	object, err := objectOf(raw)
	if err != nil {
		return err
	}
	answer.Subkeys = keysOnly(object, depth, 1)
	return q.data(http.StatusOK, answer)
}

type subkeysData struct {
	Metadata rawJSON        `json:"metadata"`
	Subkeys  map[string]any `json:"subkeys"`
}

// keysOnly keeps the keys of objects and drops every value; depth 0 goes all
// the way down.
func keysOnly(o map[string]any, depth, level int) map[string]any {
	out := make(map[string]any, len(o))
	for k, v := range o {
		if child, ok := v.(map[string]any); ok && len(child) > 0 && (depth <= 0 || level < depth) {
			out[k] = keysOnly(child, depth, level+1)
			continue
		}
		out[k] = nil
	}
	return out
}
