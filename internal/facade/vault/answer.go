package vault

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	wire "github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// bufferPool holds what answers are written in, so that a read allocates
// little. Buffers hold secrets: they are wiped when they are given back. One
// that grew large is left to the collector.
type bufferPool struct{ sync.Pool }

func (p *bufferPool) get() *[]byte {
	if b, ok := p.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, 1<<10)
	return &b
}

func (p *bufferPool) put(b *[]byte) {
	clear((*b)[:cap(*b)])
	if cap(*b) <= 1<<16 {
		*b = (*b)[:0]
		p.Put(b)
	}
}

// write sends a whole answer. Nothing of Vault's may be cached on the way.
func (q *request) write(status int, body []byte) {
	header := q.w.Header()
	header["Content-Type"] = []string{wire.ContentType}
	header["Cache-Control"] = []string{"no-store"}
	if status != http.StatusNoContent {
		header["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	q.w.WriteHeader(status)
	if q.r.Method != http.MethodHead && status != http.StatusNoContent {
		_, _ = q.w.Write(body) // a peer that has gone away is nobody's error
	}
}

// stale marks the answer where the secret's source cannot be asked: with the
// warning that HTTP has for it, and its age in seconds (RFC 7234, section 5.5.1
// and 5.1).
func (q *request) stale(s *store.Secret) {
	if s == nil || s.Stale.IsZero() {
		return
	}
	header := q.w.Header()
	header.Set(wire.WarningHeader, wire.StaleWarning)
	header.Set(wire.AgeHeader, strconv.FormatInt(int64(max(time.Since(s.Stale), 0)/time.Second), 10))
}

// done answers 204.
func (q *request) done() error {
	q.write(http.StatusNoContent, nil)
	return nil
}

// envelopeStart and envelopeEnd stand around the data of an answer.
func (q *request) envelopeStart(b []byte, lease int64) []byte {
	b = append(b, `{"request_id":"`...)
	b = append(b, q.id...)
	b = append(b, `","lease_id":"","renewable":false,"lease_duration":`...)
	b = strconv.AppendInt(b, lease, 10)
	return append(b, `,"data":`...)
}

func envelopeEnd(b []byte) []byte {
	return append(b, `,"wrap_info":null,"warnings":null,"auth":null}`+"\n"...)
}

// data answers with v as the data of an envelope.
func (q *request) data(status int, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	b := q.envelopeStart(make([]byte, 0, len(raw)+256), 0)
	q.write(status, envelopeEnd(append(b, raw...)))
	return nil
}

// auth answers with what a login or a renewal gives.
func (q *request) auth(a *wire.Auth) error {
	b, err := json.Marshal(wire.Response{RequestID: q.id, Auth: a})
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	q.write(http.StatusOK, append(b, '\n'))
	return nil
}

// warn answers 404 with a warning, as Vault does for a path that its engine
// does not have.
func (h *Handler) warn(q *request, warning string) error {
	if err := h.note(q, &statusError{status: http.StatusNotFound}); store.CodeOf(err) != store.NotFound {
		return err
	}
	b, err := json.Marshal(wire.Response{RequestID: q.id, Warnings: []string{warning}})
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	q.write(http.StatusNotFound, append(b, '\n'))
	return nil
}

// stamp is how Vault writes a time.
func stamp(t time.Time) string { return string(appendStamp(nil, t)) }

func appendStamp(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return t.UTC().AppendFormat(b, time.RFC3339Nano)
}
