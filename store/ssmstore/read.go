package ssmstore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
	if err := s.check("get", name); err != nil {
		return nil, err
	}
	var out *ssm.GetParameterOutput
	err := s.run(ctx, "get", name, func(ctx context.Context, c *ssm.Client) (err error) {
		out, err = c.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		if err == nil && (out.Parameter == nil || out.Parameter.Value == nil) {
			err = &store.Error{Code: store.Corrupt, Err: errNoParameter, Hint: "is endpoint_url Parameter Store?"}
		}
		return err
	})
	if err != nil {
		if store.CodeOf(err) == store.NotFound {
			s.log.DebugContext(ctx, "no such parameter", "store", s.label, "name", store.Clip(name))
		}
		return nil, err
	}
	p := out.Parameter
	return &store.Secret{Payload: []byte(*p.Value), Form: store.Text, Version: p.Version, Time: timeOf(p.LastModifiedDate)}, nil
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// check refuses names that cannot even be sent. Which others the service
// takes is for it to say.
func (s *Store) check(op, name string) error {
	switch {
	case name == "":
		return s.fail(op, name, &store.Error{Code: store.Invalid, Err: errors.New("a name must not be empty")})
	case !utf8.ValidString(name):
		return s.fail(op, name, &store.Error{Code: store.Invalid, Err: errors.New("the name is not UTF-8")})
	}
	return nil
}

// List implements store.Lister by DescribeParameters, which decrypts nothing.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	in := &ssm.DescribeParametersInput{MaxResults: aws.Int32(50)}
	if prefix != "" {
		in.ParameterFilters = []types.ParameterStringFilter{{Key: aws.String("Name"), Option: aws.String("BeginsWith"), Values: []string{prefix}}}
	}
	names := []string{}
	err := s.run(ctx, "list", prefix, func(ctx context.Context, c *ssm.Client) error {
		pages := ssm.NewDescribeParametersPaginator(c, in, func(o *ssm.DescribeParametersPaginatorOptions) { o.StopOnDuplicateToken = true })
		for pages.HasMorePages() {
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
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Check implements store.Checker: it lists a single name.
func (s *Store) Check(ctx context.Context) error {
	return s.run(ctx, "check", "", func(ctx context.Context, c *ssm.Client) error {
		_, err := c.DescribeParameters(ctx, &ssm.DescribeParametersInput{MaxResults: aws.Int32(1)})
		return err
	})
}
