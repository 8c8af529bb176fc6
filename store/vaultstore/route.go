package vaultstore

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/internal/wire/requests"
)

// Route lists where the requests of a store with these kwargs go: the server,
// and the proxy in front of it. Nil kwargs are none. Where a log-in asks AWS or
// Google, their own Route says where.
func Route(kwargs *pyjson.Object, env Env) []route.Point {
	k := reader(kwargs, env)
	var o Options
	_ = k.clientOptions(&o) // what cannot be used goes nowhere
	o.Env = env
	server := route.Point{Kind: route.Service, Host: route.Host(k.address(), "http"),
		Plain: !strings.HasPrefix(strings.ToLower(strings.TrimSpace(k.address())), "https:")}
	if u, err := addressed(k.address()); err == nil {
		server.Host, server.Plain = route.Join(u.Hostname(), u.Port(), u.Scheme), u.Scheme == "http"
	}
	switch _, named := env.lookup("VAULT_ADDR"); {
	case k.has("url"):
		server.By = route.Setting{Kwarg: "url"}
	case named:
		server.By = route.Setting{Variable: "VAULT_ADDR"}
	}
	server.Pin, server.PinBy = o.pin()
	points := []route.Point{server}
	if proxy, by := o.proxyOf(k.address()); proxy != "" {
		points = append(points, route.Point{Kind: route.Proxy, Host: proxy, By: by, Pin: server.Pin, PinBy: server.PinBy})
	}
	return points
}

// addressed is an address as a request reads it, which is not in all cases as
// [url.Parse] does.
func addressed(address string) (*url.URL, error) { return parse(join(address, "v1")) }

// pin is how the server's certificate is checked.
func (o *Options) pin() (pin string, by route.Setting) {
	if o.TLS.Insecure {
		return route.NoVerify, route.Setting{Kwarg: "verify"}
	}
	path, from := o.authority()
	switch {
	case path == "":
		return "", route.Setting{}
	case from == "verify":
		by.Kwarg = from
	default:
		by.Variable = from
	}
	return o.Env.Confined.PinOf(o.Env.path(path)), by
}

// proxyOf is the proxy of an address, and what names it.
func (o *Options) proxyOf(address string) (host string, by route.Setting) {
	u, err := addressed(address)
	if err != nil {
		return "", by
	}
	proxy, err := requests.Proxy(o.Env.Getenv, o.Proxies)(&http.Request{URL: u})
	if proxy == nil && !errors.Is(err, requests.ErrProxy) {
		return "", by
	}
	for _, key := range []string{u.Scheme + "://" + u.Hostname(), u.Scheme, "all://" + u.Hostname(), "all"} {
		if o.Proxies[key] != "" {
			by.Kwarg = "proxies"
			break
		}
		if by.Variable = requests.ProxyVariable(o.Env.Getenv, key); by.Variable != "" {
			break
		}
	}
	if proxy == nil {
		return "(no URL)", by
	}
	return route.Join(proxy.Hostname(), proxy.Port(), proxy.Scheme), by
}

// Lacks names the credential that a store with these kwargs would need and
// that they and env do not hold; "" where they hold one. The log-ins of AWS
// and Google are not its own: where one of them says who asks, outside is
// true, and the kwargs lack what that service's driver finds lacking.
func Lacks(kwargs *pyjson.Object, env Env) (lacks string, outside bool) {
	k := reader(kwargs, env)
	switch authType, _ := k.authType().(string); authType {
	case "token":
		if env.get("VAULT_TOKEN") != "" && !k.has("token") && !k.has("token_path") {
			return "", false
		}
		return k.lacksToken("a Vault token"), false
	case "github":
		return k.lacksToken("a GitHub token"), false
	case "kubernetes":
		path := DefaultKubernetesJWTPath
		if given := pyText(k.truthy("kubernetes_jwt_path")); given != "" {
			path = given
		}
		return k.lacksFile(path, "the token of the Kubernetes service account"), false
	case "jwt":
		if !k.has("jwt_token") {
			return k.lacksFile(pyText(k.truthy("jwt_token_path")), "the token file of jwt_token_path"), false
		}
	case "azure": // it goes on with the token that hvac finds
		if env.get("VAULT_TOKEN") == "" {
			return "a Vault token", false
		}
	case "aws_iam":
		return "", !k.has("key_id") || !k.has("secret_id")
	case "gcp":
		return "", true
	}
	return "", false
}

func reader(kwargs *pyjson.Object, env Env) kwargReader {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	return kwargReader{kwargs, env}
}

// lacksToken is about the kwargs token and token_path; the file wins.
func (k kwargReader) lacksToken(what string) string {
	if path := pyText(k.truthy("token_path")); path != "" {
		return k.lacksFile(path, "the token file of token_path")
	}
	if k.has("token") {
		return ""
	}
	return what
}

// lacksFile returns what where a confined store may not read the file. One
// that is not there is a failure of its own.
func (k kwargReader) lacksFile(path, what string) string {
	f, err := k.env.Confined.Open(k.env.path(path))
	if errors.Is(err, route.ErrWithheld) {
		return what
	}
	if err == nil {
		_ = f.Close()
	}
	return ""
}
