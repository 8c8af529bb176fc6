package awsconn_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/wire/aws"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/secretsmanagerstore"
	"github.com/airlock-secrets/airlock/store/ssmstore"
)

const secretKey, sessionToken = "hunter2-secret-key", "hunter2-session-token"

// signed is a service that verifies signatures by a clock of its own, and has
// one secret.
type signed struct {
	clock    time.Duration // added to the time
	attempts atomic.Int64
	answer   http.HandlerFunc // in place of the secret; nil: the secret
}

// ServeHTTP implements http.Handler.
func (s *signed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.attempts.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	now := time.Now().Add(s.clock)
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, err = aws.Verify(r, body, func(id string) (string, bool) { return secretKey, id == "AK" }, now)
	var failure *aws.Failure
	switch {
	case errors.As(err, &failure):
		w.WriteHeader(http.StatusBadRequest)
		message := failure.Message + "\n\nThe Canonical String for this request should have been\n" + r.Header.Get("X-Amz-Security-Token")
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": failure.Code, "message": message})
	case s.answer != nil:
		s.answer(w, r)
	default:
		_, _ = io.WriteString(w, `{"Parameter": {"Name": "n", "Value": "v"}, "Name": "n", "SecretString": "v"}`)
	}
}

func quiet(s *httptest.Server) *httptest.Server {
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	return s
}

// both runs f on each store over the connection.
func both(t *testing.T, o awsconn.Options, f func(t *testing.T, s store.Store)) {
	t.Helper()
	if o.Region == "" {
		o.Region = "eu-west-3"
	}
	if o.AccessKeyID == "" {
		o.AccessKeyID, o.SecretAccessKey, o.SessionToken = "AK", secretKey, sessionToken
	}
	if o.Delay == nil {
		o.Delay = func(int, bool) time.Duration { return 0 }
	}
	for _, s := range []store.Store{
		ssmstore.New(ssmstore.Options{Conn: o}), secretsmanagerstore.New(secretsmanagerstore.Options{Conn: o}),
	} {
		t.Run(s.(interface{ Name() string }).Name()[:3], func(t *testing.T) { f(t, s) })
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
}

// wantFailure checks the code, a part of the hint and of the message, and that
// nothing leaks.
func wantFailure(t *testing.T, err error, code store.Code, message, hint string) {
	t.Helper()
	if store.CodeOf(err) != code || err == nil || !strings.Contains(err.Error(), message) || !strings.Contains(store.Hint(err), hint) {
		t.Errorf("got %v (code %q, hint %q), want code %q, %q, hint %q", err, store.CodeOf(err), store.Hint(err), code, message, hint)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
		if text := fmt.Sprintf(verb, err); strings.Contains(text, "hunter2") {
			t.Errorf("%s of the error leaks: %.300s", verb, text)
		}
	}
}

func TestSignature(t *testing.T) {
	server := &signed{}
	ts := httptest.NewServer(server)
	t.Cleanup(ts.Close)
	both(t, awsconn.Options{Endpoint: ts.URL}, func(t *testing.T, s store.Store) {
		got, err := s.Get(t.Context(), "odd name/é")
		if err != nil || string(got.Payload) != "v" {
			t.Errorf("Get = %v, %v", got, err)
		}
	})
}

func TestWrongCredentials(t *testing.T) {
	tests := []struct{ what, id, secret, message, hint string }{
		{"unknown key id", "OTHER", secretKey, "UnrecognizedClientException", "check the access key id"},
		{"wrong secret", "AK", "wrong", "InvalidSignatureException", "check the access key id"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			server := &signed{}
			ts := httptest.NewServer(server)
			t.Cleanup(ts.Close)
			o := awsconn.Options{Endpoint: ts.URL, AccessKeyID: tt.id, SecretAccessKey: tt.secret, SessionToken: sessionToken}
			both(t, o, func(t *testing.T, s store.Store) {
				_, err := s.Get(t.Context(), "x")
				wantFailure(t, err, store.Unauthenticated, tt.message, tt.hint)
			})
			if n := server.attempts.Load(); n != 2 {
				t.Errorf("%d attempts for two calls", n)
			}
		})
	}
}

func TestClockOffByAnHour(t *testing.T) {
	for clock, hint := range map[time.Duration]string{
		time.Hour:  "this computer's clock is 1h0m0s behind the server's",
		-time.Hour: "this computer's clock is 1h0m0s ahead of the server's",
	} {
		server := &signed{clock: clock}
		ts := httptest.NewServer(server)
		t.Cleanup(ts.Close)
		both(t, awsconn.Options{Endpoint: ts.URL}, func(t *testing.T, s store.Store) {
			_, err := s.Get(t.Context(), "x")
			if off := store.Hint(err); strings.Contains(off, "59m59s") || strings.Contains(off, "1h0m1s") {
				hint = off // the Date header has whole seconds
			}
			wantFailure(t, err, store.Unauthenticated, "InvalidSignatureException", hint)
		})
	}
}

// serverCase is an answer and what comes of it.
type serverCase struct {
	what          string
	answer        http.HandlerFunc
	attempts      int64
	code          store.Code
	message, hint string
}

func serverCases() []serverCase {
	fail := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"__type": "com.amazon#%s", "message": "fake"}`, code)
		}
	}
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	broken := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "{")
		panic(http.ErrAbortHandler)
	}
	return []serverCase{
		{"denied", fail(400, "AccessDeniedException"), 1, store.Denied, "AccessDeniedException", "grant the caller"},
		{"expired token", fail(400, "ExpiredTokenException"), 1, store.Unauthenticated, "ExpiredToken", "get a new one"},
		{"request expired", fail(400, "RequestExpired"), 1, store.Unauthenticated, "RequestExpired", ""},
		{"throttled", fail(400, "ThrottlingException"), 3, store.Throttled, "reached max retries: 2", "ask less often"},
		{"429 without a body", text(429, ""), 3, store.Throttled, "", "ask less often"},
		{"5xx", fail(503, "ServiceUnavailable"), 3, store.Unavailable, "reached max retries: 2", "try again later"},
		{"5xx that is a web page", text(502, "<html>"), 3, store.Unavailable, "", "try again later"},
		{"403 that is a web page", text(403, "<html>hunter2</html>"), 1, store.Denied, "", ""},
		{"garbage", text(200, "hello"), 1, store.Corrupt, "not what the service answers", "endpoint_url"},
		{"a JSON list", text(200, "[]"), 1, store.Corrupt, "", "endpoint_url"},
		{"a broken connection", broken, 3, store.Unavailable, "", "can it be reached"},
		{"100 MB", func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, 1, store.Corrupt, "larger than", "endpoint_url"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.invalid/", http.StatusFound)
		}, 1, store.Invalid, "", ""},
	}
}

func TestServersAnswers(t *testing.T) {
	for _, tt := range serverCases() {
		t.Run(tt.what, func(t *testing.T) {
			server := &signed{answer: tt.answer}
			ts := quiet(httptest.NewServer(server))
			t.Cleanup(ts.Close)
			both(t, awsconn.Options{Endpoint: ts.URL}, func(t *testing.T, s store.Store) {
				server.attempts.Store(0)
				_, err := s.Get(t.Context(), "x")
				wantFailure(t, err, tt.code, tt.message, tt.hint)
				if n := server.attempts.Load(); n != tt.attempts {
					t.Errorf("%d attempts, want %d", n, tt.attempts)
				}
			})
		})
	}
}

// TestHangingServer: each attempt has a deadline, which the error names.
func TestHangingServer(t *testing.T) {
	done := make(chan struct{})
	server := &signed{answer: func(http.ResponseWriter, *http.Request) { <-done }}
	ts := httptest.NewServer(server)
	t.Cleanup(ts.Close)
	t.Cleanup(func() { close(done) })
	both(t, awsconn.Options{Endpoint: ts.URL, Timeout: 50 * time.Millisecond}, func(t *testing.T, s store.Store) {
		_, err := s.Get(t.Context(), "x")
		wantFailure(t, err, store.Unavailable, "no answer within 50ms", "can it be reached")
	})
	both(t, awsconn.Options{Endpoint: ts.URL}, func(t *testing.T, s store.Store) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := s.Get(ctx, "x")
		wantFailure(t, err, store.Unavailable, "deadline exceeded", "")
	})
}

func TestTLS(t *testing.T) {
	server := &signed{}
	ts := quiet(httptest.NewTLSServer(server))
	t.Cleanup(ts.Close)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ts.Certificate().Raw})
	if err := os.WriteFile(bundle, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name, value string) awsconn.Env {
		return awsconn.Env{Getenv: func(n string) (string, bool) { return value, n == name }}
	}
	tests := []struct {
		what    string
		o       awsconn.Options
		message string // "": it works
	}{
		{"a certificate of nobody's", awsconn.Options{}, "certificate"},
		{"verify names the CA", awsconn.Options{Verify: awsconn.Verify{CA: bundle}}, ""},
		{"verify is a folder", awsconn.Options{Verify: awsconn.Verify{CA: filepath.Dir(bundle)}}, ""},
		{"verify is false", awsconn.Options{Verify: awsconn.Verify{Insecure: true}}, ""},
		{"AWS_CA_BUNDLE", awsconn.Options{Env: env("AWS_CA_BUNDLE", bundle)}, ""},
		{"REQUESTS_CA_BUNDLE", awsconn.Options{Env: env("REQUESTS_CA_BUNDLE", bundle)}, ""},
		{"verify names nothing", awsconn.Options{Verify: awsconn.Verify{CA: bundle + "x"}}, "there is no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			tt.o.Endpoint = ts.URL
			both(t, tt.o, func(t *testing.T, s store.Store) {
				_, err := s.Get(t.Context(), "x")
				switch {
				case tt.message == "" && err != nil:
					t.Errorf("Get = %v", err)
				case tt.message != "" && (err == nil || !strings.Contains(err.Error(), tt.message) || !strings.Contains(store.Hint(err), "verify")):
					t.Errorf("Get = %v, hint %q; want %q", err, store.Hint(err), tt.message)
				}
			})
		})
	}
}
