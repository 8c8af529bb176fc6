package secretsmanagerstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/store"
)

var _ store.Prober = (*Store)(nil)

// Calls implements store.Prober.
func (s *Store) Calls(ask store.Ask, names ...string) []store.Call {
	var calls []store.Call
	switch ask {
	case store.AskService:
		calls = s.conn.LoginCalls()
		if len(names) == 0 {
			calls = append(calls, store.Call{Method: "ListSecrets", Name: "one name"})
		}
	case store.AskGet:
		for _, name := range names {
			calls = append(calls, store.Call{Method: "GetSecretValue", Name: name})
		}
	case store.AskExplain:
		calls = s.conn.IdentityCalls()
	case store.AskPeek:
		for _, prefix := range names {
			calls = append(calls, store.Call{Method: "ListSecrets", Name: prefix + "*"})
		}
	}
	return calls
}

// Probe implements store.Prober. A caller who may read but not list is well;
// where names are asked for, reading them shows all there is to see.
func (s *Store) Probe(ctx context.Context, names []string) ([]store.Symptom, error) {
	if len(names) > 0 {
		return nil, s.run(ctx, "check", "", func(context.Context, *secretsmanager.Client) error { return nil })
	}
	err := s.Check(ctx)
	if store.CodeOf(err) == store.Denied {
		return nil, nil
	}
	return nil, err
}

// Explain implements store.Prober.
func (s *Store) Explain(ctx context.Context, name string, err error) *store.Symptom {
	var refusal *awsconn.Refusal
	if errors.As(err, &refusal) && strings.Contains(refusal.Message, "staging label") {
		return &store.Symptom{Topic: store.TopicNoVersion, Name: name,
			Text: fmt.Sprintf("the secret %q is there, but no version of it has the label AWSCURRENT", store.Clip(name)),
			Fix:  "aws secretsmanager put-secret-value --secret-id " + name + " --secret-string file://VALUE"}
	}
	if store.CodeOf(err) == store.NotFound && strings.Contains(err.Error(), "marked for deletion") {
		return &store.Symptom{Topic: store.TopicNoVersion, Name: name, Text: fmt.Sprintf("the secret %q is marked for deletion", store.Clip(name)),
			Fix: "aws secretsmanager restore-secret --secret-id " + name}
	}
	g := s.conn.Grant(ctx, err, "secretsmanager:GetSecretValue", func(partition, region, account string) string {
		return "arn:" + partition + ":secretsmanager:" + region + ":" + account + ":secret:" + name + "-??????"
	})
	if g == nil {
		return nil
	}
	return g.Symptom(name)
}

// Peek implements store.Prober: the first page.
func (s *Store) Peek(ctx context.Context, prefix string) ([]string, error) {
	in := &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(100)}
	if prefix != "" {
		in.Filters = []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{prefix}}}
	}
	var names []string
	err := s.run(ctx, "list", prefix, func(ctx context.Context, c *secretsmanager.Client) error {
		page, err := c.ListSecrets(ctx, in)
		if err != nil {
			return err
		}
		for _, entry := range page.SecretList {
			if name := aws.ToString(entry.Name); strings.HasPrefix(name, prefix) && entry.DeletedDate == nil {
				names = append(names, name)
			}
		}
		return nil
	})
	return names, err
}
