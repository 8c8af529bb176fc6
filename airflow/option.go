package airflow

import (
	_ "embed" // options.json
	"encoding/json"
	"sort"
	"strings"
)

// catalogue holds one option on each line, so that one of them can be found
// without decoding the rest.
//
//go:embed options.json
var catalogue string

// Option is one configuration option that Airflow knows: a line of its
// config.yml or of an installed provider's.
type Option struct {
	Section, Key string
	// Default is the value where nothing sets the option, already
	// interpolated as ConfigParser does; see [Option.DefaultWith] for what is
	// filled in when Airflow runs. It is empty unless HasDefault.
	Default    string
	HasDefault bool
	// Sensitive options may be given by a command (_CMD) or by a name in the
	// secrets backend (_SECRET).
	Sensitive bool
	// Deprecated options have no default and warn when they are read.
	Deprecated bool

	template bool
}

// DefaultWith returns the default with what Airflow fills in at run time:
// its home folder and the key that each process invents for [api] secret_key.
func (o Option) DefaultWith(home, secretKey string) string {
	if !o.template {
		return o.Default
	}
	return strings.NewReplacer("{AIRFLOW_HOME}", home, "{SECRET_KEY}", secretKey).Replace(o.Default)
}

// entry is an option as options.json writes it.
type entry struct {
	Default    *string `json:"default"`
	Sensitive  bool    `json:"sensitive"`
	Deprecated bool    `json:"deprecated"`
	Template   bool    `json:"template"`
}

func (e entry) option(section, key string) Option {
	o := Option{
		Section: section, Key: key,
		Sensitive: e.Sensitive, Deprecated: e.Deprecated, template: e.Template,
	}
	if e.Default != nil {
		o.Default, o.HasDefault = *e.Default, true
	}
	return o
}

// LookupOption returns the option called key in section, both in lower case
// as Airflow looks them up, and whether Airflow knows it. It decodes one line
// of the catalogue only, because a single look-up must start fast.
func LookupOption(section, key string) (Option, bool) {
	name, err := json.Marshal(section + "/" + key)
	if err != nil {
		return Option{}, false
	}
	_, rest, ok := strings.Cut(catalogue, "\n"+string(name)+": ")
	if !ok || section == "" {
		return Option{}, false
	}
	line, _, _ := strings.Cut(rest, "\n")
	var e entry
	if err := json.Unmarshal([]byte(strings.TrimSuffix(line, ",")), &e); err != nil {
		return Option{}, false
	}
	return e.option(section, key), true
}

// Options returns every option, sorted by section and key. It decodes the
// whole catalogue at each call.
func Options() ([]Option, error) {
	var entries map[string]entry
	if err := json.Unmarshal([]byte(catalogue), &entries); err != nil {
		return nil, err
	}
	options := make([]Option, 0, len(entries))
	for name, e := range entries {
		if section, key, ok := strings.Cut(name, "/"); ok {
			options = append(options, e.option(section, key))
		}
	}
	sort.Slice(options, func(i, j int) bool {
		a, b := options[i], options[j]
		if a.Section != b.Section {
			return a.Section < b.Section
		}
		return a.Key < b.Key
	})
	return options, nil
}

// SensitiveOption reports whether Airflow takes the option from a command
// (_CMD) or from the secrets backend (_SECRET): an option that its catalogue
// calls sensitive, or the old home of one (sensitive_config_values).
func SensitiveOption(section, key string) bool {
	switch section + "/" + key {
	case "api/secret_key", "webserver/secret_key",
		"api_auth/jwt_secret",
		"atlas/password",
		"core/asset_manager_kwargs",
		"core/fernet_key",
		"database/sql_alchemy_conn", "core/sql_alchemy_conn",
		"database/sql_alchemy_conn_async",
		"database/sql_alchemy_engine_args",
		"logging/remote_task_handler_kwargs",
		"opensearch/password",
		"secrets/backend_kwargs",
		"sentry/sentry_dsn",
		"workers/secrets_backend_kwargs":
		return true
	}
	return false
}
