// Package metadbstore reads variables and connections from Airflow's metadata
// database in PostgreSQL, MySQL, MariaDB or SQLite. It never writes to the
// database and never makes one; a server sees read-only transactions, and no
// connection before the first look-up.
//
// The database is named as Airflow names it, by a URL of SQLAlchemy's, with the
// options that the Python drivers take there. What libpq reads besides
// (PGPASSWORD, ~/.pgpass, ~/.postgresql) counts too; an option that airlock
// could not honour without harm is refused by name.
//
// A secret is a row, as a JSON object of its columns under their own names and
// with the values of the database, still encrypted where Airflow encrypted
// them; dialect.MetaDB knows what they mean. A name is the table and the id,
// with the team on whose behalf is asked where there is one:
//
//	variable/KEY            the row of KEY, if it belongs to no team
//	variable@team%2Fa/KEY   the row of KEY, if it belongs to no team or to "team/a"
//	connection/ID
//
// Ids are compared by their bytes, whatever the collation of the column
// (MetastoreBackend asks the database and then trusts it; its own tables
// compare so). A schema without teams is one in which every row belongs to
// none.
package metadbstore
