// Package airflow holds the values and rules of Apache Airflow that airlock
// must reproduce: what a person asks for ([Ref]), what a connection is, how
// environment variables are named, how backend kwargs are decoded, how the
// metadata database encrypts. It is pure: it imports only the standard
// library, reads no clock, no environment and no network.
//
// The reference is apache-airflow 3.3.2 with apache-airflow-task-sdk 1.3.2;
// the vectors in testdata were produced by running it.
package airflow
