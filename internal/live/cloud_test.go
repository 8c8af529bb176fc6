package live_test

import (
	"net/http"
	"testing"

	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
)

func TestGCP(t *testing.T) {
	f := gcpfake.New()
	at := gcpfake.Start(t, f)
	keyfile, public := gcpfake.Account(t, "p", "")
	keyfile["universe_domain"] = at.Universe
	f.Trust = &gcpfake.Trust{Keys: gcpfake.Keys{keyfile["client_email"].(string): public}}
	f.Put("p", "airflow-variables-good", []byte(canary))
	f.Put("p", "airflow-connections-good", []byte("postgres://me:"+canary+"@db/schema"))
	f.Put("p", "airflow-connections-misplaced", []byte(canary))
	f.Put("p", "airflow-variables-my-key", []byte(canary))
	f.Create("p", "airflow-variables-new")
	f.Put("p", "airflow-variables-off", []byte(canary))
	f.Disable("p", "airflow-variables-off")
	f.Put("p", "airflow-variables-closed", []byte(canary))
	f.Deny("p", "airflow-variables-closed")
	env := []string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN=" + at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=" + at.CAFile, "NO_GCE_CHECK=true"}
	for _, tt := range []struct {
		name  string
		wants []string
		found []string
	}{
		{"all is well", []string{"variable:good", "connection:good"}, nil},
		{"nothing is asked for", nil, nil},
		{"no version", []string{"variable:new"}, []string{"live-no-version error 1|gcloud secrets versions add airflow-variables-new --project=p"}},
		{"disabled", []string{"variable:off"}, []string{"live-no-version error 1|gcloud secrets versions enable VERSION --secret=airflow-variables-off"}},
		{"denied", []string{"variable:closed"}, []string{"live-permission error 1|gcloud secrets add-iam-policy-binding airflow-variables-closed --project=p " +
			"--member=serviceAccount:airflow@p.iam.gserviceaccount.com --role=roles/secretmanager.secretAccessor"}},
		{"another kind's prefix", []string{"variable:misplaced"}, []string{"live-misnamed error 1|airflow-connections-misplaced"}},
		{"dashes for underscores", []string{"variable:my_key"}, []string{"live-misnamed error 1|airflow-variables-my-key"}},
		{"nobody has it", []string{"variable:nothing"}, []string{"live-missing warning 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t, gcpClass, map[string]any{"gcp_keyfile_dict": keyfile}, env, tt.wants...)
			f.Calls()
			expect(t, run(t, o), tt.found...)
			sameCalls(t, o, f.Calls())
		})
	}
	t.Run("an account that may write", func(t *testing.T) {
		f.Permissions = []string{"secretmanager.versions.access", "secretmanager.versions.add", "secretmanager.secrets.delete"}
		o := options(t, gcpClass, map[string]any{"gcp_keyfile_dict": keyfile}, env, "variable:good")
		expect(t, run(t, o), "live-grant-too-wide warning 0|secretmanager.versions.add, secretmanager.secrets.delete on projects/p/secrets/airflow-variables-good")
	})
	t.Run("another account", func(t *testing.T) {
		f.Trust = &gcpfake.Trust{}
		o := options(t, gcpClass, map[string]any{"gcp_keyfile_dict": keyfile}, env, "variable:good")
		expect(t, run(t, o), "live-login error 0|gcp_keyfile_dict", "live-skipped note 0")
	})
}

func TestAzure(t *testing.T) {
	f := azurefake.Start(t)
	f.Set("airflow-variables-good", canary)
	f.Set("airflow-connections-good", "postgres://me:"+canary+"@db/schema")
	f.Set("airflow-connections-misplaced", canary)
	f.Set("airflow-variables-off", canary)
	f.Disable("airflow-variables-off")
	f.Set("airflow-variables-closed", canary)
	f.Deny("airflow-variables-closed")
	f.Set("airflow-variablesmykey", canary)
	env := []string{"AZURE_AUTHORITY_HOST=" + f.URL + "/adfs", "REQUESTS_CA_BUNDLE=" + f.CA}
	kwargs := map[string]any{"vault_url": f.URL, "tenant_id": f.Tenant, "client_id": f.ClientID, "client_secret": f.ClientSecret, "verify_challenge_resource": false}
	for _, tt := range []struct {
		name  string
		wants []string
		found []string
	}{
		{"all is well", []string{"variable:good", "connection:good"}, nil},
		{"nothing is asked for", nil, nil},
		{"disabled", []string{"variable:off"}, []string{"live-no-version error 1|az keyvault secret set-attributes --vault-name 127 --name airflow-variables-off --enabled true"}},
		{"denied", []string{"variable:closed"}, []string{"live-permission error 1|az role assignment create --role \"Key Vault Secrets User\" --assignee client --scope"}},
		{"another kind's prefix", []string{"variable:misplaced"}, []string{"live-misnamed error 1|airflow-connections-misplaced"}},
		{"without the separator", []string{"variable:my_key"}, []string{`live-misnamed error 1|airflow-variablesmykey|"sep": ""`}},
		{"nobody has it", []string{"variable:nothing"}, []string{"live-missing warning 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, run(t, options(t, azureClass, kwargs, env, tt.wants...)), tt.found...)
		})
	}
	t.Run("an access policy", func(t *testing.T) {
		f.Fault(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/secrets/airflow-variables-good" && r.URL.Path != "/secrets/airflow-variables-good/" || r.Header.Get("Authorization") == "" {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"error":{"code":"Forbidden","message":"The user, group or application 'appid=11111111-2222-3333-4444-555555555555;oid=99999999-8888-7777-6666-555555555555;iss=https://sts.windows.net/x/' does not have secrets get permission on key vault 'v;location=westeurope'.","innererror":{"code":"AccessDenied"}}}`))
			return true
		})
		defer f.Fault(nil)
		expect(t, run(t, options(t, azureClass, kwargs, env, "variable:good")),
			"live-permission error 1|az keyvault set-policy --name 127 --object-id 99999999-8888-7777-6666-555555555555 --secret-permissions get")
	})
	t.Run("a wrong client secret", func(t *testing.T) {
		kwargs["client_secret"] = canary
		expect(t, run(t, options(t, azureClass, kwargs, env, "variable:good")), "live-login error 0|client_secret is wrong", "live-skipped note 0")
	})
}
