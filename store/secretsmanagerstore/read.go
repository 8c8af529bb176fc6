package secretsmanagerstore

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/airlock-secrets/airlock/store"
)

// Get implements store.Store: GetSecretValue of the current version. One
// without text or bytes is binary and empty.
func (s *Store) Get(ctx context.Context, name string) (*store.Secret, error) {
	var out *secretsmanager.GetSecretValueOutput
	err := s.client.Get(ctx, name, "secret", func(ctx context.Context, c *secretsmanager.Client) (err error) {
		out, err = c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
		return deleted(err)
	})
	if err != nil {
		return nil, err
	}
	secret := &store.Secret{Form: store.Binary, Payload: out.SecretBinary, VersionID: aws.ToString(out.VersionId), Time: aws.ToTime(out.CreatedDate)}
	if out.SecretString != nil {
		secret.Form, secret.Payload = store.Text, []byte(*out.SecretString)
	}
	return secret, nil
}

// deleted gives the refusal to read what is scheduled for deletion the code of
// what is not there; the service's own name of it stays. The service has no field for it: the
// exception holds nothing but a message.
func deleted(err error) error {
	var refused *types.InvalidRequestException
	if !errors.As(err, &refused) || !strings.Contains(refused.ErrorMessage(), "marked for deletion") && !strings.Contains(refused.ErrorMessage(), "marked deleted") {
		return err
	}
	return &store.Error{Code: store.NotFound, Absent: true, ServiceCode: refused.ErrorCode(), Err: errors.New("the secret is marked for deletion"),
		Hint: "aws secretsmanager restore-secret brings it back until its recovery window ends"}
}

// List implements store.Lister by ListSecrets, which leaves out what is
// marked for deletion.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	names, err := s.names(ctx, prefix, math.MaxInt)
	slices.Sort(names)
	return slices.Compact(names), err
}

// names are those of so many pages, as the service has them; not nil unless
// there is an error.
func (s *Store) names(ctx context.Context, prefix string, most int) ([]string, error) {
	in := &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(100)}
	if prefix != "" {
		in.Filters = []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{prefix}}}
	}
	names := []string{}
	err := s.client.Run(ctx, "list", prefix, func(ctx context.Context, c *secretsmanager.Client) error {
		pages := secretsmanager.NewListSecretsPaginator(c, in, func(o *secretsmanager.ListSecretsPaginatorOptions) { o.StopOnDuplicateToken = true })
		for n := 0; n < most && pages.HasMorePages(); n++ {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, entry := range page.SecretList {
				if name := aws.ToString(entry.Name); strings.HasPrefix(name, prefix) && entry.DeletedDate == nil {
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
	return s.client.Run(ctx, "check", "", func(ctx context.Context, c *secretsmanager.Client) error {
		_, err := c.ListSecrets(ctx, &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(1)})
		return err
	})
}
