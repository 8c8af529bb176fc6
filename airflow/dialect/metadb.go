package dialect

import (
	"errors"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// MetaDB is the dialect of airflow.secrets.metastore.MetastoreBackend and of
// the models behind it, airflow.models.variable.Variable and
// airflow.models.connection.Connection. A secret is a row, as a JSON object of
// its columns. A name is the table and the id, with the caller's team where
// there is one, so that the store can leave out rows of other teams:
//
//	variable/KEY
//	connection@team%2Fa/ID
//
// Connections are in the ORM reading, whoever asks: a task gets what the API
// server read. The zero value reads and writes without encryption.
type MetaDB struct {
	// FernetKey is core.fernet_key: keys separated by commas, of which the
	// first encrypts and all decrypt. One that is malformed does no harm
	// until an encrypted row is read.
	FernetKey string
	// Random and Now are for Encode; nil means crypto/rand and the clock.
	Random io.Reader
	Now    func() time.Time
}

var _ Dialect = MetaDB{}

// Names implements Dialect. The one name covers the team's row and the row of
// no team: an id is unique in its table.
func (MetaDB) Names(ref airflow.Ref) Lookup {
	switch {
	case ref.Kind == airflow.KindConfig:
		return Lookup{Skip: "the metadata database holds no configuration options"}
	case ref.ID == "":
		return Lookup{Skip: "the id is empty"}
	}
	table := string(ref.Kind)
	if ref.Team != "" {
		table += "@" + url.PathEscape(ref.Team)
	}
	return Lookup{Names: []string{table + "/" + ref.ID}}
}

// Refs implements Dialect. It answers one reference at most.
func (MetaDB) Refs(name string) []airflow.Ref {
	table, id, ok := strings.Cut(name, "/")
	if !ok || id == "" {
		return nil
	}
	word, escaped, hasTeam := strings.Cut(table, "@")
	team, ok := pathSegment(escaped)
	if !ok || hasTeam && team == "" {
		return nil
	}
	switch kind := airflow.Kind(word); kind {
	case airflow.KindVariable, airflow.KindConnection:
		return []airflow.Ref{{Kind: kind, ID: id, Team: team}}
	}
	return nil
}

// Decode implements Dialect. A variable that does not decrypt is none, as
// Airflow has it; with an empty key the token itself is the value. A
// connection whose password or extra does not decrypt, or whose extra is no
// JSON object, is an *airflow.Error.
func (d MetaDB) Decode(ref airflow.Ref, s *store.Secret) (Value, error) {
	decoded, err := pyjson.Decode(string(s.Payload))
	row, ok := decoded.(*pyjson.Object)
	if err != nil || !ok {
		return Value{}, corrupt(ref, "is no row of the metadata database")
	}
	if ref.Kind == airflow.KindVariable {
		return d.variable(row)
	}
	c, err := d.connection(ref.ID, row)
	if err != nil {
		return Value{}, err
	}
	if c.Extra, err = d.extra(row); err != nil {
		return Value{}, err
	}
	if err := c.CheckExtra(); err != nil {
		return Value{}, err
	}
	return Value{Connection: c}, nil
}

// column is the value of a column, nil where the schema has no such.
func column(row *pyjson.Object, name string) any {
	v, _ := row.Get(name)
	return v
}

// variable is Variable.get_val.
func (d MetaDB) variable(row *pyjson.Object) (Value, error) {
	val := column(row, "val")
	if val == nil {
		return Value{}, &NoValueError{Reason: "the row holds no value"}
	}
	if !pyjson.Truthy(column(row, "is_encrypted")) {
		return Value{Data: val}, nil
	}
	plain, err := d.decrypt(val)
	switch {
	case errors.Is(err, airflow.ErrNoFernetKey):
		return Value{Data: val, Warning: "the value is encrypted, but core.fernet_key is empty: Airflow hands out the encrypted text"}, nil
	case err != nil:
		return Value{}, &NoValueError{Warn: true, Reason: "the value cannot be decrypted: " + err.Error()}
	}
	return Value{Data: plain}, nil
}

// connection is what the model holds once it is loaded, without its extra,
// which it decrypts when it is asked for it (Connection.on_db_load).
func (d MetaDB) connection(id string, row *pyjson.Object) (*airflow.Connection, error) {
	c := &airflow.Connection{
		ID: id, Type: column(row, "conn_type"), Description: column(row, "description"), Host: column(row, "host"),
		Login: column(row, "login"), Schema: column(row, "schema"), Port: column(row, "port"), Reading: airflow.ORM,
	}
	var err error
	c.Password, err = d.field(row, "password", "is_encrypted")
	return c, err
}

// extra is Connection.get_extra without its check of the form.
func (d MetaDB) extra(row *pyjson.Object) (any, error) {
	return d.field(row, "extra", "is_extra_encrypted")
}

// field is FernetFieldsMixin.get_password and get_extra: what is null or empty
// is returned as it is.
func (d MetaDB) field(row *pyjson.Object, name, flag string) (any, error) {
	v := column(row, name)
	if !pyjson.Truthy(v) || !pyjson.Truthy(column(row, flag)) {
		return v, nil
	}
	plain, err := d.decrypt(v)
	if errors.Is(err, airflow.ErrNoFernetKey) {
		return nil, &airflow.Error{Type: "ValueError",
			Message: "the connection's " + name + " is encrypted, but core.fernet_key is empty: set the key that Airflow has"}
	}
	if err != nil {
		return nil, err
	}
	return plain, nil
}

// decrypt opens a token. Its errors are airflow.ErrNoFernetKey and
// *airflow.Error of type AirflowException (the key), InvalidToken, TypeError
// or UnicodeDecodeError.
func (d MetaDB) decrypt(token any) (string, error) {
	f, err := airflow.ParseFernet(d.FernetKey)
	if err != nil {
		return "", err
	}
	text, ok := token.(string)
	if !ok {
		return "", &airflow.Error{Type: "TypeError", Message: "what should be encrypted text is not text"}
	}
	plain, err := f.Decrypt(text)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(plain) {
		return "", &airflow.Error{Type: "UnicodeDecodeError", Message: "what was encrypted is not text in UTF-8"}
	}
	return string(plain), nil
}
