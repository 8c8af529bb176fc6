package secretsmanagerstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// Calls implements store.Prober.
func (s *Store) Calls(ask store.Ask, names ...string) []store.Call {
	return s.client.Calls("GetSecretValue", "ListSecrets", ask, names)
}

// Probe implements store.Prober.
func (s *Store) Probe(ctx context.Context, names []string) ([]store.Symptom, error) {
	return nil, s.client.Probe(ctx, names, s.Check)
}

// Explain implements store.Prober.
func (s *Store) Explain(ctx context.Context, name string, err error) *store.Symptom {
	var refusal *awsconn.Refusal
	if errors.As(err, &refusal) && strings.Contains(refusal.Message, "staging label") {
		return &store.Symptom{Topic: store.TopicNoVersion, Name: name,
			Text: fmt.Sprintf("the secret %q is there, but no version of it has the label AWSCURRENT", excerpt.Name(name)),
			Fix:  "aws secretsmanager put-secret-value --secret-id " + name + " --secret-string file://VALUE"}
	}
	if store.CodeOf(err) == store.NotFound && strings.Contains(err.Error(), "marked for deletion") {
		return &store.Symptom{Topic: store.TopicNoVersion, Name: name, Text: fmt.Sprintf("the secret %q is marked for deletion", excerpt.Name(name)),
			Fix: "aws secretsmanager restore-secret --secret-id " + name}
	}
	return s.client.Explain(ctx, name, err, "secretsmanager:GetSecretValue", func(partition, region, account string) string {
		return "arn:" + partition + ":secretsmanager:" + region + ":" + account + ":secret:" + name + "-??????"
	})
}

// Peek implements store.Prober: the first page.
func (s *Store) Peek(ctx context.Context, prefix string) ([]string, error) {
	return s.names(ctx, prefix, 1)
}
