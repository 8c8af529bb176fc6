package azurestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/store"
)

// ResponseError is an answer of the vault, or of the login service, that is a
// refusal.
type ResponseError struct {
	Status int
	// Code is the service's own word: "SecretNotFound", "Forbidden",
	// "invalid_client"; empty where the answer is none of its own.
	Code string
	// Inner is a closer word that some answers have: "SecretDisabled".
	Inner string
	// Message is the first line of the service's.
	Message string

	login  bool
	caller caller // as far as the message names who asked
}

// Error says the status and what the service said.
func (e *ResponseError) Error() string {
	var b strings.Builder
	if e.login {
		b.WriteString("the login service answers with ")
	}
	fmt.Fprintf(&b, "status %d", e.Status)
	for _, said := range []string{e.Code, e.Inner, e.Message} {
		if said != "" {
			b.WriteString(": " + said)
		}
	}
	return b.String()
}

// codes is the one table from Key Vault's statuses to ours.
// https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
var codes = map[int]store.Code{
	http.StatusBadRequest:      store.Invalid,
	http.StatusUnauthorized:    store.Unauthenticated,
	http.StatusForbidden:       store.Denied,
	http.StatusNotFound:        store.NotFound,
	http.StatusRequestTimeout:  store.Unavailable,
	http.StatusConflict:        store.Conflict,
	http.StatusTooManyRequests: store.Throttled,
}

func (e *ResponseError) code() store.Code {
	switch code, ok := codes[e.Status]; {
	case e.login && e.Status != http.StatusTooManyRequests && e.Status < 500:
		return store.Unauthenticated
	case e.Inner == "SecretDisabled":
		return store.Denied
	case ok:
		return code
	case e.Status >= 500:
		return store.Unavailable
	case e.Status >= 300 && e.Status < 400:
		return store.Invalid
	}
	return store.Invalid
}

// absent reports whether the vault itself says that it has no such secret, or
// has it deleted: by its own code. A proxy's 404 has none.
func (e *ResponseError) absent() bool {
	return !e.login && e.Status == http.StatusNotFound && e.Code == "SecretNotFound"
}

// fail gives an error its operation, store and name, and a code and a hint
// where it has none.
func (s *Store) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	out := &store.Error{Op: op, Store: s.name, Name: name, Code: store.Unavailable, Err: err}
	var coded *store.Error
	var response *azcore.ResponseError
	var python *airflow.Error
	switch {
	case errors.Is(err, context.Canceled):
		out.Err = context.Canceled
	case errors.As(err, &coded):
		out.Code, out.Hint, out.Err, out.ServiceCode = coded.Code, coded.Hint, coded.Err, coded.ServiceCode
		out.Absent, out.Down = coded.Absent, coded.Down
	case errors.As(err, &response):
		refusal := readRefusal(response.StatusCode, response.RawResponse)
		out.Err, out.Code, out.ServiceCode = refusal, refusal.code(), refusal.Code
		out.Hint, out.Absent = s.hint(refusal), refusal.absent()
	case errors.As(err, &python):
		out.Err, out.Code = python, store.Invalid
	case notReached(err):
		out.Err, out.Hint, out.Down = cause(err), s.reachHint(err), true
	default:
		// What the client's own decoder says quotes the answer.
		out.Code, out.Err = store.Corrupt, errors.New("the answer is not that of a Key Vault")
		out.Hint = "is vault_url the address of a Key Vault?"
		if errors.Is(err, errTooLong) {
			out.Err = errTooLong
		}
	}
	return out
}

// readRefusal reads an error's body, of Key Vault's form or of OAuth's.
func readRefusal(status int, res *http.Response) *ResponseError {
	e := &ResponseError{Status: status}
	if res == nil || res.Body == nil {
		return e
	}
	body, err := readBounded(res.Body)
	if err != nil {
		return e
	}
	e.read(body)
	return e
}

// readLoginRefusal is readRefusal of a body of the login service.
func readLoginRefusal(status int, body []byte) *ResponseError {
	e := &ResponseError{Status: status, login: true}
	e.read(body)
	return e
}

func (e *ResponseError) read(body []byte) {
	var kv struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Inner   struct {
				Code string `json:"code"`
			} `json:"innererror"`
		} `json:"error"`
	}
	var oauth struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	switch {
	case json.Unmarshal(body, &kv) == nil:
		e.Code, e.Inner, e.Message = store.Clip(kv.Error.Code), store.Clip(kv.Error.Inner.Code), short(kv.Error.Message)
		e.caller = callerOf(kv.Error.Message)
	case json.Unmarshal(body, &oauth) == nil:
		e.Code, e.Message = store.Clip(oauth.Error), short(oauth.Description)
	}
}

// short is the first line of what a service says.
func short(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	return line
}

// plainError takes out of a credential's error what it quotes of the request
// and the answer, and hides secrets that a service repeats.
func plainError(err error, secrets ...string) error {
	var failed *azidentity.AuthenticationFailedError
	var refusal *ResponseError
	var coded *store.Error
	switch {
	case errors.As(err, &coded), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &failed) && failed.RawResponse != nil:
		refusal = readRefusal(failed.RawResponse.StatusCode, failed.RawResponse)
		refusal.login = true
		fallthrough
	case errors.As(err, &refusal):
		for _, secret := range secrets {
			refusal.Message = strings.ReplaceAll(refusal.Message, secret, "[redacted]")
			refusal.Code = strings.ReplaceAll(refusal.Code, secret, "[redacted]")
		}
		return refusal
	case notReached(err):
		return cause(err)
	}
	return errNoLogin
}

var errNoLogin = errors.New("the login service does not answer as one: no token came of it")

// loginError gives an error of a credential its code and its hint.
func loginError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var coded *store.Error
	var refusal *ResponseError
	out := &store.Error{Code: store.Unauthenticated, Err: fmt.Errorf("logging in: %w", err), Down: true}
	switch {
	case errors.As(err, &coded):
		out.Code, out.Hint = coded.Code, coded.Hint
		if _, ok := err.(*store.Error); ok {
			return coded
		}
	case errors.As(err, &refusal):
		out.Code, out.ServiceCode, out.Hint = refusal.code(), refusal.Code, loginHint(refusal)
	case notReached(err):
		out.Code, out.Hint = store.Unavailable, "can the login service be reached from here? see AZURE_AUTHORITY_HOST, the proxy settings and REQUESTS_CA_BUNDLE"
	default:
		out.Hint = "give tenant_id, client_id and client_secret in backend_kwargs (or AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET), or a managed identity"
	}
	return out
}

// notReached reports whether err is one of the network, TLS included, and not
// of what came over it.
func notReached(err error) bool {
	var (
		timeout *timeoutError
		network net.Error
		op      *net.OpError
	)
	return errors.As(err, &timeout) || errors.As(err, &op) || errors.As(err, &network) || isCertificate(err) || isBroken(err) || errors.Is(err, http.ErrSchemeMismatch)
}

// cause is the part of a network error that says what happened.
func cause(err error) error {
	var final finalError
	if errors.As(err, &final) {
		return final.error
	}
	return bare(err)
}
