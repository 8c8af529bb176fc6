package store

import (
	"fmt"
	"log/slog"
	"time"
)

// Form says what the bytes of a payload are.
type Form int

const (
	// Text is UTF-8 text: AWS SecretString, an SSM parameter, an
	// environment variable.
	Text Form = iota
	// Binary is bytes that nobody vouches for: AWS SecretBinary, Google.
	Binary
	// Object is one JSON object: Vault KV, a database row.
	Object
)

// String returns "text", "binary" or "object".
func (f Form) String() string {
	switch f {
	case Text:
		return "text"
	case Binary:
		return "binary"
	case Object:
		return "object"
	}
	return fmt.Sprintf("form(%d)", int(f))
}

// Secret is what a store holds under a name. It redacts itself in every verb
// of fmt and in slog; only Payload gives the bytes away.
type Secret struct {
	// Payload is the raw value, exactly as the service gave it.
	Payload []byte
	Form    Form
	// Version is the number of this version, from 1; 0 where the service
	// does not number.
	Version int64
	// VersionID is the service's own name of the version, where it has one.
	VersionID string
	// Time is when this version was written; zero if unknown.
	Time time.Time
	// Attributes :: protocol -> attribute -> value. Nil where there are none.
	Attributes map[string]map[string]string
	// Stale is when the service last gave this secret, where the service cannot
	// be asked now and a cache answers in its place. Zero: it is no older than
	// the cache's settings allow.
	Stale time.Time
}

// String describes the secret without its payload.
func (s *Secret) String() string {
	if s == nil {
		return "no secret"
	}
	return fmt.Sprintf("secret{%s, version %d, redacted}", s.Form, s.Version)
}

// Format implements fmt.Formatter so that no verb prints the payload.
func (s *Secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, s.String()) }

// LogValue implements slog.LogValuer.
func (s *Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON refuses, so that a secret never slips into an encoded answer.
func (s *Secret) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("a secret is not encoded as JSON: take its payload on purpose")
}
