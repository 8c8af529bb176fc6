package gcpstore_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/storetest"
)

// misses are the answers of the fake, and of what stands in its place.
func misses(f *gcpfake.Server, keyfile map[string]any) map[string]func(*testing.T) (store.Store, string) {
	return map[string]func(*testing.T) (store.Store, string){
		"gRPC `NotFound`, of the secret or of its version": func(*testing.T) (store.Store, string) {
			f.Create("p", "empty")
			return nil, "empty"
		},
		"gRPC `PermissionDenied`, also of a project that does not exist": func(*testing.T) (store.Store, string) {
			f.Deny("p", "denied")
			return nil, "denied"
		},
		"gRPC `InvalidArgument`": func(*testing.T) (store.Store, string) { return nil, "no such name!" },
		"gRPC `FailedPrecondition`: the latest version is disabled or destroyed": func(*testing.T) (store.Store, string) {
			f.Put("p", "off", []byte("v"))
			f.Disable("p", "off")
			return nil, "off"
		},
		storetest.Ingress: func(t *testing.T) (store.Store, string) {
			at := gcpfake.StartHandler(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(http.StatusNotFound)
				_, _ = io.WriteString(w, "<html><body>default backend - 404</body></html>")
			}))
			with := map[string]any{}
			for k, v := range keyfile {
				with[k] = v
			}
			with["universe_domain"] = at.Universe
			return open(t, leadingTo(at), map[string]any{"gcp_keyfile_dict": with}), "x"
		},
	}
}
