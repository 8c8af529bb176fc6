package cli

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/servertest"
)

// recorder listens for whatever a client speaks, HTTP with or without TLS, as
// a server or a proxy, or PostgreSQL, answers so that the client goes on, and
// keeps all that it is sent.
type recorder struct {
	net.Listener
	Host string // "127.0.0.1:PORT"
	cert tls.Certificate

	mu  sync.Mutex
	got bytes.Buffer
}

func record(t *testing.T, authority *servertest.Authority) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{Listener: l, Host: l.Addr().String(), cert: authority.Issue(t, &x509.Certificate{
		DNSNames: []string{"localhost", "secretmanager.localhost", "*.amazonaws.com"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(c)
		}
	}()
	return r
}

// sent returns what was received since the last call.
func (r *recorder) sent() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := bytes.Clone(r.got.Bytes())
	r.got.Reset()
	return b
}

func (r *recorder) keep(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got.Write(b)
}

// kept is a connection whose bytes are kept as they are read.
type kept struct {
	net.Conn
	from io.Reader
}

func (k kept) Read(b []byte) (int, error) { return k.from.Read(b) }

func (r *recorder) serve(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(c)
	for {
		first, err := in.Peek(1)
		switch {
		case err != nil:
			return
		case first[0] == 0x16:
			secure := tls.Server(kept{c, in}, &tls.Config{Certificates: []tls.Certificate{r.cert}, NextProtos: []string{"http/1.1"}})
			if secure.Handshake() != nil {
				return
			}
			c, in = secure, bufio.NewReader(secure)
		case first[0] == 0:
			r.postgres(c, in)
			return
		default:
			if !r.http(c, in) {
				return
			}
		}
	}
}

// postgres refuses TLS and asks for the password in plain text.
func (r *recorder) postgres(c net.Conn, in *bufio.Reader) {
	for range 4 {
		var b [1024]byte
		n, err := in.Read(b[:])
		if err != nil {
			return
		}
		r.keep(b[:n])
		if n == 8 { // SSLRequest
			_, _ = c.Write([]byte("N"))
			continue
		}
		_, _ = c.Write([]byte{'R', 0, 0, 0, 8, 0, 0, 0, 3})
	}
}

// http answers one request, and reports whether another may follow.
func (r *recorder) http(c net.Conn, in *bufio.Reader) bool {
	req, err := http.ReadRequest(in)
	if err != nil {
		return false
	}
	if req.Method == http.MethodConnect {
		r.keep([]byte(headerText(req)))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		return true
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
	r.keep([]byte(headerText(req) + string(body) + "\n"))
	res := &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/json"}}}
	// A token for whoever asks for one, so that the next request is made too.
	answer := `{"access_token":"t","token_type":"Bearer","expires_in":3600,"expires_on":"4000000000","auth":{"client_token":"t"},"data":{"data":{"value":"v"}},` +
		`"Parameter":{"Name":"n","Value":"v"},"SecretString":"v","value":"v","initialized":true,"sealed":false}`
	res.Body, res.ContentLength = io.NopCloser(strings.NewReader(answer)), int64(len(answer))
	return err == nil && res.Write(c) == nil
}

func headerText(req *http.Request) string {
	var b bytes.Buffer
	b.WriteString(req.Method + " " + req.URL.String() + " " + req.Host + "\n")
	_ = req.Header.Write(&b)
	return b.String()
}

// holds reports whether b holds text as it is, or in a usual encoding.
func holds(b []byte, text string) bool {
	for _, form := range []string{text, url.QueryEscape(text), hex.EncodeToString([]byte(text))} {
		if bytes.Contains(b, []byte(form)) {
			return true
		}
	}
	words := bytes.FieldsFunc(b, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("+/-_%", r))
	})
	for _, word := range words {
		plain, err := url.QueryUnescape(string(word))
		if err != nil {
			plain = string(word)
		}
		for _, form := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for skip := range 4 {
				if len(plain) <= skip {
					continue
				}
				decoded, err := form.DecodeString(plain[skip:])
				var bad base64.CorruptInputError
				if errors.As(err, &bad) || err == nil {
					if bytes.Contains(decoded, []byte(text)) {
						return true
					}
				}
			}
		}
	}
	return false
}
