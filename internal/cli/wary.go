package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/settings"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// routes are the variables that decide where requests to Vault go, or whom
// they trust on the way.
var routes = []string{"VAULT_CACERT", "VAULT_CAPATH", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}

// noHome is where HOME points for those who get none.
const noHome = "/nonexistent"

// wary returns the environment for asking the stores of a folder that somebody
// else may have written, and which file it is wary of, "" for none. Vault's
// client sends VAULT_TOKEN, or what ~/.vault-token holds, to whatever address
// it is given, and signs in with other credentials below HOME: where the
// address is one of the folder's own, and not the server that VAULT_ADDR of
// the process names, they are left out.
func (a *app) wary(ctx context.Context) (environ []string, of string, err error) {
	quiet := *a
	quiet.Stderr, quiet.bar = io.Discard, nil
	s, err := quiet.load(ctx)
	if err != nil {
		return nil, "", err
	}
	list, err := quiet.backendsToAsk(ctx, s)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		if of = a.foreignVault(s, &list[i]); of != "" {
			break
		}
	}
	if of == "" {
		return a.Environ, "", nil
	}
	environ = slices.DeleteFunc(slices.Clone(a.Environ), func(pair string) bool {
		return strings.HasPrefix(pair, "VAULT_TOKEN=") || strings.HasPrefix(pair, "HOME=")
	})
	if _, _, ok := s.Lookup("AIRFLOW_HOME"); !ok { // Airflow itself stays where it is
		environ = append(environ, "AIRFLOW_HOME="+filepath.Join(s.Home(), "airflow"))
	}
	return append(environ, "HOME="+noHome), of, nil
}

// backendsToAsk are those of airlock.yaml, or those of Airflow's settings.
func (a *app) backendsToAsk(ctx context.Context, s *settings.Settings) ([]settings.Backend, error) {
	f, err := a.configured(ctx)
	if err != nil || hasSources(f) {
		return a.backendsOf(f), err
	}
	var list []settings.Backend
	for _, reading := range []airflow.Reading{airflow.SDK, airflow.ORM} {
		b, err := s.Backend(ctx, reading)
		if err != nil {
			return nil, fmt.Errorf("reading the settings: %w", err)
		}
		if b != nil {
			list = append(list, *b)
		}
	}
	return list, nil
}

// detours are kwargs of Vault's client by which a request can pass through
// somebody else's hands.
var detours = []string{"proxies", "verify", "session", "adapter"}

// foreignVault says which file of the folder decides where a Vault is; "" where
// the process does, or where it names the same server.
func (a *app) foreignVault(s *settings.Settings, b *settings.Backend) string {
	found, err := stores.Known().Find(b.Class)
	if err != nil || found.Row.Service != "vault" {
		return ""
	}
	for _, name := range routes {
		if _, at, ok := s.Lookup(name); ok && s.OfFolder(at) {
			return at.String()
		}
	}
	for _, name := range detours {
		if _, ok := b.Kwargs.Get(name); ok && s.OfFolder(b.KwargsOrigin) {
			return b.KwargsOrigin.String()
		}
	}
	at, address := b.KwargsOrigin, ""
	if v, _ := b.Kwargs.Get("url"); pyjson.Truthy(v) {
		address, _ = v.(string)
		for _, o := range b.Overrides {
			if strings.HasSuffix(o.Name, "__URL") {
				at = o
			}
		}
	} else if address, at, _ = s.Lookup("VAULT_ADDR"); address == "" {
		return ""
	}
	if !s.OfFolder(at) || sameServer(address, a.getenv("VAULT_ADDR")) {
		return ""
	}
	return at.String()
}

func sameServer(x, y string) bool {
	u, err := url.Parse(x)
	v, err2 := url.Parse(y)
	return cmp.Or(err, err2) == nil && u.Host != "" && u.User == nil && strings.EqualFold(u.Scheme, v.Scheme) && strings.EqualFold(u.Host, v.Host)
}
