package setup_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/setup"
	"github.com/airlock-secrets/airlock/store"
)

// TestApplyShowsNoEcho: a service that repeats the administrator's credentials
// in its refusal has them shown nowhere.
func TestApplyShowsNoEcho(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := r.Header.Get("X-Vault-Token") + r.Header.Get("X-Amz-Security-Token")
		words := "\x1b[31m" + sent + " " + base64.StdEncoding.EncodeToString([]byte(sent))
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{words}})
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>%s</Message></Error></ErrorResponse>", words[5:])
	}))
	defer server.Close()
	for service, tt := range map[string]struct {
		answers setup.Answers
		environ map[string]string
	}{
		"vault": {setup.Answers{"url": server.URL}, map[string]string{"VAULT_TOKEN": "CANARY-token"}},
		"ssm": {setup.Answers{"principal": "role/airflow", "region-name": "us-east-1"}, map[string]string{"AWS_ACCESS_KEY_ID": "AKID",
			"AWS_SECRET_ACCESS_KEY": "CANARY-key", "AWS_SESSION_TOKEN": "CANARY-session", "AWS_ENDPOINT_URL": server.URL}},
	} {
		err := plan(t, service, tt.answers).Apply(t.Context(), admin(t, tt.environ))
		if store.CodeOf(err) != store.Denied || !strings.Contains(err.Error(), "***") {
			t.Errorf("%s: code %s, want %s with what the service says", service, store.CodeOf(err), store.Denied)
		}
		if text := err.Error() + store.Hint(err); strings.Contains(text, "CANARY") || strings.Contains(text, "Q0FOQVJZ") || strings.Contains(text, "\x1b") {
			t.Errorf("%s: the error shows a credential", service)
		}
	}
}
