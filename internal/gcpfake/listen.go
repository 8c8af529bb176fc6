package gcpfake

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"
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
	certificate, caFile := certificates(t)
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
	return &Endpoint{Universe: "localhost:" + port, Addr: listener.Addr().String(), CAFile: caFile}
}

// certificates makes an authority and a certificate that it signed. gRPC
// refuses a wildcard below localhost, so the names stand one by one.
func certificates(t testing.TB) (leaf tls.Certificate, caFile string) {
	t.Helper()
	caKey, caTemplate := newKey(t), template(1, "airlock test authority")
	caTemplate.IsCA, caTemplate.BasicConstraintsValid, caTemplate.KeyUsage = true, true, x509.KeyUsageCertSign
	ca, err := x509.CreateCertificate(rand.Reader, caTemplate, caTemplate, &caKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	key, cert := newKey(t), template(2, "secretmanager.localhost")
	cert.DNSNames = []string{"secretmanager.localhost", "iamcredentials.localhost", "localhost"}
	cert.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	cert.KeyUsage, cert.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, cert, caTemplate, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, caFile
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func template(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
}
