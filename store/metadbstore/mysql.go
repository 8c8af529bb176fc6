package metadbstore

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// mysqlOption says what becomes of an option in a URL: known is false for one
// that no Python driver has, refused for one that airlock cannot do without
// harm.
func mysqlOption(name string) (known, refused bool) {
	switch name {
	case "user", "passwd", "password", "db", "database", "host", "port", "unix_socket", "connect_timeout", "connection_timeout",
		"ssl_ca", "ssl_cert", "ssl_key", "ssl_capath", "ssl_check_hostname", "ssl_mode", "ssl_disabled", "ssl_verify_cert",
		"ssl_verify_identity", "ssl":
		return true, false
	case "charset", "use_unicode", "collation", "sql_mode", "init_command", "compress", "local_infile", "allow_local_infile", "client_flag",
		"client_flags", "read_timeout", "write_timeout", "autocommit", "binary_prefix", "program_name", "use_pure", "buffered",
		"raise_on_warnings", "get_warnings", "consume_results", "raw", "pool_name", "pool_size", "pool_reset_session", "auth_plugin",
		"max_allowed_packet", "defer_connect", "server_public_key", "ssl_cipher", "tls_versions", "tls_ciphersuites", "time_zone",
		"prepared_statement_cache_size", "force_ipv6", "converter_class", "named_pipe", "multi_statements", "echo", "plugin":
		return true, false
	case "read_default_file", "read_default_group", "option_files", "option_groups", "ssl_key_password", "bind_address", "failover":
		return true, true
	}
	return false, false
}

// mysqlEngine reads a URL as mysqlclient, PyMySQL and Connector/Python do.
func mysqlEngine(u location, f files) (*engine, error) {
	if err := u.checkDriver("mysqldb", "pymysql", "mysqlconnector", "aiomysql", "asyncmy", "mariadbconnector", "cymysql"); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(u.query)) {
		switch known, refused := mysqlOption(name); {
		case !known:
			return nil, wrong(store.Invalid, "options are those of the Python driver: charset, unix_socket, ssl_ca, connect_timeout, ...",
				"sql_alchemy_conn has the option %q, which MySQL's clients do not know", excerpt.Name(name))
		case refused:
			return nil, wrong(store.Unsupported, "write what it stands for into the URL",
				"airlock does not know how to do what the option %s in sql_alchemy_conn asks for", name)
		}
	}
	within, err := seconds("connect_timeout", u.option("connect_timeout", "connection_timeout"))
	if err != nil {
		return nil, err
	}
	config, where, err := mysqlConfig(u, f)
	if err != nil {
		return nil, err
	}
	config.ReadTimeout, config.WriteTimeout = callTimeout, callTimeout
	return &engine{
		label: "metadata database " + where, quote: "`", parameter: "?", transaction: true,
		open: func() (*sql.DB, error) {
			c, err := mysql.NewConnector(config)
			if err != nil {
				return nil, errors.New("the driver refuses the settings")
			}
			return pool(c, within), nil
		},
		explain:     explainMySQL,
		lacksColumn: func(err error) bool { return mysqlNumber(err) == 1054 },
		secret:      []string{config.Passwd, config.User},
		trust:       "give ssl_ca in sql_alchemy_conn the path of its CA; ssl_check_hostname=false leaves its name unchecked",
	}, nil
}

// mysqlConfig is the driver's configuration, and where the server is for a
// person.
func mysqlConfig(u location, f files) (config *mysql.Config, where string, err error) {
	config = mysql.NewConfig()
	config.Logger = &mysql.NopLogger{} // it writes to standard error
	config.DialFunc = dial
	config.User = first(u.option("user"), u.user)
	config.Passwd = first(u.option("passwd", "password"), u.password)
	config.DBName = first(u.option("db", "database"), u.database)
	if config.Net, config.Addr, err = mysqlAddress(u); err != nil {
		return nil, "", err
	}
	if err := mysqlTLS(config, u, first(u.option("host"), u.host), f); err != nil {
		return nil, "", err
	}
	u.database = config.DBName
	return config, u.where(config.Addr), nil
}

// mysqlAddress is where the server of a URL is.
func mysqlAddress(u location) (network, address string, err error) {
	host, port := first(u.option("host"), u.host), first(u.option("port"), u.port, "3306")
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", wrong(store.Invalid, "give the port as a number", "the option port in sql_alchemy_conn is not a number from 1 to 65535")
	}
	if socket := u.socket(host); socket != "" {
		return "unix", socket, nil
	}
	return "tcp", net.JoinHostPort(first(host, "127.0.0.1"), port), nil
}

// socket is the unix socket to use, or "". The C library, which is in
// mysqlclient, takes "localhost" to mean its usual one.
func (u *location) socket(host string) string {
	if socket := u.option("unix_socket"); socket != "" {
		return socket
	}
	if u.driver != "" && u.driver != "mysqldb" || host != "" && host != "localhost" {
		return ""
	}
	for _, usual := range []string{"/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"} {
		if _, err := os.Stat(usual); err == nil {
			return usual
		}
	}
	return ""
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func parseInt(text string) (int, error) { return strconv.Atoi(strings.TrimSpace(text)) }

// dial connects, with a bound on how much one answer may hold.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &bounded{Conn: conn, left: longestAnswer}, nil
}

// errTooLong is the answer of a server that does not end.
var errTooLong = errors.New("the answer is longer than 32 MiB")

// bounded is a connection that reads no more than longestAnswer after each
// write.
type bounded struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// Write implements net.Conn.
func (b *bounded) Write(p []byte) (int, error) {
	b.left = longestAnswer
	return b.Conn.Write(p)
}

// SyscallConn lets the driver see whether an idle connection is still there.
func (b *bounded) SyscallConn() (syscall.RawConn, error) {
	if c, ok := b.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.New("the connection has no descriptor")
}
