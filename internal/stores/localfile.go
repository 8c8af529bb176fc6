package stores

import (
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store/filestore"
)

// openLocalFile is LocalFilesystemBackend.__init__: files are read at each
// look-up.
func openLocalFile(kwargs *pyjson.Object, env Env) (*Backend, error) {
	names, err := dialect.LocalFileFromKwargs(kwargs)
	if err != nil {
		return nil, err
	}
	s := filestore.New(filestore.Options{Variables: names.Variables, Connections: names.Connections, Configs: names.Configs, Dir: env.Dir})
	return &Backend{Store: s, Dialect: names}, nil
}
