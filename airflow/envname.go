package airflow

import "strings"

// The beginnings of the names under which the environment holds variables
// and connections (EnvironmentVariablesBackend).
const (
	VariableEnvPrefix   = "AIRFLOW_VAR_"
	ConnectionEnvPrefix = "AIRFLOW_CONN_"
)

// teamSeparator stands between team and id: AIRFLOW_VAR__<TEAM>___<KEY>.
const teamSeparator = "___"

// VariableEnv is the environment variable that holds the Airflow variable
// called key: the prefix and the key in Unicode upper case, in which sharp s
// is SS. Nothing else changes, so a key with dashes or dots has a name that
// no shell can set.
func VariableEnv(key string) string { return VariableEnvPrefix + upper(key) }

// ConnectionEnv is the environment variable that holds the connection id.
func ConnectionEnv(id string) string { return ConnectionEnvPrefix + upper(id) }

// VariableTeamEnv is the name asked before [VariableEnv] when a team asks; an
// empty value there counts as absent. An empty team has no such name: "".
func VariableTeamEnv(team, key string) string { return teamEnv(VariableEnvPrefix, team, key) }

// ConnectionTeamEnv is VariableTeamEnv for connections.
func ConnectionTeamEnv(team, id string) string { return teamEnv(ConnectionEnvPrefix, team, id) }

func teamEnv(prefix, team, id string) string {
	if team == "" {
		return ""
	}
	return prefix + "_" + upper(team) + teamSeparator + upper(id)
}

// EnvRefuses reports whether the environment answers None for id without a
// look: with core.multi_team on, an id that spells out a team's name could
// read that team's secret, so it is refused to everybody.
func EnvRefuses(id string, multiTeam bool) bool {
	return multiTeam && strings.Contains(id, teamSeparator)
}

// OptionEnv is the environment variable that sets a configuration option:
// AIRFLOW__SECTION__KEY, where a dot in the section is an underscore. Its
// _CMD and _SECRET forms are this name with the ending added.
func OptionEnv(section, key string) string { return TeamOptionEnv("", section, key) }

// TeamOptionEnv is OptionEnv for a team's own value,
// AIRFLOW__TEAM___SECTION__KEY; an empty team means none.
func TeamOptionEnv(team, section, key string) string {
	name := "AIRFLOW__"
	if team != "" {
		name += upper(team) + teamSeparator
	}
	return name + upper(strings.ReplaceAll(section, ".", "_")) + "__" + upper(key)
}

// KwargEnvPrefix is how the environment variables begin that set single
// kwargs of a backend: AIRFLOW__SECRETS__BACKEND_KWARG__ for secrets and
// backend_kwargs (_build_kwarg_env_prefix).
func KwargEnvPrefix(section, option string) string {
	return "AIRFLOW__" + upper(section) + "__" + upper(strings.ReplaceAll(option, "_kwargs", "_kwarg")) + "__"
}
