package gcpstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/internal/vectors/backendcase"
)

// vectorInput is the input of both families.
type vectorInput struct {
	Backend    string
	Kwargs     json.RawMessage `json:"backend_kwargs"`
	Operation  string
	ID         string
	TeamName   *string           `json:"team_name"`
	MultiTeam  *bool             `json:"multi_team"`
	Env        map[string]string `json:"env"`
	ADCProject json.RawMessage   `json:"adc_project"`
	ADCError   *string           `json:"adc_error"`
	Store      []vectorAnswer    `json:"store"`
}

// vectorAnswer is one answer of the service.
type vectorAnswer struct {
	Payload    *string `json:"payload"`
	PayloadHex *string `json:"payload_hex"`
	Raise      *string `json:"raise"`
}

func (a vectorAnswer) bytes(t *testing.T) []byte {
	t.Helper()
	switch {
	case a.Payload != nil:
		return []byte(*a.Payload)
	case a.PayloadHex != nil:
		b, err := hex.DecodeString(*a.PayloadHex)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return nil
}

func otherBackend(t *testing.T, c vectors.Case) string {
	t.Helper()
	var in struct{ Backend string }
	if err := json.Unmarshal(c.Input, &in); err != nil {
		t.Fatal(err)
	}
	if in.Backend != "gcp" {
		return "backend " + in.Backend
	}
	return ""
}

// scripted is a service that answers reads from a list, the last answer again
// and again.
type scripted struct {
	secretmanagerpb.UnimplementedSecretManagerServiceServer
	answers []vectorAnswer
	t       *testing.T

	mu    sync.Mutex
	names []string
}

// ServeHTTP records what is asked and answers what is not gRPC.
func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var req secretmanagerpb.AccessSecretVersionRequest
	if err != nil || len(body) < 5 || proto.Unmarshal(body[5:], &req) != nil {
		s.t.Error("the request is not AccessSecretVersion")
		return
	}
	s.mu.Lock()
	answer := s.answers[min(len(s.names), len(s.answers)-1)]
	s.names = append(s.names, req.GetName())
	s.mu.Unlock()
	if answer.Raise != nil {
		class := strings.TrimPrefix(*answer.Raise, "google.")
		e, ok := googleErrors[class]
		if !ok {
			s.t.Errorf("the exception %s is not understood", *answer.Raise)
		}
		if isHTTP(class) {
			w.WriteHeader(e.http)
			_, _ = io.WriteString(w, fake)
			return
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	server := grpc.NewServer()
	secretmanagerpb.RegisterSecretManagerServiceServer(server, answering{answer: answer, t: s.t})
	server.ServeHTTP(w, r)
}

type answering struct {
	secretmanagerpb.UnimplementedSecretManagerServiceServer
	answer vectorAnswer
	t      *testing.T
}

func (a answering) AccessSecretVersion(_ context.Context, req *secretmanagerpb.AccessSecretVersionRequest) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	if a.answer.Raise != nil {
		return nil, status.Error(googleErrors[strings.TrimPrefix(*a.answer.Raise, "google.")].grpc, fake)
	}
	return &secretmanagerpb.AccessSecretVersionResponse{Name: req.GetName(), Payload: &secretmanagerpb.SecretPayload{Data: a.answer.bytes(a.t)}}, nil
}

// session is one constructed backend under test.
type session struct {
	in      vectorInput
	ref     airflow.Ref
	store   *Store
	dialect *dialect.GCP
	server  *scripted
	log     *recordedLog
	kwargs  *pyjson.Object

	constructionErr error
}

// start constructs the backend of a case over a service that answers.
func start(t *testing.T, in vectorInput, answers []vectorAnswer) *session {
	t.Helper()
	s := &session{in: in, server: &scripted{answers: answers, t: t}, log: &recordedLog{}}
	s.ref = airflow.Ref{ID: in.ID, Kind: backendcase.Kind(t, in.Operation)}
	if in.TeamName != nil {
		s.ref.Team = *in.TeamName
	}
	decoded, err := pyjson.Decode(string(in.Kwargs))
	if err != nil {
		t.Fatal(err)
	}
	s.kwargs = vectors.WithFiles(t, decoded, keyfile(t)).(*pyjson.Object)
	at := gcpfake.StartHandler(t, s.server)
	if s.constructionErr = CheckKwargs(s.kwargs); s.constructionErr != nil {
		return s
	}
	s.dialect, s.constructionErr = dialect.GCPFromKwargs(s.kwargs, in.MultiTeam != nil && *in.MultiTeam)
	if s.constructionErr != nil {
		return s
	}
	var logged []string
	s.store, logged, s.constructionErr = FromKwargs(s.kwargs, vectorEnv(t, in, at))
	for _, line := range logged {
		if strings.HasPrefix(line, loadFailure) { // the rest are airlock's own notes
			s.log.add(slog.LevelError)
		}
	}
	if s.constructionErr != nil {
		return s
	}
	t.Cleanup(func() { _ = s.store.Close() })
	s.store.log = slog.New(s.log)
	s.store.jitter = func(time.Duration) time.Duration { return time.Hour } // one attempt: the cases raise behind the retries
	s.store.credentials.account = fixed("token")
	return s
}

// fixed is an account whose token no network is needed for.
type fixed string

func (f fixed) token(context.Context, *web, []string) (access, error) {
	return access{string(f), time.Now().Add(time.Hour)}, nil
}

func (fixed) addresses() []address { return nil }

func (fixed) own() bool { return true }

// keyfile makes the key file that {"@keyfile": project} stands for.
func keyfile(t *testing.T) func(*pyjson.Object) (any, bool) {
	return func(o *pyjson.Object) (any, bool) {
		project, ok := o.Get("@keyfile")
		if !ok {
			return nil, false
		}
		members, _ := gcpfake.Account(t, project.(string), "")
		out := pyjson.NewObject()
		for name, v := range members {
			out.Set(name, v)
		}
		for _, member := range o.Keys() {
			v, _ := o.Get(member)
			switch member {
			case "@keyfile":
			case "@without":
				for _, name := range v.([]any) {
					out.Delete(name.(string))
				}
			default:
				t.Fatalf("the member %s of a key file is not understood", member)
			}
		}
		return out, true
	}
}

// vectorEnv is the environment of a case. Its default credentials are a file:
// one of an account in the project, one of a person, who has none, or one that
// is not there.
func vectorEnv(t *testing.T, in vectorInput, at *gcpfake.Endpoint) Env {
	t.Helper()
	project := new(string)
	*project = "adc-project"
	if in.ADCProject != nil {
		if err := json.Unmarshal(in.ADCProject, &project); err != nil {
			t.Fatal(err)
		}
	}
	content := map[string]any{"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}
	if project != nil {
		content, _ = gcpfake.Account(t, *project, "")
	}
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "adc.json")
	switch {
	case in.ADCError == nil:
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	case *in.ADCError != "DefaultCredentialsError":
		t.Fatalf("the exception %s of google.auth.default is not understood", *in.ADCError)
	}
	values := map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": path, "NO_GCE_CHECK": "true",
		"GOOGLE_CLOUD_UNIVERSE_DOMAIN": at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": at.CAFile}
	for name, value := range in.Env {
		if strings.HasPrefix(value, "@") {
			t.Fatalf("the value %q of %s is not understood", value, name)
		}
		values[name] = value
	}
	return Env{Getenv: func(name string) (string, bool) { v, ok := values[name]; return v, ok }}
}

// lookup asks as the resolver does, for one layer.
func (s *session) lookup(ctx context.Context) (any, error) {
	lookup := s.dialect.Names(s.ref)
	s.pass(&dialect.NoValueError{Warn: lookup.Warn})
	for _, name := range lookup.Names {
		secret, err := s.store.Get(ctx, name)
		if err != nil {
			none := dialect.Missed(s.dialect, err)
			if none == nil {
				return nil, err
			}
			s.pass(none)
			continue
		}
		v, err := s.dialect.Decode(s.ref, secret)
		var none *dialect.NoValueError
		if errors.As(err, &none) {
			s.pass(none)
			continue
		}
		return v.Data, err
	}
	return nil, nil
}

// pass logs what Airflow logs of a name without a value.
func (s *session) pass(none *dialect.NoValueError) {
	switch {
	case none.Severe:
		s.log.add(slog.LevelError)
	case none.Warn:
		s.log.add(slog.LevelWarn)
	}
}

// askedDefault is with which scopes google.auth.default was asked.
func (s *session) askedDefault(t *testing.T) []any {
	t.Helper()
	k := kwargReader{s.kwargs, Env{}}
	if k.truthy("gcp_key_path") != nil || k.truthy("gcp_keyfile_dict") != nil || k.truthy("gcp_credential_config_file") != nil {
		return nil
	}
	if s.store.broken == nil && !s.store.credentials.found {
		t.Error("the credentials are not the environment's")
	}
	scopes, err := k.scopes()
	if err != nil {
		t.Fatal(err)
	}
	if s.store.broken == nil && !slices.Equal(scopes, s.store.credentials.scopes) {
		t.Errorf("the credentials have the scopes %q, want %q", s.store.credentials.scopes, scopes)
	}
	if scopes == nil {
		return []any{nil}
	}
	list := make([]any, len(scopes))
	for i, scope := range scopes {
		list[i] = scope
	}
	return []any{list}
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

// above are the levels of warnings and errors.
func (l *recordedLog) above() []string {
	return slices.DeleteFunc(slices.Clone(l.levels), func(level string) bool { return level == "debug" || level == "info" })
}
