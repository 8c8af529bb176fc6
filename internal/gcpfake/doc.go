// Package gcpfake is a Google Secret Manager for tests: Google's own generated
// service over gRPC and TLS, with the rules of its documentation. Names are
// checked, versions are numbered, enabled, disabled and destroyed, lists come
// in pages, payloads carry their checksum, and a bearer token has to be one
// that the server trusts. [Server.Before] makes any call fail in any way.
//
//	f := gcpfake.New()
//	at := gcpfake.Start(t, f)        // at.Universe, at.CAFile
//	f.Put("p", "airflow-variables-x", []byte("hello"))
package gcpfake
