package metadbstore

import (
	"database/sql/driver"
	"errors"
	"strconv"

	"github.com/go-sql-driver/mysql"

	"github.com/airlock-secrets/airlock/store"
)

// mysqlNumber is the server's number of a failure, 0 if it is not the
// server's.
func mysqlNumber(err error) uint16 {
	var failed *mysql.MySQLError
	if errors.As(err, &failed) {
		return failed.Number
	}
	return 0
}

// explainMySQL is the table of the numbers of MySQL and MariaDB ("Server Error
// Message Reference" of their manuals), and of what the client says before a
// server does. The server's own messages name users, so that ours stand in
// their place.
func explainMySQL(e *store.Error, err error) bool {
	switch {
	case mysqlNumber(err) != 0:
		explainNumber(e, mysqlNumber(err))
	case errors.Is(err, mysql.ErrNoTLS):
		e.Code, e.Err = store.Unavailable, errors.New("the server does not speak TLS, which the ssl options demand")
		e.Hint = "switch TLS on in the server, or leave the ssl options out of sql_alchemy_conn"
	case errors.Is(err, mysql.ErrCleartextPassword), errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrUnknownPlugin):
		e.Code, e.Err = store.Unsupported, errors.New("the server asks for a way to log in that airlock does not have")
		e.Hint = "give the user a password of the plugin caching_sha2_password, ed25519 or mysql_native_password"
	case errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, driver.ErrBadConn), errors.Is(err, errTooLong):
		e.Code, e.Err = store.Unavailable, errors.New("the connection broke off, or the answer is longer than 32 MiB")
		e.Hint = "see the server's log"
	case errors.Is(err, mysql.ErrMalformPkt), errors.Is(err, mysql.ErrPktSync), errors.Is(err, mysql.ErrPktSyncMul),
		errors.Is(err, mysql.ErrOldProtocol):
		e.Code, e.Err = store.Corrupt, errors.New("the answer is none of MySQL's")
		e.Hint = "is it MySQL or MariaDB that listens there?"
	default:
		return false
	}
	return true
}

func explainNumber(e *store.Error, number uint16) {
	e.ServiceCode = strconv.Itoa(int(number))
	state := errors.New("error " + e.ServiceCode)
	switch number {
	case 1045, 1698, 1862, 1820, 4151:
		e.Code, e.Err = store.Unauthenticated, errors.New("the server refuses the user or the password")
		e.Hint = "check the user and the password in [database] sql_alchemy_conn, and from which hosts the user may come"
	case 1130, 1129:
		e.Code, e.Err, e.Hint = store.Denied, errors.New("the server lets nobody in from this host"), "have the user allowed from here"
	case 1044, 1142, 1143, 1227:
		e.Code, e.Err = store.Denied, errors.New("the user may not read the tables variable and connection")
		e.Hint = "GRANT SELECT on both tables to the user"
	case 1049:
		e.Code, e.Err, e.Hint = store.Invalid, errors.New("there is no such database"), "check the database's name in [database] sql_alchemy_conn"
	case 1046:
		e.Code, e.Err, e.Hint = store.Invalid, errors.New("no database is named"), "write it after the host in [database] sql_alchemy_conn"
	case 1146, 1054:
		foreign(e, state)
	case 1040, 1203, 1226:
		e.Code, e.Err, e.Hint = store.Throttled, errors.New("the server has too many connections"), "try again"
	case 3159:
		e.Code, e.Err = store.Invalid, errors.New("the server demands TLS")
		e.Hint = "leave ssl_disabled and ssl_mode=DISABLED out of sql_alchemy_conn"
	case 1267, 1366, 3988:
		e.Code = store.NotFound // no row can have an id that the column cannot hold
	case 1034, 1194, 1195:
		e.Code, e.Err, e.Hint = store.Corrupt, errors.New("the server finds its own files damaged: "+state.Error()), "see the server's log"
	case 1053, 1077, 1317, 3024, 1969:
		e.Code, e.Err, e.Hint = store.Unavailable, errors.New("the server is stopping, or stopped the query"), "try again"
	default:
		e.Code, e.Err, e.Hint = store.Unavailable, errors.New("the server answered "+state.Error()), "see the server's log"
	}
}
