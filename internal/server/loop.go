package server

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// endpointer is a store that asks a network service.
type endpointer interface {
	// Endpoint is the base address of the service.
	Endpoint() *url.URL
}

// leadsBack refuses a store whose service is our own listener: each read
// would ask itself for ever.
func leadsBack(ctx context.Context, s store.Store, listen net.Addr) error {
	e, ok := s.(endpointer)
	if !ok || e.Endpoint() == nil {
		return nil
	}
	u := e.Endpoint()
	own, ok := listen.(*net.TCPAddr)
	if !ok || portOf(u) != fmt.Sprint(own.Port) || !isHere(ctx, u.Hostname(), own.AddrPort().Addr()) {
		return nil
	}
	return &store.Error{Op: "serve", Store: store.Label(s), Code: store.Invalid,
		Err:  fmt.Errorf("the secrets backend is at %s, which is this server's own address: it would ask itself", u.Host),
		Hint: "these settings are the ones for Airflow, not for airlock: give airlock the address of the real store,\nor start it with --no-backend to serve only what it keeps itself, or from another folder"}
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

// isHere reports whether host is an address that our listener answers on. A
// name that does not resolve is not ours.
func isHere(ctx context.Context, host string, listen netip.Addr) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		// What a container calls the machine it runs on need not resolve on
		// that machine itself, where the daemon runs.
		return strings.EqualFold(host, "host.docker.internal")
	}
	for _, a := range addrs {
		a = a.Unmap()
		if a == listen.Unmap() || a.IsUnspecified() || (listen.IsUnspecified() && isLocal(a)) {
			return true
		}
		if a.IsLoopback() && listen.IsLoopback() {
			return true
		}
	}
	return false
}

// isLocal reports whether a is an address of this machine.
func isLocal(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, o := range own {
		if n, ok := o.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == a {
				return true
			}
		}
	}
	return false
}
