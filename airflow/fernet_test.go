package airflow

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/baotest"
)

const (
	fernetKeyA = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=" // of the spec's own examples
	fernetKeyB = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	// specToken is the first example of the specification's generate.json.
	specToken = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
)

func mustFernet(t *testing.T, keys string) *Fernet {
	t.Helper()
	f, err := ParseFernet(keys)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFernetSpec reproduces the specification's example of a token.
func TestFernetSpec(t *testing.T) {
	now, err := time.Parse(time.RFC3339, "1985-10-26T01:20:00-07:00")
	if err != nil {
		t.Fatal(err)
	}
	iv := bytes.NewReader([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	got, err := mustFernet(t, fernetKeyA).Encrypt([]byte("hello"), now, iv)
	if err != nil || got != specToken {
		t.Errorf("Encrypt = %s, %v; want %s", got, err, specToken)
	}
	if _, err := mustFernet(t, fernetKeyA).Encrypt(nil, now, iv); err == nil {
		t.Error("Encrypt without random numbers succeeds")
	}
}

func TestFernetDecrypt(t *testing.T) {
	raw, err := base64.URLEncoding.DecodeString(specToken)
	if err != nil {
		t.Fatal(err)
	}
	change := func(i int) string {
		b := bytes.Clone(raw)
		b[i] ^= 1
		return base64.URLEncoding.EncodeToString(b)
	}
	both := fernetKeyB + "," + fernetKeyA
	for _, c := range []struct {
		name, keys, token string
		ok                bool
	}{
		{"the key that made it", fernetKeyA, specToken, true},
		{"any key of the list", both, specToken, true},
		{"blanks in the list", " " + fernetKeyB + " , " + fernetKeyA + "\n", specToken, true},
		{"white space after it", fernetKeyA, specToken + " \n", true},
		{"white space in it", fernetKeyA, specToken[:9] + "\n" + specToken[9:], true},
		{"the other base64 alphabet", fernetKeyA, strings.NewReplacer("-", "+", "_", "/").Replace(specToken), true},
		{"anything after the padding", fernetKeyA, specToken + "AAAA", true},
		{"another key", fernetKeyB, specToken, false},
		{"no padding", fernetKeyA, strings.TrimRight(specToken, "="), false},
		{"empty", fernetKeyA, "", false},
		{"no base64", fernetKeyA, "plain text!", false},
		{"cut off", fernetKeyA, specToken[:64], false},
		{"another version", fernetKeyA, change(0), false},
		{"another time", fernetKeyA, change(8), false},
		{"another IV", fernetKeyA, change(10), false},
		{"another text", fernetKeyA, change(25), false},
		{"another signature", fernetKeyA, change(len(raw) - 1), false},
		{"a signed token of no block", fernetKeyA, resign(t, raw[:25]), false},
		{"a signed token of half a block", fernetKeyA, resign(t, raw[:33]), false},
		{"a signed token with bad padding", fernetKeyA, resign(t, append(bytes.Clone(raw[:25]), make([]byte, 16)...)), false},
	} {
		got, err := mustFernet(t, c.keys).Decrypt(c.token)
		if c.ok && (err != nil || string(got) != "hello") || !c.ok && (got != nil || !errors.Is(err, ErrInvalidFernetToken)) {
			t.Errorf("%s: Decrypt = %q, %v", c.name, got, err)
		}
	}
}

// resign appends a good signature, as only the holder of the key can.
func resign(t *testing.T, data []byte) string {
	t.Helper()
	return base64.URLEncoding.EncodeToString(append(bytes.Clone(data), mustFernet(t, fernetKeyA).keys[0].sign(data)...))
}

func TestParseFernet(t *testing.T) {
	for _, keys := range []string{"x", " ", ",", fernetKeyA + ",", fernetKeyA[:40], strings.Repeat("A", 44), fernetKeyA[:43], "," + fernetKeyA} {
		f, err := ParseFernet(keys)
		var e *Error
		if f != nil || !errors.As(err, &e) || e.Type != "AirflowException" ||
			e.Original() != "Could not create Fernet object: Fernet key must be 32 url-safe base64-encoded bytes." {
			t.Errorf("ParseFernet(%q) = %v, %v", keys, f, err)
		}
		if len(keys) > 10 && strings.Contains(err.Error(), keys[:10]) {
			t.Errorf("the error quotes the key: %v", err)
		}
	}
	if _, err := ParseFernet(""); !errors.Is(err, ErrNoFernetKey) {
		t.Errorf("ParseFernet of nothing: %v", err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, mustFernet(t, fernetKeyA)); got != "fernet(redacted)" {
			t.Errorf("%s prints a Fernet as %s", verb, got)
		}
	}
}

// TestFernetOfPython exchanges tokens with the library that Airflow uses.
func TestFernetOfPython(t *testing.T) {
	token, err := mustFernet(t, fernetKeyB+","+fernetKeyA).Encrypt([]byte("from Go: é\x00"), time.Unix(1, 0), zeroes{})
	if err != nil {
		t.Fatal(err)
	}
	odd := []any{fernetKeyA, fernetKeyA[:43], fernetKeyA[:43] + "==", " " + fernetKeyA, "!" + fernetKeyA, fernetKeyA + "x", "=" + fernetKeyA, fernetKeyA[:42] + "=", "é" + fernetKeyA, fernetKeyA[:5] + "=" + fernetKeyA[5:], fernetKeyA[:6] + "==" + fernetKeyA[6:]}
	cmd := exec.Command(baotest.Tool(t, "python"), "-c", `
import json, sys
from cryptography.fernet import Fernet
a, b, token, odd = json.load(sys.stdin)
def usable(key):
    try: Fernet(key.encode()); return True
    except ValueError: return False
json.dump([Fernet(b).decrypt(token).decode(), Fernet(a).encrypt("from Python: ü".encode()).decode(), [usable(k) for k in odd]], sys.stdout)`)
	cmd.Stdin = strings.NewReader(pyjson.Encode([]any{fernetKeyA, fernetKeyB, token, odd}))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	v, err := pyjson.Decode(string(out))
	if err != nil {
		t.Fatal(err)
	}
	answer := v.([]any)
	if answer[0] != "from Go: é\x00" {
		t.Errorf("Python reads %q", answer[0])
	}
	if got, err := mustFernet(t, fernetKeyA).Decrypt(answer[1].(string)); err != nil || string(got) != "from Python: ü" {
		t.Errorf("we read %q, %v", got, err)
	}
	for i, want := range answer[2].([]any) {
		if _, err := ParseFernet(odd[i].(string)); (err == nil) != want {
			t.Errorf("ParseFernet(%q): %v, Python finds it usable: %v", odd[i], err, want)
		}
	}
}

// zeroes is a source of predictable numbers.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }
