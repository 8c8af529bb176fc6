package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/internal/gate"
	wire "github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// versionWrite is the body of a write or a patch of KV version 2.
type versionWrite struct {
	data []byte
	cas  *int64
}

func (q *request) versionWrite() (*versionWrite, error) {
	body, err := q.body(maxBody)
	if err != nil {
		return nil, err
	}
	w := &versionWrite{data: body["data"]}
	if len(w.data) == 0 {
		return nil, &statusError{http.StatusBadRequest, "no data provided"}
	}
	if isNull(w.data) {
		w.data = []byte("{}")
	}
	if _, err := asObject("data", w.data); err != nil {
		return nil, err
	}
	if isNull(body["options"]) {
		return w, nil
	}
	options, err := asObject("options", body["options"])
	if err != nil {
		return nil, err
	}
	if cas, ok := options["cas"]; ok {
		n, ok := asInt(cas)
		if !ok && !isNull(cas) {
			return nil, &statusError{http.StatusBadRequest, "error parsing check-and-set parameter"}
		}
		w.cas = &n
	}
	return w, nil
}

// check compares check-and-set with what is there. The store compares again
// when it writes: somebody may be faster.
func (w *versionWrite) check(old *gate.Old) (*store.PutOptions, error) {
	if w.cas == nil {
		if old.Record != nil && settingsOf(old.Record.Attributes).CASRequired {
			return nil, &statusError{http.StatusBadRequest, "check-and-set parameter required for this call"}
		}
		return nil, nil
	}
	latest := old.Latest()
	if *w.cas != latest {
		return nil, casMismatch()
	}
	return &store.PutOptions{IfVersion: &latest}, nil
}

func casMismatch() error { return &statusError{http.StatusBadRequest, wire.CASMismatch} }

func (h *Handler) writeData(q *request, n gate.Name) error {
	w, err := q.versionWrite()
	if err != nil {
		return err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, w.data); err != nil {
		return badJSON(explain(err))
	}
	s, err := h.gate.Write(q.r.Context(), &q.caller, n, func(old *gate.Old) (*store.Secret, *store.PutOptions, error) {
		o, err := w.check(old)
		return &store.Secret{Payload: compact.Bytes(), Form: store.Object}, o, err
	})
	return q.written(s, w.cas != nil, err)
}

// written answers with the new version.
func (q *request) written(s *store.Secret, conditional bool, err error) error {
	if conditional && lost(err) {
		return casMismatch()
	}
	if err != nil {
		return err
	}
	b := q.envelopeStart(nil, 0)
	b = writtenInfo(s).append(b)
	q.write(http.StatusOK, envelopeEnd(b))
	return nil
}

// lost reports whether a store refused a conditional write. A conflict that
// the gate found has a cause of its own.
func lost(err error) bool {
	var se *store.Error
	return errors.As(err, &se) && se.Code == store.Conflict && se.Op == "put"
}

// patchRetries is how often a patch without check-and-set starts again when
// another write came in between.
const patchRetries = 10

// deletedError stops a patch of a version that cannot be read.
type deletedError struct{ info *versionInfo }

// Error says so.
func (*deletedError) Error() string { return "the latest version is deleted" }

// Unwrap gives the audit line its code.
func (*deletedError) Unwrap() error { return store.ErrNotFound }

func (h *Handler) patchData(q *request, n gate.Name) error {
	if err := q.mergePatch(); err != nil {
		return err
	}
	w, err := q.versionWrite()
	if err != nil {
		return err
	}
	patch, err := objectOf(w.data)
	if err != nil {
		return err
	}
	var s *store.Secret
	for range patchRetries {
		s, err = h.gate.Write(q.r.Context(), &q.caller, n, func(old *gate.Old) (*store.Secret, *store.PutOptions, error) {
			return h.patched(n, w, old, patch)
		})
		if w.cas != nil || !lost(err) {
			break
		}
	}
	var deleted *deletedError
	switch {
	case errors.As(err, &deleted):
		b := deleted.info.append(q.envelopeStart(nil, 0))
		q.write(http.StatusNotFound, envelopeEnd(b))
		return nil
	case store.CodeOf(err) == store.NotFound:
		q.write(http.StatusNotFound, nil)
		return nil
	}
	return q.written(s, w.cas != nil, err)
}

// patched merges into the latest version.
func (h *Handler) patched(n gate.Name, w *versionWrite, old *gate.Old, patch map[string]any) (*store.Secret, *store.PutOptions, error) {
	if old.Latest() == 0 {
		return nil, nil, &store.Error{Op: "patch", Code: store.NotFound}
	}
	if _, err := w.check(old); err != nil {
		return nil, nil, err
	}
	latest := old.Latest()
	if info := recordInfo(old.Record, latest); info.over() {
		return nil, nil, &deletedError{info}
	}
	s, err := old.Secret()
	if err != nil {
		return nil, nil, err
	}
	raw, err := h.payload(nil, h.ownAnswer(n, s))
	if err != nil {
		return nil, nil, err
	}
	object, err := objectOf(raw)
	if err != nil {
		return nil, nil, err
	}
	merge(object, patch)
	b, err := json.Marshal(object)
	if err != nil {
		return nil, nil, badJSON("it cannot be merged")
	}
	return &store.Secret{Payload: b, Form: store.Object}, &store.PutOptions{IfVersion: &latest}, nil
}

// merge is JSON merge patch (RFC 7396).
func merge(target, patch map[string]any) {
	for k, v := range patch {
		child, isObject := v.(map[string]any)
		switch {
		case v == nil:
			delete(target, k)
		case isObject:
			inner, ok := target[k].(map[string]any)
			if !ok {
				inner = map[string]any{}
			}
			merge(inner, child)
			target[k] = inner
		default:
			target[k] = v
		}
	}
}

// changeVersions serves delete, undelete and destroy of given versions.
func (h *Handler) changeVersions(q *request, verb string, n gate.Name) error {
	body, err := q.body(maxBody)
	if err != nil {
		return err
	}
	which, err := versions(body)
	if err != nil {
		return err
	}
	if len(which) == 0 {
		message := "no version number provided"
		if verb != "destroy" {
			message = strings.ToUpper(message[:1]) + message[1:]
		}
		return &statusError{http.StatusBadRequest, message}
	}
	ctx := q.r.Context()
	switch verb {
	case "delete":
		err = h.gate.Hide(ctx, &q.caller, n, which...)
	case "undelete":
		err = h.gate.Restore(ctx, &q.caller, n, which...)
	default:
		err = h.gate.Destroy(ctx, &q.caller, n, which...)
	}
	return q.gone(err)
}

// over reports whether a version can no longer be read, also because its time
// has passed.
func (i *versionInfo) over() bool {
	return i.destroyed || !i.deletion.IsZero() && !time.Now().Before(i.deletion)
}
