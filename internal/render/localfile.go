package render

import (
	"fmt"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// writeLocalFiles writes the files of airflow.secrets.local_filesystem: an
// object of strings, and an object of objects with the fields of connections.
func writeLocalFiles(items []Item, _ *Options) (*Output, error) {
	variables, connections, rest := airflowItems(items)
	out := &Output{Notes: []string{
		"let Airflow read them with backend airflow.secrets.local_filesystem.LocalFilesystemBackend and kwargs " +
			`{"variables_file_path": ".../variables.json", "connections_file_path": ".../connections.json"}`}}
	if rest != "" {
		out.Notes = append(out.Notes, "these files hold variables and connections only, so they are left out: "+rest)
	}
	all := pyjson.NewObject()
	for _, v := range variables {
		all.Set(v.ID, v.Value)
	}
	out.Files = append(out.Files, File{"variables.json", pyjson.EncodeIndent(all) + "\n", 0o600})
	all = pyjson.NewObject()
	for _, i := range connections {
		c, err := connectionOf(i)
		if err != nil {
			return nil, err
		}
		fields := connectionFields(c, "extra")
		back, err := airflow.ParseLocalConnection(i.ID, fields)
		if err != nil {
			return nil, fmt.Errorf("connection %q cannot be written: %w", i.ID, err)
		}
		if !sameConnection(c.As(airflow.ORM), back) {
			return nil, fmt.Errorf("connection %q cannot be written: LocalFilesystemBackend would read another one", i.ID)
		}
		all.Set(i.ID, fields)
	}
	out.Files = append(out.Files, File{"connections.json", pyjson.EncodeIndent(all) + "\n", 0o600})
	return out, nil
}
