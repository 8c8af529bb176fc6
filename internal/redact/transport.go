package redact

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Transport returns next, but each request is known to the Set before it is
// sent: the credentials of its headers, and of a body that is JSON or a form.
func (s *Set) Transport(next http.RoundTripper) http.RoundTripper {
	if s == nil {
		return next
	}
	return transport{s, next}
}

type transport struct {
	set  *Set
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	for name, values := range req.Header {
		if plainHeader(name) {
			continue
		}
		for _, value := range values {
			authorization(value, t.set.sent)
		}
	}
	if req.Body == nil || req.Body == http.NoBody {
		return t.next.RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	t.set.body(body)
	again := req.Clone(req.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return t.next.RoundTrip(again)
}

// CloseIdleConnections passes on what http.Client.CloseIdleConnections asks.
func (t transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// body adds what a request sends.
func (s *Set) body(b []byte) {
	if v, ok := decode(string(b)); ok {
		names(Shown).leaves(v, s.long)
		return
	}
	form, err := url.ParseQuery(string(b))
	if err != nil {
		return
	}
	for name, values := range form {
		for _, value := range values {
			if !Shown(name) {
				s.long(value)
			}
		}
	}
}

// long adds a part of a body, as a payload: a name that is asked for may be
// one too, and names stay in airlock's own words.
func (s *Set) long(text string) {
	if len(text) >= leastInWords {
		s.Payload([]byte(text))
	}
}

// plainHeaders are headers without a credential. A Referer is the address that
// redirected, which net/http writes without its user information.
var plainHeaders = []string{"Accept", "Accept-Encoding", "User-Agent", "Content-Type", "Content-Length", "Connection", "Metadata-Flavor",
	"Metadata", "Host", "Date", "Traceparent", "Referer"}

func plainHeader(name string) bool {
	return slices.Contains(plainHeaders, name) || strings.HasPrefix(name, "Amz-Sdk-") || strings.HasPrefix(name, "X-Ms-") ||
		slices.Contains([]string{"X-Amz-Date", "X-Amz-Target", "X-Amz-Content-Sha256", "X-Vault-Request", "X-Vault-Namespace",
			"X-Goog-Api-Client", "X-Goog-User-Project"}, name)
}
