package awsconn

import (
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// raised is an exception of botocore or Airflow with its own text.
func raised(kind, message string) *airflow.Error { return &airflow.Error{Type: kind, Message: message} }

// failed is a failure before any request, with botocore's own words and what
// to do about it.
func failed(kind, message, hint string) error {
	code := store.Invalid
	switch kind {
	case "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError":
		code = store.Unauthenticated
	}
	return &store.Error{Code: code, Err: raised(kind, message), Hint: hint}
}

// unsupported is what Airflow can do and airlock cannot.
func unsupported(what, hint string) error {
	return &store.Error{Code: store.Unsupported, Err: raised("NotImplementedError", what+" is not supported by airlock"), Hint: hint}
}

func clip(s string) string { return excerpt.Name(s) }
