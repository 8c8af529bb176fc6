package vaultstore

import "fmt"

// Nothing here prints a credential, whatever the verb.

// Format implements fmt.Formatter.
func (s *Store) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, s.name) }

// Format implements fmt.Formatter.
func (o Options) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, label(o.address()), " options") }

// Format implements fmt.Formatter.
func (Token) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "token log-in") }

// Format implements fmt.Formatter.
func (AppRole) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "approle log-in") }

// Format implements fmt.Formatter.
func (Userpass) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "userpass log-in") }

// Format implements fmt.Formatter.
func (LDAP) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "ldap log-in") }

// Format implements fmt.Formatter.
func (Kubernetes) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "kubernetes log-in") }

// Format implements fmt.Formatter.
func (JWT) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "jwt log-in") }

// Format implements fmt.Formatter.
func (GitHub) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "github log-in") }

// Format implements fmt.Formatter.
func (Azure) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "azure log-in") }

// Format implements fmt.Formatter.
func (RADIUS) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "radius log-in") }

// Format implements fmt.Formatter.
func (AWSIAM) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "aws_iam log-in") }

// Format implements fmt.Formatter.
func (GCP) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "gcp log-in") }
