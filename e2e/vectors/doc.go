// Package vectors tests the generator of the cases in internal/vectors: Python
// programs that give the input of every case to real Airflow with its stock
// providers, of which only the last step before the network is replaced, and
// compare what they answer with what the case has.
//
// `make vectors` runs it over every file; `make vectors airflow=2.11.0` does so
// with another Airflow, in an environment of its own.
package vectors
