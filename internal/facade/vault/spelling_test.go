package vault_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/store/azurestore"
	"github.com/airlock-secrets/airlock/store/cachestore"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

// denied is the value behind prod_key, which the client of limited may not
// have.
const denied = "CANARY-of-prod-key"

// openBao is a source over a real server that has prod_key and open_key.
func openBao(t *testing.T) airlock.Source {
	server := baotest.Start(t)
	for name, value := range map[string]string{"prod_key": denied, "open_key": "open"} {
		server.MustDo(t, "POST", "/v1/secret/data/variables/"+name, map[string]any{"data": map[string]any{"value": value, denied: 1}})
	}
	s, err := vaultstore.New(vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.Token{Token: server.Token}})
	if err != nil {
		t.Fatal(err)
	}
	return airlock.Source{Layer: airlock.LayerBackend, Class: "a.VaultBackend", Store: s, Dialect: dialect.DefaultVault()}
}

// keyVault is a source over an Azure that has them too.
func keyVault(t *testing.T) airlock.Source {
	server := azurefake.Start(t)
	server.Set("airflow-variables-prod-key", denied)
	server.Set("airflow-variables-open-key", "open")
	env := map[string]string{"AZURE_AUTHORITY_HOST": server.URL + "/adfs", "REQUESTS_CA_BUNDLE": server.CA}
	s := azurestore.New(azurestore.Options{VaultURL: server.URL + "/", TenantID: server.Tenant, ClientID: server.ClientID,
		ClientSecret: server.ClientSecret, AnyChallengeResource: true,
		Env: azurestore.Env{Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}})
	return airlock.Source{Layer: airlock.LayerBackend, Class: "a.AzureKeyVaultBackend", Store: s, Dialect: dialect.DefaultAzure()}
}

// limited is a client that is denied prod_* and allowed all the rest.
func (r *rig) limited(t *testing.T) string {
	t.Helper()
	creds, err := r.clients.Create(context.Background(), client.Spec{Name: "limited", Rules: []acl.Rule{
		{Actions: acl.Actions()}, {Deny: true, IDs: []string{"prod_*"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return creds.Token
}

// ways are the requests that say something of the secret at path.
func ways(path string) []exchange {
	return []exchange{
		get("secret/data/variables/" + path), get("secret/data/variables/" + path + "?version=1"), get("kv/variables/" + path),
		get("secret/subkeys/variables/" + path), get("secret/metadata/variables/" + path), list("secret/metadata/variables/" + path),
		put("secret/data/variables/"+path, `{"data":{"value":"new"}}`), put("kv/variables/"+path, `{"value":"new"}`),
		patch("secret/data/variables/"+path, `{"data":{"value":"new"}}`), patch("secret/metadata/variables/"+path, `{"max_versions":3}`),
		post("secret/metadata/variables/"+path, `{"max_versions":3}`), del("secret/data/variables/" + path),
		post("secret/delete/variables/"+path, `{"versions":[1]}`), post("secret/undelete/variables/"+path, `{"versions":[1]}`),
		post("secret/destroy/variables/"+path, `{"versions":[1]}`), del("secret/metadata/variables/" + path), del("kv/variables/" + path),
	}
}

func TestNoSpellingLeadsAroundARule(t *testing.T) {
	everywhere := []string{"prod_key", "%70rod_key", "prod%5Fkey", "prod_key/", "prod_key%2F", "%2Fprod_key", "/prod_key", "%2e/prod_key", "%2E/prod_key",
		"./prod_key", "%2e%2Fprod_key", "x/%2e%2e/prod_key", "x/../prod_key", "prod_key/%2e", "%2e%2e/variables/prod_key", "..%2Fvariables%2Fprod_key",
		"%252e/prod_key", "%252e%252e/prod_key", "%252Fprod_key", "prod%255Fkey", "PROD_KEY", "prod-key", "Prod-Key", "prod%2Dkey", "PROD%5fKEY", "%50rod-key/"}
	for name, source := range map[string]func(*testing.T) airlock.Source{"OpenBao": openBao, "Key Vault": keyVault} {
		t.Run(name, func(t *testing.T) {
			plain := source(t)
			cached := plain
			cached.Store = cachestore.New(plain.Store, cachestore.Options{TTL: time.Hour})
			t.Cleanup(func() { _ = plain.Store.Close() })
			for how, s := range map[string]airlock.Source{"asked": plain, "cached": cached} {
				r := newRig(t, nil, s)
				token := r.limited(t)
				if status, body := r.ask(t, "GET", "secret/data/variables/prod_key", ""); status != http.StatusOK || !strings.Contains(body, denied) {
					t.Fatalf("%s: who may read it gets %d", how, status)
				}
				for _, path := range everywhere {
					for _, e := range ways(path) {
						answer := e.send(t, r.url, token)
						if strings.Contains(string(answer.body), denied) {
							t.Errorf("%s: %s %s gave it away", how, e.method, e.path)
						}
						if answer.status == http.StatusOK && (e.method == "GET" || e.method == "LIST") {
							t.Errorf("%s: %s %s: %d", how, e.method, e.path, answer.status)
						}
					}
				}
				if status, body := r.ask(t, "GET", "secret/data/variables/prod_key", ""); status != http.StatusOK || !strings.Contains(body, denied) {
					t.Errorf("%s: it was changed: %d", how, status)
				}
			}
		})
	}
}

func TestSpellingsOfADeniedNameAreAnsweredAsItIs(t *testing.T) {
	for _, c := range []struct {
		source func(*testing.T) airlock.Source
		status map[string]int
		line   string // of open_key
	}{
		{openBao, map[string]int{"prod_key": 403, "prod_key/": 403, "%2Fprod_key": 403, "%2e/prod_key": 400, "%2e%2e/prod_key": 400, "prod_key/%2E": 400,
			"./prod_key": 307, "//prod_key": 307, "PROD_KEY": 404, "%252e/prod_key": 404}, `"name":"open_key","outcome":"found"`},
		{keyVault, map[string]int{"prod_key": 403, "prod-key": 403, "PROD-key": 403, "%50rod_key": 403, "%2e/prod-key": 400},
			`"name":"open-key","typed":"open_key","outcome":"found"`},
	} {
		source := c.source(t)
		r := newRig(t, nil, source)
		token := r.limited(t)
		for path, want := range c.status {
			if got := get("secret/data/variables/"+path).send(t, r.url, token).status; got != want {
				t.Errorf("%s: %s: %d, want %d", source.Class, path, got, want)
			}
			ask := post("sys/capabilities-self", `{"paths":["secret/data/variables/`+strings.NewReplacer("%2e", ".", "%2E", ".", "%2F", "/", "%50", "P").Replace(path)+`"]}`)
			if body := string(ask.send(t, r.url, token).body); want < 404 && want != 307 && !strings.Contains(body, `"capabilities":["deny"]`) {
				t.Errorf("%s: %s: %s", source.Class, path, body)
			}
		}
		if status := get("secret/data/variables/open_key").send(t, r.url, token).status; status != http.StatusOK {
			t.Errorf("%s: open_key: %d", source.Class, status)
		}
		if !strings.Contains(r.audit.String(), c.line) {
			t.Errorf("%s: no line has %s", source.Class, c.line)
		}
		listed := string(list("secret/metadata/variables").send(t, r.url, token).body)
		if strings.Contains(listed, "prod") || !strings.Contains(listed, "open") {
			t.Errorf("%s: the list is %s", source.Class, listed)
		}
		_ = source.Store.Close()
	}
}
