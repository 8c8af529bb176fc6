package secretsmanagerstore_test

import (
	"regexp"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/mototest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/secretsmanagerstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

func open(url string) *secretsmanagerstore.Store {
	return secretsmanagerstore.New(secretsmanagerstore.Options{Conn: awsconn.Options{Endpoint: url, Region: "us-east-1", AccessKeyID: "AK", SecretAccessKey: "SK"}})
}

func TestConformance(t *testing.T) {
	server := mototest.Start(t)
	valid := regexp.MustCompile(`^[a-zA-Z0-9_.\-/+=@!]+$`)
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		server.Reset(t)
		return storetest.Harness{
			Store:   open(server.URL),
			Service: "AWS Secrets Manager", Answers: misses(server), Dialect: dialect.DefaultSecretsManager(),
			Reopen: func(*testing.T) store.Store { return open(server.URL) },
			Limits: storetest.Limits{
				NoVersions: true, NoAttributes: true, NewOnly: true, NamesUnchecked: true, NoEmpty: true, NoNumbers: true, Forms: []store.Form{store.Text, store.Binary},
				MaxName: 512, MaxPayload: 65536, Holds: valid.MatchString,
			},
		}
	})
}
