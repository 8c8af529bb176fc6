package dialect

import (
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// LoadConnection is what Airflow's model holds of a row: the connection, with
// its extra unless reading that fails, and how it does. The vectors tell the
// two apart; the chain, which Decode stands for, does not.
func (d MetaDB) LoadConnection(id string, row *pyjson.Object) (c *airflow.Connection, extraErr, err error) {
	if c, err = d.connection(id, row); err != nil {
		return nil, nil, err
	}
	if c.Extra, extraErr = d.extra(row); extraErr == nil {
		extraErr = c.CheckExtra()
	}
	return c, extraErr, nil
}
