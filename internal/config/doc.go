// Package config reads airlock.yaml, the one settings file that is airlock's
// own. It is strict: an unknown key, a key given twice, a value of the wrong
// type are errors that name the file, line and column, and all of them are
// found in one run.
//
// The keys are the fields of [Config], whose comments are the reference in
// docs/config.md: a test writes that page and fails when it has drifted. Words
// are Airflow's where it has them: a source is the class and kwargs that
// AIRFLOW__SECRETS__BACKEND and AIRFLOW__SECRETS__BACKEND_KWARGS hold.
//
// No message holds a value of the file: where a line is malformed, what stands
// on it may be a credential. Nothing that the file says is ever executed.
package config
