package azurestore

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/internal/wire/requests"
)

// lacking is the name of what a store has that has no credentials.
const lacking = "an Azure login"

// Route lists where the requests of a store with these kwargs go: the vault,
// where tokens are had, and the proxies in front of them. Nil kwargs are none.
// It asks nobody, and reads no file but of CA certificates. What az, azd and
// pwsh ask is theirs.
func Route(kwargs *pyjson.Object, env Env) []route.Point {
	o, ok := usable(kwargs, env)
	if !ok {
		return nil
	}
	m := routes{options: &o}
	vault := hop{kind: route.Service, url: o.base(), by: route.Setting{Kwarg: "vault_url"}, tls: o.TLS, env: !o.NoEnvProxies, proxies: o.Proxies}
	m.add(vault)
	if authority, err := authority(env); err == nil {
		m.logins(authority)
	}
	return m.points
}

// Lacks is "an Azure login" where neither kwargs nor env hold credentials that
// need nothing of the machine, else "". It asks nobody.
func Lacks(kwargs *pyjson.Object, env Env) string {
	o, ok := usable(kwargs, env)
	if !ok || o.credentialClass() == "ClientSecretCredential" {
		return ""
	}
	classes, known := chainOf(wantedCredentials(env))
	if !known {
		return "" // the store says what is wrong
	}
	if slices.Contains(classes, "EnvironmentCredential") {
		switch proof := environmentProof(env); proof {
		case "AZURE_CLIENT_SECRET", "AZURE_PASSWORD":
			return ""
		case "AZURE_CLIENT_CERTIFICATE_PATH":
			return env.lacksFile(env.get(proof))
		}
	}
	client, tenant, _ := o.identity()
	if slices.Contains(classes, "WorkloadIdentityCredential") && client != "" && tenant != "" && env.get("AZURE_FEDERATED_TOKEN_FILE") != "" {
		return env.lacksFile(env.get("AZURE_FEDERATED_TOKEN_FILE"))
	}
	return lacking
}

// lacksFile is lacking where a confined store may not read the file. One that
// is not there is a failure of its own.
func (e Env) lacksFile(path string) string {
	f, err := e.Confined.Open(e.path(path))
	if withheld(err) {
		return lacking
	}
	if err == nil {
		_ = f.Close()
	}
	return ""
}

// withheld reports whether a confined driver was refused what it wanted.
func withheld(err error) bool { return errors.Is(err, route.ErrWithheld) }

// usable reads kwargs; false where no request is ever made with them.
func usable(kwargs *pyjson.Object, env Env) (Options, bool) {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	o, _, broken := optionsOf(kwargs, env)
	return o, broken == nil && o.address() != ""
}

// hop is one address as the store asks it.
type hop struct {
	kind route.Kind
	url  string
	by   route.Setting
	tls  TLS
	// env says that proxies and CA files of the environment count.
	env     bool
	proxies map[string]string
}

// routes collects points.
type routes struct {
	options *Options
	points  []route.Point
}

func (m *routes) put(p route.Point) {
	if !slices.Contains(m.points, p) {
		m.points = append(m.points, p)
	}
}

func (m *routes) add(h hop) {
	u, err := url.Parse(h.url)
	p := route.Point{Kind: h.kind, Host: route.Host(h.url, "https"), By: h.by}
	if err != nil || p.Host == "" {
		return // no request can be made of it
	}
	if p.Plain = u.Scheme == "http"; !p.Plain {
		p.Pin, p.PinBy = m.pin(h)
	}
	m.put(p)
	getenv := m.options.routeEnv(h.env)
	proxy, err := requests.Proxy(getenv, h.proxies)(&http.Request{URL: u})
	if err != nil || proxy == nil {
		return
	}
	through := route.Point{Kind: route.Proxy, Host: route.Join(proxy.Hostname(), proxy.Port(), proxy.Scheme)}
	for _, key := range []string{u.Scheme + "://" + u.Hostname(), u.Scheme, "all://" + u.Hostname(), "all"} {
		if h.proxies[key] != "" {
			through.By.Kwarg = "proxies"
			break
		}
		if through.By.Variable = requests.ProxyVariable(getenv, key); through.By.Variable != "" {
			break
		}
	}
	if proxy.Scheme == "https" {
		through.Pin, through.PinBy = m.pin(h)
	}
	m.put(through)
}

// pin is how certificates are checked.
func (m *routes) pin(h hop) (string, route.Setting) {
	if h.tls.Insecure {
		return route.NoVerify, route.Setting{Kwarg: "connection_verify"}
	}
	path, by := h.tls.CA, route.Setting{Kwarg: "connection_verify"}
	if path == "" {
		var variable string
		if path, variable = requests.CABundle(m.options.routeEnv(h.env)); path == "" {
			return "", route.Setting{}
		}
		by = route.Setting{Variable: variable}
	}
	env := m.options.Env
	return env.Confined.PinOf(env.path(path)), by
}

// logins are the services that give tokens.
func (m *routes) logins(authority string) {
	o := m.options
	if o.credentialClass() == "ClientSecretCredential" {
		m.authority(authority, o.TenantID)
		return
	}
	wanted := wantedCredentials(o.Env)
	classes, _ := chainOf(wanted)
	client, tenant, allowed := o.identity()
	if slices.Contains(classes, "EnvironmentCredential") && environmentProof(o.Env) != "" {
		m.authority(authority, o.Env.get("AZURE_TENANT_ID"))
	}
	if slices.Contains(classes, "WorkloadIdentityCredential") && client != "" && tenant != "" && o.Env.get("AZURE_FEDERATED_TOKEN_FILE") != "" {
		m.authority(authority, tenant)
	}
	if !slices.Contains(classes, "ManagedIdentityCredential") {
		return
	}
	identity, err := (&login{env: o.Env, authority: authority}).managedIdentity(client, tenant, allowed, wanted)
	if err != nil {
		return
	}
	switch identity := identity.(type) {
	case *identityEndpoint:
		m.add(hop{kind: route.Login, url: identity.url, by: route.Setting{Variable: identity.named}, env: true})
	case *tenantCredential:
		m.authority(authority, identity.tenant)
	}
}

// sovereign are login services that Microsoft's library asks about themselves;
// about any other it asks that of the public cloud.
var sovereign = []string{"login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.chinacloudapi.cn", "login.microsoftonline.de",
	"login.usgovcloudapi.net", "login.windows.net", "sts.windows.net", "login.microsoft.com"}

// authority is the login service of a tenant, and what Microsoft's library
// asks besides.
func (m *routes) authority(address, tenant string) {
	at := hop{kind: route.Login, url: address, env: true}
	if address != defaultAuthority {
		at.by = route.Setting{Variable: "AZURE_AUTHORITY_HOST"}
	}
	m.add(at)
	if (&login{authority: address}).federated(tenant) {
		return
	}
	u, err := url.Parse(address)
	if err != nil {
		return
	}
	if address != defaultAuthority && !slices.Contains(sovereign, strings.ToLower(u.Host)) {
		m.add(hop{kind: route.Login, url: defaultAuthority, env: true})
	}
	if region := m.options.Env.get(regionVariable); region != "" && !strings.EqualFold(region, "TryAutoDetect") {
		host := u.Host
		if address == defaultAuthority {
			host = "login.microsoft.com"
		}
		m.add(hop{kind: route.Login, url: "https://" + region + "." + host, by: route.Setting{Variable: regionVariable}, env: true})
	}
}

// regionVariable names the region whose login service is asked.
const regionVariable = "AZURE_REGIONAL_AUTHORITY_NAME"
