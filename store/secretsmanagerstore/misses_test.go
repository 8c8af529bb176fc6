package secretsmanagerstore_test

import (
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/mototest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/secretsmanagerstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

// misses are the answers that moto gives, and those that it does not.
func misses(server *mototest.Server) map[string]func(*testing.T) (store.Store, string) {
	refusing := func(status int, code string) func(*testing.T) (store.Store, string) {
		return func(t *testing.T) (store.Store, string) {
			o := awsconn.Options{Endpoint: mototest.Refuse(t, status, code), Region: "us-east-1", AccessKeyID: "AK", SecretAccessKey: "SK",
				Delay: func(int, bool) time.Duration { return 0 }}
			return secretsmanagerstore.New(secretsmanagerstore.Options{Conn: o}), "x"
		}
	}
	return map[string]func(*testing.T) (store.Store, string){
		"`ResourceNotFoundException`": func(*testing.T) (store.Store, string) { return nil, "never" },
		"`InvalidRequestException` of a secret that is marked for deletion": func(t *testing.T) (store.Store, string) {
			server.MustCall(t, "secretsmanager.CreateSecret", map[string]any{"Name": "deleted", "SecretString": "v", "ClientRequestToken": "00000000-0000-0000-0000-000000000001"})
			server.MustCall(t, "secretsmanager.DeleteSecret", map[string]any{"SecretId": "deleted"})
			return nil, "deleted"
		},
		"any other `InvalidRequestException`": refusing(400, "InvalidRequestException"),
		"`InvalidParameterException`":         refusing(400, "InvalidParameterException"),
		"`DecryptionFailure`":                 refusing(400, "DecryptionFailure"),
		"`InternalServiceError`":              refusing(500, "InternalServiceError"),
		storetest.Ingress: func(t *testing.T) (store.Store, string) {
			return open(mototest.Answer(t, 404, "text/html", "<html><body>default backend - 404</body></html>")), "x"
		},
		storetest.Foreign: func(t *testing.T) (store.Store, string) {
			return open(mototest.Answer(t, 404, "application/json", `{"message": "no Route matched with those values"}`)), "x"
		},
	}
}
