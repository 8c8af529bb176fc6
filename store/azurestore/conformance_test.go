package azurestore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/azurestore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

// env is an environment of name=value pairs.
func env(pairs ...string) azurestore.Env {
	return azurestore.Env{Getenv: func(name string) (string, bool) {
		for _, pair := range pairs {
			if value, ok := strings.CutPrefix(pair, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}}
}

// options log in to a fake with its client secret.
func options(s *azurefake.Server) azurestore.Options {
	return azurestore.Options{
		VaultURL: s.URL + "/", TenantID: s.Tenant, ClientID: s.ClientID, ClientSecret: s.ClientSecret, AnyChallengeResource: true,
		RetryDelay: time.Millisecond, Env: env("AZURE_AUTHORITY_HOST="+s.URL+"/adfs", "REQUESTS_CA_BUNDLE="+s.CA),
	}
}

func open(t *testing.T, o azurestore.Options) *azurestore.Store {
	t.Helper()
	s := azurestore.New(o)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		s := azurefake.Start(t)
		s.PageSize = 3
		return storetest.Harness{
			Store:   open(t, options(s)),
			Service: "Azure Key Vault", Answers: misses(s), Dialect: dialect.DefaultAzure(),
			Seed: func(t *testing.T, name string, secret *store.Secret) {
				t.Helper()
				s.Set(name, string(secret.Payload))
			},
			Reopen: func(t *testing.T) store.Store { return open(t, options(s)) },
			Limits: storetest.Limits{
				NoVersions: true, NoConditions: true, NoAttributes: true, NoNumbers: true, CaseBlind: true, Forms: []store.Form{store.Text},
				MaxName: 127, MaxPayload: azurestore.MaxValue, Holds: dialect.AzureHolds,
			},
		}
	})
}
