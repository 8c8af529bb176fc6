package metadbstore

import (
	"crypto/tls"
	"database/sql"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// postgresOption says what becomes of an option in a URL, by libpq's name or
// that of a Python driver.
type postgresOption int

const (
	pgUnknown postgresOption = iota
	pgPassed                 // pgx knows it
	pgOwn                    // read here
	pgIgnored                // of no effect on what is read
	pgRefused                // to leave it out would be less safe, or another server
)

func postgresOptionOf(name string) postgresOption {
	switch name {
	case "user", "password", "dbname", "passfile", "service", "servicefile", "sslmode", "sslkey", "sslcert", "sslcertmode",
		"sslrootcert", "sslnegotiation", "sslpassword", "sslsni", "krbspn", "krbsrvname", "target_session_attrs", "channel_binding",
		"require_auth", "min_protocol_version", "max_protocol_version", "options", "application_name":
		return pgPassed
	case "host", "port", "connect_timeout", "timeout", "ssl", "ssl_min_protocol_version":
		return pgOwn
	case "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "tcp_keepalive",
		"gssencmode", "gsslib", "gssdelegation", "sslcompression", "ssl_max_protocol_version", "fallback_application_name",
		"client_encoding", "load_balance_hosts", "command_timeout", "statement_cache_size", "prepared_statement_cache_size",
		"prepared_statement_name_func", "max_cacheable_statement_size", "max_cached_statement_lifetime", "async_fallback",
		"prepare_threshold", "autocommit", "plugin":
		return pgIgnored
	case "sslcrl", "sslcrldir", "hostaddr", "requirepeer", "replication", "direct_tls", "unix_sock":
		return pgRefused
	}
	return pgUnknown
}

// postgresEnvironment are the variables of libpq that a URL does not repeat.
func postgresEnvironment() map[string]string {
	return map[string]string{
		"PGHOST": "host", "PGPORT": "port", "PGDATABASE": "dbname", "PGUSER": "user", "PGPASSWORD": "password", "PGPASSFILE": "passfile",
		"PGSERVICE": "service", "PGSERVICEFILE": "servicefile", "PGOPTIONS": "options", "PGAPPNAME": "application_name",
		"PGSSLMODE": "sslmode", "PGSSLCERT": "sslcert", "PGSSLKEY": "sslkey", "PGSSLROOTCERT": "sslrootcert", "PGSSLCERTMODE": "sslcertmode",
		"PGSSLNEGOTIATION": "sslnegotiation", "PGSSLMINPROTOCOLVERSION": "ssl_min_protocol_version", "PGCONNECT_TIMEOUT": "connect_timeout",
		"PGCHANNELBINDING": "channel_binding", "PGREQUIREAUTH": "require_auth", "PGTARGETSESSIONATTRS": "target_session_attrs",
	}
}

// postgresEngine reads a URL as psycopg2 and its like hand it to libpq.
func postgresEngine(u location, o Options) (*engine, error) {
	if err := u.checkDriver("psycopg2", "psycopg", "asyncpg", "psycopg2cffi", "psycopg_async", "pg8000"); err != nil {
		return nil, err
	}
	settings, _, err := postgresSettings(u, o.Getenv)
	f := files{o.Confined}
	if err == nil {
		err = f.prepare(settings)
	}
	if err != nil {
		return nil, err
	}
	within, err := seconds("connect_timeout", settings["connect_timeout"])
	if err != nil {
		return nil, err
	}
	least := settings["ssl_min_protocol_version"]
	delete(settings, "connect_timeout")
	delete(settings, "ssl_min_protocol_version")
	config, err := f.parse(settings)
	if err != nil {
		return nil, notParsed(err, settings["password"])
	}
	limit(config, within, least)
	hosts := strings.Count(settings["host"], ",") + 1
	return &engine{
		label: "metadata database " + u.where(hostAndPort(settings["host"], settings["port"])), quote: `"`, parameter: "$1", transaction: true,
		open: func() (*sql.DB, error) {
			return pool(stdlib.GetConnector(*config), within*time.Duration(hosts)), nil
		},
		explain:     explainPostgres,
		lacksColumn: func(err error) bool { return sqlState(err) == "42703" },
		secret:      []string{config.Password, config.User},
		trust:       "give sslrootcert in sql_alchemy_conn the path of its CA, and sslmode=verify-full to have the name checked too",
	}, nil
}

// postgresSettings are libpq's keywords for a URL, and what the environment
// adds to them, with the variables that do.
func postgresSettings(u location, getenv func(string) (string, bool)) (settings, variables map[string]string, err error) {
	variables = map[string]string{}
	settings = map[string]string{"host": u.host, "port": u.port, "user": u.user, "password": u.password, "dbname": u.database}
	for _, name := range slices.Sorted(maps.Keys(u.query)) {
		switch postgresOptionOf(name) {
		case pgUnknown:
			return nil, nil, wrong(store.Invalid, "options are those of libpq: sslmode, sslrootcert, connect_timeout, options, ...",
				"sql_alchemy_conn has the option %q, which PostgreSQL's clients do not know", excerpt.Name(name))
		case pgRefused:
			return nil, nil, wrong(store.Unsupported, "leave it out, or leave the metadata database out",
				"airlock does not know how to do what the option %s in sql_alchemy_conn asks for", name)
		case pgPassed, pgOwn:
			settings[name] = u.option(name)
		}
	}
	rename(settings, "timeout", "connect_timeout") // asyncpg's names
	rename(settings, "ssl", "sslmode")
	if err := u.severalHosts(settings); err != nil {
		return nil, nil, err
	}
	for variable, name := range postgresEnvironment() {
		if v, ok := lookup(getenv, variable); ok && v != "" && settings[name] == "" {
			settings[name], variables[name] = v, variable
		}
	}
	maps.DeleteFunc(settings, func(_, v string) bool { return v == "" })
	return settings, variables, nil
}

func lookup(getenv func(string) (string, bool), name string) (string, bool) {
	if getenv == nil {
		return "", false
	}
	return getenv(name)
}

func rename(settings map[string]string, from, to string) {
	if v := settings[from]; v != "" && settings[to] == "" {
		settings[to] = v
	}
	delete(settings, from)
}

// severalHosts reads the options host and port
// (PGDialect._split_multihost_from_url).
func (u *location) severalHosts(settings map[string]string) error {
	hosts, ports := u.query["host"], u.query["port"]
	inOne := regexp.MustCompile(`^([a-zA-Z0-9.-]*):(\d*)$`)
	switch {
	case len(hosts) > 1 && len(ports) > 0:
		return wrong(store.Invalid, "write either host=H1,H2&port=P1,P2 or host=H1:P1&host=H2:P2", "sql_alchemy_conn gives hosts and ports in two ways at once")
	case len(hosts) > 1:
		names, numbers := make([]string, len(hosts)), make([]string, len(hosts))
		for i, h := range hosts {
			names[i], numbers[i], _ = strings.Cut(h, ":")
		}
		settings["host"], settings["port"] = strings.Join(names, ","), strings.Join(numbers, ",")
	case len(hosts) == 1 && len(ports) == 0:
		if m := inOne.FindStringSubmatch(hosts[0]); m != nil {
			settings["host"], settings["port"] = m[1], m[2]
		}
	case len(ports) > 1:
		settings["port"] = strings.Join(ports, ",")
	}
	return nil
}

// hostAndPort is for the label; a list of ports is left out.
func hostAndPort(host, port string) string {
	if host == "" || port == "" || strings.Contains(port, ",") || strings.HasPrefix(host, "/") {
		return host
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}

// keywords writes libpq's keyword/value form.
func keywords(settings map[string]string) string {
	var b strings.Builder
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		b.WriteString(name + "='" + quote.Replace(settings[name]) + "' ")
	}
	return b.String()
}

// notParsed shows the cause only: the error itself quotes the whole URL.
func notParsed(err error, password string) error {
	const hint = "correct sql_alchemy_conn, or the PG... variable or file that it leaves the setting to"
	cause := errors.Unwrap(err)
	if cause == nil || password != "" && strings.Contains(cause.Error(), password) {
		return wrong(store.Invalid, hint, "sql_alchemy_conn has a setting that PostgreSQL's clients refuse: check port, target_session_attrs and the protocol versions")
	}
	return wrong(store.Invalid, hint, "sql_alchemy_conn has a setting that PostgreSQL's clients refuse: %w", cause)
}

// limit bounds what a server can do to us. Prepared statements have no names,
// because behind a pooler they would outlive the connection.
func limit(config *pgx.ConnConfig, within time.Duration, leastTLS string) {
	config.ConnectTimeout = within
	config.MaxProtocolMessageBodyLen = longestAnswer
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.RuntimeParams["client_encoding"] = "UTF8"
	if leastTLS != "TLSv1.3" {
		return // Go has no version below 1.2 by itself
	}
	strict := func(c *tls.Config) {
		if c != nil {
			c.MinVersion = tls.VersionTLS13
		}
	}
	strict(config.TLSConfig)
	for _, fallback := range config.Fallbacks {
		strict(fallback.TLSConfig)
	}
}

// sqlState is the server's code of a failure, "" if it is not the server's.
func sqlState(err error) string {
	var failed *pgconn.PgError
	if errors.As(err, &failed) {
		return failed.Code
	}
	return ""
}
