// Package e2e proves airlock from outside: the built binary, a real OpenBao,
// real Airflow, and the clients people use, each a process of its own.
//
// Every value that a test plants as a secret carries the same mark, and every
// line that any of these processes writes is searched for it: only the answer
// to a question for the value may hold it.
package e2e
