package awsconn

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// proxyFor chooses the proxy of a request.
func proxyFor(env Env, req *http.Request) (*url.URL, error) {
	proxy, _, err := proxyOf(env, req.URL)
	return proxy, err
}

// proxyOf chooses the proxy of an address as botocore does
// (get_environ_proxies): HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, the name in
// lower case first, unless NO_PROXY names the host. It also returns the name.
func proxyOf(env Env, to *url.URL) (at *url.URL, name string, err error) {
	if bypasses(env, to) {
		return nil, "", nil
	}
	for _, key := range []string{to.Scheme, "all"} {
		name = key + "_proxy"
		proxy, ok := env.lookup(name)
		if !ok {
			name = strings.ToUpper(name)
			proxy = env.get(name)
		}
		if proxy == "" {
			continue
		}
		if !strings.Contains(proxy, "://") {
			proxy = "http://" + proxy
		}
		u, err := url.Parse(proxy)
		if err != nil || u.Host == "" {
			return nil, "", errors.New("the proxy of the environment is not a URL")
		}
		return u, name, nil
	}
	return nil, "", nil
}

func bypasses(env Env, u *url.URL) bool {
	list, ok := env.lookup("no_proxy")
	if !ok {
		list = env.get("NO_PROXY")
	}
	host := strings.ToLower(u.Hostname())
	address, err := netip.ParseAddr(host)
	for entry := range strings.SplitSeq(strings.ToLower(strings.ReplaceAll(list, " ", "")), ",") {
		switch {
		case entry == "":
		case entry == "*", entry == host, entry == u.Host:
			return true
		case err == nil:
			if network, err := netip.ParsePrefix(entry); err == nil && network.Contains(address) {
				return true
			}
		case strings.HasSuffix("."+host, "."+strings.TrimLeft(entry, ".")):
			return true
		}
	}
	return false
}
