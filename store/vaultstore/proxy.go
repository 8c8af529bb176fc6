package vaultstore

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/airlock-secrets/airlock/store"
)

// proxyFor chooses the proxy of a request as requests does (select_proxy over
// Session.merge_environment_settings): the kwarg first, key by key, then the
// environment's, unless NO_PROXY names the host.
func (o *Options) proxyFor(req *http.Request) (*url.URL, error) {
	bypass := o.bypasses(req.URL)
	host := req.URL.Hostname()
	for _, key := range []string{req.URL.Scheme + "://" + host, req.URL.Scheme, "all://" + host, "all"} {
		proxy, ok := o.Proxies[key]
		if !ok && !bypass {
			proxy, ok = o.environmentProxy(key)
		}
		if ok && proxy != "" {
			return parseProxy(proxy)
		}
	}
	return nil, nil
}

// environmentProxy is one of urllib's getproxies_environment: the name in
// lower case wins, also where it is empty.
func (o *Options) environmentProxy(key string) (string, bool) {
	if strings.Contains(key, ":") {
		return "", false
	}
	if v, ok := o.Env.lookup(key + "_proxy"); ok {
		return v, v != ""
	}
	if _, cgi := o.Env.lookup("REQUEST_METHOD"); cgi && key == "http" {
		return "", false // a CGI client could set HTTP_PROXY by a header
	}
	v := o.Env.get(strings.ToUpper(key) + "_PROXY")
	return v, v != ""
}

func parseProxy(proxy string) (*url.URL, error) {
	if !strings.Contains(proxy, "://") {
		proxy = "http://" + proxy
	}
	u, err := url.Parse(proxy)
	if err != nil || u.Host == "" {
		return nil, &store.Error{Code: store.Invalid, Err: errors.New("a proxy is not a URL"),
			Hint: "give proxies, HTTP_PROXY and HTTPS_PROXY the form http://HOST:PORT"}
	}
	return u, nil
}

// bypasses is requests' should_bypass_proxies.
func (o *Options) bypasses(u *url.URL) bool {
	list := o.Env.get("no_proxy")
	if list == "" {
		list = o.Env.get("NO_PROXY")
	}
	host := u.Hostname()
	withPort := host
	if p := u.Port(); p != "" {
		withPort += ":" + p
	}
	address, err := netip.ParseAddr(host)
	ipv4 := err == nil && address.Is4()
	for entry := range strings.SplitSeq(strings.ReplaceAll(list, " ", ""), ",") {
		switch {
		case entry == "":
		case entry == "*":
			return true
		case ipv4:
			if network, err := netip.ParsePrefix(entry); err == nil && network.Contains(address) || entry == host {
				return true
			}
		case strings.HasSuffix(host, entry), strings.HasSuffix(withPort, entry), strings.HasSuffix("."+host, "."+strings.TrimLeft(entry, ".")):
			return true
		}
	}
	return false
}
