package stores

import (
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store/envstore"
	"github.com/airlock-secrets/airlock/store/metadbstore"
)

// Environment is the layer of AIRFLOW_VAR_* and AIRFLOW_CONN_* variables;
// environ is as os.Environ has it.
func Environment(environ []string, multiTeam bool) *Backend {
	return &Backend{Store: envstore.New("environment", environ), Dialect: dialect.Env{MultiTeam: multiTeam}}
}

// Metadata is the layer of Airflow's metadata database. conn is the option
// sql_alchemy_conn of section [database]; path, which wins where it is not
// empty, names a SQLite file.
func Metadata(conn, path, fernetKey string) (*Backend, error) {
	s, err := metadbstore.Open(metadbstore.Options{Conn: conn, Path: path})
	if err != nil {
		return nil, err
	}
	return &Backend{Store: s, Dialect: dialect.MetaDB{FernetKey: fernetKey}}, nil
}
