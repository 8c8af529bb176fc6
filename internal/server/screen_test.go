package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/server"
)

// reach is what a browser or a proxy sends, and how it gets there.
type reach struct {
	host   string // of the URL; "" is the daemon's own address
	header map[string]string
}

// ask sends a request as a client does that resolves every name to the daemon.
func (c reach) ask(t *testing.T, r *running, path string) (int, string) {
	t.Helper()
	own, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	rebound := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, own.Host)
	}}
	defer rebound.CloseIdleConnections()
	target := r.URL
	if c.host != "" {
		target = "http://" + c.host
	}
	q, err := http.NewRequestWithContext(t.Context(), "GET", target+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("X-Vault-Token", r.Token)
	for name, value := range c.header {
		q.Header.Set(name, value)
	}
	res, err := (&http.Client{Transport: rebound}).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// connections are the lines of refused connections that a data folder's log
// has, as peer and outcome.
func connections(t *testing.T, dir string) (lines []string) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var e struct {
			Action, Remote, Outcome string
			Outcomes                map[string]int64 // of a sum
		}
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if e.Action == "connect" {
			lines = append(lines, e.Outcome)
		}
		lines = slices.AppendSeq(lines, maps.Keys(e.Outcomes))
	}
	return lines
}

// A page of evil.example that has its name resolve to this machine reads
// nothing, not even with the token.
func TestNoPageOnTheWebIsAnswered(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r := start(t, server.Config{DataDir: dir, Dev: true, Hosts: []string{"airlock.example.com"}})
	r.want(t, "POST", "/v1/secret/data/variables/k", `{"data":{"value":"CANARY-screen"}}`, 200, "version")
	for _, c := range []struct {
		reach
		status int
		says   string
	}{
		{reach{}, 200, "CANARY-screen"},
		{reach{host: "localhost:8477"}, 200, "CANARY-screen"},
		{reach{host: "airlock.ns.svc.cluster.local"}, 200, "CANARY-screen"},
		{reach{host: "AIRLOCK.example.com:1"}, 200, "CANARY-screen"},
		{reach{host: "evil.example"}, 421, "--host evil.example"},
		{reach{host: "evil.example:8477"}, 421, "serve.hosts"},
		{reach{host: "127.0.0.1.nip.io"}, 421, "--host 127.0.0.1.nip.io"},
		{reach{header: map[string]string{"Origin": "http://evil.example"}}, 403, "Origin"},
		{reach{header: map[string]string{"Origin": "null"}}, 403, "Origin"},
		{reach{header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, 403, "Sec-Fetch-Site"},
		{reach{header: map[string]string{"Sec-Fetch-Site": "same-origin"}}, 403, "Sec-Fetch-Site"},
		{reach{header: map[string]string{"Sec-Fetch-Site": "none"}}, 200, "CANARY-screen"},
		{reach{header: map[string]string{"X-Forwarded-For": "127.0.0.1"}}, 403, "serve.proxies"},
		{reach{header: map[string]string{"Forwarded": "for=127.0.0.1"}}, 403, "serve.proxies"},
	} {
		for _, path := range []string{"/v1/secret/data/variables/k", "/-/healthy"} {
			status, body := c.ask(t, r, path)
			says := c.says
			if path == "/-/healthy" && status == 200 {
				says = "healthy"
			}
			if status != c.status || !strings.Contains(body, says) || status != 200 && strings.Contains(body, "CANARY-") {
				t.Errorf("%+v %s: status %d, %s\nwant %d and %q", c.reach, path, status, strings.ReplaceAll(body, "CANARY-", "(secret)"), c.status, says)
			}
			if status != 200 && strings.HasPrefix(path, "/v1/") && !json.Valid([]byte(body)) {
				t.Errorf("%+v: no JSON: %s", c.reach, body)
			}
		}
	}
	if err := r.stop(); err != nil { // which writes what waits to be
		t.Fatal(err)
	}
	if all := strings.Join(connections(t, dir), ", "); !strings.Contains(all, "host refused") || !strings.Contains(all, "origin refused") || !strings.Contains(all, "proxy refused") {
		t.Errorf("the refused requests left the lines %q", all)
	}
}

func TestWhatAProxySaysIsForTheAuditLine(t *testing.T) {
	for _, tt := range []struct {
		name    string
		proxies []string
		header  map[string]string
		remote  string // what the line's begins with
		status  int
	}{
		{"no proxy", nil, nil, "127.0.0.1:", 200},
		{"a proxy that is not named", []string{"10.0.0.0/8"}, map[string]string{"X-Forwarded-For": "203.0.113.9"}, "", 403},
		{"one that is", []string{"127.0.0.1/32"}, map[string]string{"X-Forwarded-For": "203.0.113.9"}, "203.0.113.9:", 200},
		{"what a client made up", []string{"127.0.0.0/8"}, map[string]string{"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}, "203.0.113.9:", 200},
		{"two proxies", []string{"127.0.0.1/32", "10.0.0.0/8"}, map[string]string{"X-Forwarded-For": "203.0.113.9, 10.1.1.1"}, "203.0.113.9:", 200},
		{"with a port", []string{"127.0.0.1/32"}, map[string]string{"X-Forwarded-For": "203.0.113.9:4711"}, "203.0.113.9:", 200},
		{"no address", []string{"127.0.0.1/32"}, map[string]string{"X-Forwarded-For": "unknown"}, "127.0.0.1:", 200},
		{"Forwarded", []string{"127.0.0.1/32"}, map[string]string{"Forwarded": `for=192.0.2.1, For="[2001:db8::1]:4711";proto=http`}, "[2001:db8::1]:", 200},
		{"both", []string{"127.0.0.1/32"}, map[string]string{"Forwarded": "for=192.0.2.1", "X-Forwarded-For": "203.0.113.9"}, "203.0.113.9:", 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			c := server.Config{DataDir: dir, Dev: true}
			for _, p := range tt.proxies {
				c.Proxies = append(c.Proxies, netip.MustParsePrefix(p))
			}
			r := start(t, c)
			if status, body := (reach{header: tt.header}).ask(t, r, "/v1/auth/token/lookup-self"); status != tt.status {
				t.Errorf("status %d, %s", status, body)
			}
			b, err := os.ReadFile(filepath.Join(dir, "audit.log"))
			if err != nil {
				t.Fatal(err)
			}
			if tt.remote != "" && !strings.Contains(string(b), `"remote":"`+tt.remote) {
				t.Errorf("the log has %s, want the peer %s", b, tt.remote)
			}
		})
	}
}

// Beyond this machine the headers say nothing, unless a proxy is named.
func TestHeadersOfProxiesAreIgnoredBeyondThisMachine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var warned []string
	r := start(t, server.Config{DataDir: dir, Dev: true, Listen: "0.0.0.0:0", PlainHTTP: true, Warn: func(text string) { warned = append(warned, text) }})
	if status, body := (reach{header: map[string]string{"X-Forwarded-For": "203.0.113.9"}}).ask(t, r, "/v1/auth/token/lookup-self"); status != 200 {
		t.Errorf("status %d, %s", status, body)
	}
	b, err := os.ReadFile(filepath.Join(dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "203.0.113.9") {
		t.Errorf("the log believes the header: %s", b)
	}
	if all := strings.Join(warned, "\n"); !strings.Contains(all, "encrypts nothing") {
		t.Errorf("the warnings are %q", all)
	}
}

// An absolute target counts over the Host, and HTTP/1.0 needs none.
func TestRawRequests(t *testing.T) {
	r := start(t, server.Config{DataDir: filepath.Join(t.TempDir(), "data"), Dev: true})
	own := strings.TrimPrefix(r.URL, "http://")
	for text, want := range map[string]string{
		"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\n":                                    "200",
		"GET /v1/sys/health HTTP/1.0\r\n":                                                       "a request without a host name",
		"GET /v1/sys/health HTTP/1.1\r\nHost: \r\n":                                             "a request without a host name",
		"GET http://evil.example/v1/sys/health HTTP/1.1\r\nHost: localhost\r\n":                 "the host name evil.example",
		"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n":              "400",
		"GET /v1/sys/health HTTP/1.1\r\nHost: evil.example.\r\nUpgrade: h2c\r\n":                "the host name evil.example.",
		"GET /v1/sys/health HTTP/1.1\r\nHost: [evil.example]\r\n":                               "421",
		"GET /v1/sys/health HTTP/1.1\r\nHost: localhost@evil.example\r\n":                       "400",
		"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\nsec-fetch-site: NONE\r\n":            "403",
		"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\norigin: null\r\n":                    "403",
		"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\nForwarded: \r\n":                     "403",
		"CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n":                               "421",
		"OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n":                                          "421",
		"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: e.x\r\n": "the host name e.x",
	} {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", own)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, text+"Connection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(c)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil || !strings.Contains(string(answer), want) {
			t.Errorf("%q: no %q in the answer (%v)", text, want, err)
		}
	}
}
