// Package route says where the requests of a store go, whom they believe on
// the way, and what a driver may use that is not the folder's own.
//
// A folder that somebody else may have written can name the server that a
// store's requests go to. Airlock then gives that server no credential of the
// user's until the user trusts the address. Each driver answers two questions
// about its kwargs and environment: at which points of the network do requests
// arrive ([Point]), and which credential would have to come from the user. What
// a driver may then read is bounded by a [Confinement].
package route

import (
	"cmp"
	"net"
	"net/url"
	"strings"
)

// Kind is what an address is for.
type Kind string

// The kinds of addresses.
const (
	// Service is the store itself.
	Service Kind = "service"
	// Login is where a token is had: an authority, a token URL, STS, an
	// identity endpoint, a metadata service, the URL of a credential source.
	Login Kind = "login"
	// Proxy passes requests on.
	Proxy Kind = "proxy"
)

// NoVerify is the Pin of a point whose certificate is not checked.
const NoVerify = "no-verify"

// Setting says what names an address or a CA file: one of its members is set.
// The zero value is that nothing does: the client computes the address from
// the service and its region, or has a default.
type Setting struct {
	// Kwarg is the name of a kwarg of the backend: "url", or of a member in one:
	// "gcp_keyfile_dict" for its token_uri.
	Kwarg string
	// Variable is the name of an environment variable: "VAULT_ADDR".
	Variable string
	// File is the path of a file that holds the address, absolute: a profile of
	// AWS, a key file of Google.
	File string
	// Option is an option of Airflow's, for the metadata database:
	// "[database] sql_alchemy_conn".
	Option string
}

// String is the setting's name for people; "" for the zero value.
func (s Setting) String() string {
	return cmp.Or(s.Kwarg, s.Variable, s.File, s.Option)
}

// Point is one address that something of a store's requests goes to.
type Point struct {
	Kind Kind
	// Host is "host:port" in lower case, the port of the scheme where the
	// address has none; or the path of a unix socket.
	Host string
	By   Setting
	// Plain says that requests are not encrypted: the scheme is http.
	Plain bool
	// Pin says how the certificate is checked: "" by the system's roots, or
	// [NoVerify], or "ca:" and the SHA-256 of the CA file (hex). PinBy is what
	// says so.
	Pin   string
	PinBy Setting
}

// ReachedBy reports whether p, an address of the user's own, is o's too: then
// the user has trusted it by naming it. An address that is encrypted does not
// speak for one that is not.
func (p Point) ReachedBy(o Point) bool {
	return p.Kind == o.Kind && p.Host == o.Host && p.Plain == o.Plain
}

// String is the address, with how its certificate is checked where that is
// not usual.
func (p Point) String() string {
	switch p.Pin {
	case "":
		return p.Host
	case NoVerify:
		return p.Host + " (its certificate is not checked)"
	}
	return p.Host + " (its certificate is checked by the CA file that " + p.PinBy.String() + " names)"
}

// ports of the schemes that addresses have.
var ports = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080", "socks4": "1080",
	"postgresql": "5432", "postgres": "5432", "mysql": "3306"}

// Host returns "host:port" of a URL, or of an address that is none: "" where it
// has no host. scheme is the one of an address that is written without.
func Host(address, scheme string) string {
	address = strings.TrimSpace(address)
	if !strings.Contains(address, "://") {
		address = scheme + "://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return rawHost(address)
	}
	return Join(u.Hostname(), u.Port(), strings.ToLower(u.Scheme))
}

// Join makes "host:port"; without a port it is that of the scheme.
func Join(host, port, scheme string) string {
	if port == "" {
		port = ports[scheme]
	}
	return net.JoinHostPort(strings.ToLower(strings.TrimSuffix(host, ".")), port)
}

// rawHost is what stands where a host would, in an address that is no URL: a
// client that reads it more generously may go there.
func rawHost(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		rest = rest[:i]
	}
	return strings.ToLower(rest[strings.LastIndexByte(rest, '@')+1:])
}
