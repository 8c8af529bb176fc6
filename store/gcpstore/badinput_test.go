package gcpstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/store"
)

// kwargsOf is v as package pyjson decodes it.
func kwargsOf(t testing.TB, v map[string]any) *pyjson.Object {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	o, err := pyjson.Decode(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return o.(*pyjson.Object)
}

// envOf is an environment of the pairs given.
func envOf(pairs ...string) Env {
	values := map[string]string{"NO_GCE_CHECK": "true"}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return Env{Getenv: func(name string) (string, bool) { v, ok := values[name]; return v, ok }, Words: ofUser()}
}

// ofUser are the words where everything is the user's.
func ofUser() program.Words {
	return program.Words{Kwargs: program.Word{User: true}, Folder: "/nonexistent", Environ: []string{"PATH=" + os.Getenv("PATH")},
		Variable: func(string) program.Word { return program.Word{User: true} }}
}

// clock stands still but for what is slept.
type clock struct {
	at    time.Time
	slept []time.Duration
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.slept = append(c.slept, d)
	c.at = c.at.Add(d)
	return ctx.Err()
}

// client is a store of project "p" whose service listens at at, and its clock.
func client(t testing.TB, at *gcpfake.Endpoint) (*Store, *clock) {
	t.Helper()
	keyfile, _ := gcpfake.Account(t, "p", "")
	env := envOf("GOOGLE_CLOUD_UNIVERSE_DOMAIN", at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", at.CAFile)
	s, _, err := FromKwargs(kwargsOf(t, map[string]any{"gcp_keyfile_dict": keyfile}), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c := &clock{at: time.Now()}
	s.now, s.sleep, s.jitter = func() time.Time { return c.at }, c.sleep, func(most time.Duration) time.Duration { return most }
	return s, c
}

// wantError checks code, a part of the text, that there is a hint, and that
// nothing of the key is shown.
func wantError(t *testing.T, err error, code store.Code, part string) {
	t.Helper()
	if store.CodeOf(err) != code || !strings.Contains(fmt.Sprint(err), part) {
		t.Errorf("the error is %v, code %q; want code %q and %q in it", err, store.CodeOf(err), code, part)
	}
	if store.Hint(err) == "" {
		t.Errorf("no hint says what to do about: %v", err)
	}
	keyfile, _ := gcpfake.Account(t, "p", "")
	for _, line := range strings.Split(keyfile["private_key"].(string), "\n")[1:20] {
		if strings.Contains(fmt.Sprintf("%+v %#v %s", err, err, store.Hint(err)), line) {
			t.Fatal("the error holds a part of the private key")
		}
	}
}

func TestWrongKey(t *testing.T) {
	f := gcpfake.New()
	s, _ := client(t, gcpfake.Start(t, f))
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	f.Trust = &gcpfake.Trust{Keys: gcpfake.Keys{"airflow@p.iam.gserviceaccount.com": &other.PublicKey}}
	_, err = s.Get(t.Context(), "x")
	wantError(t, err, store.Unauthenticated, "invalid authentication credentials")
}

func TestDenied(t *testing.T) {
	f := gcpfake.New()
	f.Deny("p", "x")
	s, _ := client(t, gcpfake.Start(t, f))
	_, err := s.Get(t.Context(), "x")
	wantError(t, err, store.Denied, "secretmanager.versions.access")
	if store.ServiceCodeOf(err) != "PermissionDenied" {
		t.Errorf("the service's code is %q", store.ServiceCodeOf(err))
	}
}

// TestPatience: reads are repeated while the service asks for patience, with
// waits that double, for a minute in all; writes are not.
func TestPatience(t *testing.T) {
	for code, ours := range map[codes.Code]store.Code{codes.ResourceExhausted: store.Throttled, codes.Unavailable: store.Unavailable} {
		f := gcpfake.New()
		f.Before = func(string, string) error { return status.Error(code, "come back later") }
		s, c := client(t, gcpfake.Start(t, f))
		_, err := s.Get(t.Context(), "x")
		wantError(t, err, ours, "come back later")
		if got := fmt.Sprint(c.slept); got != "[2s 4s 8s 16s]" {
			t.Errorf("%s: waited %s", code, got)
		}
		c.slept = nil
		_, err = s.Put(t.Context(), "x", &store.Secret{Form: store.Binary, Payload: []byte("v")}, nil)
		wantError(t, err, ours, "come back later")
		if len(c.slept) > 0 {
			t.Errorf("a write was repeated after %v", c.slept)
		}
	}
}

func TestPatiencePaysOff(t *testing.T) {
	f := gcpfake.New()
	f.Put("p", "x", []byte("v"))
	var asked atomic.Int64
	f.Before = func(string, string) error {
		if asked.Add(1) < 3 {
			return status.Error(codes.ResourceExhausted, "come back later")
		}
		return nil
	}
	s, c := client(t, gcpfake.Start(t, f))
	secret, err := s.Get(t.Context(), "x")
	if err != nil || string(secret.Payload) != "v" || len(c.slept) != 2 {
		t.Errorf("Get = %v, %v after waits of %v", secret, err, c.slept)
	}
}

// TestOtherFailuresAreFinal: nothing else is repeated.
func TestOtherFailuresAreFinal(t *testing.T) {
	for _, code := range []codes.Code{codes.Internal, codes.Unauthenticated, codes.NotFound, codes.Aborted, codes.DeadlineExceeded} {
		f := gcpfake.New()
		f.Before = func(string, string) error { return status.Error(code, "no") }
		s, c := client(t, gcpfake.Start(t, f))
		if _, err := s.Get(t.Context(), "x"); err == nil || len(c.slept) > 0 || len(f.Calls()) != 1 {
			t.Errorf("%s: Get = %v after waits of %v", code, err, c.slept)
		}
	}
}

func TestUntrustedCertificate(t *testing.T) {
	at, other := gcpfake.Start(t, gcpfake.New()), gcpfake.Start(t, gcpfake.New())
	s, c := client(t, &gcpfake.Endpoint{Universe: at.Universe, CAFile: other.CAFile})
	_, err := s.Get(t.Context(), "x")
	wantError(t, err, store.Unavailable, "certificate")
	if !strings.Contains(store.Hint(err), "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH") || len(c.slept) > 0 {
		t.Errorf("hint %q after waits of %v", store.Hint(err), c.slept)
	}
	s, _ = client(t, &gcpfake.Endpoint{Universe: at.Universe, CAFile: "/nonexistent/ca.pem"})
	_, err = s.Get(t.Context(), "x")
	wantError(t, err, store.Invalid, "/nonexistent/ca.pem")
}

func TestHangingServer(t *testing.T) {
	done := make(chan struct{})
	at := gcpfake.StartHandler(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
			panic(http.ErrAbortHandler) // no answer, also not to a client that is about to leave
		case <-done:
		}
	}))
	t.Cleanup(func() { close(done) })
	s, _ := client(t, at)
	s.options.Timeout = 200 * time.Millisecond
	_, err := s.Get(t.Context(), "x")
	wantError(t, err, store.Unavailable, "no answer from secretmanager."+at.Universe+" within 200ms")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is no deadline that has passed", err)
	}
}

// frame is a message of gRPC.
func frame(message []byte, length int) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0}, uint32(length))
	return append(b, message...)
}

func answerOf(t *testing.T, crc int64) []byte {
	t.Helper()
	b, err := proto.Marshal(&secretmanagerpb.AccessSecretVersionResponse{Name: "projects/1/secrets/x/versions/1",
		Payload: &secretmanagerpb.SecretPayload{Data: []byte("hunter2"), DataCrc32C: &crc}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBadAnswers: whatever answers, the error says what is wrong and holds
// nothing of it.
func TestBadAnswers(t *testing.T) {
	grpcAnswer := func(body io.Reader) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Trailer", "Grpc-Status")
			w.WriteHeader(http.StatusOK)
			_, _ = io.Copy(w, body)
			w.Header().Set("Grpc-Status", "0")
		}
	}
	damaged := answerOf(t, 5)
	tests := []struct {
		what    string
		handler http.HandlerFunc
		code    store.Code
		part    string
	}{
		{"a page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>hunter2</html>") }, store.Corrupt, "HTTP status 200"},
		{"a proxy's 403", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, store.Denied, "HTTP status 403"},
		{"a 404", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, store.Corrupt, "HTTP status 404"},
		{"noise", grpcAnswer(bytes.NewReader(frame([]byte{0xff, 0xff, 0xff}, 3))), store.Corrupt, "unmarshal"},
		{"100 MB", grpcAnswer(io.MultiReader(bytes.NewReader(frame(nil, 100<<20)), io.LimitReader(zeros{}, 100<<20))), store.Corrupt, "larger than max"},
		{"a wrong checksum", grpcAnswer(bytes.NewReader(frame(damaged, len(damaged)))), store.Corrupt, "checksum"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			s, c := client(t, gcpfake.StartHandler(t, tt.handler))
			_, err := s.Get(t.Context(), "x")
			wantError(t, err, tt.code, tt.part)
			if strings.Contains(fmt.Sprint(err), "hunter2") || len(c.slept) > 0 {
				t.Errorf("the error is %v, after waits of %v", err, c.slept)
			}
			if store.ServiceCodeOf(err) == "PermissionDenied" {
				t.Error("a proxy's refusal counts as the service's own")
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestBrokenConnections: one that nobody accepts, one that is cut, one that
// does not speak TLS.
func TestBrokenConnections(t *testing.T) {
	serve := func(each func(net.Conn)) *gcpfake.Endpoint {
		port := servertest.Listen(t, func(conn net.Conn) {
			each(conn)
			_ = conn.Close()
		})
		return &gcpfake.Endpoint{Universe: "localhost:" + port}
	}
	cut := serve(func(net.Conn) {})
	plain := serve(func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	for what, at := range map[string]*gcpfake.Endpoint{"nobody": {Universe: "localhost:1"}, "cut": cut, "not TLS": plain} {
		at.CAFile = ""
		s, c := client(t, at)
		_, err := s.Get(t.Context(), "x")
		wantError(t, err, store.Unavailable, "")
		if repeated := len(c.slept) > 0; repeated == (what == "not TLS") {
			t.Errorf("%s: %v after waits of %v", what, err, c.slept)
		}
	}
}

// TestCancelled: whoever asked may stop waiting.
func TestCancelled(t *testing.T) {
	f := gcpfake.New()
	ctx, cancel := context.WithCancel(t.Context())
	f.Before = func(string, string) error { cancel(); return status.Error(codes.Unavailable, "later") }
	s, _ := client(t, gcpfake.Start(t, f))
	if _, err := s.Get(ctx, "x"); !errors.Is(err, context.Canceled) || store.CodeOf(err) != store.Unavailable {
		t.Errorf("Get = %v", err)
	}
}
