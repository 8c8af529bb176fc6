package vaultstore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// FromKwargs builds the store that VaultBackend would have with kwargs as
// package pyjson decodes them; nil is none. The members that concern names
// are dialect.VaultFromKwargs's, to be called first, as the class checks them
// first.
//
// An error is the exception of VaultBackend's constructor, a *store.Error of
// code Invalid around an *airflow.Error with Airflow's own text. What Airflow
// finds wrong only when it first needs a client, such as a kwarg that nobody
// knows, is the error of every look-up instead.
func FromKwargs(kwargs *pyjson.Object, env Env) (*Store, error) {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	k := kwargReader{kwargs, env}
	if err := k.check(); err != nil {
		return nil, &store.Error{Op: "configure", Store: label(k.address()), Code: store.Invalid, Err: err, Hint: hintOf(err)}
	}
	o := Options{
		URL: pyText(k.truthy("url")), Mount: "secret", KVVersion: k.version(), Auth: k.method(), Env: env,
	}
	if v, ok := kwargs.Get("mount_point"); ok {
		o.Mount = pyText(v)
		if !pyjson.Truthy(v) {
			o.Mount = ""
		}
	}
	broken := k.clientOptions(&o)
	s, err := New(o)
	if err != nil {
		return nil, err
	}
	if broken != nil {
		s.broken = &store.Error{Op: "configure", Code: store.Invalid, Err: broken, Hint: hintOf(broken)}
	}
	return s, nil
}

// kwargReader reads the kwargs of VaultBackend as Python does.
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

func (k kwargReader) has(name string) bool { return k.truthy(name) != nil }

func (k kwargReader) address() string {
	o := Options{URL: pyText(k.truthy("url")), Env: k.env}
	return o.address()
}

// version is kv_engine_version; Python takes true and 1.0 for 1.
func (k kwargReader) version() int {
	switch v := k.truthy("kv_engine_version").(type) {
	case int64:
		return int(v)
	case float64:
		return int(v)
	case bool:
		return 1
	}
	return 2
}

func (k kwargReader) authType() any {
	if v, ok := k.kwargs.Get("auth_type"); ok {
		return v
	}
	return "token"
}

// authTypes is _VaultClient's VALID_AUTH_TYPES.
var authTypes = []string{"approle", "aws_iam", "azure", "github", "gcp", "jwt", "kubernetes", "ldap", "radius", "token", "userpass"}

// needs are the kwargs that an auth_type asks for, in the order in which
// _VaultClient.__init__ checks them; of alternatives one is enough.
var needs = map[string][][]string{
	"token":      {{"token", "token_path"}},
	"github":     {{"token", "token_path"}},
	"approle":    {{"role_id"}},
	"kubernetes": {{"kubernetes_role"}, {"kubernetes_jwt_path"}},
	"jwt":        {{"jwt_role"}, {"jwt_token", "jwt_token_path"}},
	"azure":      {{"azure_resource"}, {"azure_tenant_id"}},
	"radius":     {{"radius_host"}, {"radius_secret"}},
	"gcp":        {{"gcp_scopes"}, {"role_id"}},
}

// check is what _VaultClient.__init__ refuses.
func (k kwargReader) check() *airflow.Error {
	if v := k.truthy("kv_engine_version"); v != nil && v != int64(1) && v != int64(2) && v != 1.0 && v != 2.0 && v != true {
		return vaultError(fmt.Sprintf("The version is not supported: %s. It should be one of [1, 2]", pyjson.Str(v)))
	}
	authType, _ := k.authType().(string)
	if !slices.Contains(authTypes, authType) {
		return vaultError(fmt.Sprintf("The auth_type is not supported: %s. It should be one of ['%s']", pyjson.Str(k.authType()), strings.Join(authTypes, "', '")))
	}
	if _, ok := k.env.lookup("VAULT_TOKEN"); ok && authType == "token" {
		return nil
	}
	for _, either := range needs[authType] {
		if _, given := k.kwargs.Get(either[0]); either[0] == "kubernetes_jwt_path" && !given {
			continue // it has a default
		}
		if !slices.ContainsFunc(either, k.has) {
			return vaultError(fmt.Sprintf("The '%s' authentication type requires '%s'", authType, strings.Join(either, "' or '")))
		}
	}
	return nil
}

// vaultError is hvac's VaultError, which names a request where there is one.
func vaultError(message string) *airflow.Error {
	return &airflow.Error{Type: "VaultError", Message: message + ", on None None"}
}

// jsonValue is a decoded JSON value that encodes itself again.
type jsonValue struct{ v any }

// MarshalJSON implements json.Marshaler.
func (j jsonValue) MarshalJSON() ([]byte, error) { return []byte(pyjson.Encode(j.v)), nil }

// Format keeps credentials out of what is printed.
func (jsonValue) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "redacted") }
