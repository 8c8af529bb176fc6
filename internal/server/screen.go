package server

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/internal/hostname"
	wire "github.com/airlock-secrets/airlock/internal/wire/vault"
)

// screen looks at what a request says of its way, before anybody asks who
// sends it. A browser that a page on the web drives says so (Host, Origin,
// Sec-Fetch-Site), and so does a proxy that puts a listener of this machine on
// a network (Forwarded, X-Forwarded-For).
type screen struct {
	hosts    hostname.Set
	proxies  []netip.Prefix
	loopback bool // the listener is reached from this machine only
	// note writes the audit line of a request that is refused.
	note func(c *gate.Caller, action, done string, err error) error
}

// refusal is the answer to a request that goes no further.
type refusal struct {
	status  int
	outcome string // in the audit line
	message string
}

// before returns next behind the screen.
func (s *screen) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if no := s.refuses(r); no != nil {
			// Without its line it is refused all the same.
			_ = s.note(&gate.Caller{Protocol: "http", Remote: r.RemoteAddr}, "connect", no.outcome, nil)
			no.answer(w, r)
			return
		}
		if client := s.client(r); client != "" {
			named := *r // the server still needs the peer's own address
			named.RemoteAddr = client
			r = &named
		}
		next.ServeHTTP(w, r)
	})
}

func (s *screen) refuses(r *http.Request) *refusal {
	switch {
	// Over TLS the client has made sure by the certificate whom it asks.
	case r.TLS == nil && !s.hosts.Answers(r.Host):
		return wrongHost(r.Host)
	case len(r.Header["Origin"]) > 0:
		return fromWeb("Origin")
	case fromPage(r.Header["Sec-Fetch-Site"]):
		return fromWeb("Sec-Fetch-Site")
	case s.loopback && forwarded(r) && !s.trusts(peer(r)):
		return &refusal{http.StatusForbidden, "proxy refused",
			"airlock listens for this machine only, and the request came through a proxy (it has a Forwarded or X-Forwarded-For" +
				" header): name the proxy in serve.proxies of the file that --config names"}
	}
	return nil
}

func fromWeb(header string) *refusal {
	return &refusal{http.StatusForbidden, "origin refused", "airlock does not answer a web page: the request has the header " + header}
}

func wrongHost(host string) *refusal {
	if host == "" {
		return &refusal{http.StatusMisdirectedRequest, "host refused", "airlock does not answer a request without a host name over plain HTTP:" +
			" send the header Host with the name or the address of this machine"}
	}
	name, flag := "this host name", "--host NAME"
	if bare, _, _ := strings.Cut(host, ":"); hostname.Valid(bare) {
		name, flag = "the host name "+bare, "--host "+bare
	}
	return &refusal{http.StatusMisdirectedRequest, "host refused", "airlock does not answer to " + name + " over plain HTTP:" +
		" start it with " + flag + ", or name it in serve.hosts of the file that --config names"}
}

// fromPage reports whether a browser sends a request for a page, and not
// because a person has typed the address.
// https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
func fromPage(sites []string) bool {
	return slices.ContainsFunc(sites, func(site string) bool { return site != "none" })
}

// answer tells a client of /v1/ in the form of Vault's errors, and everybody
// else in plain text.
func (no *refusal) answer(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1/") {
		plain(w, no.status, no.message)
		return
	}
	b, _ := json.Marshal(wire.ErrorResponse{Errors: []string{no.message}}) // strings only: cannot fail
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(no.status)
	_, _ = w.Write(append(b, '\n'))
}

func forwarded(r *http.Request) bool {
	return len(r.Header["Forwarded"]) > 0 || len(r.Header["X-Forwarded-For"]) > 0
}

// peer is the address at the other end of the connection; the zero value where
// it cannot be told.
func peer(r *http.Request) netip.Addr {
	a, _ := hopAddr(r.RemoteAddr)
	return a
}

func (s *screen) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// client is who a proxy of ours says that it asks for, as HOST:PORT: the last
// address of its header that is not one of our proxies too, for anybody may
// have written what stands before that one. It is "" where no such proxy asks,
// and where the header names no address.
//
// X-Forwarded-For counts before Forwarded (RFC 7239), which few proxies write
// and many pass on as it came.
func (s *screen) client(r *http.Request) string {
	if len(s.proxies) == 0 || !s.trusts(peer(r)) {
		return ""
	}
	hops := hopsOf(r.Header["X-Forwarded-For"], func(hop string) string { return hop })
	if len(hops) == 0 {
		hops = hopsOf(r.Header["Forwarded"], forOf)
	}
	client := ""
	for _, hop := range slices.Backward(hops) {
		a, ok := hopAddr(hop)
		if !ok {
			break
		}
		client = netip.AddrPortFrom(a, 0).String()
		if !s.trusts(a) {
			break
		}
	}
	return client
}

// hopsOf are the elements of a header, which may come in several lines.
func hopsOf(lines []string, of func(element string) string) []string {
	var hops []string
	for _, line := range lines {
		for hop := range strings.SplitSeq(line, ",") {
			hops = append(hops, of(strings.TrimSpace(hop)))
		}
	}
	return hops
}

// forOf is the parameter "for" of an element of Forwarded.
func forOf(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "for") {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// hopAddr reads an address with or without a port. A word that hides one
// (RFC 7239, 6.3) is none.
func hopAddr(text string) (netip.Addr, bool) {
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		return netip.Addr{}, false
	}
	return a.Unmap().WithZone(""), true
}
