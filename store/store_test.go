package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

// reader is the least that a store can be.
type reader struct{}

func (reader) Get(context.Context, string) (*store.Secret, error) { return &store.Secret{}, nil }
func (reader) Close() error                                       { return nil }
func (reader) Name() string                                       { return "the least" }

func TestUnsupported(t *testing.T) {
	ctx, s := t.Context(), reader{}
	_, listErr := store.List(ctx, s, "a")
	_, putErr := store.Put(ctx, s, "a", &store.Secret{}, nil)
	_, versionsErr := store.Versions(s)
	for op, err := range map[string]error{
		"list": listErr, "put": putErr, "delete": store.Delete(ctx, s, "a"), "versions": versionsErr,
	} {
		var e *store.Error
		if !errors.As(err, &e) || !errors.Is(err, store.ErrUnsupported) || e.Op != op || e.Store != "the least" {
			t.Errorf("%s: %v, want it unsupported in the store's name", op, err)
		}
	}
	if err := store.Check(ctx, s); err != nil {
		t.Errorf("Check = %v", err)
	}
	if where := store.Locate(s, "a"); where != "a" {
		t.Errorf("Locate = %q", where)
	}
}

func TestError(t *testing.T) {
	cause := fs.ErrPermission
	tests := []struct {
		err  *store.Error
		want string
	}{
		{&store.Error{Op: "get", Store: "vault", Name: "a\nb", Code: store.Denied, Err: cause}, `get "***" in vault: denied: permission denied`},
		{&store.Error{Op: "get", Code: store.NotFound}, "get: not found"},
		{&store.Error{Op: "put", Name: strings.Repeat("n", 1000), Code: store.Invalid}, `put "` + strings.Repeat("n", 120) + `... (1000 bytes)": invalid`},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	err := fmt.Errorf("looking up: %w", tests[0].err)
	if !errors.Is(err, store.ErrDenied) || !errors.Is(err, cause) || errors.Is(err, store.ErrNotFound) || store.CodeOf(err) != store.Denied {
		t.Errorf("%v lost its cause or its code", err)
	}
	if store.CodeOf(nil) != "" || store.CodeOf(cause) != store.Unavailable || store.Hint(cause) != "" {
		t.Error("errors of others have the wrong code or a hint")
	}
	if got := store.Hint(fmt.Errorf("x: %w", &store.Error{Hint: "do that"})); got != "do that" {
		t.Errorf("Hint = %q", got)
	}
}

func TestClip(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "",
		"a":                           "a",
		strings.Repeat("é", 60):       strings.Repeat("é", 60),
		strings.Repeat("日", 1000):     strings.Repeat("日", 40) + "... (3000 bytes)",
		"x" + strings.Repeat("é", 60): "x" + strings.Repeat("é", 59) + "... (121 bytes)",
	} {
		if got := store.Clip(in); got != want {
			t.Errorf("Clip(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSecretIsRedacted(t *testing.T) {
	s := &store.Secret{Payload: []byte("hunter2"), Form: store.Text, Version: 3}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("got", "secret", s)
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s %q %x", s, s, s, s, s, s), fmt.Sprint([]*store.Secret{s}, struct{ S *store.Secret }{s}), log.String(),
	} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("the payload is in %s", text)
		}
	}
	if _, err := json.Marshal(s); err == nil {
		t.Error("a secret is encoded as JSON")
	}
	var none *store.Secret
	if got := fmt.Sprint(none); got != "no secret" {
		t.Errorf("no secret is printed as %q", got)
	}
	for form, want := range map[store.Form]string{store.Text: "text", store.Binary: "binary", store.Object: "object", 9: "form(9)"} {
		if form.String() != want {
			t.Errorf("form %d is called %q", int(form), form)
		}
	}
}
