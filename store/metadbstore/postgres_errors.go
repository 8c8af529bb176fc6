package metadbstore

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/airlock-secrets/airlock/store"
)

// explainPostgres is the table of PostgreSQL's codes (appendix "Error Codes"
// of its manual), and of what its client says before a server does. The
// server's own messages name users, so that ours stand in their place.
func explainPostgres(e *store.Error, err error) bool {
	var failed *pgconn.PgError
	var long *pgproto3.ExceededMaxBodyLenErr
	switch {
	case errors.As(err, &failed):
		explainState(e, failed)
	case errors.As(err, &long):
		e.Code, e.Err = store.Corrupt, errors.New("the answer is longer than 32 MiB")
		e.Hint = "make the row shorter; or is it no PostgreSQL that listens there?"
	case strings.Contains(err.Error(), "refused TLS connection"):
		e.Code, e.Err = store.Unavailable, errors.New("the server does not speak TLS, which sslmode demands")
		e.Hint = "switch TLS on in the server, or write sslmode=prefer in sql_alchemy_conn"
	default:
		return false
	}
	return true
}

func explainState(e *store.Error, failed *pgconn.PgError) {
	e.ServiceCode = failed.Code
	state := errors.New("SQLSTATE " + failed.Code)
	switch failed.Code {
	case "28P01", "28000":
		e.Code, e.Err = store.Unauthenticated, errors.New("the server refuses the user or the password")
		e.Hint = "check the user and the password in [database] sql_alchemy_conn"
		if strings.Contains(failed.Message, "pg_hba.conf") {
			e.Err = errors.New("the server's pg_hba.conf lets this user in from here neither so nor otherwise")
			e.Hint = "the server may demand TLS: add ?sslmode=require to sql_alchemy_conn, or have pg_hba.conf changed"
		}
	case "3D000":
		e.Code, e.Err, e.Hint = store.Invalid, errors.New("there is no such database"), "check the database's name in [database] sql_alchemy_conn"
	case "42P01", "42703", "3F000":
		foreign(e, state)
		e.Hint += "; is the search_path right?"
	case "42501":
		e.Code, e.Err = store.Denied, errors.New("the user may not read the tables variable and connection")
		e.Hint = "GRANT SELECT ON variable, connection TO the user; USAGE on their schema too"
	case "53300":
		e.Code, e.Err, e.Hint = store.Throttled, errors.New("the server has too many connections"), "try again"
	case "22021", "22P05":
		e.Code = store.NotFound // no row can have an id that the database cannot write
	case "42704", "08P01", "22023":
		e.Code, e.Err = store.Invalid, errors.New("the server refuses a setting of the connection: "+state.Error())
		e.Hint = "check the option options in sql_alchemy_conn; a pooler may not know it"
	case "XX001", "XX002":
		e.Code, e.Err, e.Hint = store.Corrupt, errors.New("the server finds its own files damaged: "+state.Error()), "see the server's log"
	case "57P01", "57P02", "57P03", "57P05":
		e.Code, e.Err, e.Hint = store.Unavailable, errors.New("the server is starting, stopping or being repaired"), "try again"
	default:
		e.Code, e.Err, e.Hint = store.Unavailable, errors.New("the server answered "+state.Error()), "see the server's log"
	}
}
