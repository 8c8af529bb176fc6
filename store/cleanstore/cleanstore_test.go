package cleanstore_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/redact"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/cleanstore"
	"github.com/airlock-secrets/airlock/store/memstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

const (
	token   = "CANARY-token-of-the-run"
	payload = "CANARY-payload-of-the-run"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		return storetest.Harness{Store: cleanstore.New(memstore.New("memory"), redact.New())}
	})
}

// talkative is a service that repeats what it knows in every error.
type talkative struct {
	*memstore.Store
	says error
}

func (s *talkative) Put(context.Context, string, *store.Secret, *store.PutOptions) (*store.Secret, error) {
	return nil, s.says
}

func TestErrorsHoldNoSecret(t *testing.T) {
	words := fmt.Sprintf("\x1b[31m%s\r\n%s \u202e%s", token, base64.StdEncoding.EncodeToString([]byte(`{"v":"`+payload+`"}`)), strings.Repeat("word ", 400))
	python := &airflow.Error{Type: "ValueError", Message: words}
	inner := &store.Error{Op: "put", Store: "https://" + token + "@host", Name: "name/" + token, Code: store.Denied,
		Hint: "type: this\nor " + token, ServiceCode: "Refused-" + token, Err: fmt.Errorf("it says: %w", python)}
	secrets := redact.New()
	secrets.Credential(token)
	s := cleanstore.New(&talkative{memstore.New("memory"), inner}, secrets)
	_, err := store.Put(t.Context(), s, "name", &store.Secret{Payload: []byte(payload)}, nil)

	var coded *store.Error
	var said *airflow.Error
	if !errors.As(err, &coded) || !errors.As(err, &said) || !errors.Is(err, store.ErrDenied) {
		t.Fatalf("%v is not the error that it was", err)
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", coded.Err), fmt.Sprintf("%#v", coded.Err), coded.Hint, coded.Store, coded.Name,
		coded.ServiceCode, coded.Err.Error(), said.Message} {
		if strings.Contains(text, "CANARY") || strings.ContainsAny(text, "\x1b\r\u202e") || strings.Contains(text, "Q0FOQVJZ") {
			t.Errorf("an error says %q", text)
		}
	}
	if n := len([]rune(coded.Err.Error())); n > redact.Longest {
		t.Errorf("the cause has %d characters", n)
	}
	if coded.Hint != "type: this\nor ***" || coded.ServiceCode != "Refused-***" || said.Type != "ValueError" {
		t.Errorf("hint %q, service code %q, type %q", coded.Hint, coded.ServiceCode, said.Type)
	}
	if inner.Name != "name/"+token {
		t.Error("the store's own error has changed")
	}
}

// What was read is known as well: a later error may repeat it.
func TestWhatWasReadIsKnown(t *testing.T) {
	inner := &talkative{memstore.New("memory"), &store.Error{Op: "put", Code: store.Invalid, Err: errors.New("not " + payload)}}
	if _, err := inner.Store.Put(t.Context(), "a", &store.Secret{Payload: []byte(payload)}, nil); err != nil {
		t.Fatal(err)
	}
	s := cleanstore.New(inner, redact.New())
	if _, err := s.Get(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	_, err := store.Put(t.Context(), s, "b", &store.Secret{Payload: []byte("other text")}, nil)
	if got := err.Error(); got != "put: invalid: not ***" {
		t.Errorf("the error is %q", got)
	}
}

func TestAnErrorWithoutSecretsIsTheSame(t *testing.T) {
	for _, err := range []error{context.Canceled, errors.New("plain"), &airflow.Error{Type: "KeyError", Message: "x"}, nil} {
		if got := cleanstore.Error(err, redact.New()); got != err {
			t.Errorf("%v becomes %v", err, got)
		}
	}
}
