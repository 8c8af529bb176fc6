package azurestore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/vectors"
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

// vectorAnswer is one answer of SecretClient.get_secret: a value, or the
// exception that it raises.
type vectorAnswer struct {
	Value *string `json:"value"`
	Raise string  `json:"raise"`
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

func otherBackend(t *testing.T, c vectors.Case) string {
	t.Helper()
	var in struct{ Backend string }
	if err := json.Unmarshal(c.Input, &in); err != nil {
		t.Fatal(err)
	}
	if in.Backend != "azure" {
		return "backend " + in.Backend
	}
	return ""
}

// session is one constructed backend under test.
type session struct {
	ref             airflow.Ref
	store           *Store
	dialect         *dialect.Azure
	vault           *scriptedVault
	log             *recordedLog
	constructionErr error
}

// start constructs the backend of a case over a vault that gives answers, the
// last of them again and again.
func start(t *testing.T, in vectorInput, answers []vectorAnswer) *session {
	t.Helper()
	s := &session{vault: &scriptedVault{answers: answers}, log: &recordedLog{}}
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
	kwargs := decoded.(*pyjson.Object)
	if s.dialect, s.constructionErr = dialect.AzureFromKwargs(kwargs, in.MultiTeam != nil && *in.MultiTeam); s.constructionErr != nil {
		return s
	}
	s.store, _ = FromKwargs(kwargs, Env{Getenv: func(name string) (string, bool) { v, ok := in.Env[name]; return v, ok }})
	s.store.options.Transport = s.vault
	s.store.options.Retries, s.store.options.RetryDelay = new(int), time.Millisecond
	s.store.log = slog.New(s.log)
	t.Cleanup(func() { _ = s.store.Close() })
	return s
}

// lookup asks as the resolver does, for one layer.
func (s *session) lookup(ctx context.Context) (any, error) {
	lookup := s.dialect.Names(s.ref)
	if lookup.Warn {
		s.log.levels = append(s.log.levels, "warning")
	}
	for _, name := range lookup.Names {
		secret, err := s.store.Get(ctx, name)
		if store.CodeOf(err) == store.NotFound {
			continue
		}
		if err != nil {
			return nil, err
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

// client is what SecretClient is constructed with, where it is.
func (s *session) client() []vectorClient {
	if s.store.client == nil && len(s.vault.names) == 0 && s.store.options.VaultURL != "" || len(s.dialect.Names(s.ref).Names) == 0 {
		return []vectorClient{}
	}
	kwargs := slices.Clone(s.store.clientKwargs)
	slices.Sort(kwargs)
	if kwargs == nil {
		kwargs = []string{}
	}
	return []vectorClient{{s.store.options.VaultURL, s.store.options.credentialClass(), kwargs}}
}

type vectorClient struct {
	VaultURL   string   `json:"vault_url"`
	Credential string   `json:"credential"`
	Kwargs     []string `json:"kwargs"`
}

// scriptedVault stands where the tests of the reference implementation put
// theirs: in the place of what logs in and sends.
type scriptedVault struct {
	answers []vectorAnswer
	names   []string
}

// raised are the exceptions of the cases as the answers that they come of.
var raised = map[string]int{
	"azure.ResourceNotFoundError": http.StatusNotFound, "azure.ClientAuthenticationError": http.StatusUnauthorized,
	"azure.HttpResponseError": http.StatusForbidden, "azure.ResourceExistsError": http.StatusConflict,
}

// RoundTrip implements http.RoundTripper.
func (v *scriptedVault) RoundTrip(req *http.Request) (*http.Response, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(req.URL.Path, "/secrets/"), "/")
	a := v.answers[min(len(v.names), len(v.answers)-1)]
	v.names = append(v.names, name)
	switch status, known := raised[a.Raise]; {
	case a.Raise == "":
		body, err := json.Marshal(map[string]any{"id": "https://" + req.URL.Host + "/secrets/" + name + "/1", "value": a.Value})
		if err != nil {
			return nil, err
		}
		return answer(req, http.StatusOK, string(body)), nil
	case known:
		return answer(req, status, `{"error": {"code": "", "message": "fake"}}`), nil
	case a.Raise == "azure.ServiceRequestError", a.Raise == "azure.ServiceResponseError":
		return nil, finalError{&vectorFailure{a.Raise}}
	}
	return nil, fmt.Errorf("the exception %q is not understood", a.Raise)
}

// vectorFailure is a connection that fails, as net.Error is.
type vectorFailure struct{ class string }

func (*vectorFailure) Error() string   { return "fake" }
func (*vectorFailure) Timeout() bool   { return false }
func (*vectorFailure) Temporary() bool { return false }

func answer(req *http.Request, status int, body string) *http.Response {
	return &http.Response{Status: fmt.Sprint(status), StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
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

// pythonError is how the vectors write an exception down.
type pythonError struct {
	Type    string   `json:"type"`
	Module  string   `json:"module"`
	Message string   `json:"message"`
	MRO     []string `json:"mro"`
	Cause   *string  `json:"cause"`
}

// inPython is the one table from an error of this store to the exception that
// ends the same look-up in Airflow.
func inPython(err error) pythonError {
	var (
		response *ResponseError
		python   *airflow.Error
		failure  *vectorFailure
		chain    *chainError
	)
	azure := func(message string, classes ...string) pythonError {
		return pythonError{Type: classes[0], Module: "azure.core.exceptions", Message: message, MRO: append(classes, "AzureError")}
	}
	switch {
	case errors.As(err, &python):
		return pythonError{Type: python.Type, Module: "builtins", Message: python.Original(), MRO: []string{python.Type}}
	case errors.As(err, &chain), errors.As(err, &response) && response.login, errors.Is(err, errNoLogin):
		return azure("", "ClientAuthenticationError", "HttpResponseError")
	case errors.As(err, &response):
		switch response.Status {
		case http.StatusUnauthorized:
			return azure(response.Message, "ClientAuthenticationError", "HttpResponseError")
		case http.StatusConflict:
			return azure(response.Message, "ResourceExistsError", "HttpResponseError")
		}
		return azure(response.Message, "HttpResponseError")
	case errors.As(err, &failure):
		return azure(failure.Error(), strings.TrimPrefix(failure.class, "azure."))
	}
	return pythonError{Type: "unmapped", Message: err.Error()}
}

// wantPython compares an error with the exception of a case.
func wantPython(t *testing.T, what string, err error, want *pythonError) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %s: %s", what, want.Type, want.Message)
		return
	}
	got := inPython(err)
	if want.MRO == nil {
		got.MRO = nil
	}
	if !reflect.DeepEqual(got, *want) {
		t.Errorf("%s is %+v (of %v), want %+v", what, got, err, *want)
	}
}

// wantJSON compares a pyjson value with the JSON of a case.
func wantJSON(t *testing.T, what string, got any, want json.RawMessage) {
	t.Helper()
	expected, err := pyjson.Decode(string(want))
	if err != nil {
		t.Fatal(err)
	}
	if pyjson.Encode(got) != pyjson.Encode(expected) {
		t.Errorf("%s is %s, want %s", what, pyjson.Encode(got), want)
	}
}
