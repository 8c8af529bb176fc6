package ssmstore_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/mototest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/ssmstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

func open(url string) *ssmstore.Store {
	return ssmstore.New(ssmstore.Options{Conn: awsconn.Options{Endpoint: url, Region: "us-east-1", AccessKeyID: "AK", SecretAccessKey: "SK"}})
}

func TestConformance(t *testing.T) {
	server := mototest.Start(t)
	valid := regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		server.Reset(t)
		return storetest.Harness{
			Store:   open(server.URL),
			Service: "AWS Parameter Store", Answers: misses(server.URL), Dialect: dialect.DefaultSSM(),
			Reopen: func(*testing.T) store.Store { return open(server.URL) },
			Limits: storetest.Limits{
				NoVersions: true, NoAttributes: true, NewOnly: true, NamesUnchecked: true, NoEmpty: true, Forms: []store.Form{store.Text}, MaxName: 1011, MaxPayload: 4096,
				Holds: func(name string) bool {
					return valid.MatchString(name) && !strings.Contains(name, "//") && !strings.HasPrefix(strings.ToLower(strings.Trim(name, "/")), "aws") && !strings.HasPrefix(strings.ToLower(strings.Trim(name, "/")), "ssm")
				},
			},
		}
	})
}
