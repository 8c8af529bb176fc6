package azurestore_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/storetest"
)

// misses are the answers of the fake, and of what stands before it.
func misses(s *azurefake.Server) map[string]func(*testing.T) (store.Store, string) {
	fault := func(path, contentType, body string) func(*testing.T) (store.Store, string) {
		return func(t *testing.T) (store.Store, string) {
			s.Fault(func(w http.ResponseWriter, r *http.Request) bool {
				if path != "" && !strings.HasPrefix(r.URL.Path, path) || path == "" && strings.HasPrefix(r.URL.Path, "/secrets") {
					return false
				}
				w.Header().Set("Content-Type", contentType)
				w.WriteHeader(http.StatusNotFound)
				_, _ = io.WriteString(w, body)
				return true
			})
			t.Cleanup(func() { s.Fault(nil) })
			return open(t, options(s)), "x"
		}
	}
	return map[string]func(*testing.T) (store.Store, string){
		"404 `SecretNotFound`, also of a deleted secret":       func(*testing.T) (store.Store, string) { return nil, "never" },
		"404 with another code of Azure's":                     fault("/secrets/", "application/json", `{"error": {"code": "VaultNotFound", "message": "no"}}`),
		"403 `SecretDisabled`: the latest version is disabled": func(*testing.T) (store.Store, string) { s.Set("off", "v"); s.Disable("off"); return nil, "off" },
		storetest.Ingress:   fault("/secrets/", "text/html", "<html><body>default backend - 404</body></html>"),
		storetest.Foreign:   fault("/secrets/", "application/json", `{"message": "no Route matched with those values"}`),
		"404 to the log-in": fault("", "application/json", `{"error": {"code": "SecretNotFound", "message": "no"}}`),
	}
}
