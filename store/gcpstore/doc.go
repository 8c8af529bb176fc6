// Package gcpstore reads and writes secrets of Google Secret Manager as
// Airflow's CloudSecretManagerBackend (provider google 22.8.0) does with the
// same kwargs and the same environment. A name is the id of a secret; the
// project is the store's.
//
// Calls go through Google's own generated client for gRPC
// (cloud.google.com/go/secretmanager/apiv1/secretmanagerpb). The layer above
// it, package apiv1, is left out on purpose: it finds credentials, endpoints
// and proxies by rules of its own in the process's environment, where Python's
// google-auth has others; it retries by the wall clock; and it brings
// telemetry along that every start of the program would pay for. What Python
// does stands here instead, each rule with its source, and reads nothing but
// [Env].
//
// Nothing is asked of the network before the first look-up, with one exception:
// where neither the kwargs nor credentials nor a variable names the project, a
// metadata server is looked for at once, as by Airflow, which does not start
// without a project.
//
// There is no [store.Versioner]: Google's "latest" is the version created
// last, whatever became of it, and asking for one that is disabled is an error
// to Airflow, not a missing secret.
package gcpstore
