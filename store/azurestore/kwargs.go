package azurestore

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// backendKwargs are the parameters of AzureKeyVaultBackend.__init__; all
// others go to SecretClient.
var backendKwargs = []string{
	"connections_prefix", "variables_prefix", "config_prefix", "vault_url", "sep", "tenant_id", "client_id", "client_secret",
	"managed_identity_client_id", "workload_identity_tenant_id",
}

// FromKwargs builds the store that AzureKeyVaultBackend would have with kwargs
// as package pyjson decodes them; nil is none. The members that concern names
// are dialect.AzureFromKwargs's, to be called first, as the class looks at
// them first. It asks nothing and cannot fail: what Airflow finds wrong when
// it first needs a client is the error of every look-up. Notes name the
// kwargs that have no effect.
func FromKwargs(kwargs *pyjson.Object, env Env) (s *Store, notes []string) {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	o, notes, broken := optionsOf(kwargs, env)
	s = New(o)
	s.clientKwargs = slices.DeleteFunc(slices.Clone(kwargs.Keys()), func(name string) bool { return slices.Contains(backendKwargs, name) })
	if broken != nil {
		s.broken = &store.Error{Op: "configure", Store: s.name, Code: store.Invalid, Err: broken, Hint: "correct backend_kwargs"}
	}
	return s, notes
}

// optionsOf reads kwargs; broken is the error of every look-up.
func optionsOf(kwargs *pyjson.Object, env Env) (o Options, notes []string, broken error) {
	o.Env = env
	for _, setting := range []struct {
		name string
		to   *string
	}{
		{"vault_url", &o.VaultURL}, {"tenant_id", &o.TenantID}, {"client_id", &o.ClientID}, {"client_secret", &o.ClientSecret},
		{"managed_identity_client_id", &o.ManagedIdentityClientID}, {"workload_identity_tenant_id", &o.WorkloadIdentityTenantID},
	} {
		v, _ := kwargs.Get(setting.name)
		if !pyjson.Truthy(v) {
			continue
		}
		text, ok := v.(string)
		if !ok && broken == nil {
			broken = &airflow.Error{Type: "TypeError", Message: fmt.Sprintf("the kwarg %s is a %s: write a string", setting.name, pyjson.TypeName(v))}
		}
		*setting.to = text
	}
	if v, ok := kwargs.Get("sep"); ok {
		if _, isText := v.(string); !isText && broken == nil {
			broken = &airflow.Error{Type: "TypeError", Message: fmt.Sprintf("replace() argument 2 must be str, not %s", pythonName(v))}
		}
	}
	for _, name := range kwargs.Keys() {
		if slices.Contains(backendKwargs, name) {
			continue
		}
		v, _ := kwargs.Get(name)
		set, known := clientKwargs[name]
		if !known {
			notes = append(notes, ignored(name))
			continue
		}
		if err := set(&o, v); err != nil && broken == nil {
			broken = err
		}
	}
	return o, notes, broken
}

// pythonName is how Python's own argument errors call None.
func pythonName(v any) string {
	if v == nil {
		return "None"
	}
	return pyjson.TypeName(v)
}

// ignored says what comes of a kwarg that SecretClient does not know.
func ignored(name string) string {
	note := fmt.Sprintf("the kwarg %q is ignored: neither AzureKeyVaultBackend nor SecretClient knows it", excerpt.Near(name, append(Kwargs(), "profile", "tenant", "client", "secret")))
	switch name {
	case "authority", "disable_instance_discovery", "additionally_allowed_tenants":
		note = fmt.Sprintf("the kwarg %q is ignored: it goes to SecretClient and never reaches the credential (AZURE_AUTHORITY_HOST does)", name)
	}
	return note
}

// clientKwargs are those of SecretClient and of its pipeline that make sense
// in JSON and change what is sent.
var clientKwargs = map[string]func(*Options, any) error{
	"api_version":               setText(func(o *Options) *string { return &o.APIVersion }),
	"verify_challenge_resource": setBool(func(o *Options, v bool) { o.AnyChallengeResource = !v }),
	"use_env_settings":          setBool(func(o *Options, v bool) { o.NoEnvProxies = !v }),
	"connection_verify":         setTLS((*TLS).SetVerify, "connection_verify", "true, false or a path"),
	"connection_cert":           setTLS((*TLS).SetCert, "connection_cert", "a path, or a list of two"),
	"proxies":                   setProxies,
	"connection_timeout":        setTimeout,
	"read_timeout":              setTimeout,
	"retry_total":               setRetries,
	"retry_status":              setRetries,
	"retry_connect":             setRetries,
	"retry_backoff_factor":      setBackoff,
}

func setText(field func(*Options) *string) func(*Options, any) error {
	return func(o *Options, v any) error {
		text, ok := v.(string)
		if !ok {
			return &airflow.Error{Type: "TypeError", Message: "the kwarg api_version is not a string"}
		}
		*field(o) = text
		return nil
	}
}

func setBool(set func(*Options, bool)) func(*Options, any) error {
	return func(o *Options, v any) error {
		set(o, pyjson.Truthy(v))
		return nil
	}
}

func setTLS(set func(*TLS, any) bool, name, want string) func(*Options, any) error {
	return func(o *Options, v any) error {
		if !set(&o.TLS, v) {
			return badKwarg(name, want)
		}
		return nil
	}
}

func setProxies(o *Options, v any) error {
	if v == nil {
		return nil
	}
	given, ok := v.(*pyjson.Object)
	if !ok {
		return badKwarg("proxies", `an object such as {"https": "http://HOST:PORT"}`)
	}
	o.Proxies = map[string]string{}
	for _, key := range given.Keys() {
		proxy, _ := given.Get(key)
		if o.Proxies[strings.ToLower(key)], ok = proxy.(string); !ok && proxy != nil {
			return badKwarg("proxies", "made of strings")
		}
	}
	return nil
}

func setTimeout(o *Options, v any) error {
	seconds, ok := number(v)
	if !ok || seconds <= 0 {
		return badKwarg("connection_timeout and read_timeout", "numbers of seconds above 0")
	}
	o.Timeout = max(o.Timeout, time.Duration(min(seconds, 3600)*float64(time.Second)))
	return nil
}

// setRetries takes the lowest of the limits, as each stops the retries.
func setRetries(o *Options, v any) error {
	n, ok := number(v)
	if !ok || n < 0 || n != math.Trunc(n) {
		return badKwarg("retry_total, retry_status and retry_connect", "whole numbers")
	}
	retries := int(min(n, 10))
	if o.Retries != nil {
		retries = min(retries, *o.Retries)
	}
	o.Retries = &retries
	return nil
}

func setBackoff(o *Options, v any) error {
	seconds, ok := number(v)
	if !ok || seconds < 0 {
		return badKwarg("retry_backoff_factor", "a number of seconds")
	}
	o.RetryDelay = max(time.Duration(min(seconds, 120)*float64(time.Second)), time.Millisecond)
	return nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v)
	}
	return 0, false
}

func badKwarg(name, want string) error {
	return &airflow.Error{Type: "TypeError", Message: fmt.Sprintf("the kwarg %s must be %s", name, want)}
}
