package gcpstore

import (
	"errors"
	"io/fs"
	"net/url"
	"slices"

	"golang.org/x/net/http/httpproxy"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/internal/wire/requests"
)

// lacking is the name of what a store has that has no credentials.
const lacking = "a Google login"

// Route lists where the requests of a store with these kwargs go: the service,
// where tokens are had, and the proxies in front of them. Nil kwargs are none.
// It asks nobody, and reads no file but regular ones. An address that
// credentials in a file name is listed for the file and again for the setting
// that names the file: each of the two decides where requests go.
func Route(kwargs *pyjson.Object, env Env) []route.Point {
	universe, err := universeOf(Options{Env: env})
	if err != nil {
		return nil
	}
	m := routes{env: env}
	m.service(universe)
	k := reader(kwargs, env)
	c, err := k.credentials()
	m.logins(k, c, err, account.addresses)
	return m.points
}

// Lacks is "a Google login" where neither kwargs nor env hold credentials that
// need nothing of the machine, else "". It asks nobody.
func Lacks(kwargs *pyjson.Object, env Env) string {
	c, err := reader(kwargs, env).credentials()
	return lacks(c, err)
}

// SignerRoute is Route for OpenSigner with the same arguments: IAM, and where
// tokens for it are had.
func SignerRoute(keyPath, keyfile any, env Env) []route.Point {
	universe, err := universeOf(Options{Env: env})
	if err != nil {
		return nil
	}
	m := routes{env: env}
	m.add(route.Login, address{url: "https://iam." + universe, own: universe == DefaultUniverse, by: universeVariable}, nil)
	k := signerReader(keyPath, keyfile, nil, env)
	c, err := k.source()
	m.logins(k, c, err, grantAddresses)
	return m.points
}

// SignerLacks is Lacks for OpenSigner with the same arguments.
func SignerLacks(keyPath, keyfile any, env Env) string {
	c, err := signerReader(keyPath, keyfile, nil, env).source()
	return lacks(c, err)
}

func lacks(c *Credentials, err error) string {
	switch {
	case withheld(err), errors.Is(err, errNoDefault):
		return lacking
	case err != nil: // what is wrong with the credentials is the store's to say
		return ""
	case c.account.own():
		return ""
	}
	return lacking
}

func reader(kwargs *pyjson.Object, env Env) kwargReader {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	return kwargReader{kwargs, env}
}

// namer is the setting that the credentials come from.
func (k kwargReader) namer() route.Setting {
	for _, name := range []string{"gcp_key_path", "gcp_keyfile_dict", "gcp_credential_config_file"} {
		if k.truthy(name) != nil {
			return route.Setting{Kwarg: name}
		}
	}
	for _, name := range []string{"GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG"} {
		if k.env.get(name) != "" {
			return route.Setting{Variable: name}
		}
	}
	return route.Setting{}
}

// universeVariable names the domain of Google's services.
var universeVariable = route.Setting{Variable: "GOOGLE_CLOUD_UNIVERSE_DOMAIN"}

// routes collects points.
type routes struct {
	env    Env
	points []route.Point
}

func (m *routes) put(p route.Point) {
	if !slices.Contains(m.points, p) {
		m.points = append(m.points, p)
	}
}

// service is Secret Manager, which is reached by gRPC: that has variables of
// its own for proxies and authorities.
func (m *routes) service(universe string) {
	at := target(universe)
	p := route.Point{Kind: route.Service, Host: route.Host(at, "https")}
	if universe != DefaultUniverse {
		p.By = universeVariable
	}
	if file := m.env.get(rootsVariable); file != "" {
		p.Pin, p.PinBy = m.env.Confined.PinOf(m.env.path(file)), route.Setting{Variable: rootsVariable}
	}
	m.put(p)
	if proxy, err := grpcProxy(m.env)(&url.URL{Scheme: "https", Host: at}); err == nil && proxy != nil {
		m.proxy(proxy, m.env.firstName(grpcProxies...))
	}
}

// logins are the addresses that an account asks, as of lists them. err is why
// there are no credentials.
func (m *routes) logins(k kwargReader, c *Credentials, err error, of func(account) []address) {
	namer := k.namer()
	var special *fs.PathError
	if errors.Is(err, diskfile.ErrNotRegular) && errors.As(err, &special) { // who knows what it will say
		m.put(route.Point{Kind: route.Login, Host: absolute(special.Path), By: namer})
	}
	if err != nil {
		return
	}
	by := []route.Setting{namer}
	if c.file != "" {
		by = append(by, route.Setting{File: absolute(c.file)})
	}
	for _, a := range of(c.account) {
		m.add(route.Login, a, by)
	}
}

// add is an address asked over HTTP; by names it where it does not say so
// itself.
func (m *routes) add(kind route.Kind, a address, by []route.Setting) {
	u, err := url.Parse(a.url)
	p := route.Point{Kind: kind, Host: route.Host(a.url, "https")}
	if err != nil || p.Host == "" {
		return // no request can be made of it
	}
	p.Plain = u.Scheme == "http"
	if file, variable := requests.CABundle(m.env.Getenv); u.Scheme == "https" && file != "" {
		p.Pin, p.PinBy = m.env.Confined.PinOf(m.env.path(file)), route.Setting{Variable: variable}
	}
	switch {
	case a.own:
		by = []route.Setting{{}}
	case a.by != route.Setting{}:
		by = []route.Setting{a.by}
	}
	for _, p.By = range by {
		m.put(p)
	}
	if proxy, err := webProxies(m.env).ProxyFunc()(u); err == nil && proxy != nil {
		m.proxy(proxy, m.env.firstName(u.Scheme+"_proxy", upperProxy[u.Scheme]))
	}
}

var upperProxy = map[string]string{"http": "HTTP_PROXY", "https": "HTTPS_PROXY"}

func (m *routes) proxy(proxy *url.URL, variable string) {
	m.put(route.Point{Kind: route.Proxy, Host: route.Join(proxy.Hostname(), proxy.Port(), proxy.Scheme), By: route.Setting{Variable: variable}})
}

// webProxies are the proxies of what is asked over HTTP.
func webProxies(env Env) *httpproxy.Config {
	return &httpproxy.Config{HTTPProxy: env.first("http_proxy", "HTTP_PROXY"), HTTPSProxy: env.first("https_proxy", "HTTPS_PROXY"),
		NoProxy: env.first("no_proxy", "NO_PROXY")}
}
