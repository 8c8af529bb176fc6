package vaultstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// vectorInput is the input of both families.
type vectorInput struct {
	Backend   string
	Kwargs    json.RawMessage `json:"backend_kwargs"`
	Operation string
	ID        string
	TeamName  *string           `json:"team_name"`
	MultiTeam *bool             `json:"multi_team"`
	Env       map[string]string `json:"env"`
	Store     []vectorAnswer    `json:"store"`
}

// vectorAnswer is one answer of the server to a read.
type vectorAnswer struct {
	Status int
	Body   json.RawMessage
}

// strict decodes and fails on members that nobody has taught the test.
func strict(t *testing.T, text json.RawMessage, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("this case is not understood: %v", err)
	}
}

// otherBackend leaves out the cases of the other backends.
func otherBackend(t *testing.T, c vectors.Case) string {
	t.Helper()
	var in struct{ Backend string }
	if err := json.Unmarshal(c.Input, &in); err != nil {
		t.Fatal(err)
	}
	if in.Backend != "vault" {
		return "backend " + in.Backend
	}
	return ""
}

// session is one constructed backend under test.
type session struct {
	in      vectorInput
	ref     airflow.Ref
	store   *Store
	dialect *dialect.Vault
	server  *scriptedServer
	log     *recordedLog

	constructionWarnings []string
	constructionErr      error
}

// start constructs the backend of a case over a server that answers reads
// with answers, the last of them again and again.
func start(t *testing.T, in vectorInput, answers []vectorAnswer) *session {
	t.Helper()
	s := &session{in: in, server: &scriptedServer{answers: answers}, log: &recordedLog{}}
	s.ref = airflow.Ref{ID: in.ID, Kind: map[string]airflow.Kind{
		"get_conn_value": airflow.KindConnection, "get_variable": airflow.KindVariable, "get_config": airflow.KindConfig,
	}[in.Operation]}
	if s.ref.Kind == "" {
		t.Fatalf("operation %q is not understood", in.Operation)
	}
	if in.TeamName != nil {
		s.ref.Team = *in.TeamName
	}
	decoded, err := pyjson.Decode(string(in.Kwargs))
	if err != nil {
		t.Fatal(err)
	}
	kwargs := withFiles(t, decoded).(*pyjson.Object)
	s.dialect, s.constructionWarnings, s.constructionErr = dialect.VaultFromKwargs(kwargs, in.MultiTeam != nil && *in.MultiTeam)
	if s.constructionErr != nil {
		return s
	}
	s.store, s.constructionErr = FromKwargs(kwargs, vectorEnv(t, in.Env))
	if s.constructionErr == nil {
		s.store.options.Transport = s.server
		s.store.log = slog.New(s.log)
		t.Cleanup(func() { _ = s.store.Close() })
	}
	return s
}

// withFiles writes each {"@file": text} and puts its path in its place.
func withFiles(t *testing.T, v any) any {
	t.Helper()
	o, ok := v.(*pyjson.Object)
	if !ok {
		return v
	}
	if text, ok := o.Get("@file"); ok {
		suffix, _ := o.Get("@suffix")
		path := filepath.Join(t.TempDir(), "file"+textOf(suffix))
		body, ok := text.(string)
		if !ok {
			body = pyjson.Encode(text)
		}
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, key := range o.Keys() {
		member, _ := o.Get(key)
		o.Set(key, withFiles(t, member))
	}
	return o
}

// vectorEnv is the environment of a case; its home folder may hold a token.
func vectorEnv(t *testing.T, env map[string]string) Env {
	t.Helper()
	values := map[string]string{"AWS_EC2_METADATA_DISABLED": "true"} // where the cases were made there was no such service
	for name, value := range env {
		if text, ok := strings.CutPrefix(value, "@a home directory whose .vault-token holds "); ok {
			value = t.TempDir()
			if err := os.WriteFile(filepath.Join(value, ".vault-token"), []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if strings.HasPrefix(value, "@") {
			t.Fatalf("the value %q of %s is not understood", value, name)
		}
		values[name] = value
	}
	return Env{Getenv: func(name string) (string, bool) { v, ok := values[name]; return v, ok }}
}

// lookup asks as the resolver does, for one layer, and returns the names that
// were asked for.
func (s *session) lookup(ctx context.Context) (value any, names []string, err error) {
	lookup := s.dialect.Names(s.ref)
	if lookup.Warn {
		s.log.add(slog.LevelWarn)
	}
	for _, name := range lookup.Names {
		names = append(names, name)
		secret, err := s.store.Get(ctx, name)
		if store.CodeOf(err) == store.NotFound {
			continue
		}
		if err != nil {
			return nil, names, err
		}
		v, err := s.dialect.Decode(s.ref, secret)
		var none *dialect.NoValueError
		if errors.As(err, &none) {
			if none.Warn {
				s.log.add(slog.LevelWarn)
			}
			if none.Stop {
				return nil, names, nil
			}
			continue
		}
		return v.Data, names, err
	}
	return nil, names, nil
}

// recordedLog keeps the levels of what is logged.
type recordedLog struct{ levels []string }

func (l *recordedLog) add(level slog.Level) {
	name := strings.ToLower(level.String())
	if level == slog.LevelWarn {
		name = "warning"
	}
	l.levels = append(l.levels, name)
}

func (l *recordedLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *recordedLog) Handle(_ context.Context, r slog.Record) error {
	l.add(r.Level)
	return nil
}
func (l *recordedLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *recordedLog) WithGroup(string) slog.Handler      { return l }

// sentRequest is a request as the vectors write it down.
type sentRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	JSON    any               `json:"json"`
}

// scriptedServer answers log-ins with a token and reads from a list; it stands
// where the tests of the reference implementation put theirs, in place of the
// adapter that sends and retries.
type scriptedServer struct {
	answers []vectorAnswer
	sent    []sentRequest
	reads   int
}

// RoundTrip implements http.RoundTripper.
func (s *scriptedServer) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := sentRequest{Method: req.Method, URL: req.URL.String(), Headers: map[string]string{}}
	for name, values := range req.Header {
		if strings.HasPrefix(name, "X-Vault-") {
			sent.Headers[name] = strings.Join(values, ",")
		}
	}
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, &sent.JSON); err != nil {
			return nil, err
		}
		if sent.JSON, err = readable(sent.JSON); err != nil {
			return nil, err
		}
	}
	s.sent = append(s.sent, sent)
	if req.Method == "POST" {
		return httpAnswer(req, http.StatusOK, vault.ContentType, `{"auth": {"client_token": "s.faketoken"}}`), nil
	}
	a := s.answers[min(s.reads, len(s.answers)-1)]
	s.reads++
	var text string
	if json.Unmarshal(a.Body, &text) == nil {
		return httpAnswer(req, a.Status, "text/plain", text), nil
	}
	return httpAnswer(req, a.Status, vault.ContentType, string(a.Body)), nil
}

func httpAnswer(req *http.Request, status int, contentType, body string) *http.Response {
	return &http.Response{
		Status: fmt.Sprint(status), StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// plain makes of a pyjson value what encoding/json makes of the same JSON,
// numbers as text.
func plain(v any) any {
	d := json.NewDecoder(strings.NewReader(pyjson.Encode(v)))
	d.UseNumber()
	var out any
	if err := d.Decode(&out); err != nil {
		return "not JSON to Go: " + pyjson.Encode(v)
	}
	return out
}

// wantJSON compares a pyjson value with the JSON of a case.
func wantJSON(t *testing.T, what string, got any, want json.RawMessage) {
	t.Helper()
	expected, err := pyjson.Decode(string(want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(plain(got), plain(expected)) {
		t.Errorf("%s is %s, want %s", what, pyjson.Encode(got), want)
	}
}
