package dialect

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// globalPathNote is what VaultBackend warns of global_secrets_path.
const globalPathNote = "The `global_secrets_path` parameter is deprecated and will be removed in a future release. " +
	"Provide a list of fallback paths to `connections_path`, `variables_path`, and `config_path` instead, " +
	"e.g. `connections_path=[\"connections/foobar\", \"connections/common\"]`."

// VaultFromKwargs builds the dialect from backend_kwargs, as the first half of
// VaultBackend.__init__ does; it reads only the members that concern names.
// Nil kwargs are none.
// Warnings are what Airflow warns of at construction. The error is an
// *airflow.Error with Airflow's own text.
func VaultFromKwargs(kwargs *pyjson.Object, multiTeam bool) (d *Vault, warnings []string, err error) {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	d = DefaultVault()
	d.MultiTeam = multiTeam
	paths := []*[]string{&d.ConnectionsPath, &d.VariablesPath, &d.ConfigPath}
	for i, kwarg := range []string{"connections_path", "variables_path", "config_path"} {
		if v, ok := kwargs.Get(kwarg); ok {
			if *paths[i], err = vaultPaths(v); err != nil {
				return nil, nil, err
			}
		}
	}
	if v, ok := kwargs.Get("global_secrets_path"); ok && v != nil {
		warnings = append(warnings, globalPathNote)
		path, err := stripPath(v)
		if err != nil {
			return nil, warnings, err
		}
		for _, p := range paths {
			*p = append(*p, path)
		}
	}
	if v, ok := kwargs.Get("mount_point"); ok {
		d.MountInID = !pyjson.Truthy(v)
	}
	if v, ok := kwargs.Get("use_team_secrets_path"); ok {
		d.TeamPaths = pyjson.Truthy(v)
	}
	return d, warnings, nil
}

// vaultPaths is VaultBackend._normalize_paths: a string, or anything that
// Python can iterate over, of strings. Of an object those are its keys.
func vaultPaths(v any) ([]string, error) {
	var items []any
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		items = []any{v}
	case []any:
		items = v
	case *pyjson.Object:
		for _, key := range v.Keys() {
			items = append(items, key)
		}
	default:
		return nil, &airflow.Error{Type: "TypeError", Message: fmt.Sprintf("'%s' object is not iterable", pyjson.TypeName(v))}
	}
	paths := make([]string, 0, len(items))
	for _, item := range items {
		path, err := stripPath(item)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func stripPath(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", &airflow.Error{Type: "AttributeError", Message: fmt.Sprintf("'%s' object has no attribute 'rstrip'", pyjson.TypeName(v))}
	}
	return strings.TrimRight(s, "/"), nil
}
