package azurefake

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
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
	// CA is the path of a PEM file that vouches for the server, also under the
	// names login.microsoftonline.com and v.vault.azure.net.
	CA string
	// Proxy is "http://127.0.0.1:PORT" of a proxy that leads every connection
	// to the server, whatever its name: what a client with HTTPS_PROXY needs to
	// take the server for Microsoft's own.
	Proxy string

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
	certificate, ca := certificate(t)
	s.CA = ca
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.http.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	s.http.StartTLS()
	t.Cleanup(s.http.Close)
	s.URL = s.http.URL
	s.Authority = s.URL
	proxy := httptest.NewServer(http.HandlerFunc(s.tunnel))
	t.Cleanup(proxy.Close)
	s.Proxy = proxy.URL
	return s
}

// tunnel is the proxy: it takes CONNECT only.
func (s *Server) tunnel(w http.ResponseWriter, r *http.Request) {
	hijacker, ok := w.(http.Hijacker)
	if r.Method != http.MethodConnect || !ok {
		http.Error(w, "this proxy takes CONNECT only", http.StatusMethodNotAllowed)
		return
	}
	server, err := net.Dial("tcp", s.http.Listener.Addr().String())
	if err != nil {
		http.Error(w, "the server does not answer", http.StatusBadGateway)
		return
	}
	client, _, err := hijacker.Hijack()
	if err != nil {
		_ = server.Close()
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
	go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
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
