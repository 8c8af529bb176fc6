package awsconn_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/internal/vectors/backendcase"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/secretsmanagerstore"
	"github.com/airlock-secrets/airlock/store/ssmstore"
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

// vectorAnswer is one answer of the service.
type vectorAnswer struct {
	Status int
	Code   string
	Body   json.RawMessage
	Raise  string
}

func otherBackend(t *testing.T, c vectors.Case) string {
	t.Helper()
	var in struct{ Backend string }
	if err := json.Unmarshal(c.Input, &in); err != nil {
		t.Fatal(err)
	}
	if in.Backend != "ssm" && in.Backend != "secretsmanager" {
		return "backend " + in.Backend
	}
	return ""
}

// session is one constructed backend under test.
type session struct {
	ref     airflow.Ref
	store   store.Store
	dialect dialect.Dialect
	server  *scripted
	log     *recordedLog
	sleeps  int

	constructionErr error
}

// start constructs the backend of a case over a service that answers from a
// list, the last answer again and again.
func start(t *testing.T, in vectorInput, answers []vectorAnswer) *session {
	t.Helper()
	s := &session{server: &scripted{t: t, answers: answers}, log: &recordedLog{}}
	s.ref = airflow.Ref{ID: in.ID, Kind: backendcase.Kind(t, in.Operation)}
	if in.TeamName != nil {
		s.ref.Team = *in.TeamName
	}
	decoded, err := pyjson.Decode(string(in.Kwargs))
	if err != nil {
		t.Fatal(err)
	}
	kwargs := vectors.WithFiles(t, decoded, nil).(*pyjson.Object)
	multiTeam := in.MultiTeam != nil && *in.MultiTeam
	env := awsconn.Env{Getenv: func(name string) (string, bool) {
		if v, ok := in.Env[name]; ok {
			return v, true
		}
		return "true", name == "AWS_EC2_METADATA_DISABLED"
	}}
	class, own := secretsmanagerstore.Class, (func() error)(nil)
	if in.Backend == "ssm" {
		class = ssmstore.Class
		own = func() (err error) { s.dialect, err = dialect.SSMFromKwargs(kwargs, multiTeam); return err }
	} else {
		own = func() (err error) { s.dialect, err = dialect.SecretsManagerFromKwargs(kwargs, multiTeam); return err }
	}
	if s.constructionErr = own(); s.constructionErr != nil {
		return s
	}
	o, err := awsconn.FromKwargs(in.Backend, class, kwargs, env)
	o.Transport = s.server
	o.Delay = func(int, bool) time.Duration { s.sleeps++; return 0 }
	if in.Backend == "ssm" {
		s.store = ssmstore.New(ssmstore.Options{Conn: o, Err: err, Log: slog.New(s.log)})
	} else {
		s.store = secretsmanagerstore.New(secretsmanagerstore.Options{Conn: o, Err: err, Log: slog.New(s.log)})
	}
	t.Cleanup(func() { _ = s.store.Close() })
	return s
}

// lookup asks as the resolver does, for one layer.
func (s *session) lookup(ctx context.Context) (any, error) {
	lookup := s.dialect.Names(s.ref)
	if lookup.Err != nil {
		return nil, lookup.Err
	}
	if lookup.Warn {
		s.log.levels = append(s.log.levels, "warning")
	}
	for _, name := range lookup.Names {
		secret, err := s.store.Get(ctx, name)
		if err != nil {
			if dialect.Missed(s.dialect, err) == nil {
				return nil, err
			}
			if store.CodeOf(err) != store.NotFound { // of which the store itself tells
				s.log.levels = append(s.log.levels, "debug")
			}
			continue
		}
		v, err := s.dialect.Decode(s.ref, secret)
		var none *dialect.NoValueError
		if errors.As(err, &none) {
			continue
		}
		return v.Data, err
	}
	return nil, nil
}

// recordedLog keeps the levels of what is logged.
type recordedLog struct{ levels []string }

func (l *recordedLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *recordedLog) Handle(_ context.Context, r slog.Record) error {
	l.levels = append(l.levels, strings.ToLower(r.Level.String()))
	return nil
}
func (l *recordedLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *recordedLog) WithGroup(string) slog.Handler      { return l }

// scripted stands where the tests of the reference implementation put
// theirs: in place of the connection, below the retries.
type scripted struct {
	t       *testing.T
	answers []vectorAnswer
	sent    []sentRequest
}

type sentRequest struct {
	target, url string
	body        map[string]any
}

// name is what a request asks for.
func (r sentRequest) name() string {
	for _, member := range []string{"Name", "SecretId"} {
		if name, ok := r.body[member].(string); ok {
			return name
		}
	}
	return ""
}

// RoundTrip implements http.RoundTripper.
func (s *scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	r := sentRequest{target: req.Header.Get("X-Amz-Target"), url: req.URL.String()}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &r.body); err != nil {
		s.t.Errorf("the request is not JSON: %v", err)
	}
	if !strings.HasPrefix(req.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=") {
		s.t.Error("the request is not signed")
	}
	answer := s.answers[min(len(s.sent), len(s.answers)-1)]
	s.sent = append(s.sent, r)
	if answer.Raise != "" {
		return nil, &raisedError{answer.Raise}
	}
	status := answer.Status
	if status == 0 {
		status = http.StatusOK
	}
	res := &http.Response{StatusCode: status, Request: req, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}}
	text := string(answer.Body)
	if answer.Code != "" {
		var members map[string]any
		if err := json.Unmarshal(answer.Body, &members); err != nil {
			s.t.Fatal(err)
		}
		members["__type"] = answer.Code
		encoded, err := json.Marshal(members)
		if err != nil {
			s.t.Fatal(err)
		}
		text = string(encoded)
	}
	res.Body = io.NopCloser(strings.NewReader(text))
	res.ContentLength = int64(len(text))
	return res, nil
}

// asked are the names asked for, consecutive repeats collapsed.
func (s *scripted) asked() []string {
	var names []string
	for _, r := range s.sent {
		names = append(names, r.name())
	}
	return slices.Compact(names)
}
