package ssmstore

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

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
			calls = append(calls, store.Call{Method: "DescribeParameters", Name: "one name"})
		}
	case store.AskGet:
		for _, name := range names {
			calls = append(calls, store.Call{Method: "GetParameter", Name: name})
		}
	case store.AskExplain:
		calls = s.conn.IdentityCalls()
	case store.AskPeek:
		for _, prefix := range names {
			calls = append(calls, store.Call{Method: "DescribeParameters", Name: prefix + "*"})
		}
	}
	return calls
}

// Probe implements store.Prober. A caller who may read but not describe is
// well; where names are asked for, reading them shows all there is to see.
func (s *Store) Probe(ctx context.Context, names []string) ([]store.Symptom, error) {
	if len(names) > 0 {
		return nil, s.run(ctx, "check", "", func(context.Context, *ssm.Client) error { return nil })
	}
	err := s.Check(ctx)
	if store.CodeOf(err) == store.Denied {
		return nil, nil
	}
	return nil, err
}

// Explain implements store.Prober.
func (s *Store) Explain(ctx context.Context, name string, err error) *store.Symptom {
	g := s.conn.Grant(ctx, err, "ssm:GetParameter", func(partition, region, account string) string {
		return "arn:" + partition + ":ssm:" + region + ":" + account + ":parameter/" + strings.TrimPrefix(name, "/")
	})
	if g == nil {
		return nil
	}
	return g.Symptom(name)
}

// Peek implements store.Prober: the first page.
func (s *Store) Peek(ctx context.Context, prefix string) ([]string, error) {
	in := &ssm.DescribeParametersInput{MaxResults: aws.Int32(50)}
	if prefix != "" {
		in.ParameterFilters = []types.ParameterStringFilter{{Key: aws.String("Name"), Option: aws.String("BeginsWith"), Values: []string{prefix}}}
	}
	var names []string
	err := s.run(ctx, "list", prefix, func(ctx context.Context, c *ssm.Client) error {
		page, err := c.DescribeParameters(ctx, in)
		if err != nil {
			return err
		}
		for _, p := range page.Parameters {
			names = append(names, aws.ToString(p.Name))
		}
		return nil
	})
	return names, err
}
