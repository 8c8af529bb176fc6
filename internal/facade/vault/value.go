package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
)

// payload is the object that Vault's API gives for an answer: what came in by
// this protocol as it came, anything else as Airflow's VaultBackend reads it.
func (h *Handler) payload(b []byte, a *gate.Answer) ([]byte, error) {
	if a.Secret.Form == store.Object && speaksVault(a.Dialect) {
		if !utf8.Valid(a.Secret.Payload) { // which was taken once
			return nil, notReadable(a, "it is not UTF-8")
		}
		return append(b, a.Secret.Payload...), nil
	}
	if a.Ref == nil {
		return appendMember(b, "value", a.Secret)
	}
	if !a.HasValue {
		return nil, &store.Error{Op: "read", Name: a.Ref.ID, Code: store.NotFound}
	}
	if text, ok := a.Value.Data.(string); ok && a.Value.Connection == nil && utf8.ValidString(text) {
		return appendText(b, memberOf(a.Ref.Kind), text), nil
	}
	s, err := h.dialect.Encode(*a.Ref, a.Value)
	if err != nil {
		// The value is there; only Vault's form cannot express it.
		return nil, &gate.UpstreamError{Err: &store.Error{Op: "encode", Name: a.Ref.ID, Code: store.Corrupt, Err: err}}
	}
	return append(b, s.Payload...), nil
}

// notReadable says that what is kept cannot be shown.
func notReadable(a *gate.Answer, why string) error {
	err := &store.Error{Op: "encode", Code: store.Corrupt, Err: errors.New(why)}
	if a.Ref != nil {
		err.Name = a.Ref.ID
	}
	if a.Own {
		return err
	}
	return &gate.UpstreamError{Err: err}
}

// speaksVault reports whether objects of a source are Vault's own: those of a
// Vault, and those that came into the own store by this protocol. A database
// row is an object too, but not one that a client may see.
func speaksVault(d dialect.Dialect) bool {
	switch d.(type) {
	case nil, *dialect.Vault, dialect.Native:
		return true
	}
	return false
}

// memberOf is where VaultBackend looks for the value of a kind.
func memberOf(k airflow.Kind) string {
	if k == airflow.KindConnection {
		return "conn_uri"
	}
	return "value"
}

// appendMember shows a plain secret that came by another protocol.
func appendMember(b []byte, member string, s *store.Secret) ([]byte, error) {
	if !utf8.Valid(s.Payload) {
		return nil, &gate.UpstreamError{Err: &store.Error{Op: "encode", Code: store.Corrupt,
			Err: errors.New("the secret is binary, which Vault's JSON cannot hold")}}
	}
	return appendText(b, member, string(s.Payload)), nil
}

// appendText appends {"member":"text"}.
func appendText(b []byte, member, text string) []byte {
	b = append(b, '{', '"')
	b = append(b, member...)
	b = append(b, '"', ':')
	b = appendString(b, text)
	return append(b, '}')
}

// appendString appends valid UTF-8 as a JSON string.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		if c == '"' || c == '\\' {
			b = append(b, '\\', c)
		} else {
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		start = i + 1
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// objectOf reads a payload as an object.
func objectOf(raw []byte) (map[string]any, error) {
	var o map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		return nil, &store.Error{Op: "read", Code: store.Corrupt, Err: errors.New("the secret is no JSON object")}
	}
	return o, nil
}

// ownAnswer is what the own store holds under n, as a read would give it.
func (h *Handler) ownAnswer(n gate.Name, s *store.Secret) *gate.Answer {
	a := &gate.Answer{Secret: s, Version: s.Version, Own: true}
	if s.Form != store.Object && len(n.Refs) > 0 {
		a.Ref, a.Dialect = &n.Refs[0], dialect.Native{}
		if v, err := a.Dialect.Decode(*a.Ref, s); err == nil {
			a.Value, a.HasValue = v, true
		}
	}
	return a
}
