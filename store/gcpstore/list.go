package gcpstore

import (
	"context"
	"slices"
	"strings"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

const (
	// listers is how many requests of one List are under way at a time.
	listers = 8
	// listPage is how many secrets one request asks for.
	listPage = 1000
)

// List implements store.Lister. Google lists secrets, also those without a
// version that can be read: so each name costs a request more. A name whose
// versions may not be looked at is taken to be readable.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	err := s.run(ctx, "list", prefix, func(ctx context.Context, parent string) error {
		all, err := s.names(ctx, parent, prefix)
		if err != nil {
			return err
		}
		names, err = s.readable(ctx, parent, all)
		return err
	})
	slices.Sort(names)
	return names, err
}

// names lists the ids of a project's secrets, page by page.
func (s *Store) names(ctx context.Context, parent, prefix string) ([]string, error) {
	var names []string
	for token := ""; ; {
		res, err := s.page(ctx, parent, token, listPage)
		if err != nil {
			return nil, err
		}
		for _, secret := range res.GetSecrets() {
			// The service names the project by its number.
			_, id, _ := strings.Cut(secret.GetName(), "/secrets/")
			if strings.HasPrefix(id, prefix) && id != "" {
				names = append(names, id)
			}
		}
		if token = res.GetNextPageToken(); token == "" {
			return names, nil
		}
	}
}

func (s *Store) page(ctx context.Context, parent, token string, size int32) (res *secretmanagerpb.ListSecretsResponse, err error) {
	req := &secretmanagerpb.ListSecretsRequest{Parent: parent, PageSize: size, PageToken: token}
	err = s.read(ctx, parent, func(ctx context.Context, c secretmanagerpb.SecretManagerServiceClient, o ...grpc.CallOption) (err error) {
		res, err = c.ListSecrets(ctx, req, o...)
		return err
	})
	return res, err
}

// readable keeps the names whose latest version is enabled.
func (s *Store) readable(ctx context.Context, parent string, names []string) ([]string, error) {
	keep := make([]bool, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listers)
	for i, name := range names {
		group.Go(func() (err error) {
			keep[i], err = s.enabled(ctx, parent+"/secrets/"+name+"/versions/latest")
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var out []string
	for i, name := range names {
		if keep[i] {
			out = append(out, name)
		}
	}
	return out, nil
}

func (s *Store) enabled(ctx context.Context, resource string) (bool, error) {
	var res *secretmanagerpb.SecretVersion
	err := s.read(ctx, resource, func(ctx context.Context, c secretmanagerpb.SecretManagerServiceClient, o ...grpc.CallOption) (err error) {
		res, err = c.GetSecretVersion(ctx, &secretmanagerpb.GetSecretVersionRequest{Name: resource}, o...)
		return err
	})
	switch {
	case isCode(err, codes.NotFound): // no version, or gone meanwhile
		return false, nil
	case isCode(err, codes.PermissionDenied):
		return true, nil
	case err != nil:
		return false, err
	}
	return res.GetState() == secretmanagerpb.SecretVersion_ENABLED, nil
}

// Check implements store.Checker: the credentials are good and the service
// answers for the project. A caller who may read but not list is well.
func (s *Store) Check(ctx context.Context) error {
	return s.run(ctx, "check", "", func(ctx context.Context, parent string) error {
		_, err := s.page(ctx, parent, "", 1)
		if denied := isCode(err, codes.PermissionDenied); denied && !disabledAPI(err) {
			return nil
		}
		return err
	})
}

// disabledAPI tells the refusal of a project that never switched the service
// on from that of a caller without a permission.
func disabledAPI(err error) bool {
	return strings.Contains(err.Error(), "has not been used in project") || strings.Contains(err.Error(), "it is disabled")
}
