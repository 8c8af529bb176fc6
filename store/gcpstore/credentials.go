package gcpstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// Scopes of access tokens.
const (
	cloudScope = "https://www.googleapis.com/auth/cloud-platform"
	iamScope   = "https://www.googleapis.com/auth/iam"
)

// renewBefore is how long before its end a token is not used any more
// (google.auth._helpers.REFRESH_THRESHOLD).
const renewBefore = 225 * time.Second

// Credentials say who asks. They print as nothing but that.
type Credentials struct {
	account account
	// project is theirs, empty where they name none.
	project string
	// quotaProject pays for the calls, where it is another one.
	quotaProject string
	// universe is the domain that they are good for.
	universe string
	// scopes are those asked for; nil where nobody asked for any.
	scopes []string
	// found is set where they come from the environment.
	found bool
	// file is the path of the file that holds them, "" where none does.
	file string
}

// Format keeps credentials out of what is printed.
func (*Credentials) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "credentials, redacted") }

// account gets access tokens. Scopes are nil where the account's own way is to
// be taken.
type account interface {
	token(ctx context.Context, w *web, scopes []string) (access, error)
	// addresses are those that token asks.
	addresses() []address
	// own reports whether the account proves itself by what the settings of
	// the store hold, and needs nothing of the machine.
	own() bool
}

// access is an access token.
type access struct {
	token   string
	expires time.Time
}

// Format keeps tokens out of what is printed.
func (access) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "token, redacted") }

// askProject returns the project that the metadata server names. Where there
// is none the class has neither credentials nor a project; where it names none
// there is no project.
func (c *Credentials) askProject(ctx context.Context, w *web) (string, error) {
	m, ok := c.account.(*metadataServer)
	if !ok {
		return "", errNoProject
	}
	if err := m.present(ctx, w); withheld(err) {
		return "", err
	} else if err != nil {
		return "", &brokenError{python("AttributeError", noProject), errNoDefault}
	}
	if project := m.project(ctx, w); project != "" {
		return project, nil
	}
	return "", errNoProject
}

// accessToken returns a token that is good for a while yet.
func (s *Store) accessToken(ctx context.Context) (string, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	s.mu.Lock()
	known := s.token
	s.mu.Unlock()
	if known.token != "" && s.now().Before(known.expires.Add(-renewBefore)) {
		return known.token, nil
	}
	fresh, err := s.logins.Do(ctx, "", func(ctx context.Context) (access, error) {
		return s.credentials.account.token(ctx, s.web, s.credentials.scopes)
	})
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done.Err() == nil {
		s.token = fresh
	}
	return fresh.token, nil
}

// tokenError says that there is no access token.
type tokenError struct {
	what   string // who was asked, for what
	status int    // of the answer; 0 where there was none
	oauth  string // the answer's error code (RFC 6749, section 5.2)
	cause  error
}

func (e *tokenError) Error() string {
	text := "no access token: " + e.what
	switch {
	case e.oauth != "":
		text += fmt.Sprintf(": status %d: %s", e.status, e.oauth)
	case e.status != 0:
		text += fmt.Sprintf(": status %d", e.status)
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *tokenError) Unwrap() error { return e.cause }

// noToken is a tokenError of a cause; what is withheld stays as it is.
func noToken(what string, cause error) error {
	if withheld(cause) {
		return cause
	}
	return &tokenError{what: what, cause: cause}
}

func (e *tokenError) code() store.Code {
	switch {
	case e.status == http.StatusTooManyRequests:
		return store.Throttled
	case e.status == http.StatusOK:
		return store.Corrupt
	case e.status >= 500, e.status == 0 && errors.Is(e.cause, errUnreachable):
		return store.Unavailable
	}
	return store.Unauthenticated
}

func (e *tokenError) hint() string {
	switch e.code() {
	case store.Throttled:
		return "ask less often"
	case store.Corrupt:
		return "something else than a token endpoint answers there"
	case store.Unavailable:
		return "can the token endpoint be reached from here? see the proxy settings"
	case store.Unauthenticated:
		if e.oauth == "invalid_grant" {
			return "the key or the refresh token is revoked or expired, or the clock is off: check the time, make new credentials"
		}
	}
	return "check the credentials: gcp_keyfile_dict, gcp_key_path, gcp_credential_config_file or GOOGLE_APPLICATION_CREDENTIALS"
}
