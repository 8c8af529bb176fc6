package ssmstore

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/airlock-secrets/airlock/store"
)

// errNoParameter is an answer without a parameter, which ends Airflow's
// look-up with a KeyError.
var errNoParameter = errors.New("the answer holds no parameter")

// Get implements store.Store: GetParameter with decryption. A name may carry
// a version or a label after a colon, as the service has it.
func (s *Store) Get(ctx context.Context, name string) (*store.Secret, error) {
	var out *ssm.GetParameterOutput
	err := s.client.Get(ctx, name, "parameter", func(ctx context.Context, c *ssm.Client) (err error) {
		out, err = c.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		if err == nil && (out.Parameter == nil || out.Parameter.Value == nil) {
			err = &store.Error{Code: store.Corrupt, Err: errNoParameter, Hint: "is endpoint_url Parameter Store?"}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	p := out.Parameter
	return &store.Secret{Payload: []byte(*p.Value), Form: store.Text, Version: p.Version, Time: aws.ToTime(p.LastModifiedDate)}, nil
}

// List implements store.Lister by DescribeParameters, which decrypts nothing.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	names, err := s.names(ctx, prefix, math.MaxInt)
	slices.Sort(names)
	return slices.Compact(names), err
}

// names are those of so many pages, as the service has them; not nil unless
// there is an error.
func (s *Store) names(ctx context.Context, prefix string, most int) ([]string, error) {
	in := &ssm.DescribeParametersInput{MaxResults: aws.Int32(50)}
	if prefix != "" {
		in.ParameterFilters = []types.ParameterStringFilter{{Key: aws.String("Name"), Option: aws.String("BeginsWith"), Values: []string{prefix}}}
	}
	names := []string{}
	err := s.client.Run(ctx, "list", prefix, func(ctx context.Context, c *ssm.Client) error {
		pages := ssm.NewDescribeParametersPaginator(c, in, func(o *ssm.DescribeParametersPaginatorOptions) { o.StopOnDuplicateToken = true })
		for n := 0; n < most && pages.HasMorePages(); n++ {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, p := range page.Parameters {
				if name := aws.ToString(p.Name); strings.HasPrefix(name, prefix) {
					names = append(names, name)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return names, nil
}

// Check implements store.Checker: it lists a single name.
func (s *Store) Check(ctx context.Context) error {
	return s.client.Run(ctx, "check", "", func(ctx context.Context, c *ssm.Client) error {
		_, err := c.DescribeParameters(ctx, &ssm.DescribeParametersInput{MaxResults: aws.Int32(1)})
		return err
	})
}
