package gcpstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/internal/vectors"
)

// FuzzCredentials reads any text as a file of Google's credentials: it is
// refused by an error of Python's, or is credentials that show nothing when
// they are printed.
func FuzzCredentials(f *testing.F) {
	for _, text := range vectors.Texts(f, vectors.LookupPaths) {
		if strings.Contains(text, "gcp_") || strings.Contains(text, "client_email") {
			f.Add(text)
		}
	}
	const source = `{"type": "authorized_user", "client_id": "i", "client_secret": "CANARY", "refresh_token": "CANARY", "scopes": "a b", "quota_project_id": "q"}`
	for _, text := range []string{
		source, `{"type": "service_account", "client_email": "a@b", "token_uri": "https://x", "private_key": "-----BEGIN PRIVATE KEY-----\nQ0FOQVJZ\n-----END PRIVATE KEY-----\n"}`,
		`{"type": "external_account", "audience": "a", "subject_token_type": "t", "token_url": "https://sts.googleapis.com/v1/token", "client_secret": "CANARY",` +
			`"credential_source": {"file": "CANARY", "format": {"type": "json", "subject_token_field_name": "x"}}, "service_account_impersonation": {"token_lifetime_seconds": 1}}`,
		`{"type": "external_account", "audience": "a", "subject_token_type": "` + awsToken + `", "token_url": "u", "credential_source": {"environment_id": "aws1",` +
			`"regional_cred_verification_url": "u"}}`,
		`{"type": "external_account", "audience": 1, "subject_token_type": [], "token_url": {}, "credential_source": {"executable": {"command": "CANARY"}}}`,
		`{"type": "external_account_authorized_user", "audience": "a", "refresh_token": "CANARY", "token_url": "u", "token_info_url": "u", "client_id": "i", "client_secret": "CANARY"}`,
		`{"type": "impersonated_service_account", "service_account_impersonation_url": "https://x/v1/a@b:generateAccessToken", "delegates": ["d", 1], "source_credentials": ` + source + `}`,
		`{"type": "impersonated_service_account", "service_account_impersonation_url": "", "source_credentials": ` + strings.Repeat(`{"source_credentials":`, 50) + "1" + strings.Repeat("}", 51),
		`{"type": "gdch_service_account"}`, `{"type": null}`, `[]`, `NaN`, "\xff", ``, `{"type": "authorized_user", "scopes": [1, "\ud800"], "refresh_token": "", "client_id": [], "client_secret": {}}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := fromConfigText(Env{}, "File x.json", text, program.Word{}, nil)
		if err != nil {
			var raised *airflow.Error
			if !errors.As(err, &raised) || c != nil {
				t.Errorf("%q: %v is no error of Python's", text, err)
			}
			if strings.Contains(err.Error(), "CANARY") {
				t.Errorf("an error has a piece of the file: %v", err)
			}
			return
		}
		if c.account == nil {
			t.Fatalf("%q has no account", text)
		}
		if shown := fmt.Sprintf("%v %+v %#v %s %v", c, c, c, c.account, *c); strings.Contains(shown, "CANARY") {
			t.Errorf("credentials are printed as %s", shown)
		}
	})
}
