package ssmstore_test

import (
	"testing"

	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/mototest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/ssmstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

// misses are the answers that moto gives, and those that others give for it.
func misses(at string) map[string]func(*testing.T) (store.Store, string) {
	return map[string]func(*testing.T) (store.Store, string){
		"`ParameterNotFound`": func(*testing.T) (store.Store, string) { return nil, "never" },
		"`ResourceNotFoundException` to the log-in (STS)": func(t *testing.T) (store.Store, string) {
			sts := mototest.Answer(t, 400, "text/xml", "<ErrorResponse><Error><Type>Sender</Type>"+
				"<Code>ResourceNotFoundException</Code><Message>no</Message></Error></ErrorResponse>")
			return ssmstore.New(ssmstore.Options{Conn: awsconn.Options{Endpoint: at, STSEndpoint: sts, Region: "us-east-1",
				AccessKeyID: "AK", SecretAccessKey: "SK", Role: awsconn.Role{ARN: "arn:aws:iam::1:role/r", Method: "assume_role"}}}), "x"
		},
		storetest.Ingress: func(t *testing.T) (store.Store, string) {
			return open(mototest.Answer(t, 404, "text/html", "<html><body>default backend - 404</body></html>")), "x"
		},
		storetest.Foreign: func(t *testing.T) (store.Store, string) {
			return open(mototest.Answer(t, 404, "application/json", `{"message": "no Route matched with those values"}`)), "x"
		},
	}
}
