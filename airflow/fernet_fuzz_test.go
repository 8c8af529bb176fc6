package airflow

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/vectors"
)

// FuzzFernet: keys and tokens of any text end in an error of their own; base64
// that Go reads is read so; what was encrypted comes back, and not after one
// of its bytes has changed.
func FuzzFernet(f *testing.F) {
	for _, text := range vectors.Texts(f, vectors.Metastore) {
		if len(text) > 40 && !strings.HasPrefix(text, "{") {
			f.Add(fernetKeyA, text, []byte(text), 3)
			f.Add(text, specToken, []byte(text), 30)
		}
	}
	f.Add(fernetKeyB+","+fernetKeyA, specToken, []byte("hello"), 0)
	f.Add("c w_0x689RpI-jtRR7oE8h/eQsKImvJapLeSbXpwF4e4==x", "gA=AAA==AA", []byte{}, 70)
	f.Fuzz(func(t *testing.T, keys, token string, data []byte, at int) {
		if want, err := base64.URLEncoding.DecodeString(token); err == nil {
			if got, ok := decodeBase64(token); !ok || !bytes.Equal(got, want) {
				t.Errorf("base64 of %q is %x, %t", token, got, ok)
			}
		}
		fernet, err := ParseFernet(keys)
		if err != nil {
			var raised *Error
			if keys != "" && (!errors.As(err, &raised) || raised.Type != "AirflowException") {
				t.Errorf("keys %q: %v", keys, err)
			}
			fernet = mustFernet(t, fernetKeyA)
		}
		if _, err := fernet.Decrypt(token); err != nil && !errors.Is(err, ErrInvalidFernetToken) {
			t.Errorf("token %q: %v", token, err)
		}
		made, err := fernet.Encrypt(data, time.Unix(1, 0), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fernet.Decrypt(made); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%x comes back as %x, %v", data, got, err)
		}
		raw, err := base64.URLEncoding.DecodeString(made)
		if err != nil {
			t.Fatal(err)
		}
		raw[(at%len(raw)+len(raw))%len(raw)] ^= 0x10
		if _, err := fernet.Decrypt(base64.URLEncoding.EncodeToString(raw)); err == nil {
			t.Errorf("a token of %x whose byte %d has changed is read", data, at)
		}
	})
}
