package azurefake

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Request is one request as it came.
type Request struct {
	Method, Path, Query string
	// Authorized is set where a token came along.
	Authorized bool
}

// Server is a listening Azure.
type Server struct {
	*Vault
	// URL is "https://127.0.0.1:PORT": vault, login service and identity
	// endpoint at once.
	URL string
	// CA is the path of a PEM file that vouches for the server.
	CA string

	mu       sync.Mutex
	requests []Request
	fault    func(http.ResponseWriter, *http.Request) bool
	http     *httptest.Server
}

// Start runs a server until the test ends. Log-ins go to URL+"/adfs" with any
// tenant, to URL with a tenant, or to URL+"/msi/token".
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{Vault: NewVault()}
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.http.Config.ErrorLog = nil
	s.http.StartTLS()
	t.Cleanup(s.http.Close)
	s.URL = s.http.URL
	s.Authority = s.URL
	s.CA = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})
	if err := os.WriteFile(s.CA, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// Fault lets f answer in the server's place; f returns false for a request
// that is to be answered as ever. Nil ends it.
func (s *Server) Fault(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Requests returns what came so far and forgets it.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := s.requests
	s.requests = nil
	return requests
}

// Stop breaks all connections and takes no further ones.
func (s *Server) Stop() {
	s.http.CloseClientConnections()
	s.http.Close()
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, Request{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Authorization") != ""})
	fault := s.fault
	s.mu.Unlock()
	if fault == nil || !fault(w, r) {
		s.Vault.ServeHTTP(w, r)
	}
}
