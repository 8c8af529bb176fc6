package client

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// The prefixes of tokens tell a person, and a scanner for leaked secrets, what
// has been found. A lease dies by itself, a client's token does not.
const (
	TokenPrefix  = "airlock."
	leasePrefix  = TokenPrefix + "lease."
	secretPrefix = TokenPrefix + "secret."
)

// The bounds on what a peer may present, and on a token that a caller chose.
const (
	maxToken = 512
	minToken = 16
)

// digest is the SHA-256 of a token or secret id, in hex where it is encoded.
type digest [sha256.Size]byte

func digestOf(s string) digest { return sha256.Sum256([]byte(s)) }

func (d digest) zero() bool { return d == digest{} }

// IsZero lets encoding/json leave an unset digest out.
func (d digest) IsZero() bool { return d.zero() }

// MarshalText implements encoding.TextMarshaler.
func (d digest) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(d[:])), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *digest) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(d) {
		return fmt.Errorf("a hash of %d bytes in hex is wanted", len(d))
	}
	copy(d[:], b)
	return nil
}

// random gives 256 random bits behind a prefix.
func random(prefix string) string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return prefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// accessor names a token in logs and look-ups without being one.
func accessor() string {
	var b [18]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// uuid gives a random UUID (version 4), the form of Vault's role ids.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
