package storetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

// sample is a secret around text in the first form that the store holds.
func (s *suite) sample(text string) *store.Secret { return secretOf(s.forms()[0], text) }

// secretOf is a secret around text: text itself, or an object that holds it.
func secretOf(f store.Form, text string) *store.Secret {
	if f != store.Object {
		return &store.Secret{Form: f, Payload: []byte(text)}
	}
	b, err := json.Marshal(map[string]string{"value": text})
	if err != nil {
		panic("a map of strings is always encodable: " + err.Error())
	}
	return &store.Secret{Form: f, Payload: b}
}

// wantSecret compares payload and form; objects compare as JSON values, since
// a service may write them in its own way.
func wantSecret(t *testing.T, got, want *store.Secret) {
	t.Helper()
	if got == nil {
		t.Fatal("got a nil secret without an error")
	}
	if got.Form != want.Form {
		t.Errorf("form is %v, want %v", got.Form, want.Form)
	}
	if want.Form == store.Object {
		if !sameJSON(t, got.Payload, want.Payload) {
			t.Errorf("payload is another object than the one stored (%d bytes, want %d)", len(got.Payload), len(want.Payload))
		}
		return
	}
	if !bytes.Equal(got.Payload, want.Payload) {
		t.Errorf("payload is %.80q, want %.80q", got.Payload, want.Payload)
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	values := make([]any, 2)
	for i, text := range [][]byte{a, b} {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&values[i]); err != nil {
			t.Errorf("payload is not JSON: %v", err)
			return false
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}

// wantCode checks that err is a *store.Error of the code, reachable by its
// sentinel too.
func wantCode(t *testing.T, op string, err error, code store.Code) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s succeeded, want an error of code %q", op, code)
	}
	var e *store.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s = %v (%T), want a *store.Error", op, err, err)
	}
	if e.Code != code {
		t.Fatalf("%s = %v, code %q, want %q", op, err, e.Code, code)
	}
	if e.Op == "" {
		t.Errorf("%s: the error does not say what was being done: %v", op, err)
	}
	if !errors.Is(err, sentinel(code)) {
		t.Errorf("%s: errors.Is does not find the sentinel of %q in %v", op, code, err)
	}
}

func sentinel(code store.Code) error {
	for _, err := range []error{
		store.ErrNotFound, store.ErrDenied, store.ErrUnauthenticated, store.ErrInvalid, store.ErrThrottled,
		store.ErrUnavailable, store.ErrUnsupported, store.ErrCorrupt, store.ErrConflict,
	} {
		if err.Error() == string(code) {
			return err
		}
	}
	return nil
}

// wantRedacted checks that an error's text holds nothing of a payload.
func wantRedacted(t *testing.T, err error, marker string) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), marker) {
			t.Errorf("the error holds the payload: %v", e)
		}
	}
	if strings.Contains(store.Hint(err), marker) {
		t.Errorf("the hint holds the payload: %s", store.Hint(err))
	}
}
