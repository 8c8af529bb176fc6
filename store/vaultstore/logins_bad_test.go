package vaultstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// badLogin is a log-in that must fail in a way that helps.
type badLogin struct {
	what, kwargs string
	env          map[string]string
	code         store.Code
	says, hint   string // parts of the error and of the hint
}

// wantBad does the look-up with kwargs, whose url is server's, and compares.
// Nothing that is printed may hold the word "hunter2".
func wantBad(t *testing.T, server *httptest.Server, tt badLogin) {
	t.Helper()
	kwargs := kwargsOf(t, strings.ReplaceAll(tt.kwargs, "SERVER", server.URL))
	kwargs.Set("url", server.URL)
	kwargs.Set("session", nil) // no repetitions
	env := Env{Getenv: func(name string) (string, bool) {
		v, ok := tt.env[name]
		return strings.ReplaceAll(v, "SERVER", server.URL), ok
	}}
	env.Google = googleFor(env)
	s, err := FromKwargs(kwargs, env)
	if err == nil {
		defer s.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err = s.Get(ctx, "variables/x")
	}
	if store.CodeOf(err) != tt.code || !strings.Contains(fmt.Sprint(err), tt.says) || !strings.Contains(store.Hint(err), tt.hint) {
		t.Errorf("%v (%s, hint %q), want %s, %q and the hint %q", err, store.CodeOf(err), store.Hint(err), tt.code, tt.says, tt.hint)
	}
	if text := fmt.Sprintf("%v %+v %#v %s %v", err, err, err, store.Hint(err), s); strings.Contains(text, "hunter2") {
		t.Errorf("a secret is in %s", text)
	}
}

const noMetadata = "AWS_EC2_METADATA_DISABLED"

// strictVault verifies AWS's signatures as of its own clock, which may be off.
func strictVault(t *testing.T, off time.Duration) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Add(off)
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		var sent any
		if err := json.NewDecoder(r.Body).Decode(&sent); err == nil && r.Method == http.MethodPost {
			if err = verifySigned(sent, now); err != nil {
				message, _ := json.Marshal("error making upstream request: received error code 403 from STS: " + err.Error())
				writeAnswer(w, &vectorAnswer{http.StatusBadRequest, json.RawMessage(`{"errors": [` + string(message) + `]}`)})
				return
			}
		}
		writeAnswer(w, &vectorAnswer{http.StatusOK, json.RawMessage(`{"auth": {"client_token": "t"}, "data": {"data": {"value": "v"}}}`)})
	}))
	t.Cleanup(s.Close)
	return s
}

func TestBadAWSLogins(t *testing.T) {
	const keys = `{"auth_type": "aws_iam", "key_id": "AKID", "secret_id": "sekrit"}`
	const hint = "check role_id, the AWS credentials and the clock"
	for _, off := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(fmt.Sprintf("a clock off by %v", off), func(t *testing.T) {
			wantBad(t, strictVault(t, off), badLogin{kwargs: keys, code: store.Unauthenticated, says: "Signature expired", hint: hint})
		})
	}
	t.Run("a wrong secret", func(t *testing.T) {
		wantBad(t, strictVault(t, 0), badLogin{kwargs: `{"auth_type": "aws_iam", "key_id": "AKID", "secret_id": "hunter2"}`,
			code: store.Unauthenticated, says: "SignatureDoesNotMatch", hint: hint})
	})
	env := map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_DEFAULT_REGION": "eu-west-1", noMetadata: "true", "AWS_ENDPOINT_URL_STS": "SERVER", "AWS_MAX_ATTEMPTS": "1"}
	const role = `{"auth_type": "aws_iam", "assume_role_kwargs": {"RoleArn": "arn:aws:iam::123456789012:role/x", "RoleSessionName": "airflow"}}`
	for _, tt := range []struct {
		badLogin
		status int
		body   string
	}{
		{badLogin{what: "STS refuses", code: store.Denied, says: "AccessDenied", hint: "grant"}, 403,
			`<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>`},
		{badLogin{what: "STS throttles", code: store.Throttled, says: "Throttling", hint: "ask less often"}, 400,
			`<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`},
		{badLogin{what: "STS answers garbage", code: store.Corrupt, says: "no credentials"}, 200, "hello"},
		{badLogin{what: "STS is down", code: store.Unavailable, hint: "try again"}, 500,
			`<ErrorResponse><Error><Code>InternalFailure</Code><Message>boom</Message></Error></ErrorResponse>`},
	} {
		t.Run(tt.what, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/xml")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer s.Close()
			tt.kwargs, tt.env = role, env
			wantBad(t, s, tt.badLogin)
		})
	}
}

// TestBadAnswersToLogins gives every log-in what no Vault answers with.
func TestBadAnswersToLogins(t *testing.T) {
	logins := map[string]string{
		"userpass": `{"auth_type": "userpass", "username": "u", "password": "hunter2"}`,
		"ldap":     `{"auth_type": "ldap", "username": "u", "password": "hunter2"}`,
		"jwt":      `{"auth_type": "jwt", "jwt_role": "r", "jwt_token": "hunter2"}`,
		"github":   `{"auth_type": "github", "token": "hunter2"}`,
		"aws_iam":  `{"auth_type": "aws_iam", "key_id": "AKID", "secret_id": "hunter2"}`,
	}
	answers := map[string]struct {
		serve http.HandlerFunc
		want  badLogin
	}{
		"garbage":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, badLogin{code: store.Corrupt, hint: "is it a Vault server"}},
		"nothing":    {func(http.ResponseWriter, *http.Request) {}, badLogin{code: store.Corrupt, hint: "is it a Vault server"}},
		"no auth":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data": {}}`) }, badLogin{code: store.Corrupt, says: `no "auth"`, hint: "is it a Vault server"}},
		"100 MB":     {endless, badLogin{code: store.Corrupt, says: "longer than", hint: "no secret is that long"}},
		"half of it": {brokenOff, badLogin{code: store.Unavailable, hint: "is the server up"}},
		"throttled":  {refuse(429, `{"errors": ["slow down"]}`), badLogin{code: store.Throttled, says: "slow down", hint: "less often"}},
		"sealed":     {refuse(503, `{"errors": ["Vault is sealed"]}`), badLogin{code: store.Unavailable, hint: "unseal"}},
		"denied":     {refuse(403, `{"errors": ["permission denied"]}`), badLogin{code: store.Unauthenticated, hint: "auth_mount_point and namespace"}},
	}
	for login, kwargs := range logins {
		for what, a := range answers {
			t.Run(login+" "+what, func(t *testing.T) {
				s := httptest.NewServer(a.serve)
				defer s.Close()
				a.want.kwargs = kwargs
				wantBad(t, s, a.want)
			})
		}
	}
}

func refuse(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		writeAnswer(w, &vectorAnswer{status, json.RawMessage(body)})
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	block := []byte(strings.Repeat(" ", 1<<20))
	for range 100 {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

func brokenOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"auth": {`)
}

// TestBadGoogleLogins lets each step before the log-in fail.
func TestBadGoogleLogins(t *testing.T) {
	google := startIAM(t, startLogins(t))
	dir := t.TempDir()
	file := func(name, text string) string { return writeIn(t, dir, name, text) }
	cases := map[string]*stockCase{}
	googleCases(t, func(_, what, kwargs string, env map[string]string) *stockCase {
		c := &stockCase{Env: env, Operation: kwargs}
		cases[what] = c
		return c
	}, file, google)
	kwargs := func(what string) string {
		return `{"auth_type": "gcp", ` + strings.TrimPrefix(cases[what].Operation, "{")
	}
	t.Run("the token endpoint refuses", func(t *testing.T) {
		s := httptest.NewServer(refuse(400, `{"error": "invalid_grant", "error_description": "hunter2"}`))
		defer s.Close()
		wantBad(t, s, badLogin{kwargs: kwargs("keyfile"), env: cases["keyfile"].Env, code: store.Unauthenticated, says: "invalid_grant", hint: "clock is off"})
	})
	t.Run("a certificate that nobody vouches for", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answerToken(w, "t", nil) }))
		defer s.Close()
		env := map[string]string{"HTTPS_PROXY": google.proxy.URL, "NO_GCE_CHECK": "true"}
		wantBad(t, s, badLogin{kwargs: kwargs("keyfile"), env: env, code: store.Unavailable, says: "certificate"})
	})
	t.Run("a keyfile that is text", func(t *testing.T) {
		s := httptest.NewServer(http.NotFoundHandler())
		defer s.Close()
		wantBad(t, s, badLogin{kwargs: kwargs("a keyfile that is text"), code: store.Invalid, says: "string indices", hint: "take the quotes around it away"})
	})
	t.Run("a person", func(t *testing.T) {
		s := httptest.NewServer(http.NotFoundHandler())
		defer s.Close()
		wantBad(t, s, badLogin{kwargs: kwargs("a person"), env: cases["a person"].Env, code: store.Invalid, says: "service account email", hint: "key of a service account"})
	})
}

// TestHangingLogin gives up when the caller does, whoever hangs.
func TestHangingLogin(t *testing.T) {
	stop := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
			panic(http.ErrAbortHandler) // no answer, also not to a client that is about to leave
		case <-stop:
		}
	}))
	defer hanging.Close()
	defer close(stop)
	role := pyjson.NewObject()
	role.Set("RoleArn", "arn:aws:iam::123456789012:role/x")
	role.Set("RoleSessionName", "airflow")
	values := map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ENDPOINT_URL_STS": hanging.URL}
	env := Env{Getenv: func(name string) (string, bool) { v, ok := values[name]; return v, ok }}
	for _, auth := range []Method{Userpass{Username: "u"}, AWSIAM{AssumeRole: role}, Azure{}, GitHub{}} {
		s, err := New(Options{URL: hanging.URL, Auth: auth, Env: env, Mount: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err = s.Get(ctx, "x")
		cancel()
		if store.CodeOf(err) != store.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", auth.Name(), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
