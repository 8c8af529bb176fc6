package ssmstore

import (
	"context"
	"strings"

	"github.com/airlock-secrets/airlock/store"
)

// Calls implements store.Prober.
func (s *Store) Calls(ask store.Ask, names ...string) []store.Call {
	return s.client.Calls("GetParameter", "DescribeParameters", ask, names)
}

// Probe implements store.Prober.
func (s *Store) Probe(ctx context.Context, names []string) ([]store.Symptom, error) {
	return nil, s.client.Probe(ctx, names, s.Check)
}

// Explain implements store.Prober.
func (s *Store) Explain(ctx context.Context, name string, err error) *store.Symptom {
	return s.client.Explain(ctx, name, err, "ssm:GetParameter", func(partition, region, account string) string {
		return "arn:" + partition + ":ssm:" + region + ":" + account + ":parameter/" + strings.TrimPrefix(name, "/")
	})
}

// Peek implements store.Prober: the first page.
func (s *Store) Peek(ctx context.Context, prefix string) ([]string, error) {
	return s.names(ctx, prefix, 1)
}
