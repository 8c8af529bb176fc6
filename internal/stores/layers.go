package stores

import (
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/redact"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store/cleanstore"
	"github.com/airlock-secrets/airlock/store/envstore"
	"github.com/airlock-secrets/airlock/store/metadbstore"
)

// Environment is the layer of AIRFLOW_VAR_* and AIRFLOW_CONN_* variables;
// environ is as os.Environ has it.
func Environment(environ []string, multiTeam bool) *Backend {
	return &Backend{Store: envstore.New("environment", environ), Dialect: dialect.Env{MultiTeam: multiTeam}}
}

// MetadataSettings say which metadata database there is.
type MetadataSettings struct {
	// Conn is the option sql_alchemy_conn of section [database]; Path, which
	// wins where it is not empty, names a SQLite file.
	Conn, Path string
	// Schema is sql_alchemy_schema, ConnectArgs sql_alchemy_connect_args.
	Schema, ConnectArgs string
	// FernetKey is core.fernet_key.
	FernetKey string
	// Getenv knows the variables of libpq: PGPASSWORD, PGSSLMODE. Nil has none.
	Getenv func(name string) (string, bool)
	// Confined bounds what may be used besides; nil allows all.
	Confined *route.Confinement
	// Secrets are what no message may show. Metadata adds what the settings
	// hold; nil: a Set of the layer's own.
	Secrets *redact.Set
}

func (m MetadataSettings) options() metadbstore.Options {
	return metadbstore.Options{Conn: m.Conn, Path: m.Path, Schema: m.Schema, Getenv: m.Getenv, Confined: m.Confined}
}

// MetadataRoute lists where the metadata database is asked. It asks nobody. A
// file has no address.
func MetadataRoute(m MetadataSettings) []route.Point { return metadbstore.Route(m.options()) }

// MetadataLacks names the credential that the metadata database would need and
// that its settings do not hold: "the database password"; "" for none.
func MetadataLacks(m MetadataSettings) string { return metadbstore.Lacks(m.options()) }

// Metadata is the layer of Airflow's metadata database. It connects at the
// first look-up.
func Metadata(m MetadataSettings) (*Backend, error) {
	if m.Secrets == nil {
		m.Secrets = redact.New()
	}
	m.Secrets.Variable("SQL_ALCHEMY_CONN", m.Conn)
	m.Secrets.Credential(m.FernetKey)
	m.Getenv = learning(m.Getenv, m.Secrets)
	s, err := metadbstore.Open(m.options())
	if err != nil {
		return nil, cleanstore.Error(err, m.Secrets)
	}
	b := &Backend{Store: s, Dialect: dialect.MetaDB{FernetKey: m.FernetKey}}
	clean(b, m.Secrets)
	if m.ConnectArgs != "" {
		b.Notes = append(b.Notes, "airlock leaves out [database] sql_alchemy_connect_args, which names an object in Python: "+
			"write what it holds into sql_alchemy_conn, such as ?sslmode=require&connect_timeout=5")
	}
	return b, nil
}
