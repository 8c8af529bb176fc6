package azurestore

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/airlock-secrets/airlock/store"
)

// maxPages bounds a list: 25 names to a page, more than a vault is good for.
const maxPages = 20_000

// List implements store.Lister. The vault lists page by page, everything it
// has; disabled secrets, which cannot be read, are left out.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	const op = "list"
	names, more, err := s.names(ctx, prefix, maxPages, readableName)
	switch {
	case err != nil:
		return nil, s.fail(op, prefix, err)
	case more:
		return nil, s.fail(op, prefix, &store.Error{Code: store.Corrupt, Err: errors.New("the list has no end")})
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// names are those that nameOf finds on so many pages, and whether there
// may be more.
func (s *Store) names(ctx context.Context, prefix string, most int, nameOf func(*azsecrets.SecretProperties) (string, bool)) (names []string, more bool, err error) {
	client, err := s.ready(ctx)
	if err != nil {
		return nil, false, err
	}
	pager := client.NewListSecretPropertiesPager(nil)
	for range most {
		if !pager.More() {
			return names, false, nil
		}
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, false, err
		}
		for _, p := range page.Value {
			if name, ok := nameOf(p); ok && strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	return names, true, nil
}

// readableName is the last part of a listed id, which may be anything.
func readableName(p *azsecrets.SecretProperties) (string, bool) {
	if p == nil || p.ID == nil {
		return "", false
	}
	if a := p.Attributes; a != nil && a.Enabled != nil && !*a.Enabled {
		return "", false
	}
	_, name, ok := strings.Cut(string(*p.ID), "/secrets/")
	return name, ok && name != "" && !strings.Contains(name, "/")
}

// Check implements store.Checker: the log-in works and the vault answers.
// Whether the identity may list is of no concern.
func (s *Store) Check(ctx context.Context) error {
	const op = "check"
	client, err := s.ready(ctx)
	if err != nil {
		return s.fail(op, "", err)
	}
	_, err = client.NewListSecretPropertiesPager(nil).NextPage(ctx)
	if err = s.fail(op, "", err); store.CodeOf(err) == store.Denied {
		return nil
	}
	return err
}
