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
