package gcpfake

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"

	"github.com/airlock-secrets/airlock/internal/servertest"
)

// Endpoint is where a server listens.
type Endpoint struct {
	// Universe is the universe domain that leads to it: "localhost:9443". A
	// client puts "secretmanager." before it.
	Universe string
	// Addr is the address itself: "127.0.0.1:9443".
	Addr string
	// CAFile has the certificate that signed the server's.
	CAFile string
}

// Start serves s over TLS and HTTP/2 on loopback until the test ends. Names
// of the certificate are secretmanager.localhost, iamcredentials.localhost
// and localhost.
func Start(t testing.TB, s *Server) *Endpoint {
	t.Helper()
	return StartHandler(t, s.Handler())
}

// Handler is the service as an HTTP handler, which speaks HTTP/2 only.
func (s *Server) Handler() http.Handler {
	server := grpc.NewServer()
	secretmanagerpb.RegisterSecretManagerServiceServer(server, s)
	return server
}

// StartHandler serves any handler in the place of the service.
func StartHandler(t testing.TB, h http.Handler) *Endpoint {
	t.Helper()
	authority := servertest.NewAuthority(t)
	// gRPC refuses a wildcard below localhost, so the names stand one by one.
	certificate := authority.Issue(t, &x509.Certificate{DNSNames: []string{"secretmanager.localhost", "iamcredentials.localhost", "localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.ServeTLS(listener, "", "")
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return &Endpoint{Universe: "localhost:" + port, Addr: listener.Addr().String(), CAFile: authority.File(t)}
}
