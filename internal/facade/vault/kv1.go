package vault

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
)

// kv1Lease is the lease of a KV version 1 read in seconds, Vault's default of
// 32 days: a hint when to read again.
const kv1Lease = 2764800

// kv1 serves a mount of KV version 1; rest is "" or begins with a slash.
// https://openbao.org/api-docs/secret/kv/kv-v1/
func (h *Handler) kv1(q *request, rest string) error {
	path := strings.TrimPrefix(rest, "/")
	if q.op == opList {
		return h.list(q, path)
	}
	if strings.Trim(path, "/") == "" {
		switch q.op {
		case opWrite:
			return &statusError{http.StatusBadRequest, "missing path"}
		case opDelete:
			if err := h.note(q, nil); err != nil {
				return err
			}
			return q.done()
		}
		return &statusError{status: http.StatusNotFound}
	}
	switch q.op {
	case opRead:
		return h.readV1(q, h.name(path))
	case opWrite:
		if strings.HasSuffix(path, "/") {
			return &statusError{http.StatusBadRequest, "cannot write to a path ending in '/'"}
		}
		return h.writeV1(q, h.name(path))
	case opDelete:
		// Version 1 keeps no versions: what is deleted is gone for good.
		return q.gone(h.gate.Delete(q.r.Context(), &q.caller, h.name(path)))
	}
	if err := q.mergePatch(); err != nil {
		return err
	}
	return unsupported()
}

func (h *Handler) readV1(q *request, n gate.Name) error {
	a, info, err := h.read(q, n, 0)
	if err != nil {
		return err
	}
	if a == nil || info == nil {
		return &statusError{status: http.StatusNotFound}
	}
	buf := h.buffers.get()
	defer h.buffers.put(buf)
	b, err := h.payload(q.envelopeStart(*buf, kv1Lease), a)
	if err != nil {
		return err
	}
	*buf = envelopeEnd(b)
	q.write(http.StatusOK, *buf)
	return nil
}

func (h *Handler) writeV1(q *request, n gate.Name) error {
	body, err := q.body(maxBody)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return &statusError{http.StatusBadRequest, "missing data fields"}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return badJSON("it cannot be kept")
	}
	if err := checkEntries("the body", raw); err != nil {
		return err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return badJSON(explain(err))
	}
	_, err = h.gate.Write(q.r.Context(), &q.caller, n, func(*gate.Old) (*store.Secret, *store.PutOptions, error) {
		return &store.Secret{Payload: compact.Bytes(), Form: store.Object}, nil, nil
	})
	if err != nil {
		return err
	}
	return q.done()
}
