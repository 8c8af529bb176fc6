package vaultstore

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/airlock-secrets/airlock/internal/wire/requests"
	"github.com/airlock-secrets/airlock/store"
)

// proxyFor chooses the proxy of a request as requests does: the kwarg first,
// key by key, then the environment's, unless NO_PROXY names the host.
func (o *Options) proxyFor(req *http.Request) (*url.URL, error) {
	proxy, err := requests.Proxy(o.Env.Getenv, o.Proxies)(req)
	if errors.Is(err, requests.ErrProxy) {
		return nil, &store.Error{Code: store.Invalid, Err: errors.New("a proxy is not a URL"),
			Hint: "give proxies, HTTP_PROXY and HTTPS_PROXY the form http://HOST:PORT"}
	}
	return proxy, err
}
