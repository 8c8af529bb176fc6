package gcpstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// parameters are those of CloudSecretManagerBackend.__init__, and the one that
// its logging base class takes and ignores.
var parameters = []string{"connections_prefix", "variables_prefix", "config_prefix", "gcp_keyfile_dict", "gcp_key_path",
	"gcp_credential_config_file", "gcp_scopes", "project_id", "sep", "impersonation_chain", "context"}

// CheckKwargs refuses a kwarg that the class does not take, as its constructor
// does before it looks at any: with an *airflow.Error of type TypeError.
func CheckKwargs(kwargs *pyjson.Object) error {
	for _, name := range kwargs.Keys() {
		if !slices.Contains(parameters, name) {
			return &store.Error{Op: "configure", Store: "gcp", Code: store.Invalid,
				Err:  airflow.UnknownKwarg("LoggingMixin.__init__", name, parameters),
				Hint: "remove it from backend_kwargs; the class takes " + strings.Join(parameters[:len(parameters)-1], ", ")}
		}
	}
	return nil
}

// noCredentials is what every look-up raises where credentials could not be
// loaded, and noProject what the constructor does without a project_id.
const (
	noCredentials = "'CloudSecretManagerBackend' object has no attribute 'credentials'"
	noProject     = "'CloudSecretManagerBackend' object has no attribute 'project_id'"
)

// loadFailure is what the constructor logs, at error level, of credentials
// that it could not load.
const loadFailure = "Unable to load credentials for GCP Secret Manager. Make sure that the keyfile path or dictionary, " +
	"credential configuration file, or GOOGLE_APPLICATION_CREDENTIALS environment variable is correct and properly configured."

// brokenError is Airflow's exception for credentials that were not loaded, and
// why they were not.
type brokenError struct {
	python *airflow.Error
	why    error
}

// Error says why.
func (e *brokenError) Error() string { return "the credentials cannot be loaded: " + e.why.Error() }

// Unwrap gives Airflow's exception.
func (e *brokenError) Unwrap() error { return e.python }

// FromKwargs builds the store that CloudSecretManagerBackend would have with
// kwargs as package pyjson decodes them; nil is none. The members that concern
// names are dialect.GCPFromKwargs's, to be called first.
//
// Warnings are what Airflow logs while it constructs the class. An error is
// the exception of its constructor, a *store.Error of code Invalid around an
// *airflow.Error with Airflow's own text. Credentials that cannot be loaded
// are only logged where project_id is given: then every look-up fails.
func FromKwargs(kwargs *pyjson.Object, env Env) (s *Store, warnings []string, err error) {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	k := kwargReader{kwargs, env}
	o := Options{Env: env, Project: k.text("project_id")}
	credentials, err := k.credentials()
	var broken error
	if err != nil {
		if !onlyLogged(err) {
			return nil, nil, configError(err)
		}
		warnings = append(warnings, loadFailure+" ("+err.Error()+")")
		if o.Project == "" {
			return nil, warnings, configError(&brokenError{python("AttributeError", noProject), err})
		}
		broken = &brokenError{python("AttributeError", noCredentials), err}
		credentials = &Credentials{}
	}
	o.Credentials = credentials
	if s, err = New(o); err != nil {
		return nil, warnings, err
	}
	s.broken = broken
	if note := s.universeNote(); note != "" {
		warnings = append(warnings, note)
	}
	return s, warnings, nil
}

// universeNote tells of a key that is good for another universe than the one
// that is asked: google-auth no longer compares the two.
func (s *Store) universeNote() string {
	theirs := s.credentials.universe
	if theirs == "" || theirs == s.universe {
		return ""
	}
	return fmt.Sprintf("the credentials are of the universe %s, the service asked is in %s: set GOOGLE_CLOUD_UNIVERSE_DOMAIN",
		excerpt.Name(theirs), excerpt.Name(s.universe))
}

// onlyLogged reports whether the constructor goes on after err: it catches
// DefaultCredentialsError, of which MalformedError is one, and
// FileNotFoundError.
func onlyLogged(err error) bool {
	var raised *airflow.Error
	return errors.As(err, &raised) && slices.Contains([]string{"DefaultCredentialsError", "MalformedError", "FileNotFoundError"}, raised.Type)
}

// configHint says what to write instead.
func configHint(err error) string {
	var raised *airflow.Error
	var broken *brokenError
	switch {
	case errors.As(err, &broken):
		return "give gcp_keyfile_dict, gcp_key_path or gcp_credential_config_file, or set GOOGLE_APPLICATION_CREDENTIALS"
	case !errors.As(err, &raised):
		return "correct backend_kwargs"
	case raised == errNoProject:
		return "write project_id in backend_kwargs, or set GOOGLE_CLOUD_PROJECT where the credentials are the environment's"
	case strings.HasPrefix(raised.Message, "string indices"):
		return "gcp_keyfile_dict must be an object, the content of the key file: take the quotes around it away"
	case raised.Type == "ValueError" && strings.Contains(raised.Message, "key"), strings.Contains(raised.Message, "PEM"):
		return "private_key must be the key as the file has it, from -----BEGIN to END-----, its line breaks written \\n"
	case strings.Contains(raised.Message, "private_key"):
		return "gcp_keyfile_dict must hold the whole content of the key file"
	}
	return "correct backend_kwargs"
}

// kwargReader reads kwargs as Python does.
type kwargReader struct {
	kwargs *pyjson.Object
	env    Env
}

// truthy is a member that is true to Python, else nil.
func (k kwargReader) truthy(name string) any {
	if v, _ := k.kwargs.Get(name); pyjson.Truthy(v) {
		return v
	}
	return nil
}

// text is a member as an f-string has it; "" where it is false to Python.
func (k kwargReader) text(name string) string {
	if v := k.truthy(name); v != nil {
		return pyjson.Str(v)
	}
	return ""
}

// credentials is the second half of the constructor: _CredentialProvider with
// the impersonation around it.
func (k kwargReader) credentials() (*Credentials, error) {
	target, delegates, err := k.impersonation()
	if err != nil {
		return nil, err
	}
	if err := k.exclusive(); err != nil {
		return nil, err
	}
	c, err := k.source()
	if err != nil || target == nil {
		return c, err
	}
	principal, ok := target.(string)
	if !ok {
		if !pyjson.Truthy(target) {
			return c, nil
		}
		return nil, python("AttributeError", fmt.Sprintf("'%s' object has no attribute 'split'", pyjson.TypeName(target)))
	}
	if principal == "" {
		return c, nil
	}
	_, host, ok := strings.Cut(principal, "@")
	if !ok {
		return nil, python("AirflowException", "Could not extract project_id from service account's email: "+excerpt.Account(principal)+".")
	}
	host, _, _ = strings.Cut(host, "@")
	project, _, _ := strings.Cut(host, ".")
	a := &impersonated{source: c.account, target: principal, delegates: jsonable(delegates), universe: c.universe}
	if a.universe == "" {
		a.universe = DefaultUniverse
	}
	switch scopes := k.truthy("gcp_scopes").(type) {
	case string:
		a.scopes = scopes
	case []any:
		a.scopes = texts(scopes)
	}
	return &Credentials{account: a, project: project, universe: c.universe, found: c.found, scopes: c.scopes, file: c.file}, nil
}

// impersonation is _get_target_principal_and_delegates.
func (k kwargReader) impersonation() (target, delegates any, err error) {
	switch chain := k.truthy("impersonation_chain").(type) {
	case nil:
		return nil, nil, nil
	case string:
		return chain, nil, nil
	case []any:
		return chain[len(chain)-1], chain[:len(chain)-1], nil
	case *pyjson.Object:
		return nil, nil, python("KeyError", "-1")
	default:
		return nil, nil, python("TypeError", fmt.Sprintf("'%s' object is not subscriptable", pyjson.TypeName(chain)))
	}
}

// exclusive refuses more than one source of credentials.
func (k kwargReader) exclusive() error {
	var given []string
	for _, label := range []string{"key_path", "keyfile_dict", "credential_config_file"} {
		if k.truthy("gcp_"+label) != nil {
			given = append(given, "'"+label+"'")
		}
	}
	if len(given) < 2 {
		return nil
	}
	return python("AirflowException", "The `keyfile_dict`, `key_path`, `credential_config_file`, `is_anonymous` and `key_secret_name` "+
		"fields are all mutually exclusive. Received options: ["+strings.Join(given, ", ")+"]. Please provide only one value.")
}

// source loads the credentials (get_credentials_and_project).
func (k kwargReader) source() (*Credentials, error) {
	path, keyfile, config := k.truthy("gcp_key_path"), k.truthy("gcp_keyfile_dict"), k.truthy("gcp_credential_config_file")
	if path != nil {
		if _, ok := path.(string); !ok {
			return nil, python("AttributeError", fmt.Sprintf("'%s' object has no attribute 'endswith'", pyjson.TypeName(path)))
		}
	}
	scopes, err := k.scopes()
	if err != nil && path == nil && keyfile == nil && config == nil {
		return nil, err
	}
	switch {
	case path != nil:
		return withScopes(scopes)(fromKeyFile(k.env, path.(string)))
	case keyfile != nil:
		return withScopes(scopes)(fromKeyfileDict(keyfile))
	case config != nil:
		return k.fromConfig(config, scopes)
	}
	return findDefault(k.env, scopes)
}

func withScopes(scopes []string) func(*Credentials, error) (*Credentials, error) {
	return func(c *Credentials, err error) (*Credentials, error) {
		if err == nil && scopes != nil {
			c.scopes = scopes
		}
		return c, err
	}
}

// scopes is gcp_scopes as Google's libraries iterate over it: a string is its
// single characters.
func (k kwargReader) scopes() ([]string, error) {
	switch v := k.truthy("gcp_scopes").(type) {
	case nil:
		return nil, nil
	case string:
		return strings.Split(v, ""), nil
	case []any:
		return texts(v), nil
	case *pyjson.Object:
		return slices.Clone(v.Keys()), nil
	default:
		return nil, python("TypeError", fmt.Sprintf("'%s' object is not iterable", pyjson.TypeName(v)))
	}
}

// fromKeyfileDict is _get_credentials_using_keyfile_dict.
func fromKeyfileDict(v any) (*Credentials, error) {
	info, ok := v.(*pyjson.Object)
	if !ok {
		return nil, python("TypeError", notSubscriptable(v))
	}
	key, ok := info.Get("private_key")
	if !ok {
		return nil, python("KeyError", "'private_key'")
	}
	text, ok := key.(string)
	if !ok {
		return nil, python("AttributeError", fmt.Sprintf("'%s' object has no attribute 'replace'", pyjson.TypeName(key)))
	}
	info = info.Clone()
	info.Set("private_key", strings.ReplaceAll(text, `\n`, "\n"))
	return fromServiceAccountInfo(info)
}

// notSubscriptable is what Python says of v["private_key"].
func notSubscriptable(v any) string {
	switch v.(type) {
	case string:
		return "string indices must be integers, not 'str'"
	case []any:
		return "list indices must be integers or slices, not str"
	}
	return fmt.Sprintf("'%s' object is not subscriptable", pyjson.TypeName(v))
}

// fromConfig is _get_credentials_using_credential_config_file: a path where
// there is such a file, else the content itself.
func (k kwargReader) fromConfig(v any, scopes []string) (*Credentials, error) {
	const what = "gcp_credential_config_file"
	switch v := v.(type) {
	case string:
		if k.env.exists(v) {
			return fromConfigFile(k.env, v, k.env.Words.Kwargs, scopes)
		}
		return fromConfigText(k.env, what, v, k.env.Words.Kwargs, scopes)
	case *pyjson.Object:
		return fromConfigText(k.env, what, pyjson.Encode(v), k.env.Words.Kwargs, scopes)
	}
	return nil, defaultError(what + " is not a valid json file.") // what is written out then is empty
}
