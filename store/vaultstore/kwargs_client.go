package vaultstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/spelling"
)

// backendKwargs are the parameters of VaultBackend.__init__; all others go to
// hvac's Client and from there to its Adapter.
var backendKwargs = []string{
	"connections_path", "variables_path", "config_path", "use_team_secrets_path", "global_secrets_path", "url", "auth_type",
	"auth_mount_point", "mount_point", "kv_engine_version", "token", "token_path", "username", "password", "key_id", "secret_id",
	"role_id", "assume_role_kwargs", "region", "kubernetes_role", "kubernetes_jwt_path", "gcp_key_path", "gcp_keyfile_dict",
	"gcp_scopes", "azure_tenant_id", "azure_resource", "radius_host", "radius_secret", "radius_port", "jwt_role", "jwt_token",
	"jwt_token_path",
}

// clientKwargs are those of hvac.Client and its Adapter that make sense in
// JSON.
var clientKwargs = map[string]func(*Options, any) error{
	"namespace": func(o *Options, v any) error { o.Namespace = textOf(v); return nil },
	"verify":    setTLS((*TLS).SetVerify, "verify", "true, false or a path"),
	"cert":      setTLS((*TLS).SetCert, "cert", "a path, or a list of two"),
	"timeout":   setTimeout,
	"proxies":   setProxies,
	"session":   setSession,
	"allow_redirects": func(o *Options, v any) error {
		o.NoRedirects = !pyjson.Truthy(v)
		return nil
	},
	"strict_http": func(o *Options, v any) error {
		o.StrictHTTP = pyjson.Truthy(v)
		return nil
	},
	"request_header": func(o *Options, v any) error {
		o.NoRequestHeader = !pyjson.Truthy(v)
		return nil
	},
	"ignore_exceptions": func(o *Options, v any) error {
		o.IgnoreExceptions = pyjson.Truthy(v)
		return nil
	},
	"base_uri": func(*Options, any) error {
		return &airflow.Error{Type: "TypeError", Message: "hvac.adapters.JSONAdapter() got multiple values for keyword argument 'base_uri'"}
	},
	"adapter": func(_ *Options, v any) error {
		return &airflow.Error{Type: "TypeError", Message: fmt.Sprintf("'%s' object is not callable", pyjson.TypeName(v))}
	},
}

// clientOptions reads the kwargs of the client. The error is what Airflow
// fails with at each look-up; the options are usable all the same.
func (k kwargReader) clientOptions(o *Options) error {
	var first error
	if token := k.truthy("token"); token != nil && k.authType() == "token" && !k.has("token_path") {
		if _, ok := token.(string); !ok {
			first = &airflow.Error{Type: "InvalidHeader", Message: "the kwarg token is not a string"}
		}
	}
	for _, name := range k.kwargs.Keys() {
		if slices.Contains(backendKwargs, name) {
			continue
		}
		v, _ := k.kwargs.Get(name)
		set, known := clientKwargs[name]
		if !known {
			// Python binds arguments before it looks at any of them.
			return &unknownKwargError{name, airflow.UnknownKwarg("Adapter.__init__", name, Kwargs())}
		}
		if err := set(o, v); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// unknownKwargError is Airflow's error for a kwarg, and which it was.
type unknownKwargError struct {
	kwarg  string
	python *airflow.Error
}

func (e *unknownKwargError) Error() string { return e.python.Error() }

// Unwrap gives the Python error.
func (e *unknownKwargError) Unwrap() error { return e.python }

// hintOf says what to write instead.
func hintOf(err error) string {
	var unknown *unknownKwargError
	var python *airflow.Error
	switch {
	case errors.As(err, &unknown):
		if near := nearest(unknown.kwarg); near != "" {
			return fmt.Sprintf("remove %q from backend_kwargs, or write %q", excerpt.Near(unknown.kwarg, Kwargs()), near)
		}
		return fmt.Sprintf("remove %q from backend_kwargs: VaultBackend knows no such argument", excerpt.Near(unknown.kwarg, Kwargs()))
	case !errors.As(err, &python):
		return ""
	case strings.Contains(python.Message, "authentication type requires"):
		return "add it to backend_kwargs; a token may also come from the variable VAULT_TOKEN"
	case strings.HasPrefix(python.Message, "The version is not supported"):
		return `write "kv_engine_version": 1 or 2, as a number without quotes`
	}
	return "correct backend_kwargs"
}

func textOf(v any) string {
	if !pyjson.Truthy(v) {
		return ""
	}
	return pyText(v)
}

func setTLS(set func(*TLS, any) bool, name, want string) func(*Options, any) error {
	return func(o *Options, v any) error {
		if !set(&o.TLS, v) {
			return badKwarg(name, want)
		}
		return nil
	}
}

// setTimeout: seconds; null means none.
func setTimeout(o *Options, v any) error {
	var seconds float64
	switch v := v.(type) {
	case nil:
		o.Timeout = -1
		return nil
	case int64:
		seconds = float64(v)
	case float64:
		seconds = v
	}
	if !(seconds > 0 && seconds < 1e9) {
		return badKwarg("timeout", "a number of seconds above 0")
	}
	o.Timeout = max(time.Duration(seconds*float64(time.Second)), 1)
	return nil
}

func setProxies(o *Options, v any) error {
	object, ok := v.(*pyjson.Object)
	if !ok {
		if pyjson.Truthy(v) {
			return badKwarg("proxies", "an object of URLs")
		}
		return nil
	}
	o.Proxies = map[string]string{}
	for _, key := range object.Keys() {
		switch proxy, _ := object.Get(key); proxy := proxy.(type) {
		case nil:
			o.Proxies[key] = ""
		case string:
			o.Proxies[key] = proxy
		default:
			return badKwarg("proxies", "an object of URLs")
		}
	}
	return nil
}

// setSession: with a session given, even null, VaultBackend makes none that
// retries.
func setSession(o *Options, v any) error {
	o.NoRetries = true
	if pyjson.Truthy(v) {
		return badKwarg("session", "left out: JSON cannot express one")
	}
	return nil
}

func badKwarg(name, want string) error {
	return &airflow.Error{Type: "ValueError", Message: fmt.Sprintf("the kwarg %s must be %s", name, want)}
}

// nearest is the kwarg that a misspelt one most likely stands for, or "".
func nearest(name string) string {
	best, most := "", max(2, len(name)/3)+1
	candidates := slices.Clone(backendKwargs)
	for known := range clientKwargs {
		if known != "base_uri" && known != "adapter" && known != "session" {
			candidates = append(candidates, known)
		}
	}
	slices.Sort(candidates)
	for _, known := range candidates {
		if d := spelling.Distance(strings.ToLower(name), known); d < most {
			best, most = known, d
		}
	}
	return best
}
