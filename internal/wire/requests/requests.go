// Package requests has what Python's requests library takes from the
// environment for every connection it opens: whom to trust and which proxy to
// use. Drivers whose Python counterpart speaks through requests share it.
package requests

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
)

// Getenv looks a variable up, as os.LookupEnv does.
type Getenv func(name string) (string, bool)

func (g Getenv) get(name string) string {
	if g == nil {
		return ""
	}
	v, _ := g(name)
	return v
}

// CABundle is the file or folder of CA certificates that the environment
// names, and the variable that does; both empty where none does
// (Session.merge_environment_settings).
func CABundle(getenv Getenv) (path, variable string) {
	for _, name := range []string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
		if path := getenv.get(name); path != "" {
			return path, name
		}
	}
	return "", ""
}

// Files reads the files that settings name; *route.Confinement is one.
type Files interface {
	Stat(path string) (fs.FileInfo, error)
	// ReadFile fails for a file of more than limit bytes.
	ReadFile(path string, limit int64) ([]byte, error)
}

// largestPEM bounds what is read of a file of certificates.
const largestPEM = 4 << 20

// Authorities reads a PEM file of CA certificates, or a folder of such files.
func Authorities(from Files, path string) (*x509.CertPool, error) {
	files := []string{path}
	info, err := from.Stat(path)
	if err != nil {
		if _, why := from.ReadFile(path, largestPEM); why != nil && !errors.Is(why, fs.ErrNotExist) {
			return nil, why // it is there, and must not be read
		}
		return nil, err
	}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*")); err != nil {
			return nil, err
		}
	}
	pool, found := x509.NewCertPool(), false
	for _, file := range files {
		pem, err := from.ReadFile(file, largestPEM)
		if err != nil {
			return nil, err
		}
		found = pool.AppendCertsFromPEM(pem) || found
	}
	if !found {
		return nil, errors.New("there is no certificate in it")
	}
	return pool, nil
}

// ErrProxy is a proxy setting that is not a URL.
var ErrProxy = errors.New("a proxy setting is not a URL")

// Proxy chooses the proxy of a request (select_proxy): given, key by key
// ("https://HOST", "https", "all://HOST", "all"), wins over the environment,
// which NO_PROXY keeps out for a host. A nil getenv is an empty environment.
func Proxy(getenv Getenv, given map[string]string) func(*http.Request) (*url.URL, error) {
	return func(req *http.Request) (*url.URL, error) {
		bypass := bypasses(getenv, req.URL)
		host := req.URL.Hostname()
		for _, key := range []string{req.URL.Scheme + "://" + host, req.URL.Scheme, "all://" + host, "all"} {
			proxy, ok := given[key]
			if !ok && !bypass && !strings.Contains(key, ":") {
				proxy = fromEnvironment(getenv, key)
			}
			if proxy != "" {
				return parseProxy(proxy)
			}
		}
		return nil, nil
	}
}

// fromEnvironment is one entry of urllib's getproxies_environment.
func fromEnvironment(getenv Getenv, key string) string {
	return getenv.get(ProxyVariable(getenv, key))
}

// ProxyVariable is the variable that names the proxy for a scheme, or for
// "all"; "" where none does. The name in lower case wins, also where it is
// empty.
func ProxyVariable(getenv Getenv, scheme string) string {
	if getenv == nil {
		return ""
	}
	if v, ok := getenv(scheme + "_proxy"); ok {
		if v == "" {
			return ""
		}
		return scheme + "_proxy"
	}
	if _, cgi := getenv("REQUEST_METHOD"); cgi && scheme == "http" {
		return "" // a CGI client could set HTTP_PROXY by a header
	}
	if name := strings.ToUpper(scheme) + "_PROXY"; getenv.get(name) != "" {
		return name
	}
	return ""
}

func parseProxy(proxy string) (*url.URL, error) {
	if !strings.Contains(proxy, "://") {
		proxy = "http://" + proxy
	}
	u, err := url.Parse(proxy)
	if err != nil || u.Host == "" {
		return nil, ErrProxy // the text may hold a password
	}
	return u, nil
}

// bypasses is should_bypass_proxies.
func bypasses(getenv Getenv, u *url.URL) bool {
	list := getenv.get("no_proxy")
	if list == "" {
		list = getenv.get("NO_PROXY")
	}
	host := u.Hostname()
	withPort := host // without brackets, as Python writes it
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
