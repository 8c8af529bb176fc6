// Package hostname says to which names a server answers that speaks plain
// HTTP, and which addresses stay on this machine.
//
// A page on the web can have its own name resolve to 127.0.0.1 and then send
// requests there from the browser of whoever reads it (DNS rebinding). Such a
// request has the page's name as its Host: a server that knows its own names
// can tell.
package hostname

import (
	"net"
	"net/netip"
	"strings"
)

// local are the endings below which nobody on the web can have a name:
// RFC 6761, 6.3 (localhost), ICANN's resolution 2024.07.29.06 (internal), and
// the names of Kubernetes' services.
var local = []string{".localhost", ".internal", ".svc", ".svc.cluster.local"}

// Set are names that are answered to besides those that always are.
type Set []string

// Answers reports whether a request whose Host is host, with or without a
// port, is for us: an IP address, a name without a dot (localhost, and the
// names in a container network), one that ends as only private names do, or
// one of the set.
func (s Set) Answers(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	host = plain(host)
	if !Valid(host) {
		return false
	}
	if !strings.Contains(host, ".") {
		return true
	}
	for _, ending := range local {
		if strings.HasSuffix(host, ending) {
			return true
		}
	}
	for _, name := range s {
		if host == plain(name) {
			return true
		}
	}
	return false
}

// plain is a name as names are compared: in lower case, without the dot that
// ends a full one.
func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// Valid reports whether name could be one: labels of letters, digits, - and _
// between dots, 253 bytes at most. A port, a scheme and * are not part of one.
func Valid(name string) bool {
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, outside) {
			return false
		}
	}
	return true
}

func outside(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
}

// Loopback reports whether an address to listen on, HOST:PORT, is reached from
// this machine only.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
