// Package servertest has what tests, and the kits of tests, that run a server
// share: its process and folder, ports, and certificates.
package servertest
