package metadbstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/airlock-secrets/airlock/store"
)

// fail turns any failure into a *store.Error of this store. No text of a
// server or driver passes that holds the user's name or password.
func (s *Store) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	e := &store.Error{Op: op, Store: s.engine.label, Name: name, Err: err}
	var known *store.Error
	var late *lateError
	switch {
	case errors.As(err, &known):
		e.Code, e.Hint, e.Err, e.ServiceCode = known.Code, known.Hint, known.Err, known.ServiceCode
		e.Absent = known.Absent
	case errors.Is(err, sql.ErrNoRows):
		e.Code, e.Err, e.Absent = store.NotFound, nil, true
	case errors.As(err, &late):
		e.Code, e.Err = store.Unavailable, late
		e.Hint = "is the server up, and can it be reached from here?"
		if late.setting != "" {
			e.Hint += " The limit is " + late.setting
		}
	case s.engine.explain(e, err):
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Code = store.Unavailable
	default:
		s.unreached(e, err)
	}
	if e.Code == store.NotFound {
		e.Err = nil
	}
	return e
}

// unreached is the table of what happens on the way to a server.
func (s *Store) unreached(e *store.Error, err error) {
	e.Code, e.Hint = store.Unavailable, "check the host and port in [database] sql_alchemy_conn; is the server up?"
	var (
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		hostname    x509.HostnameError
		invalid     x509.CertificateInvalidError
		header      tls.RecordHeaderError
		lookup      *net.DNSError
		network     *net.OpError
	)
	switch {
	case errors.As(err, &hostname):
		e.Err, e.Hint = errors.New("the server's certificate is for another host"), s.engine.trust
	case errors.As(err, &certificate), errors.As(err, &authority), errors.As(err, &invalid):
		e.Err, e.Hint = errors.New("the server's certificate is not trusted"), s.engine.trust
	case errors.As(err, &header):
		e.Err = errors.New("the server does not speak TLS")
	case errors.As(err, &lookup):
		e.Err = lookup
	case errors.As(err, &network):
		e.Err = network
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Err = errors.New("the server closed the connection")
	default:
		e.Err = s.engine.safe(err)
	}
}

// foreign is a database that has not the tables of Airflow.
func foreign(e *store.Error, cause error) {
	e.Code = store.Invalid
	e.Err = fmt.Errorf("it is no metadata database of Airflow: %w", cause)
	e.Hint = "check [database] sql_alchemy_conn and sql_alchemy_schema; `airflow db migrate` makes the tables"
}
