package azurefake

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"

	"github.com/airlock-secrets/airlock/internal/servertest"
)

// certificate is a server's of a new authority, whose own is in the file ca.
func certificate(t testing.TB) (server tls.Certificate, ca string) {
	t.Helper()
	authority := servertest.NewAuthority(t)
	server = authority.Issue(t, &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost", "login.microsoftonline.com", "v.vault.azure.net"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}})
	return server, authority.File(t)
}
