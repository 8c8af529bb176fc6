package dialect

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// Encode implements Dialect: the row that the model would write, without its
// number. With an empty key nothing is encrypted, and the flags say so.
func (d MetaDB) Encode(ref airflow.Ref, v Value) (*store.Secret, error) {
	row := pyjson.NewObject()
	var err error
	switch ref.Kind {
	case airflow.KindVariable:
		err = d.encodeVariable(ref, v, row)
	case airflow.KindConnection:
		err = d.encodeConnection(ref, v, row)
	default:
		err = inexpressible(ref, "the metadata database holds no configuration options")
	}
	if err != nil {
		return nil, err
	}
	if ref.Team == "" {
		row.Set("team_name", nil)
	} else {
		row.Set("team_name", ref.Team)
	}
	return &store.Secret{Payload: []byte(pyjson.Encode(row)), Form: store.Object}, nil
}

// encodeVariable is Variable.set_val, which takes strings only and encrypts
// the empty one too.
func (d MetaDB) encodeVariable(ref airflow.Ref, v Value, row *pyjson.Object) error {
	text, ok := v.Data.(string)
	if !ok {
		return inexpressible(ref, "a variable in the metadata database is a string")
	}
	val, encrypted, err := d.encrypt(ref, text)
	row.Set("key", ref.ID)
	row.Set("val", val)
	row.Set("is_encrypted", encrypted)
	return err
}

// encodeConnection is the constructor of the model, set_password and
// set_extra: what is empty is not encrypted, an empty password is not kept.
func (d MetaDB) encodeConnection(ref airflow.Ref, v Value, row *pyjson.Object) error {
	c, err := ormConnection(ref, v)
	if err != nil {
		return err
	}
	if !pyjson.Truthy(c.Type) {
		return inexpressible(ref, "a connection in the metadata database has a type")
	}
	if err := c.CheckExtra(); err != nil {
		return inexpressible(ref, err.Error())
	}
	row.Set("conn_id", ref.ID)
	row.Set("conn_type", c.Type)
	row.Set("description", c.Description)
	row.Set("host", c.Host)
	row.Set("schema", c.Schema)
	row.Set("login", c.Login)
	row.Set("port", c.Port)
	for _, f := range []struct {
		name, flag string
		value      any
	}{{"password", "is_encrypted", c.Password}, {"extra", "is_extra_encrypted", c.Extra}} {
		encrypted := false
		if text, ok := f.value.(string); ok && text != "" {
			if f.value, encrypted, err = d.encrypt(ref, text); err != nil {
				return err
			}
		} else if pyjson.Truthy(f.value) {
			return inexpressible(ref, "the connection's "+f.name+" is not a string")
		}
		row.Set(f.name, f.value)
		row.Set(f.flag, encrypted)
	}
	return nil
}

// ormConnection is the connection of a value, as the model holds it.
func ormConnection(ref airflow.Ref, v Value) (*airflow.Connection, error) {
	if v.Connection != nil {
		return v.Connection.As(airflow.ORM), nil
	}
	text, ok := v.Data.(string)
	if !ok || text == "" {
		return nil, inexpressible(ref, "there is no connection to store")
	}
	c, err := airflow.ParseConnection(ref.ID, text, airflow.ORM)
	if err != nil {
		return nil, inexpressible(ref, err.Error())
	}
	return c, nil
}

// encrypt returns text as it is, and false, where the key is empty.
func (d MetaDB) encrypt(ref airflow.Ref, text string) (string, bool, error) {
	f, err := airflow.ParseFernet(d.FernetKey)
	if errors.Is(err, airflow.ErrNoFernetKey) {
		return text, false, nil
	}
	if err != nil {
		return "", false, inexpressible(ref, err.Error())
	}
	now, random := d.Now, d.Random
	if now == nil {
		now = time.Now
	}
	if random == nil {
		random = rand.Reader
	}
	token, err := f.Encrypt([]byte(text), now(), random)
	return token, true, err
}
