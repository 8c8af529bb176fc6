package gcpstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// Signer is an account of Google's in whose name IAM signs, for services
// other than this store that want to know who asks. It is safe for concurrent
// use, and reads nothing of the network until it is asked.
type Signer struct {
	credentials *Credentials
	universe    string
	web         *web
}

// OpenSigner is get_credentials_and_project_id of Airflow's Google provider
// for a key's path, the content of a key, or neither of them (each as the
// kwargs have it, nil for none), and scopes, of which there is at least one.
// An error is a *store.Error of code Invalid around Airflow's.
func OpenSigner(keyPath, keyfile any, scopes []string, env Env) (*Signer, error) {
	k := signerReader(keyPath, keyfile, scopes, env)
	if err := k.exclusive(); err != nil {
		return nil, configError(err)
	}
	credentials, err := k.source()
	if err != nil {
		return nil, configError(err)
	}
	universe, err := universeOf(Options{Env: env})
	if err != nil {
		return nil, configError(err)
	}
	return &Signer{credentials, universe, &web{env: env, now: time.Now}}, nil
}

func signerReader(keyPath, keyfile any, scopes []string, env Env) kwargReader {
	kwargs := pyjson.NewObject()
	list := make([]any, len(scopes))
	for i, scope := range scopes {
		list[i] = scope
	}
	for name, v := range map[string]any{"gcp_key_path": keyPath, "gcp_keyfile_dict": keyfile, "gcp_scopes": list} {
		kwargs.Set(name, v)
	}
	return kwargReader{kwargs, env}
}

// Format keeps credentials out of what is printed.
func (*Signer) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "Google account, redacted") }

// Email is the service account's; "" where the credentials are a person's or
// name no account.
func (s *Signer) Email(ctx context.Context) (string, error) {
	switch a := s.credentials.account.(type) {
	case *serviceAccount:
		return a.email, nil
	case *impersonated:
		return a.target, nil
	case *externalAccount:
		return a.email(), nil
	case *metadataServer:
		email, err := a.email(ctx, s.web)
		return email, signerError(err)
	}
	return "", nil
}

// email is external_account.Credentials.service_account_email: a part of the
// address at which the account is impersonated.
func (a *externalAccount) email() string {
	address := a.config.ServiceAccountImpersonationURL
	slash, end := strings.LastIndex(address, "/"), strings.Index(address, ":generateAccessToken")
	if slash < 0 || end < slash {
		return ""
	}
	return address[slash+1 : end]
}

// email is the account that the machine has.
func (m *metadataServer) email(ctx context.Context, w *web) (string, error) {
	if err := m.present(ctx, w); withheld(err) {
		return "", err
	} else if err != nil {
		return "", configError(errNoDefault)
	}
	const what = "asking the metadata server who the machine is"
	a, err := m.ask(ctx, w, "http://"+m.host()+"/computeMetadata/v1/instance/service-accounts/default/?recursive=true", what)
	if err != nil {
		return "", err
	}
	var said struct{ Email string }
	err = a.decode(what, &said)
	return said.Email, err
}

// Project is the account's, as Airflow writes it into a name: "" where the
// environment's credentials name none, "None" where a key does not.
func (s *Signer) Project(ctx context.Context) (string, error) {
	project := s.credentials.project
	if m, ok := s.credentials.account.(*metadataServer); ok && project == "" {
		project = m.project(ctx, s.web)
	}
	if project == "" && !s.credentials.found {
		return "None", ctx.Err()
	}
	return project, ctx.Err()
}

// SignJWT has IAM sign the claims of a JWT for an account called
// "projects/PROJECT/serviceAccounts/EMAIL".
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/signJwt
func (s *Signer) SignJWT(ctx context.Context, name, claims string) (string, error) {
	jwt, err := s.signJWT(ctx, name, claims)
	return jwt, signerError(err)
}

func (s *Signer) signJWT(ctx context.Context, name, claims string) (string, error) {
	const what = "asking IAM to sign for the service account"
	token, err := s.token(ctx)
	if err != nil {
		return "", err
	}
	req, err := jsonRequest(ctx, "https://iam."+s.universe+"/v1/"+quoteName(name)+":signJwt?alt=json", map[string]string{"payload": claims})
	if err != nil {
		return "", &tokenError{what: what, cause: err}
	}
	req.Header.Set("Authorization", "Bearer "+token.token)
	a, err := s.web.do(req, what)
	if err != nil {
		return "", err
	}
	var said struct{ SignedJWT string }
	if err := a.decode(what, &said); err != nil {
		return "", err
	}
	if said.SignedJWT == "" {
		return "", &tokenError{what: what, status: http.StatusOK, cause: errors.New("the answer has no signed token")}
	}
	return said.SignedJWT, nil
}

// token is one for IAM. Google's older client, which this stands for, asks the
// key's token_uri and lets no account sign for itself.
func (s *Signer) token(ctx context.Context) (access, error) {
	a, ok := s.credentials.account.(*serviceAccount)
	if ok && a.universe == DefaultUniverse {
		return a.grant(ctx, s.web, strings.Join(s.credentials.scopes, " "))
	}
	return s.credentials.account.token(ctx, s.web, s.credentials.scopes)
}

// quoteName encodes a name as RFC 6570's reserved expansion does.
func quoteName(name string) string {
	return strings.NewReplacer("%2F", "/", "%40", "@", "%3A", ":").Replace(url.PathEscape(name))
}

// signerError gives an error its code and its hint.
func signerError(err error) error {
	var token *tokenError
	var coded *store.Error
	switch {
	case err == nil, errors.As(err, &coded):
		return err
	case errors.As(err, &token):
		hint := token.hint()
		if token.status == http.StatusForbidden {
			hint = "the account may not sign for itself: enable the IAM API and give it the role Service Account Token Creator on itself"
		}
		return &store.Error{Code: token.code(), Err: err, Hint: hint}
	}
	return &store.Error{Code: store.Unauthenticated, Err: err, Hint: "give gcp_key_path or gcp_keyfile_dict, or set GOOGLE_APPLICATION_CREDENTIALS"}
}

var _ io.Closer = (*Signer)(nil)

// Close drops idle connections.
func (s *Signer) Close() error {
	if client, err := s.web.http(); err == nil {
		client.CloseIdleConnections()
	}
	return nil
}
