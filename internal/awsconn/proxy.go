package awsconn

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// proxyFor chooses the proxy of a request as botocore does
// (get_environ_proxies): HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, the name in
// lower case first, unless NO_PROXY names the host.
func proxyFor(env Env, req *http.Request) (*url.URL, error) {
	if bypasses(env, req.URL) {
		return nil, nil
	}
	for _, key := range []string{req.URL.Scheme, "all"} {
		proxy, ok := env.lookup(key + "_proxy")
		if !ok {
			proxy = env.get(strings.ToUpper(key) + "_PROXY")
		}
		if proxy == "" {
			continue
		}
		if !strings.Contains(proxy, "://") {
			proxy = "http://" + proxy
		}
		u, err := url.Parse(proxy)
		if err != nil || u.Host == "" {
			return nil, errors.New("the proxy of the environment is not a URL")
		}
		return u, nil
	}
	return nil, nil
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
